"""`python -m core fetch`: clone a public data set and say how to open it."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from core.cli.index import progress_line
from core.cli.validate import printable
from core.data.fetching import Fetched, fetch, sources
from core.progress import silent
from core.settings import HOME, Settings

NAME = "fetch"
HELP = "clone a public data set with git, check it, and say how to open it (needs a network)"
SECONDS = 900.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, from where, and into which folder."""
    known = sources()
    listed = "; ".join(f"{name}: {source.about}" for name, source in known.items())
    parser.add_argument("name", choices=tuple(known), help=listed)
    parser.add_argument("--from", dest="url", metavar="URL", help="a mirror: an https:// or file:// address")
    parser.add_argument("--to", type=Path, metavar="DIR", help="the new folder (default: data/NAME)")
    parser.add_argument("--timeout", type=float, default=SECONDS, metavar="SECONDS", help="for the clone")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Fetch, validate, print how to open it. Raises DataError."""
    source = sources()[args.name]
    if args.url is not None:
        source = replace(source, url=args.url)
    found = fetch(
        source,
        (args.to or HOME / "data" / source.name).resolve(),
        cache=Settings.from_environment().cache,
        timeout=args.timeout,
        progress=silent if args.json else progress_line(),
    )
    told = summary(found)
    print(json.dumps(told, indent=1, ensure_ascii=False) if args.json else _text(found))
    return 0


def summary(found: Fetched) -> dict[str, object]:
    """The result as JSON values."""
    return {
        "name": found.source.name,
        "url": found.source.url,
        "new": found.new,
        "data": str(found.dataset.root),
        "fingerprint": found.dataset.fingerprint,
        "usable": len(found.dataset),
        "quarantined": found.dataset.report.quarantined,
        "tasks": list(found.dataset.taxonomy.names),
    }


def _text(found: Fetched) -> str:
    data = found.dataset
    root = data.root.relative_to(HOME) if data.root.is_relative_to(HOME) else data.root
    came = "was fetched from" if found.new else "is here already, from"
    lines = [
        f"{found.source.name} {came} {found.source.url}",
        f"  {len(data)} of {data.report.rows} rows usable, {data.report.quarantined} left out;"
        f" tasks: {', '.join(data.taxonomy.names)}",
        f"  fingerprint: {data.fingerprint}",
        "Its photographs belong to their authors. Open it:",
        f"  make app DATA={root}",
    ]
    return "\n".join(printable(line) for line in lines)

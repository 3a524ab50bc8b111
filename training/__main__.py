"""`python -m training <command>`: quick, and whatever else lies in training/cli."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType

from core.errors import Cancelled, VitrineError
from training import cli

REFUSED = 2
"""Exit status for input that cannot be used."""
INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error is shown as title, cause and fix on stderr and gives exit status 2."""
    parser = argparse.ArgumentParser(prog="python -m training", description="Train networks.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for module in _commands():
        command = commands.add_parser(module.NAME, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (Cancelled, KeyboardInterrupt):
        print("Cancelled.", file=sys.stderr)
        return INTERRUPTED
    except VitrineError as error:
        print(f"error: {error.title}", *filter(None, (error.cause, error.fix)), sep="\n  ", file=sys.stderr)
        return REFUSED


def _commands() -> list[ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(cli.__path__))
    return [importlib.import_module(f"training.cli.{name}") for name in names]


if __name__ == "__main__":
    sys.exit(main())

"""``python -m training.studio plan|render|plant|contact-sheet``: from a seed to a labelled data set."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import VitrineError
from core.files import atomic_path
from training.studio import contact, labels, planting
from training.studio.labels import Row
from training.studio.plan import Photograph, make_plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(_COMMANDS[options.command](options))
    except VitrineError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.studio", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("plan", "write labels.csv for a plan, without pictures"),
        ("render", "photograph the plan (needs bpy); finished files are skipped"),
        ("plant", "put the known defects into a rendered data set"),
        ("contact-sheet", "lay the pictures of each class side by side"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--out", type=Path, required=True, help="folder of the data set")
        command.add_argument("--images", type=int, default=600)
        command.add_argument("--seed", type=int, default=1191, help="the default is data/demo's")
        command.add_argument("--per-instance", type=float, default=5.0, help="photographs of each instance")
        command.add_argument("--size", type=int, default=224, help="pixels of a side")
        command.add_argument("--samples", type=int, default=7, help="paths per pixel, before denoising")
        command.add_argument("--threads", type=int, default=2)
        command.add_argument(
            "--train-only", action="store_true", help="every image goes into the train split"
        )
        command.add_argument("--no-weak-slice", action="store_true", help="light large green things well too")
        command.add_argument("--part", default="1/1", help="k/n renders every n-th picture, for n processes")
        command.add_argument("--sheets", type=Path, help="folder of the contact sheets (default: --out)")
        command.add_argument("--columns", type=int, default=10, help="pictures in a row of a contact sheet")
        command.add_argument("--cell", type=int, default=112, help="pixels of a picture on a contact sheet")
    return parser


def _plan(options: argparse.Namespace) -> tuple[Photograph, ...]:
    return make_plan(options.images, options.seed, options.per_instance, weak_slice=not options.no_weak_slice)


def _write_plan(options: argparse.Namespace) -> int:
    labels.write(options.out / "labels.csv", _rows(options, _plan(options)))
    return 0


def _rows(options: argparse.Namespace, photographs: tuple[Photograph, ...]) -> list[Row]:
    rows = labels.rows(photographs)
    return [replace(row, split="train") for row in rows] if options.train_only else rows


def _render(options: argparse.Namespace) -> int:
    try:
        from training.studio import render
    except ImportError as error:
        raise VitrineError(
            "Blender's Python module is missing",
            cause=str(error),
            fix="pip install -r requirements-studio.txt (a separate environment will do)",
        ) from error
    from tqdm import tqdm

    part, parts = (int(number) for number in options.part.split("/"))
    photographs = _plan(options)
    if not (options.out / "labels.csv").is_file():
        labels.write(options.out / "labels.csv", _rows(options, photographs))
    with tqdm(unit="image") as bar:

        def show(done: int, total: int, note: str) -> None:
            bar.total = total
            bar.update(done - bar.n)

        render.render(
            photographs[part - 1 :: parts],
            options.out,
            size=options.size,
            samples=options.samples,
            threads=options.threads,
            progress=show,
        )
    return 0


def _plant(options: argparse.Namespace) -> int:
    planting.plant(_plan(options), options.out, options.seed)
    return 0


def _contact_sheet(options: argparse.Namespace) -> int:
    """A page of every class, one with a row per class, and one of what is planted."""
    folder = options.sheets or options.out
    shown: dict[str, list[Path]] = {}
    for photograph in _plan(options):
        shown.setdefault(photograph.instance.class_label, []).append(options.out / photograph.image_path)
    first = [path for _, paths in sorted(shown.items()) for path in paths[: options.columns]]
    pages = {"overview": first} | shown
    if (options.out / "planted.csv").is_file():
        pages["planted"] = contact.planted(options.out)
    for name, paths in pages.items():
        with atomic_path(folder / f"{name}.jpg") as path:
            contact.sheet(paths, options.columns, options.cell).save(path, "JPEG", quality=85)
    return 0


_COMMANDS = {"plan": _write_plan, "render": _render, "plant": _plant, "contact-sheet": _contact_sheet}

if __name__ == "__main__":
    raise SystemExit(main())

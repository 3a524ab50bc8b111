"""`vitrine.toml`: what a data set's owner says about it (docs/data-sets.md describes every setting)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from core.errors import DataError

FILE = "vitrine.toml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Names = Annotated[tuple[str, ...], Field(strict=False)]
Fraction = Annotated[float, Field(ge=0.0, le=0.45)]


class Columns(_Section):
    """`[columns]`: what the columns of the CSV file are called. Left out: the usual names are tried."""

    path: str | None = None
    label: str | None = None
    attributes: str | None = None
    split: str | None = None
    instance: str | None = None
    caption: str | None = None


class SplitNames(_Section):
    """`[splits]`: further spellings of the three splits; upper and lower case are alike."""

    train: Names = ("train", "training")
    val: Names = ("val", "valid", "validation", "dev")
    test: Names = ("test", "testing", "eval")


def _inside(folder: str) -> str:
    if folder.startswith("/") or "\\" in folder or ":" in folder or ".." in folder.split("/"):
        raise ValueError("a folder below the data set's own is meant, such as photos/2024")
    return folder


class MadeSplit(_Section):
    """`[split]`: the split that is made where the data set has none."""

    val: Fraction = 0.15
    test: Fraction = 0.10
    seed: int = 0


class Options(_Section):
    """All of `vitrine.toml`."""

    name: str | None = None
    csv: str | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    encoding: str | None = None
    images: Annotated[str, AfterValidator(_inside)] = ""
    primary: str | None = None
    tasks: Names | None = None
    metadata: Names = ()
    ignore: Names = ()
    missing: Names = ("", "unknown", "n/a", "na", "nan", "null", "?")
    class_folder: Literal["first", "last", "path"] = "first"
    max_pixels: Annotated[int, Field(ge=1)] = 64_000_000
    columns: Columns = Columns()
    splits: SplitNames = SplitNames()
    split: MadeSplit = MadeSplit()


def read_options(root: Path) -> Options:
    """Read `vitrine.toml` in `root`; the defaults where there is none.

    Raises DataError naming the line or the setting that is not acceptable.
    """
    path = root / FILE
    if not path.is_file():
        return Options()
    try:
        return Options.model_validate(tomllib.loads(path.read_text("utf-8-sig")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or FILE
        raise DataError(
            f"{FILE}: '{where}' is not acceptable",
            cause=f"{first['msg']}.",
            fix="docs/data-sets.md lists every setting with its type.",
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(
            f"{FILE} cannot be read", cause=f"{error}.", fix="Correct that line, or take the file out."
        ) from error

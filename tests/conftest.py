"""Data sets and settings that tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from core.data.placeholder import draw_placeholder
from core.settings import HOME, Settings
from tests.dashboard import at_home, chromium, place, server, tab  # noqa: F401 - fixtures
from tests.pictures import picture

SHARED = HOME.parent / "shared" / "data"


@pytest.fixture(scope="session")
def placeholder_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The placeholder data set, drawn once; not to be changed (copy it to damage it)."""
    return draw_placeholder(tmp_path_factory.mktemp("data") / "placeholder")


@pytest.fixture(scope="session")
def team13() -> Path:
    """600 photographs with attributes, splits and instances; read-only."""
    return _photographs("team13")


@pytest.fixture(scope="session")
def pool() -> Path:
    """2,305 photographs with a class only; read-only."""
    return _photographs("pool")


@pytest.fixture
def settings(tmp_path: Path, placeholder_root: Path) -> Settings:
    """The placeholder data set with an empty cache and no checkpoints."""
    return Settings(
        data=(placeholder_root,),
        cache=tmp_path / "cache",
        checkpoints=(tmp_path / "checkpoints",),
        read_only=False,
    )


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Path]:
    """`build(csv, images, toml)` writes a data set: a labels.csv, and one small picture per path."""

    def build(csv: str | bytes | None = None, images: Iterable[str] = (), toml: str | None = None) -> Path:
        root = tmp_path / "set"
        root.mkdir(exist_ok=True)
        if csv is not None:
            (root / "labels.csv").write_bytes(csv.encode() if isinstance(csv, str) else csv)
        if toml is not None:
            (root / "vitrine.toml").write_text(toml, "utf-8")
        for number, path in enumerate(images):
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture(number))
        return root

    return build


def _photographs(name: str) -> Path:
    root = SHARED / name
    if not (root / "labels.csv").is_file():
        pytest.skip(f"the {name} photographs are not beside the repository (../shared/data/{name})")
    return root

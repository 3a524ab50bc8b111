"""Where things lie, and what visitors may do: read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Folders and switches, from VITRINE_DATA, VITRINE_CACHE, VITRINE_CHECKPOINTS, VITRINE_READ_ONLY and
    VITRINE_SAVED."""

    data: tuple[Path, ...]
    """Folders of data sets, the first is the default; the variable separates several by `os.pathsep`."""
    cache: Path
    checkpoints: tuple[Path, ...]
    """Folders that hold one folder per checkpoint; new checkpoints go into the first."""
    read_only: bool = False
    saved: Path = HOME / "saved"
    """What people made in the dashboard, named slices and review marks: not to be built again."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read `environment` (default: the process's); relative paths start at the project."""
        env = os.environ if environment is None else environment
        return cls(
            data=_paths(env.get("VITRINE_DATA") or "data/demo"),
            cache=_paths(env.get("VITRINE_CACHE") or "cache")[0],
            checkpoints=_paths(env.get("VITRINE_CHECKPOINTS") or "checkpoints"),
            read_only=env.get("VITRINE_READ_ONLY", "").lower() in {"1", "true", "yes", "on"},
            saved=_paths(env.get("VITRINE_SAVED") or "saved")[0],
        )


def _paths(text: str) -> tuple[Path, ...]:
    return tuple((HOME / Path(part).expanduser()).resolve() for part in text.split(os.pathsep) if part)

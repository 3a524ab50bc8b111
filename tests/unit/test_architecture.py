"""House rules that a test can hold: direction of imports, size of modules, no silent handlers, no pickle."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
FORBIDDEN = {"core": {"streamlit", "training", "pages", "Home"}, "training": {"streamlit", "pages", "Home"}}


def modules(folder: str) -> list[Path]:
    return sorted((HOME / folder).rglob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("folder", sorted(FORBIDDEN))
def test_imports_point_one_way(folder: str) -> None:
    offenders = {
        str(path.relative_to(HOME)): sorted(found)
        for path in modules(folder)
        if (found := imported(ast.parse(path.read_text())) & FORBIDDEN[folder])
    }
    assert not offenders


def test_modules_stay_readable() -> None:
    lengths = {
        path: len(path.read_text().splitlines()) for part in ("core", "training") for path in modules(part)
    }
    assert {str(path): n for path, n in lengths.items() if n > 400} == {}
    assert statistics.median(n for n in lengths.values() if n > 5) <= 150


def test_pages_stay_thin() -> None:
    pages = [*sorted((HOME / "pages").glob("*.py")), HOME / "Home.py"]
    assert {p.name: n for p in pages if (n := len(p.read_text().splitlines())) > 160} == {}


@pytest.mark.parametrize("folder", ["core", "training", "pages"])
def test_no_handler_swallows_everything(folder: str) -> None:
    silent = [
        f"{path.relative_to(HOME)}:{node.lineno}"
        for path in modules(folder)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"})
        and all(isinstance(statement, ast.Pass) for statement in node.body)
    ]
    assert silent == []


@pytest.mark.parametrize("folder", ["core", "training", "pages"])
def test_no_pickle_is_imported(folder: str) -> None:
    users = [
        str(path.relative_to(HOME))
        for path in modules(folder)
        if imported(ast.parse(path.read_text())) & {"pickle", "joblib", "dill", "cloudpickle"}
    ]
    assert users == []

"""No path that a table may hold leads out of the data set's folder."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.paths import Refusal, locate
from core.data.scan import Scan, scan
from core.errors import DataError

PARTS = st.one_of(
    st.sampled_from(
        ["..", ".", "", "~", "in", "a.png", "out", "secret", "C:", "link", "\0", "..\\", "%2e%2e"]
    ),
    st.text(string.printable, max_size=4),
)
PATHS = st.builds(
    lambda parts, separator: separator.join(parts), st.lists(PARTS, max_size=6), st.sampled_from("/\\")
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """A root with two files, beside a secret that a link leads to."""
    base = tmp_path_factory.mktemp("paths")
    (base / "out").mkdir()
    (base / "out" / "secret").write_bytes(b"s")
    root = base / "root"
    (root / "in").mkdir(parents=True)
    (root / "a.png").write_bytes(b"a")
    (root / "in" / "a.png").write_bytes(b"b")
    (root / "link").symlink_to(base / "out")
    (root / "in" / "link").symlink_to(base / "out" / "secret")
    return scan(root)


@given(written=PATHS, folder=st.sampled_from(["", "in", "link"]))
def test_what_is_located_lies_in_the_root(found: Scan, written: str, folder: str) -> None:
    path = locate(written, found, folder)
    if not isinstance(path, Refusal):
        file = (found.root / path).resolve()
        assert file.is_relative_to(found.root) and file.is_file()


def test_links_that_leave_are_known_before_they_are_asked_for(found: Scan) -> None:
    assert found.escapes == {"link", "in/link"}
    assert set(found.files) == {"a.png", "in/a.png"}
    for written in ("link/secret", "in/link"):
        refusal = locate(written, found)
        assert isinstance(refusal, Refusal) and refusal.kind == "outside_root"


def test_a_file_in_a_hidden_folder_is_found_when_a_row_names_it(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.png").write_bytes(b"a")
    listed = scan(tmp_path)
    assert listed.files == {}
    assert locate(".hidden/a.png", listed) == ".hidden/a.png"


def test_a_file_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="There is no folder 'file'"):
        scan(tmp_path / "file")

"""Public data sets fetched from a repository on this machine: whole or not at all, nothing of it is run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from core.__main__ import FAILED, main
from core.data import cloning, open_dataset
from core.data.fetching import labels_folder, sources
from core.errors import Cancelled, DataError
from core.models import find_checkpoint
from core.models.checkpoint import write_card
from core.settings import Settings
from pages.ui.state import made_for
from tests.store_fakes import fake_checkpoint

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def commit(folder: Path) -> str:
    """Make `folder` a repository with everything in it; its address."""
    for argv in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "photographs"]):
        who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
        subprocess.run(["git", *who, *argv], cwd=folder, check=True)
    return folder.resolve().as_uri()


@pytest.fixture
def public(tmp_path: Path, placeholder_root: Path) -> str:
    """The placeholder data set, two folders down in a repository; its address."""
    root = tmp_path / "public"
    shutil.copytree(placeholder_root, root / "work" / "dataset")
    (root / "work" / "dataset" / "vitrine.toml").unlink()
    (root / "README.md").write_text("# photographs\n")
    (root / ".gitattributes").write_text("* filter=lfs diff=lfs merge=lfs -text\n")
    (root / "work" / "link").symlink_to("/etc")
    return commit(root)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fetched(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["fetch", "team13", *arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_a_clone_is_found_checked_and_named(
    public: str, cache: Path, tmp_path: Path, placeholder_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = fetched(capsys, "--from", public, "--to", str(tmp_path / "data"))
    truth = open_dataset(placeholder_root)
    assert told["new"] is True and told["url"] == public
    assert told["data"] == str(tmp_path / "data" / "work" / "dataset")
    assert told["fingerprint"] == truth.fingerprint
    assert (told["usable"], told["quarantined"]) == (len(truth), 0)
    assert not (tmp_path / "data" / "work" / "link").is_symlink()
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []
    depth = ["git", "-C", str(tmp_path / "data"), "rev-list", "--count", "HEAD"]
    assert subprocess.run(depth, capture_output=True, text=True, check=True).stdout.strip() == "1"


def test_the_command_says_how_to_open_it(
    public: str, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", "team13", "--from", public, "--to", str(tmp_path / "data")]) == 0
    assert f"make app DATA={tmp_path / 'data' / 'work' / 'dataset'}" in capsys.readouterr().out


def test_checkpoints_of_that_name_are_its_own(
    public: str, cache: Path, tmp_path: Path, placeholder_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make app` then opens them and trains none, though the fetched labels may differ from theirs."""
    told = fetched(capsys, "--from", public, "--to", str(tmp_path / "data"))
    dataset = open_dataset(Path(str(told["data"])))
    assert dataset.name == "team13"
    checkpoint = fake_checkpoint(open_dataset(placeholder_root))
    data = checkpoint.card.data.model_copy(update={"name": "team13", "fingerprint": "0"})
    card = checkpoint.card.model_copy(update={"data": data, "name": "team13-x"})
    write_card(tmp_path / "checkpoints" / "team13-x", card)
    settings = Settings(data=(dataset.root,), cache=cache, checkpoints=(tmp_path / "checkpoints",))
    assert made_for(dataset, find_checkpoint(settings, "team13-x"))


def test_a_second_time_it_is_found_there(
    public: str, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = fetched(capsys, "--from", public, "--to", str(tmp_path / "data"))
    assert fetched(capsys, "--from", public, "--to", str(tmp_path / "data")) == first | {"new": False}


def test_a_folder_of_something_else_is_left_alone(
    public: str, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("mine")
    assert main(["fetch", "team13", "--from", public, "--to", str(tmp_path / "data")]) == FAILED
    assert "is there already, and is not team13" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("address", ["ext::sh -c touch% /tmp/x", "--upload-pack=touch", "http://a/b", "a/b"])
def test_only_https_and_file_are_fetched(
    address: str, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", "team13", f"--from={address}", "--to", str(tmp_path / "data")]) == FAILED
    assert "is not fetched" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_cloned_leaves_nothing(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = (tmp_path / "nowhere").as_uri()
    assert main(["fetch", "team13", "--from", away, "--to", str(tmp_path / "data")]) == FAILED
    told = capsys.readouterr().err
    assert "could not be cloned" in told and "online" in told and "fatal: " in told
    assert [path.name for path in tmp_path.iterdir() if "data" in path.name] == []


def test_a_repository_without_labels_is_refused(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "README.md").write_text("moved\n")
    address = commit(tmp_path / "public")
    assert main(["fetch", "team13", "--from", address, "--to", str(tmp_path / "data")]) == FAILED
    assert "There is no labels.csv" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_pointers_instead_of_pictures_are_refused(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "public"
    root.mkdir()
    (root / "labels.csv").write_text("image_path,class_label\na.jpg,cup\n")
    (root / "a.jpg").write_text("version https://git-lfs.github.com/spec/v1\n")
    address = commit(root)
    assert main(["fetch", "team13", "--from", address, "--to", str(tmp_path / "data")]) == FAILED
    assert "No row" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_without_git_it_says_what_to_do(
    public: str,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["fetch", "team13", "--from", public, "--to", str(tmp_path / "data")]) == FAILED
    assert "git is not installed" in capsys.readouterr().err


def fake_git(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program called git first on the path."""
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def test_a_clone_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path, "sleep 600", monkeypatch)
    with pytest.raises(DataError, match="took longer"):
        cloning.clone("https://example.org/x", tmp_path / "x", timeout=0.2)


def test_a_clone_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path, "echo 'Receiving objects:  40% (2/5), 1 MiB' >&2; sleep 600", monkeypatch)
    seen: list[tuple[int, int, str]] = []

    def stop(done: int, total: int, note: str) -> None:
        seen.append((done, total, note))
        raise Cancelled()

    with pytest.raises(Cancelled):
        cloning.clone("https://example.org/x", tmp_path / "x", timeout=60, progress=stop)
    assert seen == [(2, 5, "receiving objects")]


def test_the_shallowest_labels_count(tmp_path: Path) -> None:
    for folder in ("a/b", "z", ".hidden"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "labels.csv").write_text("")
    assert labels_folder(tmp_path) == tmp_path / "z"


def test_every_source_has_an_https_address() -> None:
    assert all(source.url.startswith("https://") and source.about for source in sources().values())

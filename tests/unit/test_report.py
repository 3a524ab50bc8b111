"""The shareable report: its figures are the library's, its text is escaped, and it asks for nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import FAILED, main
from core.audit.kept import NEEDED, audit_file, newest_audit
from core.data import Dataset, open_dataset
from core.evaluation import Estimate, evaluate, undefined
from core.models import find_checkpoint
from core.report import Member, gather, render
from core.report.drawings import interval, widest
from core.settings import Settings
from core.store import FeatureStore, Predictions
from tests.dashboard import Place
from tests.store_fakes import fake_checkpoint
from tests.unit.evaluation_case import small_dataset

HOSTILE = '"><script>alert(1)</script>'
AUDIT = {
    "checkpoint": "judge",
    "label_issues": {"kind": [{"path": "0.jpg", "given": "a", "suggested": HOSTILE, "flagged": True}]},
    "learnability": {"kind": {"verdict": "learnable", "sentence": "kind can be learnt"}},
    "near_duplicates": [{"path": "1.jpg", "other": "2.jpg", "splits": ["train", "test"]}],
    "leaking_instances": [{"instance_id": "mug-7", "splits": ["train", "test"]}],
    "slices": [
        {"where": {"kind": "a"}, "n": 9, "accuracy": 0.5, "low": 0.2, "high": 0.8, "rest": 0.9, "q": 0.01}
    ],
    "slices_of": "kind",
    "outliers": [],
    "poor_images": [],
}


class Outline(HTMLParser):
    """Names of elements, and every address that one of them holds."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]


@pytest.fixture
def environment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)


def hostile() -> tuple[Dataset, Member]:
    """Twelve images whose labels and captions are markup, half of them mistaken."""
    labels = ("a", HOSTILE)
    values: list[str | None] = [labels[row % 2] for row in range(12)]
    dataset = replace(small_dataset({"kind": (labels, values)}, ["test"] * 12), name=HOSTILE)
    dataset.table["caption"] = HOSTILE
    logits = np.tile(np.array([[2.0, 0.0]], dtype=np.float32), (12, 1))
    checkpoint = fake_checkpoint(dataset)
    said = Predictions(
        dataset.fingerprint,
        checkpoint.hash,
        checkpoint.name,
        checkpoint.taxonomy,
        np.ones(12, dtype=bool),
        {"kind": logits},
    )
    return dataset, Member(checkpoint, said)


def test_the_command_writes_one_file_with_every_figure(
    environment: None, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    names = [word for name in ("synthetic-1", "synthetic-2") for word in ("--checkpoint", name)]
    assert main(["report", *names, "--split", "test", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    page = out.read_text("utf-8")
    assert told["bytes"] == out.stat().st_size < 3_000_000
    dataset = open_dataset(place.data, cache=place.cache)
    assert dataset.fingerprint in page
    settings, store = Settings.from_environment(), FeatureStore(place.cache)
    for name in ("synthetic-1", "synthetic-2"):
        checkpoint = find_checkpoint(settings, name)
        assert checkpoint.card.sha256 in page
        for head in evaluate(dataset, store.predictions(dataset, checkpoint), "test").heads:
            assert head.report.accuracy.text() in page
            assert all(row.f1.text() in page for row in head.report.rows)
    assert re.search(r"<blockquote><p>synthetic-\d", page)
    assert str(place.data) not in page and str(tmp_path) not in page


def test_nothing_in_it_is_asked_for_elsewhere(environment: None, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert main(["report", "--checkpoint", "synthetic-1", "--split", "all", "--out", str(out)]) == 0
    outline = Outline()
    outline.feed(out.read_text("utf-8"))
    assert not outline.names & {"script", "iframe", "object", "embed", "form", "base"}
    assert any(address.startswith("data:image/jpeg;base64,") for address in outline.addresses)
    assert all(address.startswith(("data:", "#")) for address in outline.addresses)
    assert "@import" not in out.read_text("utf-8") and "url(" not in out.read_text("utf-8")


def test_text_from_data_is_never_markup() -> None:
    dataset, member = hostile()
    page = render(gather(dataset, [member], "test", lambda shas: {}, audit=AUDIT), command=HOSTILE)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 20


def test_the_audit_is_summed_up_where_there_is_one() -> None:
    dataset, member = hostile()
    page = render(gather(dataset, [member], "all", lambda shas: {}, audit=AUDIT))
    assert "kind can be learnt" in page and "mug-7" in page and "Weak slices of kind" in page
    assert "Near-duplicates: 1, 1 of them across splits" in page
    assert "has not been run" in render(gather(dataset, [member], "all", lambda shas: {}))


def test_images_without_predictions_make_a_report_too() -> None:
    dataset, member = hostile()
    nothing = replace(
        member.predictions, present=np.zeros(12, dtype=bool), logits={"kind": np.full((12, 2), np.nan)}
    )
    page = render(gather(dataset, [Member(member.checkpoint, nothing)], "all", lambda shas: {}))
    assert "no prediction" in page and "No mistake" in page


def test_what_cannot_be_reported_writes_nothing(
    environment: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    assert main(["report", "--checkpoint", "synthetic-1", "--split", "none", "--out", str(out)]) == FAILED
    assert main(["report", "--checkpoint", "nobody", "--out", str(out)]) == FAILED
    assert "There is no checkpoint 'nobody'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_newest_whole_audit_counts(tmp_path: Path) -> None:
    dataset, _ = hostile()
    assert newest_audit(tmp_path, dataset) is None
    file = audit_file(tmp_path, dataset, "a" * 64)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(dict.fromkeys(NEEDED, {})))
    assert newest_audit(tmp_path, dataset) == dict.fromkeys(NEEDED, {})
    file.write_text(file.read_text()[:20])
    assert newest_audit(tmp_path, dataset) is None


def test_an_interval_is_drawn_to_scale() -> None:
    drawn = interval(Estimate(0.5, 0.25, 0.75, 9, None, "test"))
    assert 'x="25.0" y="3" width="50.0"' in drawn and "axis" not in drawn
    assert "axis" in interval(Estimate(0.1, -0.2, 0.4, 9, None, "test"), -0.5, 0.5)
    assert interval(undefined()) == ""
    assert widest([undefined(), Estimate(0.1, -0.2, 0.4, 9, None, "test")]) == 0.4

"""A real run from the page: launched, watched, cancelled, resumed, finished, and then in every selector."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.models.checkpoint import read_checkpoint
from core.settings import Settings
from tests.browser.waits import settled, until
from tests.dashboard import Place, serving
from training.jobs import LocalRunner, State

pytestmark = pytest.mark.browser
LONG = 240_000


@pytest.fixture
def own(placeholder_root: Path, tmp_path: Path) -> Place:
    return Place(placeholder_root, tmp_path / "cache", tmp_path / "checkpoints")


@pytest.fixture
def address(own: Place) -> Iterator[str]:
    with serving(own, OMP_NUM_THREADS="1") as found:
        yield found


def fill(tab: Any, label: str, value: str) -> None:
    field = tab.get_by_label(label, exact=True)
    field.fill(value)
    field.press("Tab")
    settled(tab)
    until(tab, lambda: field.input_value() == value, f"{label} keeps {value}")


def choose(tab: Any, label: str, option: str) -> None:
    field = tab.get_by_role("combobox", name=re.compile(label))
    field.click()
    tab.get_by_role("option", name=option, exact=True).click()
    until(tab, lambda: option in field.input_value(), f"{label} shows {option}")
    settled(tab)


def state(tab: Any, name: str) -> Any:
    return tab.locator('[data-testid="stMarkdownBadge"], .stMarkdownBadge').filter(has_text=name).first


def test_what_is_opened_late_shows_the_recipes_own_values(tab: Any, address: str) -> None:
    tab.goto(f"{address}/Training")
    tab.get_by_text("Trains on").wait_for(timeout=60_000)
    choose(tab, "Recipe", "distill")
    choose(tab, "Backbone", "mobilevit_xxs")
    tab.get_by_role("button", name="More").first.click()
    rate = tab.get_by_label("Backbone rate: distil", exact=True)
    rate.wait_for(timeout=30_000)
    assert float(rate.input_value()) == 0.001


@pytest.mark.timeout(600)
def test_launch_watch_cancel_resume_finish(tab: Any, own: Place, address: str) -> None:
    settings = Settings((own.data,), own.cache, (own.checkpoints,))
    tab.goto(f"{address}/Training")
    tab.get_by_text("Trains on").wait_for(timeout=60_000)
    choose(tab, "Backbone", "mobilevit_xxs")
    fill(tab, "Name", "from-chromium")
    fill(tab, "Epochs: heads", "3")
    fill(tab, "Epochs: all", "20")
    fill(tab, "Batch size", "8")
    fill(tab, "Image size", "32")
    tab.get_by_role("button", name="Launch").click()
    runner = LocalRunner.at(settings)
    tab.get_by_text("Best epoch so far").wait_for(timeout=LONG)
    tab.locator(".js-plotly-plot").nth(3).wait_for(timeout=LONG)
    tab.get_by_role("button", name="Cancel").click()
    tab.get_by_role("button", name="Resume").wait_for(timeout=LONG)
    job = runner.jobs()[0]
    assert job.state == State.CANCELLED
    seen = len(runner.metrics(job.id))
    assert seen >= 1
    tab.get_by_role("button", name="Resume").click()
    tab.get_by_role("button", name="Delete").wait_for(state="detached", timeout=LONG)
    tab.get_by_text("Finished. The checkpoint is in every page's selector.").wait_for(timeout=2 * LONG)
    records = runner.metrics(job.id)
    assert [record["epoch"] for record in records] == list(range(1, 24))
    assert read_checkpoint(own.checkpoints / "from-chromium").card.recipe["name"] == "two_phase"
    tab.reload()
    tab.get_by_text("from-chromium").first.wait_for()
    assert "run=" in tab.url

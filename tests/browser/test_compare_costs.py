"""Measured costs on the Compare page in Chromium: which machine, and accuracy plotted against cost."""

from __future__ import annotations

from typing import Any

import pytest

from core.models import find_checkpoint
from core.settings import Settings
from tests.costs import HARDWARE, measured
from tests.dashboard import Place

pytestmark = pytest.mark.browser
LONG = 200_000
"""Milliseconds for the first plot of a tab, whose library is large."""


def test_the_plot_of_accuracy_against_cost_is_drawn_and_follows_its_axis(
    offline: Any, server: str, place: Place
) -> None:
    settings = Settings.from_environment(place.environment)
    names = ("synthetic-2", "synthetic-1")
    with measured([find_checkpoint(settings, name) for name in names], place.cache):
        offline.goto(f"{server}/Compare?split=all&model=synthetic-2&with={','.join(names)}")
        offline.get_by_text(HARDWARE).first.wait_for(timeout=LONG)
        plot = offline.locator(".st-key-compare-pareto-latency1 .js-plotly-plot")
        plot.wait_for(timeout=LONG)
        points = plot.locator(".scatterlayer .points path.point")
        points.first.wait_for(state="attached")
        assert points.count() == 4
        assert plot.locator(".textpoint").count() == 4
        offline.get_by_role("radio", name="File size").click()
        offline.locator(".st-key-compare-pareto-size .js-plotly-plot").get_by_text("MB on disk").wait_for()
        offline.wait_for_function("() => location.search.includes('cost=size')")

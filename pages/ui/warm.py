"""What a fresh server does before the first visitor asks: imports, and the default view into the caches."""

from __future__ import annotations

import gc
import logging
import time

PAUSE = 4.0
"""Seconds that what the first page does without waits, so that its import does not delay that page."""

_log = logging.getLogger("vitrine")
_context = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")


def warm_up() -> None:
    """Import the pages' libraries and read the default data set and its predictions."""
    _context.setLevel(logging.ERROR)  # there is no page here that a spinner could be drawn on
    from core.errors import VitrineError
    from pages.ui import gallery, overview, resources  # noqa: F401
    from pages.ui.state import usable_checkpoints

    try:
        dataset = resources.dataset(next(iter(resources.datasets())))
        for checkpoint in usable_checkpoints(dataset)[:1]:
            predictions = resources.indexed(dataset, checkpoint)
            if predictions is not None:
                resources.outcomes(dataset, predictions, dataset.taxonomy.primary.name)
    except VitrineError as error:
        _log.info("Nothing to warm up: %s", error.title)
    except Exception:
        _log.exception("The warm-up failed; pages read what they need themselves")
    _set_aside()
    time.sleep(PAUSE)
    import lancedb  # noqa: F401 - thumbnails and embeddings are read with it
    import plotly.graph_objects  # noqa: F401 - the first page has no chart of it
    import sklearn.metrics  # noqa: F401 - the matrix does without scores
    import statsmodels.stats.proportion  # noqa: F401 - and without intervals

    _set_aside()


def _set_aside() -> None:
    """Leave what is loaded by now out of the garbage collection that Streamlit runs after every page.

    It stays for good anyway, and a collection then takes a few milliseconds instead of 150, in which no
    picture is served.
    """
    gc.collect()
    gc.freeze()

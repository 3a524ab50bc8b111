"""The server: `streamlit run pages/ui/server.py` serves Home.py, and pictures under their own routes."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread
from typing import Any

HOME = Path(__file__).resolve().parents[2]
sys.path[:] = [str(HOME), *(entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent)]

import streamlit as st  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402

from pages.ui.login import LoginGate  # noqa: E402
from pages.ui.routes import FOLDER, ROUTES  # noqa: E402


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Load what every page needs while the browser still fetches its own files."""
    from pages.ui.warm import warm_up

    Thread(target=warm_up, name="warm-up", daemon=True).start()
    yield {}


app = st.App(
    HOME / "Home.py", routes=ROUTES, middleware=[Middleware(LoginGate, folder=FOLDER)], lifespan=lifespan
)

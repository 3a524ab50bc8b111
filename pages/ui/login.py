"""The login, where Streamlit's own has a provider (`[auth]` in its secrets): who has logged in, and a check
in front of the routes for pictures, which Streamlit itself does not guard."""

from __future__ import annotations

import json
from collections.abc import Mapping

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime.secrets import secrets_singleton
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

REFUSED = "Log in to see pictures.\n"


def login_configured() -> bool:
    """Whether Streamlit's own login has a provider."""
    return secrets_singleton.load_if_toml_exists() and bool(secrets_singleton.get("auth"))


def visitor_logged_in() -> bool:
    """Whether the visitor of the page that is being drawn has logged in."""
    return bool(getattr(st.user, "is_logged_in", False))


def cookie_logged_in(cookies: Mapping[str, str]) -> bool:
    """Whether these cookies hold Streamlit's signed one of somebody who has logged in, not yet expired."""
    signed = _get_signed_cookie_with_chunks(dict(cookies), USER_COOKIE_NAME)
    if not signed:
        return False
    try:
        payload = json.loads(signed)
    except ValueError:
        return False
    return isinstance(payload, dict) and payload.get("is_logged_in") is True


def draw_login() -> None:
    """Offer the login to those who have not logged in, where there is one."""
    if login_configured() and not visitor_logged_in():
        st.caption("Pictures are shown to those who have logged in.")
        st.button("Log in", icon=":material/login:", on_click=st.login, key="sidebar.login", width="stretch")


class LoginGate:
    """ASGI middleware: answers below `folder` only who has logged in, where a login is configured."""

    def __init__(self, app: ASGIApp, folder: str) -> None:
        self._app, self._folder = app, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with 401."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        guarded = scope["type"] == "http" and path.startswith(self._folder)
        if guarded and login_configured() and not cookie_logged_in(HTTPConnection(scope).cookies):
            headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
            await Response(REFUSED, 401, headers, "text/plain")(scope, receive, send)
        else:
            await self._app(scope, receive, send)

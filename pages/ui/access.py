"""Who may start and stop work that costs: nobody in read-only mode, and where others can reach the dashboard
only people who have logged in."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.secrets import secrets_singleton

from core.errors import JobError
from pages.ui import resources
from pages.ui.login import login_configured, visitor_logged_in

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Access:
    """Whether launching and cancelling are on, and if not, why; `login` where logging in would help."""

    allowed: bool
    reason: str = ""
    login: bool = False

    def require(self) -> None:
        """Raise JobError where it is not allowed. Whoever writes the browser's messages by hand can press a
        button that is drawn as off, so what it does asks here first."""
        if not self.allowed:
            raise JobError("This is off for you", cause=self.reason)


def launch_access() -> Access:
    """What this visitor may do."""
    if resources.settings().read_only:
        return Access(False, "This dashboard is read-only: runs can be watched, not launched or stopped.")
    if _secrets_are_broken():
        return Access(
            False, "The secrets file cannot be read, so whether a login is needed is not known. Mend it."
        )
    if login_configured():
        if visitor_logged_in():
            return Access(True)
        if not importlib.util.find_spec("authlib"):
            return Access(
                False,
                "A login is configured, but Streamlit needs a package for it that is not installed: "
                "pip install 'Authlib>=1.3.2', then start the dashboard again.",
            )
        return Access(False, "Log in to launch and stop runs; watching needs no login.", login=True)
    if st.get_option("server.address") not in LOOPBACK:
        return Access(
            False,
            "This dashboard can be reached from other machines and no login is configured: launching is off. "
            "Configure one in .streamlit/secrets.toml ([auth]), or serve on 127.0.0.1.",
        )
    return Access(True)


def _secrets_are_broken() -> bool:
    """Whether there is a secrets file that Streamlit cannot read."""
    there = any(Path(file).is_file() for file in st.get_option("secrets.files"))
    return there and not secrets_singleton.load_if_toml_exists()

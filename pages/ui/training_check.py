"""The preflight of a run and its launch."""

from __future__ import annotations

import uuid

import streamlit as st

from core.files import sha256_bytes
from pages.ui import resources, work
from pages.ui.access import Access
from pages.ui.controls import choose
from pages.ui.text import count, md
from training.durations import duration
from training.jobs import LocalRunner
from training.jobs.environment import slots
from training.jobs.progress import RunFolder
from training.preflight import Preflight
from training.spec import RunSpec

ICONS = {
    "ok": ":green[:material/check_circle:]",
    "note": ":gray[:material/info:]",
    "warning": ":orange[:material/warning:]",
    "stop": ":red[:material/block:]",
}
_TOKEN = "training.token"


def draw_check(spec: RunSpec | None, access: Access) -> None:
    """The check's result for `spec`, and the buttons that check and launch."""
    places = slots()
    where = (
        f"{count(len(places), 'GPU')}, one job on each"
        if places[0] != "cpu"
        else "this machine's CPU, one job at a time"
    )
    st.markdown(f"Trains on **{where}**.")
    if spec is None:
        return
    key = f"preflight:{_fingerprint(spec)}"
    found = _result(key, spec)
    current = work.current(key)
    if found is not None:
        _draw_result(found)
    elif current is not None and current.running:
        work.watch(key)
    elif current is not None:
        if not current.cancelled:
            st.error("The check did not finish.", icon=":material/error:")
            work.draw_log(current)
        work.dismiss(key)
    with st.container(horizontal=True):
        checking = current is not None and current.running
        if (
            found is None
            and not checking
            and st.button(
                "Check and estimate",
                icon=":material/fact_check:",
                key="training.check",
                disabled=not access.allowed,
            )
        ):
            _start_check(key, spec, access)
        stops = found.stops if found else ()
        if st.button(
            "Launch", type="primary", icon=":material/rocket_launch:", key="training.launch",
            disabled=not access.allowed or bool(stops),
        ):  # fmt: skip
            _launch(spec, access)


def _launch(spec: RunSpec, access: Access) -> None:
    access.require()
    token = st.session_state.setdefault(_TOKEN, uuid.uuid4().hex)
    job = LocalRunner.at(resources.settings()).submit(spec, token=f"{token}:{_fingerprint(spec)}")
    st.session_state[_TOKEN] = uuid.uuid4().hex
    choose("run", job.id)
    st.toast(f"Launched {md(spec.name)}", icon=":material/rocket_launch:")
    st.rerun()


def _start_check(key: str, spec: RunSpec, access: Access) -> None:
    access.require()
    folder = resources.settings().cache / "preflights" / _fingerprint(spec)
    spec.write(folder / "spec.json")
    argv = ["-m", "training", "preflight", "--name", spec.name, "--spec", str(folder / "spec.json")]
    work.start(key, "Checking", [*argv, "--result", str(folder / "result.json"), "--json"])
    st.rerun()


def _result(key: str, spec: RunSpec) -> Preflight | None:
    path = resources.settings().cache / "preflights" / _fingerprint(spec) / "result.json"
    value = RunFolder.read_json(path)
    try:
        return Preflight.from_json(value) if value else None
    except (KeyError, TypeError):
        return None


def _draw_result(found: Preflight) -> None:
    st.markdown(
        f"About **{duration(found.seconds)}** on {md(found.device)} ({md(found.precision)}), "
        "if nothing else runs there."
    )
    for check in found.checks:
        st.markdown(f"{ICONS[check.level]} {md(check.message, 400)} {md(check.fix, 300)}")


def _fingerprint(spec: RunSpec) -> str:
    """Of everything but the name, which the checks do not depend on."""
    return sha256_bytes(spec.model_copy(update={"name": "x"}).model_dump_json().encode())[:24]

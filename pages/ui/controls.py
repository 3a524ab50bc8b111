"""Small controls of a page whose choice belongs into the link: one query parameter each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st


def choice(label: str, name: str, options: Mapping[str, str], default: str) -> str:
    """One of `options` (value -> what is shown) side by side; the link's parameter `name` says which."""
    value = _seed(name, list(options), default)
    found = st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        key=_key(name),
        required=True,
        on_change=_changed,
        args=(name, default),
    )
    return found if found in options else value


def picker(label: str, name: str, options: Sequence[str], default: str) -> str:
    """One of many `options` in a list that can be searched; the link's parameter `name` says which."""
    value = _seed(name, options, default)
    found = st.selectbox(label, options, key=_key(name), on_change=_changed, args=(name, default))
    return found if found in options else value


def switch(label: str, name: str, default: bool) -> bool:
    """A toggle; the link's parameter `name` is "yes" or "no"."""
    value = _seed(name, ("yes", "no"), "yes" if default else "no")
    st.session_state[_key(name)] = value == "yes"
    return bool(st.toggle(label, key=_key(name), on_change=_changed, args=(name, "yes" if default else "no")))


def choose(name: str, value: str) -> None:
    """Set a parameter from a callback, as if its control had been used."""
    st.query_params[name] = st.session_state[f"kept.{name}"] = value


def _key(name: str) -> str:
    return f"choice.{name}"


def _seed(name: str, options: Sequence[str], default: str) -> str:
    """The link's value, else the session's last one, else the default; put into the widget's state."""
    value = next(
        (v for v in (st.query_params.get(name), st.session_state.get(f"kept.{name}")) if v in options),
        default,
    )
    st.session_state[_key(name)] = st.session_state[f"kept.{name}"] = value
    if value != default and st.query_params.get(name) != value:
        st.query_params[name] = value
    return value


def _changed(name: str, default: str) -> None:
    found = st.session_state[_key(name)]
    value = ("no", "yes")[found] if isinstance(found, bool) else str(found or default)
    st.session_state[f"kept.{name}"] = value
    if value != default:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]

"""The gate in front of the pictures: open without a login, else closed to strangers and forged cookies."""

from __future__ import annotations

import json
import secrets
import time

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.auth_util import set_cookie_with_chunks
from streamlit.runtime.secrets import secrets_singleton
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from pages.ui.login import REFUSED, LoginGate

SECRET = "of this server"
PICTURES = ["/img/" + "a" * 64 + ".jpg", "/img/full/" + "f" * 32 + "/" + "b" * 16 + ".jpg"]


def cookie(secret: str = SECRET, **payload: object) -> dict[str, str]:
    """Cookies as Streamlit sets them after a login, in pieces where they are long."""
    found: dict[str, str] = {}

    def sign(piece: str, value: str) -> bytes:
        return create_signed_value(secret, piece, value)

    def keep(piece: str, value: str) -> None:
        found[piece] = sign(piece, value).decode()

    set_cookie_with_chunks(keep, sign, USER_COOKIE_NAME, payload, cookie_attr_size=60)
    return found


@pytest.fixture
def client() -> TestClient:
    pages = [Route("/{path:path}", lambda request: PlainTextResponse("shown"))]
    return TestClient(Starlette(routes=pages, middleware=[Middleware(LoginGate, folder="/img/")]))


@pytest.fixture
def with_login(monkeypatch: pytest.MonkeyPatch) -> None:
    configured = {"auth": {"cookie_secret": SECRET, "client_id": "x"}}
    monkeypatch.setattr(secrets_singleton, "load_if_toml_exists", lambda: True)
    monkeypatch.setattr(secrets_singleton, "_secrets", configured)


@pytest.mark.parametrize("address", PICTURES)
def test_without_a_login_pictures_are_open(client: TestClient, address: str) -> None:
    assert client.get(address).text == "shown"


@pytest.mark.parametrize("address", [*PICTURES, "/img/full/../" + "a" * 64 + ".jpg", "/img//x"])
def test_a_stranger_is_refused(client: TestClient, with_login: None, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 401 and answer.text == REFUSED
    assert answer.headers["cache-control"] == "no-store"


def test_the_rest_stays_streamlits_own_affair(client: TestClient, with_login: None) -> None:
    assert client.get("/_stcore/health").text == "shown"
    assert client.get("/images").text == "shown"


@pytest.mark.parametrize(
    "claims", [{"email": "a@b.c"}, {"groups": [secrets.token_hex(25) for _ in range(200)]}]
)
def test_who_has_logged_in_sees_pictures(
    client: TestClient, with_login: None, claims: dict[str, object]
) -> None:
    cookies = cookie(is_logged_in=True, origin="http://testserver", **claims)
    assert (len(cookies) > 1) == ("groups" in claims)
    client.cookies.update(cookies)
    assert client.get(PICTURES[0]).text == "shown"


def test_forged_old_and_foreign_cookies_are_refused(
    client: TestClient, with_login: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = cookie(is_logged_in=True)[USER_COOKIE_NAME]
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now - 40 * 86400)
        old = cookie(is_logged_in=True)[USER_COOKIE_NAME]
    other = create_signed_value(SECRET, "_streamlit_user_tokens", json.dumps({"is_logged_in": True})).decode()
    forged = [
        "",
        "x",
        json.dumps({"is_logged_in": True}),
        good[:-2],
        old,
        other,
        cookie("another server's", is_logged_in=True)[USER_COOKIE_NAME],
        cookie(is_logged_in=False)[USER_COOKIE_NAME],
        cookie(is_logged_in="yes")[USER_COOKIE_NAME],
        create_signed_value(SECRET, USER_COOKIE_NAME, "no json").decode(),
        create_signed_value(SECRET, USER_COOKIE_NAME, "[true]").decode(),
    ]
    for value in forged:
        client.cookies.clear()
        client.cookies.set(USER_COOKIE_NAME, value)
        assert client.get(PICTURES[0]).status_code == 401, value


def test_the_server_has_the_gate() -> None:
    from pages.ui.routes import FOLDER, ROUTES
    from pages.ui.server import app

    assert [(one.cls, one.kwargs) for one in app._user_middleware] == [(LoginGate, {"folder": FOLDER})]
    assert all(route.path.startswith(FOLDER) for route in ROUTES)

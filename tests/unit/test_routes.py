"""The picture routes: what is served, how it is cached, and what is refused."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.data import Dataset, Task, Taxonomy, ValidationReport
from core.errors import StoreError
from pages.ui import pictures, routes
from pages.ui.pictures import Pictures, Recent


class Shelf:
    """A store with given thumbnails that counts how often it is read."""

    def __init__(self, held: dict[str, bytes], broken: bool = False) -> None:
        self.held, self.broken, self.reads = held, broken, 0

    def thumbnails(self, shas, *, dataset=None):
        self.reads += 1
        if self.broken:
            raise StoreError("The store is damaged")
        return {sha: self.held[sha] for sha in shas if sha in self.held}


def jpeg(size: tuple[int, int], colour: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    contents = {
        "a.jpg": jpeg((300, 200), "red"),
        "b.jpg": jpeg((64, 64), "blue"),
        "torn.jpg": b"\xff\xd8\xff not one",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    table = pd.DataFrame(
        {
            "image_id": [hashlib.sha256(name.encode()).hexdigest()[:16] for name in contents],
            "path": list(contents),
            "sha": [hashlib.sha256(data).hexdigest() for data in contents.values()],
            "split": "test",
            "instance_id": "",
            "caption": "",
            "width": 64,
            "height": 64,
            "class": pd.Categorical(["x", "y", "x"]),
        }
    )
    taxonomy = Taxonomy((Task("class", ("x", "y")),))
    return Dataset("three", tmp_path, table, taxonomy, "f" * 32, ValidationReport(3))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Pictures:
    fresh = Pictures(loaded=lambda: True)
    monkeypatch.setattr(routes, "PICTURES", fresh)
    monkeypatch.setattr(pictures, "PICTURES", fresh)
    return fresh


@pytest.fixture
def client(opened: Pictures) -> TestClient:
    return TestClient(Starlette(routes=routes.ROUTES))


def thumb(dataset: Dataset, row: int) -> str:
    return f"/img/{dataset.table['sha'].iat[row]}.jpg"


def size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        return image.size


def test_thumbnail_is_small_and_kept_for_ever(client: TestClient, opened: Pictures, dataset: Dataset) -> None:
    opened.publish(dataset)
    answer = client.get(thumb(dataset, 0))
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
    assert size(answer.content) == (192, 128)
    assert "immutable" in answer.headers["cache-control"] and "private" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = client.get(thumb(dataset, 0), headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    assert client.get(thumb(dataset, 0), headers={"If-None-Match": '"another"'}).status_code == 200


def test_store_is_read_once_per_thumbnail(client: TestClient, opened: Pictures, dataset: Dataset) -> None:
    sha = dataset.table["sha"].iat[1]
    shelf = Shelf({sha: jpeg((10, 10), "green")})
    opened.publish(dataset, shelf)
    assert size(client.get(thumb(dataset, 1)).content) == (10, 10)
    client.get(thumb(dataset, 1))
    assert shelf.reads == 1


def test_one_read_ahead_serves_the_page(client: TestClient, opened: Pictures, dataset: Dataset) -> None:
    shas = list(dataset.table["sha"])
    shelf = Shelf({sha: jpeg((9, 9), "green") for sha in shas})
    opened.publish(dataset, shelf)
    opened.prefetch(dataset, shas)
    assert [size(client.get(thumb(dataset, row)).content) for row in range(3)] == [(9, 9)] * 3
    assert shelf.reads == 1


def test_small_photographs_do_not_wait_for_the_stores_library(
    client: TestClient, opened: Pictures, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf({sha: jpeg((9, 9), "green") for sha in dataset.table["sha"]})
    opened.publish(dataset, shelf)
    monkeypatch.setattr(opened, "_loaded", lambda: False)
    assert size(client.get(thumb(dataset, 1)).content) == (64, 64) and shelf.reads == 0
    monkeypatch.setattr(pictures, "SMALL", 100)
    assert size(client.get(thumb(dataset, 0)).content) == (9, 9) and shelf.reads == 1


def test_thumbnail_is_made_when_the_store_is_damaged(
    client: TestClient, opened: Pictures, dataset: Dataset
) -> None:
    opened.publish(dataset, Shelf({}, broken=True))
    assert size(client.get(thumb(dataset, 1)).content) == (64, 64)


def test_unreadable_image_says_so_and_is_not_kept(
    client: TestClient, opened: Pictures, dataset: Dataset
) -> None:
    opened.publish(dataset)
    for address in (
        thumb(dataset, 2),
        f"/img/full/{dataset.fingerprint}/{dataset.table['image_id'].iat[2]}.jpg",
    ):
        answer = client.get(address)
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("image/svg+xml")
        assert "unreadable" in answer.text and answer.headers["cache-control"] == "no-store"


def test_full_view_is_re_encoded_and_bounded(
    client: TestClient, opened: Pictures, dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "b.jpg").write_bytes(jpeg((3000, 1500), "blue"))
    opened.publish(dataset)
    answer = client.get(f"/img/full/{dataset.fingerprint}/{dataset.table['image_id'].iat[1]}.jpg")
    assert size(answer.content) == (1600, 800)
    assert "immutable" in answer.headers["cache-control"]


def test_only_opened_data_sets_are_served(client: TestClient, opened: Pictures, dataset: Dataset) -> None:
    assert client.get(thumb(dataset, 0)).status_code == 404
    image_id = dataset.table["image_id"].iat[0]
    opened.publish(dataset)
    assert client.get(thumb(dataset, 0)).status_code == 200
    assert client.get(f"/img/full/{'0' * 32}/{image_id}.jpg").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/img/..%2f..%2fetc%2fpasswd.jpg",
        "/img/" + "A" * 64 + ".jpg",
        "/img/" + "a" * 63 + ".jpg",
        "/img/" + "a" * 64 + "%0a.jpg",
        "/img/full/" + "f" * 32 + "/..%2fa.jpg",
        "/img/full/" + "f" * 32 + "/" + "g" * 16 + ".jpg",
        "/img/full/%00/" + "a" * 16 + ".jpg",
    ],
)
def test_malformed_address_is_unknown(
    client: TestClient, opened: Pictures, dataset: Dataset, address: str
) -> None:
    opened.publish(dataset)
    assert client.get(address).status_code == 404


def test_recent_drops_the_least_used_beyond_its_limit() -> None:
    held = Recent(30)
    for key in "abc":
        held.put(key, b"x" * 10)
    assert held.get("a") is not None  # now b is the least recently used
    held.put("d", b"x" * 10)
    assert [held.get(key) is not None for key in "abcd"] == [True, False, True, True]
    held.put("a", b"y" * 30)
    assert [held.get(key) is not None for key in "abcd"] == [True, False, False, False]


def test_addresses_follow_the_route(
    opened: Pictures, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_served", True)
    assert pictures.thumbnail_address(dataset, 0) == thumb(dataset, 0)
    monkeypatch.setattr(pictures, "_served", False)
    opened.publish(dataset)
    assert pictures.thumbnail_address(dataset, 0).startswith("data:image/jpeg;base64,")
    assert pictures.thumbnail_address(dataset, 2) == ""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from core.errors import Cancelled, ImageError
from core.inference import Outputs, predict_images, predict_one
from core.inference.preprocessing import preprocess
from core.inference.single import cached_engine
from core.models import Checkpoint, Preprocessing, load_network, update_card
from tests.model_case import TAXONOMY, save_small
from tests.pictures import picture

SMALL = Preprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


class MeanColour:
    """An engine whose embedding is the mean of each channel: real arithmetic, no network."""

    name, precision, device = "mean", "f32", "cpu"

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, batch: npt.NDArray[np.float32]) -> Outputs:
        self.sizes.append(len(batch))
        mean = batch.mean(axis=(2, 3))
        return Outputs(mean, {"class": -mean})


def test_every_image_comes_back_once_in_order() -> None:
    images = [picture(number) for number in range(23)]
    engine = MeanColour()
    batches = list(predict_images(engine, SMALL, images, batch_size=5))
    assert np.array_equal(np.concatenate([batch.positions for batch in batches]), np.arange(23))
    expected = np.stack([preprocess(image, SMALL).mean(axis=(1, 2)) for image in images])
    np.testing.assert_allclose(np.concatenate([b.outputs.embeddings for b in batches]), expected, atol=1e-6)
    assert engine.sizes == [5, 5, 5, 5, 3]


def test_broken_images_are_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = tmp_path / "good.jpg"
    good.write_bytes(picture(1))
    images: list[bytes | Path] = [
        b"",
        good,
        picture(2)[:45],
        tmp_path / "missing.jpg",
        picture(3),
        b"junk",
        b"x",
    ]
    batches = list(predict_images(MeanColour(), SMALL, images, batch_size=2))
    assert np.concatenate([batch.positions for batch in batches]).tolist() == [1, 4]
    failed = [pair for batch in batches for pair in batch.failed]
    assert [position for position, _ in failed] == [0, 2, 3, 5, 6]
    assert all(isinstance(error, ImageError) for _, error in failed)
    assert "missing.jpg" in str(dict(failed)[3])


def test_no_images_give_no_batches() -> None:
    assert list(predict_images(MeanColour(), SMALL, [])) == []


def test_progress_counts_and_cancels() -> None:
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int, note: str) -> None:
        seen.append((done, total))
        if done >= 8:
            raise Cancelled()

    kept = []
    with pytest.raises(Cancelled):
        for batch in predict_images(
            MeanColour(), SMALL, [picture(i) for i in range(20)], batch_size=4, progress=progress
        ):
            kept.extend(batch.positions.tolist())
    assert seen == [(0, 20), (4, 20), (8, 20)] and kept == list(range(8))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_progress_ends_at_the_total() -> None:
    seen: list[tuple[int, int]] = []
    images = [picture(i) for i in range(3)]
    list(predict_images(MeanColour(), SMALL, images, progress=lambda d, t, n: seen.append((d, t))))
    assert seen[-1] == (3, 3)
    seen.clear()
    list(predict_images(MeanColour(), SMALL, iter(images), progress=lambda d, t, n: seen.append((d, t))))
    assert seen[-1] == (3, 3)


def test_images_are_read_only_a_few_batches_ahead() -> None:
    taken, data = 0, picture(0)

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield data

    results = predict_images(MeanColour(), SMALL, endless(), batch_size=4)
    for number in range(1, 20):
        next(results)
        assert taken <= 4 * (number + 3)
    results.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return save_small(tmp_path_factory.mktemp("checkpoints"))


def test_one_image_gives_probabilities_at_the_cards_temperature(saved: Checkpoint) -> None:
    data = picture(7)
    plain, embedding = predict_one(saved, data, engine="torch")
    assert embedding.shape == (load_network(saved).embedding_dim,) and embedding.dtype == np.float32
    assert list(plain) == list(TAXONOMY.names)
    assert all(value.sum() == pytest.approx(1) for value in plain.values())
    hot = update_card(saved, temperature={"class": 1e4})
    flat, _ = predict_one(hot, data, engine="torch")
    np.testing.assert_allclose(flat["class"], 1 / 3, atol=1e-3)
    assert np.array_equal(flat["type"], plain["type"])


def test_engines_stay_open_and_a_new_card_shares_them(saved: Checkpoint) -> None:
    first = cached_engine(saved, "torch")
    assert cached_engine(update_card(saved, temperature={"class": 2.0}), "torch") is first


def test_one_broken_image_is_an_error(saved: Checkpoint) -> None:
    with pytest.raises(ImageError):
        predict_one(saved, b"not an image", engine="torch")

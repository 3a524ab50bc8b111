"""Nearest evidence against scikit-learn, and Grad-CAM on networks whose evidence is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_distances

from core.errors import InferenceError, SelectionError
from core.explain import nearest

RNG = np.random.default_rng(0)


def vectors(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 1000))
def test_nearest_agrees_with_scikit_learn(n: int, k: int, seed: int) -> None:
    table, query = vectors(n, seed=seed), vectors(1, seed=seed + 1)[0]
    expected = cosine_distances(query[None], table)[0]
    found = nearest(table, query, k=k)
    assert [f.row for f in found] == list(np.argsort(expected, kind="stable")[:k])
    np.testing.assert_allclose([f.distance for f in found], np.sort(expected)[:k], atol=1e-5)


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    table = vectors(100)
    whole = nearest(table, table[3], k=9)
    monkeypatch.setattr("core.explain.neighbours.BLOCK", 7)
    assert [f.row for f in nearest(table, table[3], k=9)] == [f.row for f in whole]


def test_half_precision_embeddings_are_compared_in_single_precision() -> None:
    table = vectors(50)
    found = nearest(table.astype(np.float16), table[5], k=1)
    assert found[0].row == 5 and found[0].distance < 1e-3


def test_own_row_other_splits_and_absent_rows_are_left_out() -> None:
    table = vectors(6)
    table[1] = np.nan
    table[2] = 0
    rows = np.array([True, True, True, True, True, False])
    found = nearest(table, table[0], rows=rows, exclude=0, k=10)
    assert {f.row for f in found} == {3, 4}
    assert rows[0]  # the caller's mask is not changed


def test_same_object_is_flagged() -> None:
    table, instances = vectors(4), np.array([7, 7, 8, 9])
    found = nearest(table, table[0], exclude=0, instances=instances, instance=7, k=3)
    assert {f.row: f.same_instance for f in found} == {1: True, 2: False, 3: False}


def test_ties_keep_the_table_order() -> None:
    table = np.ones((5, 3), dtype=np.float32)
    assert [f.row for f in nearest(table, table[0], k=3)] == [0, 1, 2]
    assert nearest(table, table[0], k=1)[0].distance == pytest.approx(0, abs=1e-6)


def test_copy_has_distance_zero_and_opposite_two() -> None:
    table = np.array([[1, 0], [-1, 0]], dtype=np.float32)
    assert [f.distance for f in nearest(table, table[0], k=2)] == pytest.approx([0.0, 2.0])


@pytest.mark.parametrize("query", [np.full(16, np.nan), np.zeros(16), np.ones(3)])
def test_query_without_direction_is_refused(query: np.ndarray) -> None:
    with pytest.raises(SelectionError, match="no usable embedding"):
        nearest(vectors(5), query.astype(np.float32))


def test_no_candidates_gives_nothing() -> None:
    assert nearest(vectors(3), vectors(1)[0], rows=np.zeros(3, dtype=bool)) == ()


@pytest.fixture(scope="module")
def corner():
    """A network whose two labels look at the brightness of the left and the right half of its feature map."""
    import torch

    from core.data import Task, Taxonomy

    class Backbone(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.final_conv = torch.nn.Conv2d(3, 2, 8, stride=8, bias=False)
            torch.nn.init.constant_(self.final_conv.weight, 0.01)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.final_conv(x)

    class Network(torch.nn.Module):
        taxonomy = Taxonomy((Task("side", ("left", "right")),))

        def __init__(self) -> None:
            super().__init__()
            self.backbone = Backbone()

        def forward(self, x: torch.Tensor):
            maps = self.backbone(x)
            return maps.mean((2, 3)), {"side": maps.clamp(min=0).pow(2).mean((2, 3))}

    return Network()


def test_gradcam_finds_the_region_that_spoke(corner) -> None:
    from core.explain.gradcam import gradcam

    pixels = np.zeros((3, 64, 64), dtype=np.float32)
    pixels[:, 8:24, 40:56] = 1.0
    view = np.zeros((64, 64, 3), dtype=np.uint8)
    heat = gradcam(corner, pixels, view, task="side", label=0)
    assert heat.values.shape == (64, 64) and heat.values.dtype == np.float32
    assert heat.values.min() >= 0 and heat.values.max() == pytest.approx(1, abs=1e-3)
    row, column = np.unravel_index(heat.values.argmax(), heat.values.shape)
    assert 8 <= row < 24 and 40 <= column < 56
    assert heat.values[40:, :24].max() < 0.05 and not heat.empty
    assert heat.overlay().shape == (64, 64, 3) and heat.overlay().dtype == np.uint8


def test_nothing_to_see_is_said(corner) -> None:
    from core.explain.gradcam import gradcam

    heat = gradcam(
        corner, np.zeros((3, 64, 64), np.float32), np.zeros((64, 64, 3), np.uint8), task="side", label=1
    )
    assert heat.empty and not np.isnan(heat.values).any()


def test_unknown_label_and_backbone_are_refused(corner) -> None:
    import torch

    from core.explain.gradcam import gradcam, target_layers

    with pytest.raises(InferenceError, match="no such label"):
        gradcam(
            corner, np.zeros((3, 64, 64), np.float32), np.zeros((64, 64, 3), np.uint8), task="side", label=2
        )
    with pytest.raises(InferenceError, match="does not know this network"):
        target_layers(torch.nn.Linear(2, 2))


@pytest.mark.parametrize("name", ["deit_tiny_patch16_224", "mobilevit_xxs", "tf_efficientnet_lite0"])
def test_gradcam_runs_on_every_backbone(name: str) -> None:
    from core.data import Task, Taxonomy
    from core.explain.gradcam import gradcam
    from core.models import MultiTaskNetwork

    taxonomy = Taxonomy((Task("a", ("x", "y", "z")), Task("b", ("u", "v"))))
    network = MultiTaskNetwork(name, taxonomy).eval()
    pixels = RNG.normal(size=(3, 224, 224)).astype(np.float32)
    heats = [
        gradcam(network, pixels, np.zeros((224, 224, 3), np.uint8), task=task, label=1) for task in ("a", "b")
    ]
    for heat in heats:
        assert heat.values.shape == (224, 224) and np.isfinite(heat.values).all()
        assert heat.values.min() >= 0 and heat.values.max() <= 1
    assert not np.array_equal(heats[0].values, heats[1].values)

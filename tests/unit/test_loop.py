"""The training loop on a tiny network: exact repetition, exact resumption, masks, phases, limits."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from core.data.opening import open_dataset
from core.data.taxonomy import MISSING, Task, Taxonomy
from core.errors import Cancelled, DataError, JobError
from core.models.network import MultiTaskNetwork
from core.models.weights import save_checkpoint
from core.settings import Settings
from tests.training_case import run_folder, tiny_spec
from training.assembly import Assembly, assemble, choose_precision, map_grids
from training.finish import _card
from training.jobs.progress import RunFolder
from training.lineage import lineage
from training.loop import Diverged, Loop
from training.losses import MultiTaskLoss, Targets, label_weights
from training.metrics import head_scores
from training.recipe import Loss
from training.recipes import load_recipe
from training.reporter import Reporter
from training.schedule import rates
from training.spec import RunSpec
from training.student import plain_attention
from training.teacher import Standard, open_teacher

GRIDS = {"map": (2, 2), "middle": (4, 4)}
"""Those of EfficientNet-Lite0 at 64 pixels."""
FULL = {"optimizer__ema_decay": 0.9, "optimizer__clip_norm": 1.0, "augmentation__mixup": 0.4}

SEEN = ("train", "test")
PHASE = [{"name": "heads", "epochs": 2, "backbone_lr": 0.0, "head_lr": 0.001}]


def make_loop(settings: Settings, spec: RunSpec, folder: str, stop_after: int | None = None) -> Loop:
    counted = iter(range(10**6))
    place = run_folder(settings, folder)
    reporter = Reporter(place, spec.recipe)
    stop = (lambda: False) if stop_after is None else (lambda: next(counted) + 1 >= stop_after)
    return Loop(assemble(spec), place, reporter, stop)


def weights(parts: Assembly) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in parts.bare.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_a_seed_gives_the_same_weights_twice_and_another_seed_others(settings: Settings) -> None:
    found = []
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        loop = make_loop(settings, tiny_spec(settings, seed=seed), folder)
        loop.run()
        found.append(weights(loop.parts))
    assert same(found[0], found[1])
    assert not same(found[0], found[2])


@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_a_stopped_run_goes_on_bit_for_bit(settings: Settings, stop_after: int) -> None:
    spec = tiny_spec(settings, **FULL)
    whole = make_loop(settings, spec, "whole")
    whole.run()
    stopped = make_loop(settings, spec, "stopped", stop_after)
    with pytest.raises(Cancelled):
        stopped.run()
    resumed = make_loop(settings, spec, "stopped")
    resumed.resume()
    resumed.reporter.resumed(resumed.at)
    resumed.run()
    assert same(weights(whole.parts), weights(resumed.parts))
    assert same(load_file(whole.folder.best), load_file(resumed.folder.best))
    timeless = [
        {k: v for k, v in record.items() if k not in {"seconds", "images_per_second", "memory_mb"}}
        for record in resumed.folder.read_metrics()
    ]
    expected = [{k: record[k] for k in timeless[0]} for record in whole.folder.read_metrics()]
    assert timeless == expected


def test_the_backbone_stays_as_it_is_while_frozen(settings: Settings) -> None:
    loop = make_loop(settings, tiny_spec(settings), "phases")
    before = {k: v.clone() for k, v in loop.parts.network.backbone.state_dict().items()}
    loop._epoch()
    assert same(before, loop.parts.network.backbone.state_dict())
    loop._epoch()
    assert not same(before, loop.parts.network.backbone.state_dict())


@pytest.mark.parametrize("kept", [True, False])
def test_batch_statistics_stay_where_the_recipe_says_so(settings: Settings, kept: bool) -> None:
    phases = [{"name": "all", "epochs": 1, "backbone_lr": 0.001, "head_lr": 0.001}]
    spec = tiny_spec(settings, phases=phases, batch_statistics="frozen" if kept else "train")
    loop = make_loop(settings, spec, "statistics")
    before = weights(loop.parts)
    loop.run()
    after = weights(loop.parts)
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    statistics = {name for name in after if name.endswith(("running_mean", "running_var"))}
    assert statistics and (not statistics & moved if kept else statistics <= moved)
    assert any(name.startswith("network.backbone") and name not in statistics for name in moved)


def test_records_tell_phase_losses_scores_and_rates(settings: Settings) -> None:
    loop = make_loop(settings, tiny_spec(settings), "records")
    loop.run()
    records = loop.folder.read_metrics()
    assert [(r["epoch"], r["phase"]) for r in records] == [(1, "heads"), (2, "all"), (3, "all")]
    tasks = set(loop.parts.data.taxonomy.names)
    for record in records:
        assert set(record["val"]) == tasks
        assert set(record["train"]) == tasks | {"total"}
        assert record["train"]["total"] == pytest.approx(sum(record["train"][t] for t in tasks), rel=1e-4)
        for head in record["val"].values():
            assert sum(n for _, _, n in head["confusion"]) == head["n"] > 0
        assert record["images_per_second"] > 0 and record["memory_mb"] > 0
    assert records[0]["backbone_lr"] == 0.0
    assert list(loop.folder.events.iterdir())


def test_memory_that_runs_out_halves_the_batch_and_changes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(folder: str, limit: int) -> tuple[dict[str, torch.Tensor], int]:
        only_heads = [{"name": "heads", "epochs": 1, "backbone_lr": 0.0, "head_lr": 0.001}]
        loop = make_loop(settings, tiny_spec(settings, phases=only_heads, precision="fp32"), folder)
        for module in loop.parts.bare.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        forward = loop.parts.student.forward

        def limited(x: torch.Tensor) -> Any:
            if loop.parts.student.training and len(x) > limit:
                raise torch.OutOfMemoryError("CUDA out of memory (by the test)")
            return forward(x)

        monkeypatch.setattr(loop.parts.student, "forward", limited)
        loop.run()
        return weights(loop.parts), loop.at.micro_batch

    plenty, none = run("plenty", 1000)
    scarce, micro = run("scarce", 3)
    assert (none, micro) == (0, 2)
    for name, value in plenty.items():
        torch.testing.assert_close(value, scarce[name], rtol=1e-4, atol=1e-6)


def test_a_loss_that_is_not_a_number_ends_the_run(settings: Settings) -> None:
    loop = make_loop(settings, tiny_spec(settings), "nan")
    with torch.no_grad():
        next(iter(loop.parts.network.heads.parameters())).fill_(float("nan"))
    with pytest.raises(Diverged, match="epoch 1, step 1"):
        loop.run()
    assert not loop.folder.last.exists()


def test_patience_stops_early(settings: Settings) -> None:
    phases = [{"name": "all", "epochs": 30, "backbone_lr": 0.0, "head_lr": 1e-8}]
    loop = make_loop(settings, tiny_spec(settings, phases=phases, patience=2), "patience")
    loop.run()
    assert loop.at.epoch == loop.at.best_epoch + 2 < 30


def test_a_state_of_another_network_is_refused(settings: Settings) -> None:
    loop = make_loop(settings, tiny_spec(settings), "one")
    loop.run()
    other = make_loop(settings, tiny_spec(settings, optimizer__ema_decay=0.9), "one")
    with pytest.raises(JobError, match="cannot be used"):
        other.resume()
    loop.folder.last.write_bytes(loop.folder.last.read_bytes()[:1000])
    with pytest.raises(JobError, match="cannot be used"):
        loop.resume()


def test_missing_labels_count_in_no_loss() -> None:
    taxonomy = Taxonomy((Task("a", ("x", "y")), Task("b", ("u", "v", "w"))))
    loss = MultiTaskLoss(Loss(), taxonomy, {})
    labels = {"a": torch.tensor([0, 1, -1, -1]), "b": torch.tensor([-1, -1, -1, -1])}
    logits = {"a": torch.randn(4, 2, requires_grad=True), "b": torch.randn(4, 3, requires_grad=True)}
    found = loss(logits, Targets(labels, 4, loss.norms(labels)))
    expected = torch.nn.functional.cross_entropy(logits["a"][:2], labels["a"][:2])
    torch.testing.assert_close(found["a"], expected)
    assert float(found["b"].detach()) == 0.0
    (found["a"] + found["b"]).backward()
    assert logits["a"].grad is not None and not logits["a"].grad[2:].any()
    assert logits["b"].grad is not None and not logits["b"].grad.any()


def test_the_attributes_weigh_half_and_smoothing_and_weights_are_torchs() -> None:
    taxonomy = Taxonomy((Task("a", ("x", "y")), Task("b", ("u", "v"))))
    weights = {"a": torch.tensor([1.0, 3.0])}
    loss = MultiTaskLoss(Loss(label_smoothing=0.1), taxonomy, weights)
    labels = {"a": torch.tensor([0, 1, 1]), "b": torch.tensor([1, 0, 1])}
    logits = {"a": torch.randn(3, 2), "b": torch.randn(3, 2)}
    found = loss(logits, Targets(labels, 3, loss.norms(labels)))
    cross_entropy = torch.nn.functional.cross_entropy
    torch.testing.assert_close(found["b"], 0.5 * cross_entropy(logits["b"], labels["b"], label_smoothing=0.1))
    torch.testing.assert_close(
        found["a"], cross_entropy(logits["a"], labels["a"], weight=weights["a"], label_smoothing=0.1)
    )


def test_label_weights_are_inverse_frequencies() -> None:
    found = label_weights(torch.tensor([0, 0, 0, 1, -1]), 3)
    assert found[1] / found[0] == pytest.approx(3.0)
    assert found[2] == 0 and found[:2].mean() == pytest.approx(1.0)


def test_the_cosine_begins_at_the_peak_and_starts_again_with_each_phase() -> None:
    recipe = load_recipe("two_phase")
    assert rates(recipe, 0, 0, 14).heads == 3e-4
    assert rates(recipe, 7, 13, 14).heads < 1e-6
    second = rates(recipe, 8, 0, 14)
    assert (second.backbone, second.heads) == (1e-5, 2e-4)
    assert rates(recipe, 18, 0, 14).backbone == pytest.approx(0.5e-5)


def test_warm_up_rises_from_near_zero() -> None:
    recipe = load_recipe("scratch")
    assert rates(recipe, 0, 0, 10).heads < 1e-6
    assert rates(recipe, 5, 0, 10).heads == pytest.approx(5e-4)


def test_head_scores_leave_unlabelled_images_out() -> None:
    import numpy as np

    logits = np.array([[4.0, 0.0], [0.0, 4.0], [4.0, 0.0], [9.0, 0.0]], dtype=np.float32)
    scores = head_scores(logits, np.array([0, 1, 1, -1]), 2)
    assert (scores.n, scores.accuracy) == (3, pytest.approx(2 / 3))
    assert scores.confusion == [[0, 0, 1], [1, 0, 1], [1, 1, 1]]
    assert head_scores(logits, np.full(4, -1), 2).accuracy is None


def test_fp16_is_refused_without_a_gpu() -> None:
    with pytest.raises(JobError, match="fp16"):
        choose_precision("fp16", "cpu")
    assert choose_precision("bf16", "cpu") == "bf16"


@pytest.mark.parametrize("views", [0, 2])
def test_distillation_learns_from_a_checkpoint_and_unlabelled_images(settings: Settings, views: int) -> None:
    parts = assemble(tiny_spec(settings, name="teacher"))
    finished = run_folder(settings, "teacher")
    card = _card(parts.spec, finished, parts.dataset, parts.network, parts.preprocessing, settings)
    save_checkpoint(settings.checkpoints[0] / "teacher", parts.network, card)
    spec = tiny_spec(
        settings,
        name="student",
        recipe="distill",
        phases=[{"name": "distil", "epochs": 2, "backbone_lr": 0.001, "head_lr": 0.001}],
        distillation={
            "teacher": "teacher",
            "views": views,
            "map_weight": 2.0,
            "middle_weight": 1.0,
            "extra_images": [str(settings.data[0] / "images")],
        },
    )
    loop = make_loop(settings, spec, "student")
    assert len(loop.parts.data.train) > int(loop.parts.dataset.split_mask("train").sum())
    assert (loop.parts.kept is None) == (views == 0)
    loop.run()
    last = loop.folder.read_metrics()[-1]["train"]
    assert last["teacher_features"] > 0 and last["teacher_logits"] > 0
    first = loop.folder.read_metrics()[0]["train"]
    assert 0 < last["teacher_map"] < first["teacher_map"]
    assert 0 < last["teacher_middle"] < first["teacher_middle"]


def test_what_a_convolutional_teacher_said_is_kept_and_read_back(settings: Settings) -> None:
    distillation = {
        "teacher": "imagenet",
        "teacher_size": 64,
        "views": 1,
        "map_weight": 1.0,
        "middle_weight": 1.0,
    }
    spec = tiny_spec(settings, recipe="distill", distillation=distillation, image_size=64)
    first, again = (assemble(spec) for _ in range(2))
    assert first.kept is not None and again.kept is not None
    assert len(list((settings.cache / "teachers").iterdir())) == 1
    rows = [int(row) for row in first.data.train[:3]]
    one, other = first.kept(rows, [0, 0, 0]), again.kept(rows, [0, 0, 0])
    assert {name: places.shape[1] for name, places in one.maps.items()} == {"map": 1280, "middle": 112}
    assert same(one.maps, other.maps) and torch.equal(one.embedding, other.embedding)


def test_further_data_join_the_training_with_the_labels_known_here(
    settings: Settings, tmp_path: Path
) -> None:
    own = open_dataset(settings.data[0])
    train, test = (
        [own.file(int(row)) for row in np.flatnonzero(own.split_mask(s))] for s in ("train", "test")
    )
    other = tmp_path / "other"
    (other / "images").mkdir(parents=True)
    label = own.taxonomy.primary.labels[1]
    copied = [(train[0], label, "train"), (train[1], "a stranger", "train"), (test[0], label, "train")]
    copied += [(train[2], label, "val")]
    for number, (file, _, _) in enumerate(copied):
        shutil.copy(file, other / "images" / f"{number}{file.suffix}")
    primary = own.taxonomy.primary.name
    lines = [f"images/{n}{f.suffix},{c},{s}" for n, (f, c, s) in enumerate(copied)]
    (other / "labels.csv").write_text("\n".join([f"image_path,{primary},split", *lines]) + "\n")
    alone = assemble(tiny_spec(settings)).data
    data = assemble(tiny_spec(settings, extra_data=[str(other)])).data
    added = data.train[len(alone.train) :]
    assert data.fingerprint == alone.fingerprint and list(data.val) == list(alone.val)
    assert [data.files[row].stem for row in added] == ["0", "1"]  # a copy of a test image stays out
    assert data.labels[primary][added].tolist() == [1, MISSING]
    assert all((data.labels[task][added] == MISSING).all() for task in own.taxonomy.names if task != primary)


def test_only_the_chosen_tasks_and_the_primary_one_get_a_head(settings: Settings) -> None:
    own = open_dataset(settings.data[0]).taxonomy
    attribute = own.names[-1]
    loop = make_loop(settings, tiny_spec(settings, tasks=[attribute], phases=PHASE), "tasks")
    loop.run()
    assert loop.parts.network.taxonomy.names == (own.primary.name, attribute)
    parts = loop.parts
    card = _card(parts.spec, loop.folder, parts.dataset, parts.network, parts.preprocessing, settings)
    assert list(card.taxonomy) == [own.primary.name, attribute]
    with pytest.raises(DataError, match="There is no task"):
        assemble(tiny_spec(settings, tasks=["nothing"]))


def test_a_card_tells_of_further_images_and_of_no_folder(settings: Settings) -> None:
    own = settings.data[0]
    distil = {"extra_images": [str(own / "images")], "views": 0}
    parts = assemble(tiny_spec(settings, recipe="distill", distillation=distil, extra_data=[str(own)]))
    folder = run_folder(settings, "further")
    card = _card(parts.spec, folder, parts.dataset, parts.network, parts.preprocessing, settings)
    assert sum(card.data.further.values()) == len(parts.data.train) - card.data.splits["train"]
    assert str(own.parent) not in card.model_dump_json()
    assert lineage(card).startswith("none; then 'tiny' (distill, 0 epochs at 32 pixels, ")
    assert f"taught by imagenet) on {parts.dataset.name}" in lineage(card)


def test_a_teacher_can_be_shown_smaller_pictures(settings: Settings) -> None:
    recipe = load_recipe("distill", {"distillation.teacher_size": 48}).distillation
    assert recipe is not None
    taxonomy = Taxonomy((Task("class", ("a", "b")),))
    teacher = open_teacher(recipe, taxonomy, settings)
    usual = open_teacher(recipe.model_copy(update={"teacher_size": None}), taxonomy, settings)
    assert (teacher.preprocessing.size, usual.preprocessing.size) == (48, 224)
    assert teacher(torch.zeros(1, 3, 48, 48)).embedding.shape == (1, teacher.dimension)


def test_the_teachers_maps_come_on_the_students_grids(settings: Settings) -> None:
    recipe = load_recipe("distill", {"distillation.teacher_size": 64}).distillation
    assert recipe is not None
    taxonomy = Taxonomy((Task("class", ("a", "b")),))
    student = MultiTaskNetwork("deit_tiny_patch16_224", taxonomy)
    grids = map_grids(student, 96, ["map", "middle"])
    pictures = torch.rand(2, 3, 64, 64)
    told = open_teacher(recipe, taxonomy, settings, grids)(pictures)
    plain = open_teacher(recipe, taxonomy, settings, {"map": (2, 2)})(pictures)
    assert grids == {"map": (6, 6), "middle": (6, 6)}
    assert {name: tuple(places.shape) for name, places in told.maps.items()} == {
        "map": (2, 1280, 6, 6),
        "middle": (2, 112, 6, 6),
    }
    # what its embedding is pooled from
    torch.testing.assert_close(plain.maps["map"].mean((2, 3)), plain.embedding)
    assert not open_teacher(recipe, taxonomy, settings)(pictures).maps


def test_a_teachers_features_are_standardised(settings: Settings) -> None:
    values = torch.randn(50, 4, 3, 2) * torch.tensor([1.0, 5.0, 0.5, 1e-9]).view(-1, 1, 1) + 7
    flat = Standard.of(values)(values).transpose(0, 1).flatten(1)
    torch.testing.assert_close(flat.mean(1), torch.zeros(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(
        flat.std(1, correction=0), torch.tensor([1.0, 1.0, 1.0, 0.0]), atol=1e-3, rtol=0
    )
    recipe = load_recipe("distill", {"distillation.teacher_size": 64}).distillation
    assert recipe is not None
    teacher = open_teacher(recipe, Taxonomy((Task("class", ("a", "b")),)), settings, GRIDS)
    pictures = torch.rand(40, 3, 64, 64)
    raw = teacher(pictures)
    teacher.standardise(pictures)
    told = teacher(pictures)
    torch.testing.assert_close(told.embedding, Standard.of(raw.embedding)(raw.embedding), atol=1e-3, rtol=0)
    for name in GRIDS:
        expected = Standard.of(raw.maps[name])(raw.maps[name])
        torch.testing.assert_close(told.maps[name], expected, atol=1e-3, rtol=0)


def test_attention_computed_step_by_step_gives_the_same(settings: Settings) -> None:
    network = MultiTaskNetwork("deit_tiny_patch16_224", Taxonomy((Task("class", ("a", "b")),))).eval()
    pictures = torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        fused = network.embed(pictures)
        plain_attention(network)
        torch.testing.assert_close(network.embed(pictures), fused, rtol=1e-4, atol=1e-5)
    loop = make_loop(settings, tiny_spec(settings), "plain")
    assert loop.parts.accelerator.device.type != "cpu" or not any(
        getattr(module, "fused_attn", False) for module in loop.parts.network.modules()
    )


def test_the_teacher_works_in_the_students_precision(settings: Settings) -> None:
    recipe = load_recipe("distill", {"distillation.teacher_size": 64}).distillation
    assert recipe is not None
    teacher = open_teacher(recipe, Taxonomy((Task("class", ("a", "b")),)), settings)
    pictures = torch.rand(2, 3, 64, 64)
    exact = teacher(pictures).embedding
    AcceleratorState._reset_state()
    low = teacher.to(Accelerator(cpu=True, mixed_precision="bf16"), "bf16")(pictures).embedding
    AcceleratorState._reset_state()
    assert low.dtype == torch.float32 and not torch.equal(low, exact)
    assert torch.nn.functional.cosine_similarity(low, exact).min() > 0.99


def test_every_precision_of_this_machine_trains(settings: Settings) -> None:
    loop = make_loop(settings, tiny_spec(settings, precision="bf16", phases=PHASE), "bf16")
    loop.run()
    assert loop.at.finished


@pytest.mark.slow
def test_a_quick_recipe_runs_as_a_job_too(settings: Settings) -> None:
    from training.run import train

    spec = tiny_spec(settings, name="quick", recipe="quick", image_size=None, phases=PHASE)
    spec = spec.model_copy(update={"backbone": "mobilenetv3_small_100"})
    folder = RunFolder(run_folder(settings, "quick").path)
    assert train(spec, folder) == "finished"
    status = folder.read_status()
    assert status is not None and status.checkpoint.endswith("quick")

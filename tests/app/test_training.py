"""The Training page: choices, checks, launch, queue, curves, and what is off for whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.secrets import secrets_singleton
from streamlit.testing.v1 import AppTest

from core.errors import JobError
from core.files import atomic_write_json
from core.models.checkpoint import find_checkpoint
from core.settings import Settings
from pages.ui.access import Access
from tests.dashboard import Place
from tests.training_case import tiny_spec
from training.jobs import LocalRunner, State, Status, local
from training.jobs.queue import Queue

PAGE = "pages/6_Training.py"


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No dispatcher starts: what is launched stays queued."""
    monkeypatch.setattr(local, "ensure_dispatcher", lambda runs: None)


@pytest.fixture
def own(place: Place, tmp_path: Path, at_home: Any, monkeypatch: pytest.MonkeyPatch, quiet: None) -> Settings:
    """The dashboard's data with a cache and checkpoints of its own."""
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "cache"))
    return Settings.from_environment()


def opened(app: Any, **query: str) -> Any:
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def button(app: Any, label: str) -> Any:
    return next(found for found in app.button if found.label == label)


def test_an_empty_queue_says_what_to_do(own: Settings, at_home: Any) -> None:
    app = opened(at_home.run())
    assert not app.error
    assert any("No run yet" in caption.value for caption in app.caption)
    assert any("Trains on" in text.value for text in app.markdown)


def test_a_launch_queues_what_was_chosen(own: Settings, at_home: Any) -> None:
    app = opened(at_home.run())
    app.selectbox(key="training.recipe").set_value("balanced").run()
    app.selectbox(key="training.backbone").set_value("mobilevit_xxs")
    app.text_input(key="training.name").set_value("from-the-page")
    app.number_input(key="training.balanced.phases.0.epochs").set_value(3)
    app.selectbox(key="training.balanced.batch_statistics").set_value("frozen")
    app.number_input(key="training.balanced.batch_size").set_value(16).run()
    button(app, "Launch").click().run()
    assert not app.exception and not app.error
    jobs = LocalRunner.at(own).jobs()
    assert [job.spec.name for job in jobs] == ["from-the-page"]
    spec = jobs[0].spec
    assert (spec.backbone, spec.recipe.name) == ("mobilevit_xxs", "balanced")
    assert (spec.recipe.phases[0].epochs, spec.recipe.batch_size) == (3, 16)
    assert spec.recipe.augmentation.rotation == 15.0
    assert spec.recipe.batch_statistics == "frozen"
    assert app.query_params["run"] == jobs[0].id


def test_a_distillation_is_set_up_on_the_page(own: Settings, at_home: Any) -> None:
    app = opened(at_home.run())
    app.selectbox(key="training.recipe").set_value("distill").run()
    parent = app.selectbox(key="training.parent").options[1]
    backbone = find_checkpoint(own, parent).card.backbone
    other = next(name for name in app.selectbox(key="training.backbone").options if name != backbone)
    app.selectbox(key="training.parent").set_value(parent)
    app.selectbox(key="training.backbone").set_value(other).run()
    assert not [box for box in app.checkbox if box.key == "training.start"]  # its weights do not fit
    app.selectbox(key="training.backbone").set_value(backbone).run()
    app.checkbox(key="training.start").check()
    app.selectbox(key="training.distill.teacher").set_value(parent)
    app.selectbox(key="training.distill.optimizer").set_value("muon").run()
    button(app, "Launch").click().run()
    assert not app.exception and not app.error
    (spec,) = (job.spec for job in LocalRunner.at(own).jobs())
    assert (spec.parent, spec.start_from_parent, spec.backbone) == (parent, True, backbone)
    assert spec.recipe.distillation is not None and spec.recipe.distillation.teacher == parent
    assert spec.recipe.optimizer.method == "muon"


def test_a_second_click_on_launch_makes_no_second_job(own: Settings, at_home: Any) -> None:
    app = opened(at_home.run())
    button(app, "Launch").click().run()
    button(app, "Launch").click().run()
    assert len(LocalRunner.at(own).jobs()) == 1
    assert any("launched already" in error.value for error in app.error)


@pytest.mark.parametrize("name", ["a; rm -rf ~", "../up", "UPPER", "$(x)", "<b>"])
def test_a_hostile_name_is_refused_with_a_message(own: Settings, at_home: Any, name: str) -> None:
    app = opened(at_home.run())
    app.text_input(key="training.name").set_value(name).run()
    assert not app.exception
    assert any("not acceptable" in error.value for error in app.error)
    assert not [found for found in app.button if found.label == "Launch"]


def test_read_only_watches_and_does_not_touch(
    own: Settings, at_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = LocalRunner.at(own)
    run_id = runner.submit(tiny_spec(own, name="waiting")).id
    monkeypatch.setenv("VITRINE_READ_ONLY", "1")
    app = opened(at_home.run())
    assert any("read-only" in info.value for info in app.info)
    assert all(button(app, label).disabled for label in ("Launch", "Check and estimate", "Cancel"))
    assert any("waiting" in text.value for text in app.markdown)
    forged = AppTest.from_function(press_cancel, kwargs={"run_id": run_id}, default_timeout=30).run()
    assert not forged.exception
    assert forged.session_state["training.error"].title == "This is off for you"
    assert runner.job(run_id).state == State.QUEUED


def press_cancel(run_id: str) -> None:
    """What a message from a browser does that presses a button although it is drawn as off."""
    from pages.ui.training_jobs import _do

    _do("cancel", run_id)


def test_what_is_off_is_refused_with_the_reason() -> None:
    with pytest.raises(JobError, match="read-only"):
        Access(False, "This dashboard is read-only.").require()
    Access(True).require()


def configure_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """`[auth]` in Streamlit's secrets."""
    monkeypatch.setattr(secrets_singleton, "load_if_toml_exists", lambda: True)
    monkeypatch.setattr(secrets_singleton, "_secrets", {"auth": {"client_id": "dashboard"}})


@pytest.fixture
def with_login(at_home: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The app with a login, as if Streamlit's package for it were installed."""
    from importlib.util import find_spec

    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "authlib" or find_spec(name))
    configure_login(monkeypatch)
    return at_home


def test_a_configured_login_is_needed(own: Settings, with_login: Any) -> None:
    runner = LocalRunner.at(own)
    runner.submit(tiny_spec(own, name="waiting"))
    app = opened(with_login.run())
    assert button(app, "Launch").disabled and button(app, "Cancel").disabled
    assert any("Log in to launch" in info.value for info in app.info)
    assert button(app, "Log in")


def test_who_has_logged_in_may_launch_and_cancel(own: Settings, with_login: Any) -> None:
    with_login.user = {"is_logged_in": True, "email": "someone@example.org"}
    app = opened(with_login.run())
    assert not app.info
    button(app, "Launch").click().run()
    assert len(LocalRunner.at(own).jobs()) == 1
    button(app, "Cancel").click().run()
    assert LocalRunner.at(own).jobs()[0].state == State.CANCELLED


def test_a_login_that_cannot_work_says_what_to_install(
    own: Settings, at_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.util import find_spec

    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "authlib" else find_spec(name)
    )
    configure_login(monkeypatch)
    app = opened(at_home.run())
    assert any("Authlib" in info.value for info in app.info)
    assert button(app, "Launch").disabled


def test_secrets_that_cannot_be_read_open_nothing(
    own: Settings, at_home: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import streamlit as st

    broken = tmp_path / "secrets.toml"
    broken.write_text("[auth\n")
    monkeypatch.setattr(secrets_singleton, "load_if_toml_exists", lambda: False)
    honest = st.get_option
    monkeypatch.setattr(
        st, "get_option", lambda key: [str(broken)] if key == "secrets.files" else honest(key)
    )
    app = opened(at_home.run())
    assert button(app, "Launch").disabled


def test_an_open_address_without_login_launches_nothing(
    own: Settings, at_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import streamlit as st

    honest = st.get_option
    monkeypatch.setattr(st, "get_option", lambda key: "0.0.0.0" if key == "server.address" else honest(key))
    app = opened(at_home.run())
    assert button(app, "Launch").disabled


def test_cancel_resume_clone_and_delete(own: Settings, at_home: Any) -> None:
    runner = LocalRunner.at(own)
    run_id = runner.submit(tiny_spec(own, name="steered", batch_size=4)).id
    app = opened(at_home.run())
    button(app, "Cancel").click().run()
    assert runner.job(run_id).state == State.CANCELLED
    button(app, "Clone").click().run()
    assert app.number_input(key="training.two_phase.batch_size").value == 4
    assert app.number_input(key="training.two_phase.image_size").value == 32
    button(app, "Resume").click().run()
    assert runner.job(run_id).state == State.QUEUED
    button(app, "Cancel").click().run()
    button(app, "Delete").click().run()
    assert runner.jobs() == ()
    assert not app.exception and not app.error


def record(epoch: int, phase: str, tasks: dict[str, int]) -> dict[str, Any]:
    scores = {
        "n": 10,
        "loss": 1.0 / epoch,
        "accuracy": 0.5 + epoch / 20,
        "macro_f1": 0.5,
        "weighted_f1": 0.5,
        "confusion": [[0, 0, 8], [0, 1, 2]],
    }
    return {
        "epoch": epoch, "phase": phase, "steps": epoch, "train": {"total": 1.0 / epoch},
        "val": dict.fromkeys(tasks, scores),
        "score": 0.5, "best": True, "backbone_lr": 0.0 if phase == "heads" else 1e-5, "head_lr": 3e-4,
        "seconds": 1.0, "images_per_second": 50.0, "memory_mb": 900.0,
    }  # fmt: skip


def test_a_running_job_shows_progress_curves_confusion_and_log(own: Settings, at_home: Any) -> None:
    from core.data import open_dataset

    tasks = {
        task.name: len(task.labels) for task in open_dataset(own.data[0], cache=own.cache).taxonomy.tasks
    }
    runner = LocalRunner.at(own)
    run_id = runner.submit(tiny_spec(own, name="live")).id
    Queue(runner.runs / "jobs.sqlite").claim(run_id, "cpu")
    folder = runner.folder(run_id)
    for epoch, phase in ((1, "heads"), (2, "all")):
        folder.append_metrics(record(epoch, phase, tasks))
    folder.write_status(
        Status(attempt=1, state="running", stage="training", epoch=2, epochs=3, step=1, steps=3, progress=0.7,
               eta_s=42.0, device="cpu", precision="fp32", images_per_second=12.0, phase="all")
    )  # fmt: skip
    folder.log_file.write_text("epoch 2 <script>alert(1)</script>\n")
    app = opened(at_home.run(), run=run_id)
    assert not app.error
    charts = app.get("plotly_chart")
    assert len(charts) >= 4
    assert any("Best epoch so far: 2" in caption.value for caption in app.caption)
    assert "epoch 2 <script>" in app.code[0].value


def test_a_crashed_job_says_why_and_offers_to_resume(own: Settings, at_home: Any) -> None:
    runner = LocalRunner.at(own)
    run_id = runner.submit(tiny_spec(own, name="gone")).id
    queue = Queue(runner.runs / "jobs.sqlite")
    queue.claim(run_id, "cpu")
    queue.move(run_id, (State.RUNNING,), State.CRASHED, "Killed by SIGKILL")
    app = opened(at_home.run())
    assert any("Killed by SIGKILL" in caption.value for caption in app.caption)
    assert not button(app, "Resume").disabled


def test_a_finished_run_gives_its_verdict_per_head(own: Settings, at_home: Any) -> None:
    runner = LocalRunner.at(own)
    run_id = runner.submit(tiny_spec(own, name="done")).id
    queue = Queue(runner.runs / "jobs.sqlite")
    queue.claim(run_id, "cpu")
    queue.move(run_id, (State.RUNNING,), State.FINISHED)
    told = {"verdict": "b", "words": "worse on 53 images", "sentence": "<b>parent</b> is ahead."}
    atomic_write_json(runner.folder(run_id).verdict, {"tasks": {"class": told}})
    app = opened(at_home.run(), run=run_id)
    verdict = next(text.value for text in app.markdown if "worse on 53 images" in text.value)
    assert verdict.startswith(":red[") and "<b>" not in verdict


def test_two_runs_can_be_compared(own: Settings, at_home: Any) -> None:
    runner = LocalRunner.at(own)
    for name in ("one", "two"):
        run_id = runner.submit(tiny_spec(own, name=name)).id
        runner.folder(run_id).append_metrics(record(1, "heads", {"class": 3}))
    app = opened(at_home.run())
    assert not app.error
    assert any(found.value == "Compare runs" for found in app.subheader)
    assert len(app.multiselect[0].value) == 2

"""The Ray adapter: against a real head on loopback where Ray is installed, and what it says elsewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.data import open_dataset
from core.errors import JobError
from core.models import save_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from tests.model_case import make_card, make_network
from tests.training_case import tiny_spec
from training.__main__ import main
from training.jobs import Job, State, ray_client
from training.jobs.ray import RayRunner
from training.jobs.ray_client import ADDRESS, TOKEN

SECRET = "a-token-for-tests-" + "x" * 32
PATIENT = {
    "RAY_health_check_initial_delay_ms": "60000",
    "RAY_health_check_timeout_ms": "120000",
    "RAY_health_check_failure_threshold": "20",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "300",
}
"""On a machine that does much else a head's parts answer late; that is no reason to end it."""
installed = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not installed, reason="Ray is not installed (requirements-ray.txt)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real head with 2 CPUs on loopback that asks for a token; its address."""
    port, dashboard = free_port(), free_port()
    # Ray's sockets want a short path.
    place = Path("/tmp") / f"vitrine-ray-{secrets.token_hex(3)}"
    environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": SECRET, **PATIENT}
    argv = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=2"]
    argv += ["--node-ip-address=127.0.0.1", f"--port={port}", "--dashboard-host=127.0.0.1"]
    argv += [f"--dashboard-port={dashboard}", f"--temp-dir={place}", "--disable-usage-stats"]
    argv += ["--object-store-memory=200000000"]
    address, deadline = f"http://127.0.0.1:{dashboard}", time.monotonic() + 400
    process = launch(argv, environment)
    try:
        while not answers(address):
            assert time.monotonic() < deadline
            if process.poll() is not None:  # Ray gives its own parts 30 seconds to start
                end(process)
                process = launch(argv, environment)
            time.sleep(1)
        yield address
    finally:
        end(process)
        shutil.rmtree(place, ignore_errors=True)


def launch(argv: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(argv, env=environment, start_new_session=True, stdout=nowhere, stderr=nowhere)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group at once: nothing of it is kept, so nothing is lost."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(address: str) -> bool:
    try:
        RayRunner(Path("/nonexistent"), address, SECRET)._client()
    except JobError:
        return False
    return True


def ended(runner: RayRunner, run_id: str, seconds: float = 500) -> Job:
    deadline = time.monotonic() + seconds
    while (job := runner.job(run_id)).active:
        assert time.monotonic() < deadline, job
        time.sleep(1)
    return job


def test_without_an_address_it_says_what_to_set(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    with pytest.raises(JobError, match=ADDRESS):
        RayRunner.at(settings)


def test_the_token_is_not_shown(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, "http://127.0.0.1:1")
    monkeypatch.setenv(TOKEN, "s3cret")
    assert "s3cret" not in repr(RayRunner.at(settings))


@pytest.mark.skipif(installed, reason="Ray is installed")
def test_without_ray_it_says_how_to_install_it(settings: Settings) -> None:
    runner = RayRunner(settings.cache / "ray-runs", "http://127.0.0.1:1")
    with pytest.raises(JobError, match="not installed"):
        runner.submit(tiny_spec(settings))


@needs_ray
def test_a_head_that_is_down_is_unreachable_and_never_failed(settings: Settings) -> None:
    runner = RayRunner(settings.cache / "ray-runs", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(JobError, match="unreachable"):
        runner.submit(tiny_spec(settings))
    folder = runner._folder("gone-1")
    tiny_spec(settings).write(folder.spec)
    (folder.path / "ray.json").write_text(
        '{"attempt": 1, "submission": "gone-1-1", "number": 1, "submitted": 1}'
    )
    assert runner.job("gone-1").state == State.UNREACHABLE


class Head:
    """A client whose head answers with these errors, then takes jobs."""

    def __init__(self, *errors: str) -> None:
        self.errors = list(errors)
        self.jobs: list[str] = []

    def submit_job(self, *, submission_id: str, **_: object) -> None:
        if self.errors:
            raise RuntimeError(self.errors.pop(0))
        self.jobs.append(submission_id)


def test_a_head_that_is_not_ready_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_client, "POLL_SECONDS", 0.0)
    head = Head(*["Request failed: No available agent to submit job"] * 3)
    ray_client.send(head, "job-1", ["true"])
    assert head.jobs == ["job-1"]


@pytest.mark.parametrize("error", ["No available agent to submit job", "the id is taken"])
def test_a_job_that_is_refused_says_so(error: str) -> None:
    with pytest.raises(JobError, match="did not take the job") as refused:
        ray_client.send(Head(error), "job-1", ["true"], patience=-1)
    assert error in refused.value.cause


@needs_ray
@pytest.mark.timeout(900)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_tiny_job_runs_on_a_real_head(settings: Settings, head: str, workers: int) -> None:
    """One worker is a Ray Job; two are Ray Train's, and a run refuses a group of another size."""
    runner = RayRunner(settings.cache / "ray-runs", head, SECRET)
    spec = tiny_spec(settings, name=f"ray-{workers}").model_copy(update={"workers": workers})
    with pytest.raises(JobError, match="unreachable"):
        RayRunner(settings.cache / "ray-runs", head, "wrong" * 10).submit(spec)
    run_id = runner.submit(spec).id
    job = ended(runner, run_id)
    assert job.state == State.FINISHED, (job.reason, runner.log(run_id, -4000).text)
    assert len(runner.metrics(run_id)) == 3
    assert (settings.checkpoints[0] / f"ray-{workers}" / "card.json").exists()
    log = runner.log(run_id).text
    assert "epoch   3/3" in log
    assert workers == 1 or f"{workers} processes" in log
    with pytest.raises(JobError, match="nothing to cancel"):
        runner.cancel(run_id)
    runner.delete(run_id)
    assert runner.jobs() == ()


@needs_ray
@pytest.mark.timeout(900)
def test_ray_data_stores_what_index_stores(
    settings: Settings, head: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = open_dataset(settings.data[0])
    network = make_network(taxonomy=dataset.taxonomy)
    checkpoint = save_checkpoint(settings.checkpoints[0] / "small", network, make_card(network))
    here = FeatureStore(settings.cache.with_name("local"))
    here.index(dataset, checkpoint, engine="torch", precision="f32")
    monkeypatch.setenv(ADDRESS, head)
    monkeypatch.setenv(TOKEN, SECRET)
    monkeypatch.setenv("VITRINE_CACHE", str(settings.cache))
    argv = ["index-ray", "--data", str(settings.data[0]), "--checkpoint", str(checkpoint.path), "--json"]
    assert main(argv) == 0, capsys.readouterr().err
    told = json.loads(capsys.readouterr().out)
    assert told["succeeded"] and told["pending"] == 0 and told["done"] == len(dataset)
    there = FeatureStore(settings.cache)
    expected, found = here.predictions(dataset, checkpoint), there.predictions(dataset, checkpoint)
    assert found.present.all() and (found.engine, found.precision) == ("torch", "f32")
    for task in dataset.taxonomy.names:
        np.testing.assert_allclose(found.logits[task], expected.logits[task], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.embeddings(), expected.embeddings(), rtol=2e-3, atol=2e-3)
    shas = list(dataset.table["sha"])
    assert there.thumbnails(shas) == here.thumbnails(shas) != {}

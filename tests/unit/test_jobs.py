"""The local job runner: its queue, its dispatcher and what it knows of processes, with a stand-in trainer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import JobError, RecipeError
from core.settings import Settings
from tests.training_case import tiny_spec
from training.jobs import LocalRunner, RunFolder, State, dispatcher, local
from training.jobs.dispatcher import Dispatcher, exit_reason
from training.jobs.environment import child_environment
from training.jobs.identity import ProcessIdentity
from training.jobs.progress import Status, plain_text
from training.spec import parse_spec

STAND_IN = """
import json, signal, sys, time
folder, attempt, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
from pathlib import Path
sys.path.insert(0, {home!r})
from training.jobs.progress import RunFolder, Status
run = RunFolder(Path(folder))
run.write_process(attempt)
def end(state, reason=""):
    run.write_status(Status(attempt=attempt, state=state, reason=reason)); sys.exit(0)
def stop(*_):
    if how != "stubborn":
        end("cancelled", "Stopped")
signal.signal(signal.SIGTERM, stop)
print("at work", flush=True)
if how == "finish": end("finished")
if how == "fail": end("failed", "because")
if how == "vanish": sys.exit(7)
while True: time.sleep(0.02)
"""


class Place:
    """A runner whose dispatcher is ticked by the test and whose trainers are stand-ins."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = settings
        self.runner = LocalRunner.at(settings)
        self.how = "finish"
        monkeypatch.setattr(local, "ensure_dispatcher", lambda runs: None)
        monkeypatch.setattr(dispatcher, "trainer_command", self._command)
        self.dispatchers: list[Dispatcher] = []
        self.main = self.dispatcher()

    def dispatcher(self, grace: float = 20.0) -> Dispatcher:
        self.dispatchers.append(Dispatcher(self.runner.runs, grace=grace))
        return self.dispatchers[-1]

    def submit(self, name: str = "tiny", how: str = "finish") -> str:
        self.how = how
        return self.runner.submit(tiny_spec(self.settings, name=name)).id

    def until(self, run_id: str, *states: State, by: Dispatcher | None = None) -> State:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            (by or self.main).tick()
            state = self.runner.job(run_id).state
            if state in states:
                return state
            time.sleep(0.02)
        raise AssertionError(f"{run_id} is {self.runner.job(run_id)}, not {states}")

    def at_work(self, run_id: str) -> ProcessIdentity:
        """Wait until the stand-in of a job has installed its signal handler."""
        self.until(run_id, State.RUNNING)
        wait_for(lambda: "at work" in self.runner.log(run_id).text)
        process = self.runner._queue.row(run_id).process
        assert process is not None
        return process

    def _command(self, folder: RunFolder, attempt: int, slot: str) -> list[str]:
        script = STAND_IN.format(home=str(Path(__file__).resolve().parents[2]))
        return [sys.executable, "-c", script, str(folder.path), str(attempt), self.how]

    def close(self) -> None:
        for row in self.runner._queue.rows():
            if row.process is not None:
                row.process.signal_group(signal.SIGKILL)
        for one in self.dispatchers:
            for child in one.children.values():
                child.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def place(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(settings, monkeypatch)
    yield made
    made.close()


def test_a_job_runs_and_finishes(place: Place) -> None:
    run_id = place.submit()
    assert place.runner.job(run_id).state == State.QUEUED
    assert place.until(run_id, State.FINISHED, State.FAILED, State.CRASHED) == State.FINISHED
    job = place.runner.job(run_id)
    assert job.ended is not None and job.started is not None and job.attempt == 1
    assert "at work" in place.runner.log(run_id).text
    assert place.main.tick() is False


def test_one_job_at_a_time_in_order(place: Place) -> None:
    first, second = place.submit("first", "wait"), place.submit("second", "wait")
    place.at_work(first)
    place.main.tick()
    assert place.runner.job(second).state == State.QUEUED
    assert [job.id for job in place.runner.jobs()] == [second, first]
    place.runner.cancel(first)
    place.until(first, State.CANCELLED)
    place.at_work(second)


@pytest.mark.parametrize(
    ("how", "state", "reason"),
    [("fail", State.FAILED, "because"), ("vanish", State.CRASHED, "code 7")],
)
def test_every_end_has_its_reason(place: Place, how: str, state: State, reason: str) -> None:
    run_id = place.submit(how=how)
    assert place.until(run_id, State.FINISHED, State.FAILED, State.CRASHED) == state
    assert reason in place.runner.job(run_id).reason


def test_a_killed_trainer_is_a_crash_that_can_be_resumed(place: Place) -> None:
    run_id = place.submit(how="wait")
    process = place.at_work(run_id)
    os.kill(process.pid, signal.SIGKILL)
    place.until(run_id, State.CRASHED)
    job = place.runner.job(run_id)
    assert "SIGKILL" in job.reason and job.resumable
    place.how = "finish"
    place.runner.resume(run_id)
    place.until(run_id, State.FINISHED)
    assert place.runner.job(run_id).attempt == 2


def test_cancel_in_each_state(place: Place) -> None:
    running, queued = place.submit("running", "wait"), place.submit("queued", "wait")
    place.at_work(running)
    assert place.runner.cancel(queued).state == State.CANCELLED
    assert place.runner.cancel(running).state == State.CANCELLING
    assert place.runner.cancel(running).state == State.CANCELLING
    place.until(running, State.CANCELLED)
    for run_id in (running, queued):
        with pytest.raises(JobError, match="nothing to cancel"):
            place.runner.cancel(run_id)
    finished = place.submit("finished", "finish")
    place.until(finished, State.FINISHED)
    with pytest.raises(JobError, match="finished"):
        place.runner.cancel(finished)
    with pytest.raises(JobError, match="cannot be resumed"):
        place.runner.resume(finished)


def test_a_stubborn_trainer_is_killed_after_the_grace(place: Place) -> None:
    run_id = place.submit(how="stubborn")
    process = place.at_work(run_id)
    impatient = place.dispatcher(grace=0.2)
    place.runner.cancel(run_id)
    place.until(run_id, State.CANCELLED, by=impatient)
    assert not process.alive
    assert "force" in place.runner.job(run_id).reason


def test_a_new_dispatcher_adopts_the_jobs_of_a_dead_one(place: Place) -> None:
    run_id = place.submit(how="wait")
    process = place.at_work(run_id)
    heir = place.dispatcher()
    heir.tick()
    assert place.runner.job(run_id).state == State.RUNNING and process.alive
    place.runner.cancel(run_id)
    place.until(run_id, State.CANCELLED, by=heir)


def test_two_dispatchers_at_once_start_a_job_once(place: Place) -> None:
    """The lock allows one only; should two ever be at work, a job still has one process."""
    first, second = place.main, place.dispatcher()
    jobs = [place.submit(f"both-{number}", "finish") for number in range(4)]

    def work(one: Dispatcher) -> None:
        while one.tick():
            time.sleep(0.005)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work, first), pool.submit(work, second)]:
            done.result(120)
    for run_id in jobs:
        job = place.runner.job(run_id)
        assert (job.state, job.attempt) == (State.FINISHED, 1)
        assert place.runner.log(run_id).text.count("at work") == 1


def test_a_dispatcher_that_died_before_it_noted_the_process_loses_nothing(place: Place) -> None:
    run_id = place.submit(how="wait")
    process = place.at_work(run_id)
    with place.runner._queue._connection() as connection:
        connection.execute("UPDATE jobs SET pid = NULL, process_started = NULL, boot = NULL")
    place.dispatcher().tick()
    assert place.runner._queue.row(run_id).process == process


def test_a_claimed_job_without_any_process_is_queued_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = place.submit()
    assert place.runner._queue.claim(run_id, "cpu")
    heir = place.dispatcher()
    heir.tick()
    assert place.runner.job(run_id).state == State.RUNNING
    monkeypatch.setattr(dispatcher, "STARTUP_SECONDS", 0.1)
    place.until(run_id, State.FINISHED, by=heir)


def test_a_reused_process_number_is_never_signalled() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        found = ProcessIdentity.of(child.pid)
        assert found is not None and found.alive
        for other in (
            ProcessIdentity(child.pid, "1", found.boot),
            ProcessIdentity(child.pid, found.started, "another boot"),
        ):
            assert not other.alive and not other.signal_group(signal.SIGKILL)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
    assert not found.alive


def test_two_tabs_that_launch_at_once_make_one_job(place: Place) -> None:
    spec = tiny_spec(place.settings, name="twice")
    found: list[object] = []

    def launch() -> None:
        try:
            found.append(place.runner.submit(spec).id)
        except JobError as error:
            found.append(error)

    threads = [threading.Thread(target=launch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(item, str) for item in found) == 1
    assert all(isinstance(item, str) or "launched already" in str(item) for item in found)
    assert len(place.runner.jobs()) == 1
    assert len([path for path in place.runner.runs.iterdir() if path.is_dir()]) == 1


def test_a_token_submits_once(place: Place) -> None:
    spec = tiny_spec(place.settings, name="token")
    first = place.runner.submit(spec, token="form-1")
    assert place.runner.submit(spec, token="form-1").id == first.id
    assert len(place.runner.jobs()) == 1


def test_a_checkpoint_is_never_replaced(place: Place) -> None:
    folder = place.settings.checkpoints[0] / "taken"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text("{}")
    with pytest.raises(JobError, match="taken"):
        place.submit("taken")


def test_several_workers_are_refused_here(place: Place) -> None:
    spec = tiny_spec(place.settings).model_copy(update={"workers": 2})
    with pytest.raises(JobError, match="cluster"):
        place.runner.submit(spec)


def test_delete_forgets_ended_jobs_only(place: Place) -> None:
    run_id = place.submit(how="wait")
    place.at_work(run_id)
    with pytest.raises(JobError, match="cannot be deleted"):
        place.runner.delete(run_id)
    place.runner.cancel(run_id)
    place.until(run_id, State.CANCELLED)
    place.runner.delete(run_id)
    assert not (place.runner.runs / run_id).exists()
    for use in (
        place.runner.delete,
        place.runner.job,
        place.runner.cancel,
        place.runner.log,
        place.runner.metrics,
    ):
        with pytest.raises(JobError, match="no such job"):
            use(run_id)


@pytest.mark.parametrize("run_id", ["../..", "/etc", "a' OR '1'='1", "", "x" * 5000, "\x00"])
def test_an_id_is_looked_up_and_never_a_path(place: Place, run_id: str) -> None:
    with pytest.raises(JobError, match="no such job"):
        place.runner.log(run_id)
    with pytest.raises(JobError, match="no such job"):
        place.runner.delete(run_id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a; touch /tmp/x"),
        ("name", "../up"),
        ("name", "a" * 100),
        ("backbone", "`id`"),
        ("data", "a\x00b"),
        ("data", ""),
        ("workers", 10**9),
        ("threads", -1),
        ("device", "cuda; ls"),
        ("surprise", 1),
    ],
)
def test_hostile_specs_are_refused_by_name(settings: Settings, field: str, value: object) -> None:
    value_of = tiny_spec(settings).model_dump(mode="json")
    with pytest.raises(RecipeError, match=field):
        parse_spec({**value_of, field: value})


def test_the_log_is_read_by_byte_offset_and_without_escapes(place: Place) -> None:
    run_id = place.submit()
    folder = place.runner.folder(run_id)
    folder.log_file.write_bytes("\x1b[31mred\x1b[0m é\n".encode())
    first = place.runner.log(run_id)
    assert first.text == "red é\n" and first.offset == first.size
    with folder.log_file.open("ab") as stream:
        stream.write(b"more\n")
    assert place.runner.log(run_id, first.offset).text == "more\n"
    assert place.runner.log(run_id, -5).text == "more\n"
    assert plain_text(b"a\x1b]0;title\x07b\x08c\rd") == "ab\N{REPLACEMENT CHARACTER}c\nd"


def test_a_half_written_line_of_metrics_is_left_out(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append_metrics({"epoch": 1})
    folder.append_metrics({"epoch": 2})
    with folder.metrics_file.open("ab") as stream:
        stream.write(b'{"epoch": 3, "sc')
    assert [record["epoch"] for record in folder.read_metrics()] == [1, 2]
    folder.keep_metrics(1)
    assert [record["epoch"] for record in folder.read_metrics()] == [1]


def test_a_stale_or_damaged_status_says_nothing(place: Place) -> None:
    run_id = place.submit(how="vanish")
    folder = place.runner.folder(run_id)
    folder.write_status(Status(attempt=0, state="finished"))
    place.until(run_id, State.CRASHED)
    folder.status_file.write_text('{"state": "finished", "attempt":')
    assert folder.read_status() is None
    assert place.runner.job(run_id).state == State.CRASHED


def test_secrets_do_not_reach_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_RAY_TOKEN", "s3cret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("VITRINE_CACHE", "cache")
    found = child_environment()
    assert "s3cret" not in found.values()
    assert found["VITRINE_CACHE"] == "cache" and "PATH" in found


def test_exit_reasons_name_the_signal() -> None:
    assert "SIGKILL" in exit_reason(-9) and "SIGSEGV" in exit_reason(-11)
    assert "code 3" in exit_reason(3) and "without a word" in exit_reason(None)

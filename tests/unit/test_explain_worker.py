"""The worker process: answers, errors, death, time-outs, idleness and a clean end."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from PIL import Image

from core.errors import ImageError, InferenceError
from core.explain import Worker


@pytest.fixture
def fake() -> Iterator[Worker]:
    worker = Worker(module="tests.unit.slow_service")
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def real() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def png(size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "red").save(stream, "PNG")
    return stream.getvalue()


def test_worker_starts_on_first_use_and_stays(fake: Worker) -> None:
    assert not fake.alive
    first = fake.ask("echo", {}, [b"", b"\0binary\xff"])
    assert first.parts == (b"", b"\0binary\xff")
    assert fake.ask("echo", {}).values["pid"] == first.values["pid"] == fake.pid


def test_death_is_reported_and_the_next_request_starts_anew(fake: Worker) -> None:
    before = fake.ask("echo", {}).values["pid"]
    with pytest.raises(InferenceError, match="ended unexpectedly") as raised:
        fake.ask("die", {})
    assert "exit code 3" in raised.value.cause
    assert fake.ask("echo", {}).values["pid"] != before


def test_worker_killed_between_requests_is_replaced(fake: Worker) -> None:
    pid = fake.ask("echo", {}).values["pid"]
    psutil.Process(pid).kill()
    psutil.wait_procs([p for p in psutil.process_iter() if p.pid == pid], timeout=60)
    wait_for(lambda: not fake.alive)
    assert fake.ask("echo", {}).values["pid"] != pid


def test_late_answer_ends_the_worker(fake: Worker) -> None:
    pid = fake.ask("echo", {}).values["pid"]
    start = time.monotonic()
    with pytest.raises(InferenceError, match="did not answer within 1 s"):
        fake.ask("sleep", {"seconds": 30}, limit=1.0)
    assert time.monotonic() - start < 20, "the answer would have come after 30 s"
    assert not psutil.pid_exists(pid)
    assert fake.ask("echo", {}).values["pid"] != pid


def test_requests_of_several_threads_are_not_mixed_up(fake: Worker) -> None:
    answers: dict[int, bytes] = {}

    def ask(number: int) -> None:
        answers[number] = fake.ask("echo", {}, [str(number).encode()]).parts[0]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == {number: str(number).encode() for number in range(8)}


def test_close_leaves_no_process(fake: Worker) -> None:
    pid = fake.ask("echo", {}).values["pid"]
    fake.close()
    assert not psutil.pid_exists(pid) and not fake.alive
    fake.close()


def test_close_does_not_wait_for_a_request_in_flight(fake: Worker) -> None:
    fake.ask("echo", {})
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(InferenceError) as raised:
            fake.ask("sleep", {"seconds": 30})
        told.append(raised.value.title)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_for(fake._lock.locked)
    time.sleep(0.2)  # and the request is sent
    start = time.monotonic()
    fake.close()
    thread.join(60)
    assert time.monotonic() - start < 20 and told == ["The model worker ended unexpectedly"]


def test_preview_decodes_and_bounds(real: Worker) -> None:
    answer = real.ask("preview", {}, [png((2000, 1000))])
    assert (answer.values["width"], answer.values["height"]) == (2000, 1000)
    with Image.open(io.BytesIO(answer.parts[0])) as image:
        assert image.format == "JPEG" and image.size == (640, 320)


@pytest.mark.parametrize("data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", png((50, 50))[:60]])
def test_hostile_bytes_come_back_as_image_errors(real: Worker, data: bytes) -> None:
    with pytest.raises(ImageError) as raised:
        real.ask("preview", {}, [data])
    assert raised.value.title and raised.value.cause and raised.value.fix
    assert real.alive


def test_failure_inside_is_an_inference_error(real: Worker, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InferenceError, match="could not be run") as raised:
        real.ask("no such operation", {})
    assert "Traceback" not in str(raised.value)
    assert real.alive


def test_page_side_does_not_import_torch() -> None:
    code = "import core.explain, sys; assert not {'torch', 'timm', 'umap', 'cv2'} & set(sys.modules)"
    assert os.spawnl(os.P_WAIT, os.sys.executable, "python", "-c", code) == 0  # type: ignore[attr-defined]


def test_idle_worker_gives_its_memory_back() -> None:
    worker = Worker(idle_limit=0.2)
    try:
        worker.ask("preview", {}, [png((8, 8))])
        wait_for(lambda: not worker.alive)
        assert worker.ask("preview", {}, [png((8, 8))]).values["width"] == 8
    finally:
        worker.close()

"""What a visitor waits for, in a real browser: `python -m benchmarks.pages --name NAME --out FILE.json`.

The dashboard is started on the folders that VITRINE_DATA, VITRINE_CACHE and VITRINE_CHECKPOINTS name (indexed
beforehand) and driven in Debian's Chromium. An interaction is timed in the page, from the pointer's press to
the frame in which what it asks for is on the screen, every picture of it decoded. Beside the wall-clock time
stands the server's CPU time, which other work on the machine hardly changes. `--table FILE.json...` turns
results into the Markdown table of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from core.files import atomic_write_json
from core.settings import HOME

CHROMIUM = "/usr/bin/chromium"
CELL = ".matrix svg .cell"
SCRIPT = """
window.deep = (selector, root = document) => {
  const found = [...root.querySelectorAll(selector)];
  for (const node of root.querySelectorAll("*"))
    if (node.shadowRoot) found.push(...deep(selector, node.shadowRoot));
  return found;
};
window.cards = () => deep("button.card").map(card => card.dataset.id).join(" ");
window.pictured = () => {
  const all = deep("button.card img");
  return all.length > 0 && all.every(img => img.complete && img.naturalWidth > 0);
};
window.idle = () => !document.querySelector('[data-testid="stStatusWidget"]');
window.timed = (done, limit) => new Promise((resolve, reject) => {
  let start = null;
  addEventListener("pointerdown", () => { start = performance.now(); }, { capture: true, once: true });
  const began = performance.now();
  const look = () => {
    if (start !== null && done()) return resolve(performance.now() - start);
    if (performance.now() - began > limit) return reject(new Error("it did not happen"));
    requestAnimationFrame(look);
  };
  look();
});
"""


@dataclass
class Result:
    """Seconds of every repetition by what was done, and megabytes by what was measured."""

    name: str
    rows: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    """Mean CPU seconds of the server per repetition."""
    megabytes: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def add(self, what: str, seconds: float) -> None:
        self.seconds.setdefault(what, []).append(round(seconds, 4))


@contextmanager
def dashboard(python: str = sys.executable) -> Iterator[tuple[psutil.Process, str, float]]:
    """The server's process, its address, and when the command was given (monotonic)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [python, "-m", "streamlit", "run", "pages/ui/server.py", "--server.port", str(port)]
    began = time.monotonic()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(
        argv, cwd=HOME, env={**os.environ, "STREAMLIT_SERVER_HEADLESS": "true"}, **quiet
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _answers(address, server)
        yield psutil.Process(server.pid), address, began
    finally:
        server.terminate()
        server.wait(20)


def _answers(address: str, server: subprocess.Popen[bytes], limit: float = 120.0) -> None:
    end = time.monotonic() + limit
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("the server did not start")


def evict(folders: list[Path]) -> int:
    """Ask the kernel to drop cached pages of all files below `folders`; returns the number of files."""
    count = 0
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                descriptor = os.open(path, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)
                count += 1
    return count


def first_figure(browser: Browser, result: Result, label: str, link: str) -> None:
    """From the command to the matrix and its cell's images on the screen, in a fresh browser profile."""
    with dashboard() as (server, address, began):
        tab = fresh_tab(browser)
        tab.goto(address + link)
        tab.wait_for_selector(CELL, timeout=120_000)
        result.add(f"command to first figure, {label}", time.monotonic() - began)
        result.cpu[f"command to first figure, {label}"] = round(sum(server.cpu_times()[:2]), 3)
        tab.wait_for_function("() => pictured()", timeout=120_000)
        result.add(f"command to first images, {label}", time.monotonic() - began)
        tab.context.close()


def fresh_tab(browser: Browser) -> Page:
    """A tab with an empty cache and the helpers of SCRIPT."""
    tab = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    tab.add_init_script(SCRIPT)
    tab.set_default_timeout(60_000)
    return tab


def interact(tab: Page, act: Callable[[], None], done: str, limit: int = 30_000) -> float:
    """Seconds from the pointer's press in `act` to the frame in which the JavaScript `done` holds."""
    tab.evaluate(f"() => {{ window.waiting = timed({done}, {limit}); window.waiting.catch(() => 0); }}")
    act()
    return float(tab.evaluate("() => window.waiting")) / 1000


def changed(tab: Page) -> str:
    """The condition that other cards than now are shown, all their pictures decoded."""
    before = json.dumps(tab.evaluate("() => cards()"))
    return f"() => cards() !== {before} && pictured()"


def settle(tab: Page) -> None:
    tab.wait_for_function("() => idle()")
    tab.wait_for_timeout(150)


def measure_cells(tab: Page, result: Result, repeat: int) -> None:
    """Matrix cell -> its images."""
    cells = tab.locator(CELL).evaluate_all(
        "found => found.map((cell, i) => (+cell.dataset.count > 0 ? i : -1)).filter(i => i >= 0)"
    )
    for number in range(repeat):
        cell = tab.locator(CELL).nth(cells[(7 * number + 1) % len(cells)])
        cell.scroll_into_view_if_needed()
        box = cell.bounding_box()
        assert box is not None
        place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        settle(tab)
        seconds = interact(tab, lambda at=place: tab.mouse.click(*at), changed(tab))  # type: ignore[misc]
        result.add("cell to images", seconds)


def measure_filters(tab: Page, result: Result, repeat: int) -> None:
    """The split in the sidebar -> matrix and images of other rows."""
    for number in range(repeat):
        button = tab.get_by_test_id("stSidebar").get_by_role(
            "radio", name=("val", "train", "all")[number % 3]
        )
        if not button.count():
            button = tab.get_by_test_id("stSidebar").get_by_text(
                ("val", "train", "all")[number % 3], exact=True
            )
        before = json.dumps(tab.locator(".readout").inner_text())
        readout = f"() => deep('.readout')[0]?.innerText !== {before} && idle() && pictured()"
        settle(tab)
        result.add("filter to matrix and images", interact(tab, button.first.click, readout))


def measure_pages(tab: Page, result: Result, repeat: int) -> None:
    """A click in the navigation -> the other page with what is on it."""
    there = {
        "Mistakes": "() => document.querySelector('h1')?.innerText === 'Mistakes' && pictured()",
        "Classes": "() => document.querySelector('h1')?.innerText === 'Classes' && "
        "deep('.js-plotly-plot, [data-testid=stDataFrame], [data-testid=stTable]').length > 0",
        "Confusion": "() => deep('.matrix svg .cell').length > 0 && pictured()",
    }
    for _ in range(repeat):
        for name, done in there.items():
            settle(tab)
            entry = tab.get_by_test_id("stSidebarNav").get_by_role("link", name=name)
            result.add("page switch", interact(tab, entry.click, done))


def measure_paging(tab: Page, result: Result, repeat: int) -> None:
    """Next page of the gallery of mistakes."""
    for number in range(repeat):
        forward = "Next page" if number % 6 < 3 else "Previous page"
        button = tab.get_by_role("button", name=forward).first
        if button.is_disabled():
            continue
        settle(tab)
        result.add("gallery page", interact(tab, button.click, changed(tab)))


def measure_detail(tab: Page, result: Result, repeat: int) -> None:
    """A card -> its drawer with every head and the nearest training images."""
    for number in range(repeat):
        settle(tab)
        card = tab.locator("button.card").nth(number)
        done = "() => deep('.head').length > 0 && deep('button.card .note').length > 4"
        result.add("card to details", interact(tab, card.click, done))
        tab.keyboard.press("Escape")
        tab.get_by_role("dialog").wait_for(state="detached")


def measure_reload(tab: Page, result: Result, repeat: int) -> None:
    for _ in range(repeat):
        settle(tab)
        start = time.monotonic()
        tab.reload(wait_until="commit")
        tab.wait_for_selector(CELL)
        result.add("reload to figure", time.monotonic() - start)
        tab.wait_for_function("() => pictured()")


@contextmanager
def spending(server: psutil.Process, result: Result, what: str) -> Iterator[None]:
    """Note the server's mean CPU time per repetition of `what` inside the block."""
    before = sum(server.cpu_times()[:2])
    yield
    spent = sum(server.cpu_times()[:2]) - before
    result.cpu[what] = round(spent / max(1, len(result.seconds.get(what, ()))), 4)


def memory(server: psutil.Process) -> float:
    return round(server.memory_info().rss / 1e6, 1)


def heavy_libraries(server: psutil.Process) -> list[str]:
    """Which of torch and umap the server's own process has mapped or imported compiled parts of."""
    paths = " ".join(mapped.path for mapped in server.memory_maps())
    return [name for name in ("torch", "umap", "numba", "openvino") if f"site-packages/{name}" in paths]


def measure(name: str, repeat: int, starts: int) -> Result:
    """Everything, on the folders that the environment names."""
    result = Result(name, notes={"cpus": os.cpu_count(), "load": os.getloadavg()[0]})
    link = "/Confusion?split=all"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        site = Path(psutil.__file__).parent.parent
        result.notes["files evicted"] = evict([site, *_folders()])
        first_figure(browser, result, "cold", link)
        for _ in range(starts):
            first_figure(browser, result, "warm", link)
        with dashboard() as (server, address, _):
            tab = fresh_tab(browser)
            tab.goto(address + link)
            tab.wait_for_function("() => pictured()")
            result.megabytes["server after the first page"] = memory(server)
            shown = str(tab.locator('[data-testid="stSidebar"] [role=status]').inner_text())
            result.rows = int(shown.split("/")[-1].split()[0].replace(",", ""))
            with spending(server, result, "reload to figure"):
                measure_reload(tab, result, 5)
            with spending(server, result, "cell to images"):
                measure_cells(tab, result, repeat)
            with spending(server, result, "filter to matrix and images"):
                measure_filters(tab, result, min(repeat, 12))
            tab.goto(address + link)
            tab.wait_for_function("() => pictured()")
            with spending(server, result, "page switch"):
                measure_pages(tab, result, max(2, repeat // 5))
            tab.goto(address + "/Mistakes?split=all&head=" + _second_head(tab))
            tab.wait_for_function("() => pictured()")
            with spending(server, result, "gallery page"):
                measure_paging(tab, result, repeat)
            result.megabytes["server after browsing"] = memory(server)
            with spending(server, result, "card to details"):
                measure_detail(tab, result, min(repeat, 10))
            result.megabytes["server after details"] = memory(server)
            result.notes["heavy libraries in the server"] = heavy_libraries(server)
        browser.close()
    return result


def _second_head(tab: Page) -> str:
    """A head with enough mistakes to page through: the second one where there is one."""
    from core.data import open_dataset
    from core.settings import Settings

    settings = Settings.from_environment()
    names = open_dataset(settings.data[0], cache=settings.cache).taxonomy.names
    return names[min(1, len(names) - 1)]


def _folders() -> list[Path]:
    from core.settings import Settings

    settings = Settings.from_environment()
    return [settings.cache]


def table(results: list[dict[str, Any]]) -> str:
    """Markdown: one line per thing done, one column per data set; p50 / p95 (n) in seconds, or megabytes."""
    lines = ["| | " + " | ".join(f"{r['name']} ({r['rows']:,} rows)" for r in results) + " |"]
    lines.append("|---|" + "---|" * len(results))
    for what in dict.fromkeys(key for result in results for key in result["seconds"]):
        lines.append(f"| {what}, s | " + " | ".join(_spread(r, what) for r in results) + " |")
    for what in dict.fromkeys(key for result in results for key in result["megabytes"]):
        cells = (f"{r['megabytes'][what]:.0f}" if what in r["megabytes"] else "" for r in results)
        lines.append(f"| {what}, MB | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(result: dict[str, Any], what: str) -> str:
    values = result["seconds"].get(what)
    if not values:
        return ""
    cpu = f"; CPU {result['cpu'][what]:.2f}" if what in result["cpu"] else ""
    if len(values) == 1:
        return f"{values[0]:.2f}{cpu}"
    p95 = statistics.quantiles(values, n=20, method="inclusive")[-1]
    return f"{statistics.median(values):.2f} / {p95:.2f} ({len(values)}){cpu}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--name", default="pages")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--repeat", type=int, default=30)
    parser.add_argument("--starts", type=int, default=3, help="warm starts of the server")
    parser.add_argument("--table", type=Path, nargs="+", help="print the Markdown table of these results")
    args = parser.parse_args()
    if args.table:
        print(table([json.loads(path.read_text()) for path in args.table]))
        return
    result = asdict(measure(args.name, args.repeat, args.starts))
    if args.out:
        atomic_write_json(args.out, result)
    print(table([result]))


if __name__ == "__main__":
    main()

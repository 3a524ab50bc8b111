"""The Explorer's maps at 100,000 and 1,000,000 points: `python -m benchmarks.explorer`.

    python -m benchmarks.explorer                      # everything: drawing, fitting, umap-learn at 10,000
    python -m benchmarks.explorer --parts draw --rows 1000000 --out FILE.json

`draw` serves one page with the dashboard's own parts (the WebGL figure of `core.figures.scatter`; the
component `pages/ui/raster.js` on the routes of `pages/ui/rasters.py`) and times in headless Chromium, from
the wheel or the pointer to the frame that shows the new window. `server` is the server's share of that. `fit`
times PCA and UMAP, `peer` umap-learn's defaults on 10,000. Embeddings are made up, as in
`benchmarks.projection`. Processor seconds stand beside the clock's: on a machine that does other work
meanwhile only they mean something.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from core.figures.raster import Window, layer, rasterise
from core.figures.scatter import scatter
from core.figures.scatter_colours import Colouring
from core.files import atomic_write_json
from core.settings import HOME

CHROMIUM = "/usr/bin/chromium"
TOKEN = "0" * 32
CLASSES = 15
STEPS = 24
WEBGL_MOST = 100_000
PAGE = """<!doctype html><meta charset="utf-8"><style>body{margin:8px;width:1000px}</style>
<div class="raster" style="width:960px"></div><div id="plot" style="width:960px;height:620px"></div>"""
RASTER = """async (data) => {
  const { default: draw } = await import("/raster.js")
  const root = document.querySelector(".raster")
  draw({ data, parentElement: document.body, setTriggerValue: () => {} })
  await window.ready()
}"""
HELPERS = (HOME / "benchmarks" / "explorer.js").read_text("utf-8")


def made_map(rows: int, seed: int = 0) -> tuple[np.ndarray, Colouring, np.ndarray]:
    """A map like UMAP's: coordinates (rows, 2), 15 labels, 4 % mistakes."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, CLASSES, rows).astype(np.int32)
    centres = draw.normal(0, 8, (CLASSES, 2))
    coords = (centres[labels] + draw.normal(0, 1.5, (rows, 2))).astype(np.float32)
    names = tuple(f"class {number:02d}" for number in range(CLASSES))
    return coords, Colouring("class", names, labels), draw.random(rows) < 0.04


def spread(seconds: list[float]) -> dict[str, float]:
    """Median and 95th percentile in seconds."""
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    return {"median_s": round(statistics.median(seconds), 4), "p95_s": round(p95, 4), "n": len(seconds)}


def draw_server(rows: int) -> dict[str, Any]:
    """What one window costs the server while one zooms in: seconds, processor seconds, bytes of pictures."""
    import io

    from PIL import Image

    coords, colouring, wrong = made_map(rows)
    found = layer(coords, colouring, np.arange(rows), wrong, "light")
    whole = found.whole()
    clock, used, sizes = [], [], []
    for step in range(STEPS):
        factor = 0.75**step
        half_x, half_y = factor * (whole.x1 - whole.x0) / 2, factor * (whole.y1 - whole.y0) / 2
        x, y = coords[7] if step else ((whole.x0 + whole.x1) / 2, (whole.y0 + whole.y1) / 2)
        began, cpu = time.perf_counter(), time.process_time()
        picture = rasterise(found, Window(x - half_x, x + half_x, y - half_y, y + half_y), 960, 620)
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, "PNG", compress_level=1)
        clock.append(time.perf_counter() - began)
        used.append(time.process_time() - cpu)
        sizes.append(stream.tell())
    return {
        "wall": spread(clock),
        "cpu": spread(used),
        "largest_bytes": max(sizes),
        "median_bytes": int(np.median(sizes)),
    }


@contextmanager
def served(rows: int) -> Iterator[str]:
    """The page and the routes on a free port."""
    import socket

    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, Response
    from starlette.routing import Route

    from pages.ui.rasters import RASTERS, Published, map_routes

    coords, colouring, wrong = made_map(rows)
    found = layer(coords, colouring, np.arange(rows), wrong, "light")
    RASTERS.publish(
        TOKEN, lambda: Published(lambda row: {"caption": str(row), "says": "", "src": ""}, found, rows)
    )
    script = (HOME / "pages" / "ui" / "raster.js").read_text("utf-8")
    style = (HOME / "pages" / "ui" / "raster.css").read_text("utf-8")
    routes = [
        Route("/", lambda request: HTMLResponse(PAGE + f"<style>{style}</style>")),
        Route("/raster.js", lambda request: Response(script, media_type="text/javascript")),
        *map_routes(),
    ]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
        RASTERS.__init__()  # type: ignore[misc]


def draw_browser(rows: int) -> dict[str, Any]:
    """Pan and zoom in Chromium: the server's pictures at every size, WebGL up to `WEBGL_MOST` points."""
    from playwright.sync_api import sync_playwright

    coords, colouring, wrong = made_map(rows)
    found = layer(coords, colouring, np.arange(rows), wrong, "light")
    data = {
        "token": TOKEN,
        "map": "m",
        "address": f"/img/map/{TOKEN}",
        "whole": found.whole().__dict__,
        "focus": None,
        "height": 620,
        "accent": "#1B6CA8",
        "label": "map",
        "legend": [],
        "gradient": None,
        "pins": [],
    }
    result: dict[str, Any] = {}
    with served(rows) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 1100, "height": 1400})
        tab.set_default_timeout(300_000)
        tab.add_init_script(HELPERS)
        received = []
        tab.on("response", lambda answer: received.append(answer) if ".png" in answer.url else None)
        tab.goto(address)
        tab.evaluate(RASTER, data)
        canvas = tab.query_selector(".raster canvas")
        tab.evaluate("document.querySelector('.raster [data-tool=pan]').click()")
        zooms = [
            tab.evaluate("([n, d]) => wheel(n, d, .45, .55)", [canvas, -100 if step < STEPS // 2 else 100])
            for step in range(STEPS)
        ]
        pans = [
            tab.evaluate("([n, r]) => drag(n, r)", [canvas, 0.1 if step % 4 < 2 else -0.1])
            for step in range(STEPS)
        ]
        result["raster"] = {
            "zoom": spread([value / 1000 for value in zooms]),
            "pan": spread([value / 1000 for value in pans]),
            "first_bytes": len(received[0].body()),
        }
        if rows <= WEBGL_MOST:
            figure = scatter(coords, colouring, np.arange(rows), wrong=wrong)
            text = figure.to_json()
            import plotly

            tab.add_script_tag(path=str(Path(plotly.__file__).parent / "package_data" / "plotly.min.js"))
            tab.evaluate("text => plotted(JSON.parse(text))", text)
            zooms = [
                tab.evaluate("factor => zoomed(factor)", 0.8 if step < STEPS // 2 else 1.25)
                for step in range(STEPS)
            ]
            pans = [
                tab.evaluate("share => relayout(share)", 0.1 if step % 4 < 2 else -0.1)
                for step in range(STEPS)
            ]
            result["webgl"] = {
                "zoom": spread([value / 1000 for value in zooms]),
                "pan": spread([value / 1000 for value in pans]),
                "payload_bytes": len(text),
            }
        browser.close()
    return result


def fit_maps(rows: int, peer: bool) -> list[dict[str, Any]]:
    """PCA and UMAP on this many images, and umap-learn's defaults where `peer`."""
    from benchmarks.projection import clouds, timed, umap_defaults
    from core.projection import Parameters, fit, space

    fit(space(clouds(200, 16)), Parameters("umap"))  # compiles
    found = space(clouds(rows, 192))
    ways: dict[str, Callable[[], np.ndarray]] = {
        "PCA": lambda: fit(found, Parameters("pca")).coords,
        "UMAP, a sample laid out and the rest placed": lambda: fit(found, Parameters("umap")).coords,
    }
    if peer:
        umap_defaults(space(clouds(200, 16)).unit)
        ways["umap-learn defaults"] = lambda: umap_defaults(found.unit)
    return [timed(name, work, found.unit) for name, work in ways.items()]


def main() -> None:
    """Print one JSON object a line, and write them all to `--out`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=("server", "draw", "fit", "peer"),
        default=["server", "draw", "peer", "fit"],
    )
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    results: list[dict[str, Any]] = []

    def tell(part: str, rows: int, value: Any) -> None:
        results.append({"part": part, "rows": rows, "load": round(os.getloadavg()[0], 1), "result": value})
        print(json.dumps(results[-1]), flush=True)

    if "peer" in args.parts:
        for line in fit_maps(10_000, peer=True):
            tell("fit", 10_000, line)
    for rows in args.rows:
        if "server" in args.parts:
            tell("server", rows, draw_server(rows))
        if "draw" in args.parts:
            tell("draw", rows, draw_browser(rows))
        if "fit" in args.parts:
            for line in fit_maps(rows, peer=False):
                tell("fit", rows, line)
    if args.out:
        atomic_write_json(args.out, results)


if __name__ == "__main__":
    main()

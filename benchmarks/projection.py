"""Time and quality of maps against umap-learn's defaults: `python -m benchmarks.projection --rows 10000`.

Embeddings are drawn (clouds of unequal spread in D dimensions, each on a plane of its own), so the figures
are about the methods and not about any data set. Everything runs in one process, after UMAP is compiled.
Processor seconds are told beside the clock's, for machines that do other work meanwhile.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from core.projection import Parameters, fit, space
from core.projection.quality import measure

Floats = npt.NDArray[np.float32]


def clouds(rows: int, dimensions: int, *, seed: int = 0) -> Floats:
    """Embeddings (rows, dimensions) float32 in 40 clouds, each on a plane of 8 dimensions of its own."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 40, rows)
    centres = draw.normal(0, 1.0, (40, dimensions))
    found = np.empty((rows, dimensions), dtype=np.float32)
    for label in range(40):
        mine = np.flatnonzero(labels == label)
        plane = draw.normal(0, 1 / np.sqrt(dimensions), (8, dimensions))
        inside = draw.normal(0, draw.uniform(1, 4), (len(mine), 8)) @ plane
        found[mine] = centres[label] + inside + draw.normal(0, 0.05, (len(mine), dimensions))
    return found


def umap_defaults(unit: Floats) -> Floats:
    """umap-learn as it comes, with a cosine metric and one thread as a seed demands."""
    from umap import UMAP

    return np.asarray(UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(unit), dtype=np.float32)


def timed(name: str, work: Callable[[], Floats], unit: Floats) -> dict[str, object]:
    """Seconds, processor seconds, trustworthiness and neighbours kept of one way to make a map."""
    began, used = time.perf_counter(), time.process_time()
    coords = work()
    seconds, used = time.perf_counter() - began, time.process_time() - used
    quality = measure(unit, coords)
    found: dict[str, object] = {"name": name, "seconds": round(seconds, 2), "cpu_seconds": round(used, 2)}
    return found | {"trustworthiness": round(quality.trustworthiness, 4), "kept": round(quality.kept, 4)}


def run(rows: int, dimensions: int, peer: bool, tsne: bool) -> list[dict[str, object]]:
    """Every method on the same embeddings; `peer` adds umap-learn's defaults."""
    found = space(clouds(rows, dimensions))
    fit(space(clouds(200, 16)), Parameters("umap"))  # compiles
    ways: dict[str, Callable[[], Floats]] = {
        "PCA": lambda: fit(found, Parameters("pca")).coords,
        "UMAP on exact neighbours": lambda: fit(found, Parameters("umap")).coords,
    }
    if tsne:
        ways["t-SNE"] = lambda: fit(found, Parameters("tsne")).coords
    if peer:
        umap_defaults(space(clouds(200, 16)).unit)
        ways["umap-learn defaults"] = lambda: umap_defaults(found.unit)
    return [timed(name, work, found.unit) for name, work in ways.items()]


def main() -> None:
    """Print one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--dimensions", type=int, default=192)
    parser.add_argument("--no-peer", action="store_true", help="leave out umap-learn's defaults")
    parser.add_argument("--tsne", action="store_true")
    args = parser.parse_args()
    for found in run(args.rows, args.dimensions, not args.no_peer, args.tsne):
        print(json.dumps({"rows": args.rows, **found}), flush=True)


if __name__ == "__main__":
    main()

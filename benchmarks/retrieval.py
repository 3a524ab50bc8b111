"""How fast search is, beside its peers in the same run: `python -m benchmarks.retrieval`.

Predictions, labels and embeddings are drawn at random (heads right about nine times in ten, embeddings around
a few hundred centres, d = 192). Peers: scikit-learn's TfidfVectorizer with linear_kernel over one description
per row, faiss IndexFlatIP, and scikit-learn's brute-force neighbours up to 100,000 rows. One thread each, per
query, in ms by the clock and in processor time, which a busy machine stretches less. Writes
benchmarks/results/retrieval.json and a section of docs/benchmarks.md; 600, 100,000 and 1,000,000 rows take
about three minutes of two cores and 6 GB.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.section import put_section
from core.data import Dataset
from core.data.dataset import ValidationReport
from core.data.taxonomy import Task, Taxonomy
from core.files import atomic_write_json
from core.models import facts
from core.retrieval import ImageOptions, Playground, Source
from core.retrieval.ranking import best
from core.retrieval.text import text_scores
from core.settings import HOME
from core.store.predictions import Predictions

RESULTS = HOME / "benchmarks" / "results" / "retrieval.json"
PAGE = HOME / "docs" / "benchmarks.md"
DIMENSION, CENTRES, K = 192, 300, 20
TASKS = {"class": 10, "color": 13, "material": 9, "condition": 4, "size": 3, "style": 6}
WORDS = {task: tuple(f"{task}{chr(97 + n)}" for n in range(count)) for task, count in TASKS.items()}
TAXONOMY = Taxonomy(tuple(Task(task, labels) for task, labels in WORDS.items()))
QUERIES = (
    "classa",
    "colorb classc",
    "colora materialb classd",
    "not colorc classb",
    "colord materiale conditiona sizeb classf",
)
BRUTE_ROWS = 100_000
"""scikit-learn's brute force takes too long beyond."""
AIMS = {"text": 50.0, "image": 20.0}
"""p95 in ms at 1,000,000 rows."""

Times = dict[str, float]
Run = Callable[[Any], Any]


def made_up(rows: int, seed: int = 0) -> tuple[Dataset, Predictions]:
    """`rows` images with labels, five of every object, and what one checkpoint says of them."""
    random = np.random.default_rng(seed)
    logits, table = {}, _table(rows)
    for task, labels in WORDS.items():
        truth = random.integers(0, len(labels), rows)
        table[task] = pd.Categorical.from_codes(truth, categories=list(labels))
        logits[task] = random.standard_normal((rows, len(labels)), dtype=np.float32)
        logits[task][np.arange(rows), truth] += 3

    def embeddings() -> npt.NDArray[np.float32]:
        centres = random.standard_normal((CENTRES, DIMENSION), dtype=np.float32)
        found = random.standard_normal((rows, DIMENSION), dtype=np.float32)
        found += centres[random.integers(0, CENTRES, rows)]
        return found

    data = Dataset("made up", Path("nowhere"), table, TAXONOMY, "f" * 32, ValidationReport(rows=rows))
    seen = np.ones(rows, dtype=bool)
    return data, Predictions("f" * 32, "a" * 64, "made up", TAXONOMY, seen, logits, load=embeddings)


def _table(rows: int) -> pd.DataFrame:
    number = np.arange(rows)
    names = pd.Series(number.astype(str))
    split = pd.Categorical.from_codes((number % 10 == 0).astype(np.int8), categories=["train", "test"])
    plain = {"caption": "", "width": 64, "height": 64}
    objects = pd.Series((number // 5).astype(str))
    return pd.DataFrame(
        {"image_id": names, "path": names, "sha": names, "split": split, "instance_id": objects, **plain}
    )


def timed(run: Run, arguments: Sequence[Any], rounds: int) -> Times:
    """p50 and p95 in ms of `run` over `arguments`, `rounds` times, after one round that does not count."""
    laps = []
    with threadpool_limits(1):
        for argument in arguments:
            run(argument)
        for _ in range(rounds):
            for argument in arguments:
                began, worked = time.perf_counter(), time.thread_time()
                run(argument)
                laps.append((1000 * (time.perf_counter() - began), 1000 * (time.thread_time() - worked)))
    p50, p95 = np.percentile(laps, (50, 95), axis=0).round(3).tolist()
    return {"p50": p50[0], "p95": p95[0], "cpu p50": p50[1], "cpu p95": p95[1]}


def built(make: Callable[[], Any]) -> tuple[Any, float]:
    """What `make` makes, and the seconds it took."""
    began = time.perf_counter()
    found = make()
    return found, round(time.perf_counter() - began, 2)


def measure_text(ground: Playground, rounds: int) -> tuple[dict[str, Times], dict[str, float]]:
    """Whole text searches, and the ranking by TF-IDF beside scikit-learn's; times and seconds to build."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics.pairwise import linear_kernel

    source = ground.sources[0]
    _, beliefs = built(lambda: source.beliefs)
    described, descriptions = built(lambda: source.descriptions)

    def search(method: Any) -> Run:
        return lambda text: ground.by_text(text, k=K, method=method)

    def ranking(text: str) -> npt.NDArray[np.int64]:
        return best(text_scores(ground.parse(text), [source], "tfidf"), K)

    vectoriser = TfidfVectorizer(ngram_range=(1, 2), dtype=np.float32)
    texts = [described.text(row) for row in range(len(source))]
    matrix, fitted = built(lambda: vectoriser.fit_transform(texts))

    def peer(text: str) -> npt.NDArray[np.int64]:
        scores = linear_kernel(vectoriser.transform([text]), matrix)[0]
        return np.argpartition(-scores, K)[:K]

    found = {
        f"text, {m}: search with reasons": timed(search(m), QUERIES, rounds)
        for m in ("probability", "sum", "tfidf", "fused")
    }
    found["text, tfidf: ranking alone"] = timed(ranking, QUERIES, rounds)
    found["text, scikit-learn TF-IDF and linear_kernel"] = timed(peer, QUERIES, max(1, rounds // 8))
    return found, {"beliefs": beliefs, "descriptions": descriptions, "scikit-learn TF-IDF": fitted}


def measure_image(
    ground: Playground, rounds: int
) -> tuple[dict[str, Times], dict[str, float], dict[str, Any]]:
    """Image searches beside faiss flat and scikit-learn; times, seconds to build, and the index's recall."""
    import faiss
    from sklearn.neighbors import NearestNeighbors

    vectors, building = built(lambda: ground.sources[0].vectors)
    rows = np.random.default_rng(7).integers(0, len(vectors), 40)
    noise = np.random.default_rng(8).standard_normal((40, DIMENSION)).astype(np.float32) / 50
    queries = [vectors.query(vectors.of(int(row)) + part) for row, part in zip(rows, noise, strict=True)]
    tenth = ground.dataset.split_mask("test")
    flat = faiss.IndexFlatIP(DIMENSION)
    flat.add(vectors.matrix)
    few, hide = max(1, rounds // 4), ImageOptions(hide_same=True)

    def whole(row: int, text: str = "") -> Any:
        return ground.by_image(ground.picture(int(row)), text=text, k=K, keep=tenth, options=hide)

    found = {
        "image: neighbours": timed(lambda q: vectors.search(q, K), queries, rounds),
        "image, exact: neighbours": timed(lambda q: vectors.search(q, K, exact=True), queries, few),
        "image, faiss flat": timed(lambda q: flat.search(q[None], K), queries, few),
        "image: search in one split without the same object": timed(whole, rows, few),
        "text + image: the same": timed(lambda row: whole(row, "colorb classc"), rows, few),
    }
    if len(vectors) <= BRUTE_ROWS:
        brute = NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute").fit(vectors.matrix)
        found["image, scikit-learn brute force"] = timed(lambda q: brute.kneighbors(q[None]), queries[:10], 1)
    index = {
        "approximate": vectors.approximate,
        "recall@20": recall(vectors, queries, None),
        "recall@20 in a tenth of the rows": recall(vectors, queries, tenth),
        "recall@20 measured at build": round(vectors.recall, 4),
    }
    return found, {"vectors": building}, index


def recall(vectors: Any, queries: Sequence[Any], keep: npt.NDArray[np.bool_] | None) -> float:
    """The share of the exact 20 nearest that a search finds, over `queries`."""
    kept = [
        len(
            np.intersect1d(vectors.search(q, K, keep=keep)[0], vectors.search(q, K, keep=keep, exact=True)[0])
        )
        for q in queries
    ]
    return round(float(np.mean(kept)) / K, 4)


def measure(rows: int, rounds: int) -> dict[str, Any]:
    """Everything at one size."""
    data, predictions = made_up(rows)
    ground = Playground(data, [Source(predictions)])
    text, text_built = measure_text(ground, rounds)
    image, image_built, index = measure_image(ground, rounds)
    return {"rows": rows, "ms": {**text, **image}, "build s": {**text_built, **image_built}, "index": index}


def as_markdown(result: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md."""
    sizes = result["sizes"]
    lines = [
        f"{result['hardware']}; one thread; k = {K}, d = {DIMENSION}; load average {result['load'][0]:.1f} "
        f"at the start, {result['load'][1]:.1f} at the end. p50 / p95 in ms by the clock; processor time in "
        "brackets.",
        "",
        "| | " + " | ".join(f"{size['rows']:,} rows" for size in sizes) + " |",
        "|---|" + "---|" * len(sizes),
    ]
    for what in dict.fromkeys(key for size in sizes for key in size["ms"]):
        lines.append(f"| {what} | " + " | ".join(_cell(size["ms"].get(what)) for size in sizes) + " |")
    for what in dict.fromkeys(key for size in sizes for key in size["build s"]):
        lines.append(f"| build {what}, s | " + " | ".join(f"{s['build s'][what]:.1f}" for s in sizes) + " |")
    for what in ("recall@20", "recall@20 in a tenth of the rows"):
        lines.append(f"| {what} | " + " | ".join(f"{size['index'][what]:.4f}" for size in sizes) + " |")
    largest = sizes[-1]
    for name, limit in AIMS.items():
        ours = [m for what, m in largest["ms"].items() if what.startswith(f"{name}") and _ours(what)]
        clock, work = (max(m[key] for m in ours) for key in ("p95", "cpu p95"))
        lines += [
            "",
            f"Aim at {largest['rows']:,} rows, {name}, p95: {limit:.0f} ms; the slowest search above has "
            f"{clock:.1f} by the clock, {work:.1f} in processor time.",
        ]
    return "\n".join(lines)


def _ours(what: str) -> bool:
    return not any(word in what for word in ("scikit-learn", "faiss", "exact"))


def _cell(found: Times | None) -> str:
    if found is None:
        return "not run"
    return f"{found['p50']:.2f} / {found['p95']:.2f} ({found['cpu p50']:.2f} / {found['cpu p95']:.2f})"


def main() -> None:
    """Measure every size, write the JSON and the section of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[600, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE")
    args = parser.parse_args()
    load, sizes = [os.getloadavg()[0]], []
    for rows in args.rows:
        sizes.append(measure(rows, args.rounds))
        print(sizes[-1], flush=True)
    result = {
        "hardware": facts.hardware(),
        "versions": facts.versions(),
        "created": facts.now(),
        "load": [*load, os.getloadavg()[0]],
        "sizes": sizes,
    }
    atomic_write_json(args.out, result)
    put_section(args.page, "retrieval", as_markdown(result))


if __name__ == "__main__":
    main()

"""How often do the 95 % intervals cover, and how often does McNemar's test cry wolf? By simulation.

    python -m benchmarks.statistics [--draws 2000] [--json]

Images of one object share an object effect: accuracy per object is drawn from a beta distribution with the
given intra-object correlation (0 = independent images). A nominal 95 % interval should cover 93 - 97 % of the
time; where a design with few objects and a high accuracy allows only a handful of outcomes it covers more.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.estimate import Estimate
from core.evaluation.intervals import proportion
from core.evaluation.outcomes import Outcomes, from_probabilities
from core.evaluation.paired import difference, discordance, exact_mcnemar, object_test
from core.evaluation.report import scores

LABELS = 10
DESIGNS = ((53, 53), (53, 11), (100, 100), (100, 20), (1000, 1000), (1000, 200))
"""(images, objects); as many objects as images means no objects are known."""
ACCURACIES = (0.7, 0.8, 0.9, 0.95)
CORRELATIONS = (0.05, 0.3)
Objects = npt.NDArray[np.int64] | None


@dataclass(frozen=True)
class Coverage:
    """How often an interval of `figure` covers, lies above (`too_high`) or below (`too_low`) the truth; mean
    width."""

    figure: str
    n: int
    objects: int
    correlation: float
    truth: float
    draws: int
    covered: float
    too_high: float
    too_low: float
    width: float


@dataclass(frozen=True)
class Level:
    """How often a test at the 5 % level rejects although the two models are equally good."""

    test: str
    n: int
    objects: int
    correlation: float
    draws: int
    rejected: float


def sizes(random: np.random.Generator, n: int, objects: int) -> npt.NDArray[np.int64]:
    """Object (n,) of each image: every object has one, the rest are dealt at random."""
    return (
        np.arange(n) if objects == n else np.r_[np.arange(objects), random.integers(0, objects, n - objects)]
    )


def rates(
    random: np.random.Generator, objects: int, accuracy: float, correlation: float
) -> npt.NDArray[np.float64]:
    """Accuracy (objects,) of each object: beta with mean `accuracy` and intra-object correlation
    `correlation`."""
    if correlation == 0:
        return np.full(objects, accuracy)
    total = (1 - correlation) / correlation
    return random.beta(accuracy * total, (1 - accuracy) * total, objects)


def draw(random: np.random.Generator, n: int, objects: int, accuracy: float, correlation: float) -> Outcomes:
    """Outcomes of a head with 10 labels, one per object, errors spread evenly over the others."""
    group = sizes(random, n, objects)
    right = random.random(n) < rates(random, objects, accuracy, correlation)[group]
    truth = random.permutation(np.arange(objects) % LABELS)[group].astype(np.int32)
    prediction = np.where(right, truth, (truth + random.integers(1, LABELS, n)) % LABELS)
    table = np.full((n, LABELS), 0.2 / (LABELS - 1), dtype=np.float32)
    table[np.arange(n), prediction] = 0.8
    return from_probabilities(
        "class", tuple(map(str, range(LABELS))), truth, table, None, None if objects == n else group
    )


def cover(
    figure: str,
    make: Callable[[Outcomes], Estimate],
    n: int,
    objects: int,
    correlation: float,
    accuracy: float,
    truth: float,
    draws: int,
) -> Coverage:
    """Simulate one interval."""
    random = np.random.default_rng([n, objects, int(1000 * correlation), int(1000 * accuracy)])
    high = low = 0
    width = 0.0
    for _ in range(draws):
        found = make(draw(random, n, objects, accuracy, correlation))
        high += found.low > truth + 1e-12
        low += found.high < truth - 1e-12
        width += found.width
    return Coverage(
        figure,
        n,
        objects,
        correlation,
        truth,
        draws,
        1 - (high + low) / draws,
        high / draws,
        low / draws,
        width / draws,
    )


def accuracy_of(outcomes: Outcomes) -> Estimate:
    """The headline accuracy."""
    return proportion(outcomes.correct, outcomes.instances)


def macro_f1_of(outcomes: Outcomes) -> Estimate:
    """The headline macro F1."""
    return scores(outcomes, np.ones(len(outcomes), dtype=bool)).macro_f1


def coverages(draws: int) -> list[Coverage]:
    """Accuracy and macro F1 over all designs, correlations and accuracies; macro F1 with a tenth of the
    draws."""
    found = []
    for n, objects in DESIGNS:
        for correlation in (0.0,) if n == objects else CORRELATIONS:
            for accuracy in ACCURACIES:
                case = (n, objects, correlation, accuracy)
                found.append(cover("accuracy", accuracy_of, *case, accuracy, draws))
                # By symmetry of the design recall, precision and F1 of every label tend to the accuracy.
                found.append(cover("macro F1", macro_f1_of, *case, accuracy, max(draws // 10, 100)))
    return found


def pair(
    random: np.random.Generator, n: int, objects: int, first: float, second: float, correlation: float
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Objects]:
    """Two models that share what is hard: whether each is right on each image, and the objects."""
    from scipy.stats import norm

    group = sizes(random, n, objects)
    shared = np.sqrt(0.5) * random.normal(size=n)
    of_object = np.sqrt(correlation) * random.normal(size=objects)[group] if correlation else 0.0
    right = []
    for accuracy in (first, second):
        # half of the object effect is the model's own, so that objects favour one model or the other
        own = np.sqrt(correlation / 2) * random.normal(size=objects)[group] if correlation else 0.0
        noise = shared + np.sqrt(0.5) * random.normal(size=n)
        latent = np.sqrt(1 - correlation) * noise + np.sqrt(0.5) * of_object + own
        right.append(latent < norm.ppf(accuracy))
    return right[0], right[1], None if objects == n else group


def differences(draws: int) -> list[Coverage]:
    """Coverage of the interval of the paired difference."""
    found = []
    for n, objects in DESIGNS:
        for correlation in (0.0,) if n == objects else CORRELATIONS:
            for first, second in ((0.92, 0.9), (0.95, 0.85)):
                random = np.random.default_rng([n, objects, int(1000 * correlation)])
                estimates = [
                    difference(*pair(random, n, objects, first, second, correlation)) for _ in range(draws)
                ]
                truth = first - second
                high = float(np.mean([e.low > truth + 1e-12 for e in estimates]))
                low = float(np.mean([e.high < truth - 1e-12 for e in estimates]))
                width = float(np.mean([e.width for e in estimates]))
                found.append(
                    Coverage(
                        "difference", n, objects, correlation, truth, draws, 1 - high - low, high, low, width
                    )
                )
    return found


def levels(draws: int) -> list[Level]:
    """Type-I error of McNemar's test and of the sign-flip test by object, for two models of accuracy 0.9."""
    found = []
    for n, objects in DESIGNS:
        for correlation in (0.0,) if n == objects else CORRELATIONS:
            random = np.random.default_rng([7, n, objects, int(1000 * correlation)])
            cases = [pair(random, n, objects, 0.9, 0.9, correlation) for _ in range(draws)]
            plain = [exact_mcnemar(discordance(a, b, group)) < 0.05 for a, b, group in cases]
            found.append(Level("McNemar", n, objects, correlation, draws, float(np.mean(plain))))
            if objects < n:
                few = cases[: max(draws // 10, 100)]
                by_object = [object_test(a, b, group) < 0.05 for a, b, group in few if group is not None]
                found.append(
                    Level("sign flip by object", n, objects, correlation, len(few), float(np.mean(by_object)))
                )
    return found


def main() -> None:
    """Simulate everything and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    began = time.monotonic()
    covered = coverages(args.draws) + differences(args.draws)
    rejected = levels(args.draws)
    if args.json:
        print(
            json.dumps(
                {"coverage": [asdict(c) for c in covered], "levels": [asdict(x) for x in rejected]}, indent=1
            )
        )
        return
    print(
        "| figure | images | objects | correlation | truth | covered | above | below | width |\n"
        + "|---" * 9
        + "|"
    )
    for c in covered:
        print(
            f"| {c.figure} | {c.n} | {c.objects} | {c.correlation} | {c.truth:.2f} |"
            f" {c.covered:.1%} | {c.too_high:.1%} |"
            f" {c.too_low:.1%} | {c.width:.3f} |"
        )
    print("\n| test | images | objects | correlation | rejects a true null |\n" + "|---" * 5 + "|")
    for x in rejected:
        print(f"| {x.test} | {x.n} | {x.objects} | {x.correlation} | {x.rejected:.1%} |")
    print(f"\n{args.draws} draws, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

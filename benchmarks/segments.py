"""Segments of many customers: Ward's tree beside SciPy's and scikit-learn's, and K-means beside scikit-learn's alone.

Each side runs in a process of its own. Seconds are those of the fit, from an array in memory to numbered segments;
memory is that of the whole process. Both sides come to the same sum of squares, which is held before a row is printed.
SciPy and scikit-learn keep the distance of every pair, so that 20,000 customers are about what a machine of 8
GiB holds.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Row, Spent, spend

CUSTOMERS, MANY, COLUMNS, SEGMENTS = 20_000, 1_000_000, 10, 6
STARTS = 3
REPEAT = 3

# Ours, the peer, how many customers, and what the ratio of seconds should be.
PAIRS = (
    ("ward", "scipy_ward", CUSTOMERS, "< 1"),
    ("ward", "sklearn_ward", CUSTOMERS, "< 1"),
    ("kmeans", "sklearn_kmeans", MANY, "≤ 1.1"),
)


def rows() -> list[Row]:
    """Make customers, divide them on both sides, and hold the sums of squares equal before a row is printed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        files = {count: _made(home / f"{count}.npy", count) for count in (CUSTOMERS, MANY)}
        return [_compared(ours, peer, files[count], home, target) for ours, peer, count, target in PAIRS]


def _made(path: Path, count: int) -> Path:
    """Customers of six overlapping kinds."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1.5, (SEGMENTS, COLUMNS))
    np.save(path, rng.normal(size=(count, COLUMNS)) + centres[rng.integers(0, SEGMENTS, count)])
    return path


def _compared(ours: str, peer: str, customers: Path, home: Path, target: str) -> Row:
    """Both sides in turn, the fastest of each."""
    pairs = [(_spent(ours, customers, home), _spent(peer, customers, home)) for _ in range(REPEAT)]
    found = [value for pair in pairs for _, value in pair]
    if max(found) - min(found) > 1e-6 * max(found):
        raise SystemExit(f"{ours} and {peer} end at different sums of squares: {found}")
    mine, theirs = (min((side[0] for side in sides), key=lambda one: one.seconds) for sides in zip(*pairs, strict=True))
    what = f"{ours}, {int(customers.stem):,} customers × {COLUMNS}"
    return Row("segments", what, peer.replace("_", " "), mine, theirs, target)


def _spent(side: str, customers: Path, home: Path) -> tuple[Spent, float]:
    told = home / f"{side}.json"
    spent = spend([sys.executable, "-m", "benchmarks.segments", side, str(customers), str(told)])
    seconds, value = json.loads(told.read_text())
    return Spent(seconds, spent.memory_mb), value


def ward(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Ours: the tree in linear memory, its cut, numbering, and what new customers need."""
    from cxai_runner.methods.segments import HierarchicalSegments

    return HierarchicalSegments(SEGMENTS).fit(values).labels_


def scipy_ward(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """SciPy's tree and cut."""
    from scipy.cluster.hierarchy import fcluster, ward

    return np.asarray(fcluster(ward(values), SEGMENTS, "maxclust")) - 1


def sklearn_ward(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """scikit-learn's tree and cut."""
    from sklearn.cluster import AgglomerativeClustering

    return np.asarray(AgglomerativeClustering(SEGMENTS).fit(values).labels_)


def kmeans(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Ours, with the number given."""
    from cxai_runner.methods.segments import KMeansSegments

    return KMeansSegments(SEGMENTS, n_init=STARTS, random_state=0).fit(values).labels_


def sklearn_kmeans(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """scikit-learn's, from the seed that ours gives it."""
    from sklearn.cluster import KMeans

    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    return np.asarray(KMeans(SEGMENTS, n_init=STARTS, random_state=seed).fit(values).labels_)


SIDES = {side.__name__: side for side in (ward, scipy_ward, sklearn_ward, kmeans, sklearn_kmeans)}


def _sum_of_squares(values: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    return float(
        sum(((part - part.mean(axis=0)) ** 2).sum() for part in (values[labels == k] for k in np.unique(labels)))
    )


def main(side: str, customers: str, told: str) -> None:
    """Divide on one side, and write what it took and where it ended."""
    for package in ("fastcluster", "scipy.cluster.hierarchy", "cxai_runner.methods.segments"):
        import_module(package)  # imports are not the fit's
    values = np.load(customers)
    begun = time.perf_counter()
    labels = SIDES[side](values)
    seconds = time.perf_counter() - begun
    Path(told).write_text(json.dumps([seconds, _sum_of_squares(values, labels)]))


if __name__ == "__main__":
    main(*sys.argv[1:])

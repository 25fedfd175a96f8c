"""Recommendation beside implicit and cornac, each asked directly, and what 100,000 customers × 20,000 items take.

Each side runs in a process of its own with one thread. Seconds are those of the processor, for fitting and for the
lists of all customers, from purchases in memory; memory is that of the whole process. Both sides place a customer by
the history that is asked about. A row is printed only if ours recalls what the peer does of held-out purchases.

Data are made: that of 20 million purchases has the shape of MovieLens 20M. A row without a peer repeats ours. EASE on
20,000 items takes some minutes.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Row, Spent, spend

K = 10
SHAPES = {
    "small": (20_000, 4_000, 1_600_000),
    "many": (100_000, 20_000, 2_000_000),
    "20M": (138_493, 26_744, 20_000_263),
}
FACTORS, ALPHA, PENALTY, ROUNDS = 32, 2.0, 20.0, 15
RIDGE = 300.0
EQUAL = 0.01
"""By what share ours may recall less."""


@dataclass(frozen=True)
class Pair:
    """Ours, its peer or none, on what, and what should come out."""

    ours: str
    peer: str | None
    shape: str
    target: str


PAIRS = (
    Pair("ials", "implicit_ials", "small", "≤ 1"),
    Pair("item_cosine", "implicit_cosine", "small", ""),
    Pair("ease", "cornac_ease", "small", "≤ 1"),
    Pair("ials", "implicit_ials", "20M", "≤ 1, ≤ 8,192 MiB"),
    Pair("item_cosine", None, "20M", "≤ 8,192 MiB"),
    Pair("popularity", None, "20M", "≤ 8,192 MiB"),
    Pair("lists_and_metrics", None, "many", "≤ 1,024 MiB beside the model"),
    Pair("ease", None, "many", "≤ 16,384 MiB"),
)


def rows(pairs: tuple[Pair, ...] = PAIRS) -> list[Row]:
    """Make purchases, fit and list on both sides, and hold what they recall equal before a row is printed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        files = {shape: _made(home / f"{shape}.npz", *SHAPES[shape]) for shape in dict.fromkeys(p.shape for p in pairs)}
        return [_compared(pair, files[pair.shape], home) for pair in pairs]


def _compared(pair: Pair, data: Path, home: Path) -> Row:
    mine, recall = _spent(pair.ours, data, home)
    theirs, others = (mine, recall) if pair.peer is None else _spent(pair.peer, data, home)
    if recall < (1 - EQUAL) * others:
        raise SystemExit(f"{pair.ours} recalls {recall:.4f}, and {pair.peer} {others:.4f}")
    customers, items, _ = SHAPES[pair.shape]
    what = f"{pair.ours}, {customers:,} × {items:,}"
    return Row("recommend", what, (pair.peer or "none").replace("_", " "), mine, theirs, pair.target)


def _spent(side: str, data: Path, home: Path) -> tuple[Spent, float]:
    told = home / f"{side}.json"
    spent = spend([sys.executable, "-m", "benchmarks.recommend", side, str(data), str(told)])
    seconds, recall = json.loads(told.read_text())
    return Spent(seconds, spent.memory_mb), recall


def _made(path: Path, customers: int, items: int, purchases: int) -> Path:
    """Customers with tastes, one of forty kinds beside what is popular; one purchase of each is held out."""
    rng = np.random.default_rng(0)
    sizes = rng.lognormal(0, 1, customers)
    sizes = np.maximum(2, sizes / sizes.sum() * purchases).astype(np.int64)
    kinds = 40
    chance = 1 / (10 + np.arange(items)) ** 0.9
    popular = np.cumsum(chance / chance.sum())
    of_kind = [np.flatnonzero(np.arange(items) % kinds == kind) for kind in range(kinds)]
    within = [np.cumsum(chance[one] / chance[one].sum()) for one in of_kind]
    owner = np.repeat(np.arange(customers), sizes)
    bought = np.searchsorted(popular, rng.random(len(owner)))
    taste = rng.integers(0, kinds, customers)[owner]
    faithful = rng.random(len(owner)) < 0.6
    for kind in range(kinds):
        here = np.flatnonzero(faithful & (taste == kind))
        bought[here] = of_kind[kind][
            np.minimum(np.searchsorted(within[kind], rng.random(len(here))), len(of_kind[kind]) - 1)
        ]
    bought = np.minimum(bought, items - 1).astype(np.int32)
    begins = np.concatenate([[0], np.cumsum(sizes)])
    held = np.zeros(len(owner), dtype=bool)
    held[begins[1:] - 1] = True
    np.savez(path, begins=begins - np.arange(customers + 1), items=bought[~held], held=bought[held])
    return path


@dataclass(frozen=True, eq=False)
class Data:
    """Purchases by customer, and the one that was held out of each."""

    begins: NDArray[np.int64]
    items: NDArray[np.int32]
    held: NDArray[np.int32]

    def matrix(self) -> Any:
        """Customers × items, 0 or 1."""
        from scipy import sparse

        ones = np.ones(len(self.items), dtype=np.float32)
        count = int(max(self.items.max(), self.held.max())) + 1
        found = sparse.csr_matrix((ones, self.items.copy(), self.begins.copy()), shape=(len(self.held), count))
        found.sum_duplicates()
        found.data[:] = 1
        return found

    def frame(self) -> Any:
        """Lists as texts, as a model takes them."""
        import pandas as pd

        texts = [f"[{','.join(map(str, self.items[a:b].tolist()))}]" for a, b in zip(self.begins, self.begins[1:])]  # noqa: B905
        return pd.DataFrame({"items": texts})

    def recall(self, lists: NDArray[np.int64]) -> float:
        """The share of customers whose held-out purchase is on their list of what is new to them."""
        return float((lists == self.held[:, np.newaxis]).any(axis=1).mean())


def ours(model: Any) -> Callable[[Data], Callable[[], NDArray[np.int64]]]:
    """A model of ours: from lists as texts to lists."""

    def prepared(data: Data) -> Callable[[], NDArray[np.int64]]:
        frame = data.frame()

        def run() -> NDArray[np.int64]:
            fitted = model.fit(frame)
            places = np.array([*map(int, fitted.items_), -1])
            return places[fitted.ranked(frame).codes]

        return run

    return prepared


def popularity(data: Data) -> Callable[[], NDArray[np.int64]]:
    """Ours: what most bought."""
    from cxai_runner.methods.recommend import Popularity

    return ours(Popularity(K, repeats=False))(data)


def ials(data: Data) -> Callable[[], NDArray[np.int64]]:
    """Ours: implicit's factors, each customer placed by an exact half-step."""
    from cxai_runner.methods.recommend import IALS

    return ours(
        IALS(K, repeats=False, factors=FACTORS, alpha=ALPHA, penalty=PENALTY, iterations=ROUNDS, random_state=0)
    )(data)


def item_cosine(data: Data) -> Callable[[], NDArray[np.int64]]:
    """Ours: the cosine of items."""
    from cxai_runner.methods.recommend import ItemKNN

    return ours(ItemKNN(K, repeats=False, similarity="cosine"))(data)


def ease(data: Data) -> Callable[[], NDArray[np.int64]]:
    """Ours: in closed form, in place."""
    from cxai_runner.methods.recommend import EASE

    return ours(EASE(K, repeats=False, penalty=RIDGE))(data)


def lists_and_metrics(data: Data) -> Callable[[], NDArray[np.int64]]:
    """Ours: lists of all customers from factors that are there, a block at a time."""
    return ials(data)


def implicit_ials(data: Data) -> Callable[[], NDArray[np.int64]]:
    """implicit, from its own matrix."""
    from implicit.cpu.als import AlternatingLeastSquares

    def run() -> NDArray[np.int64]:
        matrix = data.matrix()
        model = AlternatingLeastSquares(
            FACTORS, regularization=PENALTY, alpha=1 + ALPHA, iterations=ROUNDS, num_threads=1, random_state=0
        )
        model.fit(matrix, show_progress=False)
        return model.recommend(np.arange(matrix.shape[0]), matrix, K, recalculate_user=True)[0]

    return run


def implicit_cosine(data: Data) -> Callable[[], NDArray[np.int64]]:
    """Implicit's neighbours."""
    from implicit.nearest_neighbours import CosineRecommender

    def run() -> NDArray[np.int64]:
        matrix = data.matrix()
        model = CosineRecommender(100, num_threads=1)
        model.fit(matrix, show_progress=False)
        return model.recommend(np.arange(matrix.shape[0]), matrix, K)[0]

    return run


def cornac_ease(data: Data) -> Callable[[], NDArray[np.int64]]:
    """Cornac's closed form, and its scores of each customer."""
    from cornac.data import Dataset
    from cornac.models import EASE

    matrix = data.matrix()
    there = matrix.tocoo()
    triples = list(zip(there.row.tolist(), there.col.tolist(), [1.0] * there.nnz, strict=True))

    def run() -> NDArray[np.int64]:
        known = Dataset.build(triples)
        model = EASE(lamb=RIDGE, posB=False, verbose=False).fit(known)
        names = np.array(list(known.iid_map))
        lists = np.empty((matrix.shape[0], K), dtype=np.int64)
        for customer, row in known.uid_map.items():
            scores = np.asarray(model.score(row)).ravel()  # a row of a matrix
            scores[known.matrix[row].indices] = -np.inf
            best = np.argpartition(-scores, K)[:K]
            lists[customer] = names[best]
        return lists

    return run


SIDES = {
    side.__name__: side
    for side in (popularity, ials, item_cosine, ease, lists_and_metrics, implicit_ials, implicit_cosine, cornac_ease)
}


def main(side: str, data: str, told: str) -> None:
    """Fit and list on one side, and write what it took and what it recalls."""
    for package in ("implicit.cpu.als", "cxai_runner.methods.recommend"):
        import_module(package)  # imports are not the fit's
    loaded = Data(**np.load(data))
    run = SIDES[side](loaded)
    begun = time.process_time()
    lists = run()
    seconds = time.process_time() - begun
    Path(told).write_text(json.dumps([seconds, loaded.recall(lists)]))


if __name__ == "__main__":
    main(*sys.argv[1:])

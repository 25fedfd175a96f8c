"""Training by epochs: what is learned from some customers is judged by others, and the best is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxai_runner.methods.recommend.baskets import Held
from cxai_runner.methods.recommend.ranking import NONE
from cxai_runner.methods.recommend.recommender import Recommender
from cxai_runner.methods.recommend.watched import Watch

Weights = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Learned:
    """What training came to.

    Parameters
    ----------
    weights
        Of the best epoch; of the last where nobody was there to judge by.
    curve
        Training loss and NDCG of the customers held apart, by epoch, shape (epochs, 2).
    best
        The epoch, from 1, that was kept.
    """

    weights: Weights
    curve: NDArray[np.float64]
    best: int


def learned(
    epochs: int,
    patience: int,
    trained: Callable[[], float],
    weights: Callable[[], Weights],
    judged: Callable[[Weights], float],
    watch: Watch,
) -> Learned:
    """Train epoch by epoch until NDCG has not risen for ``patience`` of them.

    Parameters
    ----------
    epochs, patience
        How many at most, and how many without a better one.
    trained
        Trains one epoch and returns its loss.
    weights
        Returns the weights as they are.
    judged
        Returns the NDCG that weights come to; NaN where there is nobody to judge by.
    watch
        Who is told, and may stop it.

    Raises
    ------
    ValueError
        The loss is no number, which most often comes of ``learning_rate``.
    """
    curve: list[tuple[float, float]] = []
    best, highest, kept = 0, -np.inf, weights()
    for epoch in range(1, epochs + 1):
        loss = trained()
        if not np.isfinite(loss):
            raise ValueError(f"learning_rate: the training loss of epoch {epoch} is {loss}: choose a lower one")
        now = weights()
        found = judged(now)
        curve.append((loss, found))
        watch.step("training_loss", loss, epoch)
        if np.isfinite(found):
            watch.step("ndcg", found, epoch)
        if not np.isfinite(found) or found > highest:
            best, highest, kept = epoch, found, now
        if epoch - best >= patience or watch.should_stop():
            break
    return Learned(kept, np.asarray(curve, dtype=np.float64).reshape(-1, 2), best)


def ndcg(model: Recommender, held: Held) -> float:
    """Return the mean NDCG of a model's lists, of customers who have anything to be foretold; NaN where none has.

    Järvelin and Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), with a gain of 1;
    the ideal list has as many hits as there are items wanted, k at most.
    """
    many = np.diff(held.wanted.indptr)
    if not many.any():
        return float("nan")
    codes = model.ranked(held.histories).codes
    rows = np.arange(len(many), dtype=np.int64)
    keys = np.repeat(rows, many) * held.histories.items + held.wanted.indices
    hits = np.isin(rows[:, np.newaxis] * held.histories.items + codes, keys) & (codes != NONE)
    discount = 1 / np.log2(np.arange(2, codes.shape[1] + 2))
    some = many > 0
    ideal = np.cumsum(discount)[np.minimum(many[some], len(discount)) - 1]
    return float(((hits @ discount)[some] / ideal).mean())

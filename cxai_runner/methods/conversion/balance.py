"""Classes of the training part balanced, and probabilities brought back to the real base rate afterwards.

Balancing changes what share of conversions a model believes in, and nothing else that it should know. So what it says
is corrected by the odds of the share it was shown against those of the real one: the ranking stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
How = Literal["none", "weights", "undersample", "oversample"]


@dataclass(frozen=True, eq=False)
class Balanced:
    """Training rows as a model is shown them.

    Parameters
    ----------
    rows
        Their numbers, shape (m,); some may be left out, or there several times.
    weights
        Of each of them; None where all weigh alike.
    share
        The share of conversions that the model sees so.
    """

    rows: NDArray[np.intp]
    weights: Floats | None
    share: float


def balanced(outcome: NDArray[np.int64], how: How, rng: np.random.Generator) -> Balanced:
    """Return training rows of which half are conversions, by weight or by number.

    Parameters
    ----------
    outcome
        Shape (n,), 0 or 1.
    how
        ``weights`` of n / (2 · rows of the class); ``undersample`` leaves out rows of the larger class; ``oversample``
        takes rows of the smaller one again; ``none`` changes nothing.
    rng
        Draws the rows.
    """
    everyone = np.arange(len(outcome))
    if how == "none":
        return Balanced(everyone, None, float(outcome.mean()))
    classes = [np.flatnonzero(outcome == value) for value in (0, 1)]
    small, large = sorted(classes, key=len)
    if how == "weights":
        weights = np.where(outcome == 1, len(outcome) / (2 * len(classes[1])), len(outcome) / (2 * len(classes[0])))
        return Balanced(everyone, weights, 0.5)
    if how == "undersample":
        kept = rng.choice(large, len(small), replace=False)
        return Balanced(np.sort(np.concatenate([small, kept])), None, 0.5)
    again = rng.choice(small, len(large) - len(small), replace=True)
    return Balanced(np.sort(np.concatenate([everyone, again])), None, 0.5)


def corrected(probability: Floats, shown: float, real: float) -> Floats:
    """Return probabilities of a model that was shown one share of conversions where the real share is another.

    The odds are multiplied by the real odds over those that were shown; Elkan (2001), The foundations of cost-sensitive
    learning, IJCAI, theorem 2.

    Parameters
    ----------
    probability
        Shape (n,).
    shown, real
        Shares between 0 and 1.
    """
    if shown == real:
        return probability
    factor = real * (1 - shown) / ((1 - real) * shown)
    return probability * factor / (probability * factor + (1 - probability))

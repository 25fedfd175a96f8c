"""What a policy of offers would have brought, told from what was done: exposures that were logged, and what was bought.

Someone was exposed to an offer for reasons of their own. Pairs of customer and item that were treated as the policy
would have treated them stand for those that were not, each counted by one over the chance to be treated so (inverse
propensity); or a model of outcomes tells both, and the counted pairs only correct it (doubly robust).

Horvitz and Thompson (1952), JASA 47. Swaminathan and Joachims (2015), The self-normalized estimator for counterfactual
learning, NeurIPS. Dudík, Langford and Li (2011), Doubly robust policy evaluation and learning, ICML.

All of it rests on three assumptions: nothing but the measured columns moves both exposure and purchase
(unconfoundedness), every pair could have been exposed or not (overlap), and the exposure of one does not move the
purchase of another.

Pairs whose exposure was decided together are one cluster: of a customer who was chosen, or of a store, whose mailer all
its customers see. Models are learned without the cluster that they speak of, and clusters are drawn again: customers of
one store, drawn one by one, would make intervals too narrow (Cameron and Miller (2015), A practitioner's guide to
cluster-robust inference, Journal of Human Resources 50). What is particular to an item is
alike in all stores too, which matters where items are few; `stretch` says how much wider that makes an interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FOLDS = 5
LEAST = 0.01
"""Propensities are cut off here and at one minus it: no pair counts for more than a hundred."""
FEW = 10
"""Clusters below which there is no interval."""
ESTIMATORS: Final = ("ips", "snips", "direct", "doubly_robust")


@dataclass(frozen=True, eq=False)
class PolicyValue:
    """What a policy brings per pair, by one estimator.

    Parameters
    ----------
    value, low, high
        The mean outcome, with its 95 % interval; NaN of fewer than `FEW` clusters, and of ``direct``, whose error is
        mostly that of its model.
    draws
        The same of clusters drawn again, shape (resamples,), paired between policies and estimators.
    influence
        What each pair moves the value by, shape (n,); they add up to 0.
    """

    value: float
    low: float
    high: float
    draws: Floats
    influence: Floats


@dataclass(frozen=True)
class Overlap:
    """Whether pairs that were treated as a policy would treat them can stand for all.

    Parameters
    ----------
    followed
        Share of the pairs that were treated as the policy would have treated them.
    effective
        Effective sample size of these (Kish): the pairs, all counted alike, that would tell as much.
    clipped
        Share of the pairs whose propensity was cut off.
    largest
        The most that one pair counts for.
    """

    followed: float
    effective: float
    clipped: float
    largest: float


def propensities(measures: Floats, exposed: Bools, clusters: NDArray[np.int64], folds: int = FOLDS) -> Floats:
    """Return the probability that each pair was exposed, by a logistic model that has not seen the cluster.

    Parameters
    ----------
    measures
        What is known of each pair before the exposure, shape (n, p).
    exposed
        Shape (n,).
    clusters
        With which others the exposure of each pair was decided, from 0, shape (n,): of a customer, or of a store.
    """
    return _told(measures, exposed.astype(np.float64), clusters, np.ones(len(exposed), dtype=bool), folds)


def outcomes(
    measures: Floats, exposed: Bools, outcome: Floats, clusters: NDArray[np.int64], folds: int = FOLDS
) -> tuple[Floats, Floats]:
    """Return what is expected of each pair not exposed, and exposed, by models that have not seen the cluster.

    ``outcome`` is 0 or 1; each arm has a logistic model of its own.
    """
    return (
        _told(measures, outcome, clusters, ~exposed, folds),
        _told(measures, outcome, clusters, exposed, folds),
    )


def policy_values(
    exposed: Bools,
    outcome: Floats,
    policy: Floats,
    propensity: Floats,
    expected: tuple[Floats, Floats],
    clusters: NDArray[np.int64],
    resamples: int,
    rng: np.random.Generator,
    least: float = LEAST,
    crossed: NDArray[np.int64] | None = None,
) -> Mapping[str, PolicyValue]:
    """Return what a policy would have brought per pair, by every estimator.

    Parameters
    ----------
    exposed, outcome
        What was done, and what came of it, shape (n,).
    policy
        The probability with which the policy exposes each pair.
    propensity
        That it was exposed; see `propensities`.
    expected
        What is expected of it not exposed, and exposed; see `outcomes`.
    clusters
        With which others each pair was decided; they are drawn again.
    resamples, rng
        Behind the intervals.
    least
        Where propensities are cut off.
    crossed
        What pairs of several clusters are alike in too, from 0, shape (n,): their items, where clusters are stores.

    Returns
    -------
    values
        ``ips``, Σ w·y / n with w = π(a) / e(a); ``snips``, Σ w·y / Σ w; ``direct``, the model of outcomes alone;
        ``doubly_robust``, that plus Σ w·(y − expected) / n.
    """
    weight = _weights(exposed, policy, propensity, least)
    own = np.where(exposed, expected[1], expected[0])
    direct = policy * expected[1] + (1 - policy) * expected[0]
    many = int(clusters.max(initial=-1)) + 1
    parts = np.stack([np.ones(len(exposed)), weight, weight * outcome, direct, weight * (outcome - own)])
    sums = np.array([np.bincount(clusters, one, many) for one in parts])
    counts = rng.multinomial(many, np.full(many, 1 / many), size=resamples)
    told = _estimates(sums.sum(axis=1)[:, np.newaxis])
    drawn = _estimates(sums @ counts.T)
    moved = _influences(parts, {name: float(one[0]) for name, one in told.items()})
    found = {}
    for name in ESTIMATORS:
        # Drawn again with its model as it is, the direct one would hide the largest part of its error.
        known = many >= FEW and name != "direct"
        value = float(told[name][0])
        wider = 1.0 if crossed is None else stretch(moved[name], clusters, crossed)
        low, high = np.nanquantile(value + wider * (drawn[name] - value), [0.025, 0.975]) if known else (np.nan, np.nan)
        found[name] = PolicyValue(value, float(low), float(high), drawn[name], moved[name])
    return found


def stretch(influence: Floats, clusters: NDArray[np.int64], crossed: NDArray[np.int64]) -> float:
    """Return how many times larger errors are than clusters tell, as pairs are alike in what crosses them; 1 at least.

    The variance is that by clusters plus that by what crosses them, less that by both together. Cameron, Gelbach and
    Miller (2011), Robust inference with multiway clustering, Journal of Business & Economic Statistics 29.

    Parameters
    ----------
    influence
        What each pair moves an estimate by, or the difference of two, shape (n,).
    clusters, crossed
        As in `policy_values`.
    """
    both = np.unique(clusters * (int(crossed.max(initial=0)) + 1) + crossed, return_inverse=True)[1]
    own, other, cells = (float(np.square(np.bincount(one, influence)).sum()) for one in (clusters, crossed, both))
    return max(1.0, (own + other - cells) / own) ** 0.5 if own > 0 else 1.0


def overlap(exposed: Bools, policy: Floats, propensity: Floats, least: float = LEAST) -> Overlap:
    """Return whether the pairs that a policy is judged by can stand for all."""
    weight = _weights(exposed, policy, propensity, least)
    squares = float(np.square(weight).sum())
    return Overlap(
        followed=float((weight > 0).mean()),
        effective=float(weight.sum()) ** 2 / squares if squares else 0.0,
        clipped=float(((propensity < least) | (propensity > 1 - least)).mean()),
        largest=float(weight.max(initial=0)),
    )


def balance(measures: pd.DataFrame, exposed: Bools, propensity: Floats, least: float = LEAST) -> pd.DataFrame:
    """Return how far exposed pairs are from the others in each measure, before and after counting by propensity.

    Returns
    -------
    table
        ``measure``, ``before``, ``after``: differences of means in standard deviations of all pairs; beyond ± 0.1 the
        two are not alike (Austin (2009), Statistics in Medicine 28).
    """
    cut = np.clip(propensity, least, 1 - least)
    weight = np.where(exposed, 1 / cut, 1 / (1 - cut))
    values = measures.to_numpy(dtype=np.float64)
    spread = values.std(axis=0)
    spread = np.where(spread > 0, spread, 1)

    def difference(counted: Floats) -> Floats:
        return (
            np.average(values[exposed], axis=0, weights=counted[exposed])
            - np.average(values[~exposed], axis=0, weights=counted[~exposed])
        ) / spread

    return pd.DataFrame(
        {
            "measure": list(measures.columns),
            "before": difference(np.ones(len(values))),
            "after": difference(weight),
        }
    )


def _weights(exposed: Bools, policy: Floats, propensity: Floats, least: float) -> Floats:
    """The chance that the policy does what was done, over the chance that it was done."""
    cut = np.clip(propensity, least, 1 - least)
    return np.where(exposed, policy / cut, (1 - policy) / (1 - cut))


def _estimates(sums: Floats) -> dict[str, Floats]:
    """All estimates from sums over pairs, shape (5, b)."""
    pairs, weight, counted, direct, corrected = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "ips": counted / pairs,
            "snips": np.where(weight > 0, counted / weight, np.nan),
            "direct": direct / pairs,
            "doubly_robust": (direct + corrected) / pairs,
        }


def _influences(parts: Floats, told: Mapping[str, float]) -> dict[str, Floats]:
    """What each pair moves each estimate by, from what is summed over pairs, shape (5, n): ratios, linearised."""
    ones, weight, counted, direct, corrected = parts
    pairs = ones.sum()
    return {
        "ips": (counted - told["ips"]) / pairs,
        "snips": (counted - told["snips"] * weight) / max(weight.sum(), 1e-300),
        "direct": (direct - told["direct"]) / pairs,
        "doubly_robust": (direct + corrected - told["doubly_robust"]) / pairs,
    }


def _told(measures: Floats, truth: Floats, clusters: NDArray[np.int64], part: Bools, folds: int) -> Floats:
    """The probability of ``truth`` for each row, from the rows in ``part`` of other clusters."""
    mean, spread = measures.mean(axis=0), measures.std(axis=0)
    scaled = (measures - mean) / np.where(spread > 0, spread, 1)
    found = np.empty(len(truth))
    for fold in range(folds):
        mine = clusters % folds == fold
        learned = part & ~mine
        if not mine.any():
            continue
        ones = truth[learned].sum()
        if not 0 < ones < learned.sum():
            found[mine] = (ones + 0.5) / (learned.sum() + 1)
            continue
        line = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=200).fit(scaled[learned], truth[learned])
        found[mine] = line.predict_proba(scaled[mine])[:, 1]
    return found

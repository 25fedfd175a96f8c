"""How good predicted choices among alternatives are, beside a baseline, with intervals that resample customers.

Log loss judges the probability of what was chosen, the Brier score those of all alternatives, the hit rate only which
was likeliest. Every metric takes how often each customer is drawn for weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from cxai_runner.evaluation.intervals import Floats, Statistic
from cxai_runner.evaluation.metrics import CalibrationError, MeanOf, Named, codes_of, paired_metrics
from cxai_runner.evaluation.results import Metric

CHOICE_METRICS = (
    Named("log_loss", "log loss", "lower"),
    Named("hit_rate", "hit rate", "higher"),
    Named("brier", "Brier score", "lower"),
    Named("calibration_error", "calibration error", "lower", raised_by_noise=True),
)


def log_losses(chosen: ArrayLike, probabilities: ArrayLike) -> Floats:
    """Return minus the logarithm of the probability of each choice, shape (n,); an impossible one counts as eps.

    Parameters
    ----------
    chosen
        Position of the chosen alternative, shape (n,).
    probabilities
        Shape (n, J).
    """
    at, P = np.asarray(chosen, dtype=np.intp), np.asarray(probabilities, dtype=np.float64)
    return np.asarray(-np.log(np.maximum(P[np.arange(len(at)), at], np.finfo(np.float64).eps)))


def choice_statistics(
    chosen: ArrayLike, probabilities: ArrayLike, customers: ArrayLike, weights: ArrayLike | None = None
) -> Mapping[str, Statistic]:
    """Return the metrics of one set of probabilities by name, each as a function of how often a customer is drawn.

    Parameters
    ----------
    chosen
        Position of the chosen alternative, shape (n,).
    probabilities
        Shape (n, J).
    customers
        Shape (n,).
    weights
        How often each occasion counts, shape (n,); once each where they are left out.

    Returns
    -------
    mapping
        ``log_loss``; ``hit_rate``, where alternatives that are likeliest together share a hit; ``brier``,
        Σ_j (P_j − y_j)², between 0 and 2 (Brier, 1950, Monthly Weather Review 78); ``calibration_error``, over all
        alternatives together.
    """
    at, P = np.asarray(chosen, dtype=np.intp), np.asarray(probabilities, dtype=np.float64)
    codes, count = codes_of(customers)
    n, J = P.shape
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    truth = np.zeros((n, J))
    truth[np.arange(n), at] = 1.0
    top = P.max(axis=1, keepdims=True) == P
    hits = top[np.arange(n), at] / top.sum(axis=1)
    squares = ((P - truth) ** 2).sum(axis=1)
    once = [MeanOf(w * values, codes, count, w) for values in (log_losses(at, P), hits, squares)]
    calibration = CalibrationError(truth.ravel(), P.ravel(), np.repeat(codes, J), count, np.repeat(w, J))
    return dict(zip([one.name for one in CHOICE_METRICS], [*once, calibration], strict=True))


def choice_metrics(
    model: Mapping[str, Statistic],
    baseline: Mapping[str, Statistic],
    customers: ArrayLike,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[Metric, ...]:
    """Put the statistics of a model beside those of a baseline: ``log_loss``, ``hit_rate``, ``brier``, calibration."""
    codes, count = codes_of(customers)
    ours, theirs = ([group[one.name] for one in CHOICE_METRICS] for group in (model, baseline))
    return paired_metrics(CHOICE_METRICS, ours, theirs, count, resamples, rng, rows=len(codes))

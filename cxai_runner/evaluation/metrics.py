"""How good predicted probabilities and segments are, beside a baseline, with intervals that resample customers.

Every metric takes how often each customer is drawn for weights. With each drawn once, the values are scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxai_runner.evaluation.discrimination import Codes, OneOf, ranking_of
from cxai_runner.evaluation.intervals import (
    FEW_CUSTOMERS,
    Floats,
    Statistic,
    bootstrap,
    percentile_of,
    random_groups,
    recentred,
)
from cxai_runner.evaluation.results import Better, Metric


def codes_of(customers: ArrayLike) -> tuple[Codes, int]:
    """Number customers in order of appearance: the code of each row, and how many customers there are."""
    codes, ids = pd.factorize(np.asarray(customers))
    return codes.astype(np.intp), len(ids)


def units_of(customers: ArrayLike, rng: np.random.Generator) -> tuple[Codes, int]:
    """Return what each row is drawn with, and of how many: its customer, or where they are very many a group of them.

    For what nobody has to compare customer by customer with another run; see `random_groups`.
    """
    codes, many = codes_of(customers)
    groups = random_groups(many, rng)
    return groups[codes], int(groups.max(initial=-1)) + 1


class MeanOf:
    """Weighted sum of a row-wise number over that of another, 1 by default: log loss, Brier score, mean silhouette.

    Parameters
    ----------
    numerator, denominator
        One number per row, shape (n,).
    codes, customers
        The customer of each row, and how many there are.
    """

    def __init__(
        self, numerator: ArrayLike, codes: Codes, customers: int, denominator: ArrayLike | None = None
    ) -> None:
        self.numerator = np.bincount(codes, np.asarray(numerator, dtype=np.float64), customers)
        below = None if denominator is None else np.asarray(denominator, dtype=np.float64)
        self.denominator = np.bincount(codes, below, customers).astype(np.float64)

    def __call__(self, counts: Floats) -> Floats:
        """Return the ratio for every resample, shape (1, b)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.atleast_2d((self.numerator @ counts) / (self.denominator @ counts))


def tenths(probability: ArrayLike, bins: int = 10) -> Codes:
    """Divide rows into ``bins`` of about equal size by predicted probability; equal probabilities stay together."""
    values = np.asarray(probability, dtype=np.float64)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)[1].astype(np.intp)


class CalibrationError:
    """Mean absolute gap between predicted and observed rate over tenths of the rows by predicted probability.

    Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning, AAAI.
    """

    def __init__(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        codes: Codes,
        customers: int,
        weights: ArrayLike | None = None,
    ) -> None:
        w = None if weights is None else np.asarray(weights, dtype=np.float64)
        gap = np.asarray(probability, dtype=np.float64) - np.asarray(outcome, dtype=np.float64)
        bins = tenths(probability)
        width = int(bins.max()) + 1
        cell = bins * customers + codes
        gap = gap if w is None else gap * w
        self.gap = np.bincount(cell, gap, width * customers).reshape(width, customers)
        self.rows = np.bincount(codes, w, minlength=customers).astype(np.float64)

    def __call__(self, counts: Floats) -> Floats:
        """Return the error for every resample, shape (1, b)."""
        return np.atleast_2d(np.abs(self.gap @ counts).sum(axis=0) / (self.rows @ counts))


@dataclass(frozen=True)
class Named:
    """A metric before it has numbers; ``raised_by_noise`` asks for the interval of `recentred`."""

    name: str
    label: str
    better: Better
    raised_by_noise: bool = False


def _log_losses(outcome: Floats, probability: Floats) -> Floats:
    tiny = np.finfo(np.float64).eps
    inside = np.clip(probability, tiny, 1 - tiny)
    return -np.where(outcome == 1, np.log(inside), np.log1p(-inside))


def classification_metrics(
    outcome: ArrayLike,
    probability: ArrayLike,
    baseline: ArrayLike,
    customers: ArrayLike,
    resamples: int,
    rng: np.random.Generator,
    folds: ArrayLike | None = None,
) -> tuple[Metric, ...]:
    """Measure predicted probabilities of a binary outcome beside a baseline's.

    Parameters
    ----------
    outcome, probability, baseline, customers
        Shape (n,): 0 or 1, the model's and the baseline's probability of 1, and the customer.
    resamples, rng
        How many resamples of customers, and what draws them.
    folds
        Which fold's model scored each row, shape (n,), where there were several: rows are ranked within their fold.

    Returns
    -------
    tuple of Metric
        ``log_loss``, ``roc_auc``, ``average_precision``, ``brier``, ``calibration_error``.
    """
    truth = np.asarray(outcome, dtype=np.float64)
    codes, count = codes_of(customers)
    named = [
        Named("log_loss", "log loss", "lower"),
        Named("roc_auc", "ROC AUC", "higher"),
        Named("average_precision", "average precision", "higher"),
        Named("brier", "Brier score", "lower"),
        Named("calibration_error", "calibration error", "lower", raised_by_noise=True),
    ]
    model, base = (_of_probabilities(truth, p, codes, count, folds) for p in (probability, baseline))
    return paired_metrics(named, model, base, count, resamples, rng, rows=len(truth))


def classification_statistics(
    outcome: ArrayLike, probability: ArrayLike, customers: ArrayLike, folds: ArrayLike | None = None
) -> dict[str, Statistic]:
    """Return the metrics of `classification_metrics` by name, each as a function of how often a customer is drawn.

    Customers are counted in order of appearance.
    """
    codes, count = codes_of(customers)
    truth = np.asarray(outcome, dtype=np.float64)
    loss, ranking, brier, calibration = _of_probabilities(truth, probability, codes, count, folds)
    ranked = {"roc_auc": OneOf(ranking, 0), "average_precision": OneOf(ranking, 1)}
    return {"log_loss": loss, **ranked, "brier": brier, "calibration_error": calibration}


def _of_probabilities(
    truth: Floats, probability: ArrayLike, codes: Codes, count: int, folds: ArrayLike | None
) -> list[Statistic]:
    p = np.asarray(probability, dtype=np.float64)
    return [
        MeanOf(_log_losses(truth, p), codes, count),
        ranking_of(truth, p, codes, count, folds),
        MeanOf((truth - p) ** 2, codes, count),
        CalibrationError(truth, p, codes, count),
    ]


def paired_metrics(
    named: Sequence[Named],
    model: Sequence[Statistic],
    baseline: Sequence[Statistic],
    customers: int,
    resamples: int,
    rng: np.random.Generator,
    rows: int = 0,
) -> tuple[Metric, ...]:
    """Put the statistics of a model beside those of a baseline, both on the same resamples of customers.

    Of fewer than `FEW_CUSTOMERS` there are no intervals, and no verdict.
    """
    results = bootstrap([*model, *baseline], customers, resamples, rng, rows)
    values = np.concatenate([value for value, _ in results])
    draws = np.concatenate([drawn for _, drawn in results])
    pairs = list(zip(values, draws, strict=True))
    half = len(named)
    return tuple(paired(*one, customers) for one in zip(named, pairs[:half], pairs[half:], strict=True))


def paired(named: Named, model: tuple[float, Floats], baseline: tuple[float, Floats], customers: int) -> Metric:
    """Put one metric of a model beside a baseline's: of each the value, and those of the same resamples, shape (b,)."""
    (ours, drawn), (theirs, beside) = model, baseline
    of_one = of_difference = percentile_of(customers)
    difference = drawn - beside
    if named.raised_by_noise and customers >= FEW_CUSTOMERS:
        of_one, difference = recentred, difference - np.nanmean(difference) + (ours - theirs)
    value, base, gap = of_one(ours, drawn), of_one(theirs, beside), of_difference(ours - theirs, difference)
    return Metric(named.name, named.label, value, named.better, base, gap)


def segment_metrics(
    scores: pd.DataFrame, customers: ArrayLike, resamples: int, rng: np.random.Generator
) -> tuple[Metric, ...]:
    """Measure segments beside those of the baseline.

    Parameters
    ----------
    scores
        One row per customer: ``silhouette``, ``distance`` to the own centre and ``spread``, the distance to the centre
        of all; the same with ``baseline_`` in front.
    customers, resamples, rng
        As in `classification_metrics`.

    Returns
    -------
    tuple of Metric
        ``silhouette``, the mean over customers, and ``explained_variance``, 1 − Σ distance² / Σ spread².
    """
    model, base = (list(segment_statistics(scores, customers, prefix).values()) for prefix in ("", "baseline_"))
    named = [
        Named("silhouette", "silhouette", "higher"),
        Named("explained_variance", "explained variance", "higher"),
    ]
    return paired_metrics(named, model, base, codes_of(customers)[1], resamples, rng)


def segment_statistics(scores: pd.DataFrame, customers: ArrayLike, prefix: str = "") -> dict[str, Statistic]:
    """Return the metrics of `segment_metrics` by name, each as a function of how often a customer is drawn.

    ``prefix`` is ``baseline_`` for those of the baseline.
    """
    codes, count = codes_of(customers)
    spread = scores[f"{prefix}spread"].to_numpy() ** 2
    explained = spread - scores[f"{prefix}distance"].to_numpy() ** 2
    return {
        "silhouette": MeanOf(scores[f"{prefix}silhouette"], codes, count),
        "explained_variance": MeanOf(explained, codes, count, spread),
    }


def calibration_table(
    outcome: ArrayLike, probability: ArrayLike, customers: ArrayLike, resamples: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return predicted and observed rate per tenth of the rows by predicted probability.

    Returns
    -------
    DataFrame
        ``rows``, ``predicted`` (mean), ``observed`` and its 95 % interval ``low`` … ``high``; NaN of fewer than
        `FEW_CUSTOMERS`.
    """
    truth, p = np.asarray(outcome, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    codes, count = codes_of(customers)
    bins = tenths(p)
    rows = np.bincount(bins)
    rates: list[Statistic] = [MeanOf(truth * (bins == b), codes, count, bins == b) for b in range(len(rows))]
    interval = percentile_of(count)
    intervals = [interval(value[0], draws[0]) for value, draws in bootstrap(rates, count, resamples, rng)]
    return pd.DataFrame(
        {
            "rows": rows,
            "predicted": np.bincount(bins, p) / rows,
            "observed": [one.value for one in intervals],
            "low": [one.low for one in intervals],
            "high": [one.high for one in intervals],
        }
    )

"""How good forecasts of counts are, beside a baseline, with intervals that resample customers.

Log loss and CRPS judge the whole distribution, the errors its mean. Every metric takes how often each customer is drawn
for weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from cxai_runner.evaluation.intervals import Floats, Statistic
from cxai_runner.evaluation.metrics import CalibrationError, MeanOf, Named, codes_of, paired_metrics
from cxai_runner.evaluation.results import Metric

COUNT_METRICS = (
    Named("log_loss", "log loss", "lower"),
    Named("crps", "CRPS", "lower"),
    Named("rmse", "RMSE", "lower"),
    Named("mae", "mean absolute error", "lower"),
    Named("calibration_error", "calibration error", "lower", raised_by_noise=True),
)


class RootOf(MeanOf):
    """The square root of `MeanOf`."""

    def __call__(self, counts: Floats) -> Floats:
        """Return the root for every resample, shape (1, b)."""
        return np.asarray(np.sqrt(super().__call__(counts)))


def count_statistics(
    quantity: ArrayLike, expected: ArrayLike, log_loss: ArrayLike, crps: ArrayLike, customers: ArrayLike
) -> Mapping[str, Statistic]:
    """Return the metrics of one forecast by name, each as a function of how often a customer is drawn.

    Parameters
    ----------
    quantity, expected
        Shape (n,): the count, and the one expected.
    log_loss, crps
        Shape (n,): minus the logarithm of the probability that the count had, and its continuous ranked probability
        score.
    customers
        Shape (n,).
    """
    truth, mean = np.asarray(quantity, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    codes, count = codes_of(customers)
    return {
        "log_loss": MeanOf(log_loss, codes, count),
        "crps": MeanOf(crps, codes, count),
        "rmse": RootOf((truth - mean) ** 2, codes, count),
        "mae": MeanOf(np.abs(truth - mean), codes, count),
        "calibration_error": CalibrationError(truth, mean, codes, count),
    }


def count_metrics(
    model: Mapping[str, Statistic],
    baseline: Mapping[str, Statistic],
    customers: ArrayLike,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[Metric, ...]:
    """Put the statistics of a forecast beside those of a baseline.

    Returns
    -------
    tuple of Metric
        ``log_loss``, ``crps``, ``rmse``, ``mae`` and ``calibration_error``, the mean absolute gap between expected and
        observed units over tenths of the rows by expectation.
    """
    codes, count = codes_of(customers)
    names = [one.name for one in COUNT_METRICS]
    ours, theirs = ([group[name] for name in names] for group in (model, baseline))
    return paired_metrics(COUNT_METRICS, ours, theirs, count, resamples, rng, rows=len(codes))

"""The truth is found again in simulated purchases, and 95 % intervals hold it 95 % of the time."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from cxai_runner.methods.quantity import QuantityWarning

from .conftest import ALPHA, TRUTH, simulate
from .test_quantity_forms import FORMS


def covered(form, simulations, seed, clustered):
    """How many intervals hold the truth, by parameter, and the estimates."""
    rng = np.random.default_rng(seed)
    truth = np.append(TRUTH, ALPHA) if form.endswith("negative_binomial") else TRUTH
    held, estimates = np.zeros(len(truth)), []
    for _ in range(simulations):
        X, y, customer = simulate(form, rng, customers=120, occasions=5)
        with warnings.catch_warnings():
            warnings.simplefilter("error", QuantityWarning)
            table = FORMS[form]().fit(X, y, groups=customer if clustered else None).summary_frame()
        held += ((table["low"] < truth) & (truth < table["high"])).to_numpy()
        estimates.append(table["coefficient"].to_numpy())
    return held, np.array(estimates), truth


def bounds(simulations, parameters):
    """The 99.9 % interval of a binomial count around .95, Bonferroni over parameters."""
    tail = 0.001 / parameters / 2
    return stats.binom.ppf([tail, 1 - tail], simulations, 0.95)


@pytest.mark.parametrize("form", FORMS)
def test_recovers_the_truth_and_covers_it(form):
    """Sixty simulations: means at the truth, and no interval that is far too short."""
    held, estimates, truth = covered(form, 60, 11, clustered=False)
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    # The estimate of α is biased by its own variance in samples of this size.
    slack = np.where(np.arange(len(truth)) == len(TRUTH), 0.02, 0.0)
    assert np.all(np.abs(estimates.mean(axis=0) - truth) < 4 * error + slack)
    assert (held >= bounds(60, len(truth))[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_covers_the_truth_in_a_thousand_simulations(form, clustered):
    """The count of intervals that hold the truth lies within the binomial's bounds."""
    held, _, truth = covered(form, 1000, 12, clustered)
    low, high = bounds(1000, len(truth))
    assert ((held >= low) & (held <= high)).all(), f"{held} not within [{low}, {high}]"

"""Ranks are scikit-learn's own, of tables of any length, and nobody is warned of a short one."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from cxai_runner.methods.ranks import QuantileRanks


@parametrize_with_checks([QuantileRanks(n_quantiles=20)])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.mark.parametrize("rows", [1, 2, 30, 200])
def test_as_many_quantiles_as_rows_at_most_and_the_same_ranks(rows):
    X = np.random.default_rng(0).normal(size=(rows, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ranks = QuantileRanks(n_quantiles=100).fit(X)
    assert (ranks.n_quantiles, ranks.n_quantiles_) == (100, min(100, rows))
    assert clone(ranks).n_quantiles == 100
    theirs = QuantileTransformer(n_quantiles=min(100, rows)).fit(X)
    np.testing.assert_array_equal(ranks.transform(X), theirs.transform(X))

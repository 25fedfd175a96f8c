"""Of one customer there is no clustered error, and of a few it is told that it is too small."""

from __future__ import annotations

import pandas as pd

from cxai_runner.evaluation.clusters import FEW_CLUSTERS, few_clusters, one_cluster


def test_one_customer_is_refused_with_what_to_write():
    (problem,) = one_cluster(pd.Series([7, 7, 7]))
    assert (problem.key, problem.remedy) == ("task.cluster", "bring more customers, or write task.cluster=false")
    (drawn,) = one_cluster(pd.Series([7, 7, 7]), resampled=True)
    assert (drawn.key, drawn.remedy) == ("panel.customer_id", "bring more customers")
    assert list(one_cluster(pd.Series([7, 8]))) == []


def test_few_customers_are_a_caveat():
    (caveat,) = few_clusters(pd.Series(range(FEW_CLUSTERS - 1)), "choices", "errors, which are too small")
    assert caveat.text == "The training choices are of 9 customers only: too few for errors, which are too small then."
    assert list(few_clusters(pd.Series(range(FEW_CLUSTERS)), "choices", "errors")) == []

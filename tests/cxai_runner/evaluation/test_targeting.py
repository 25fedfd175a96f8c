"""Whom to contact: gains, lift, profit and the threshold, against counting by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from cxai_runner.evaluation.targeting import BalancedAccuracy, confusion_table, gains_table, profit_of


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 4, 2000)
    return (rng.uniform(size=2000) < p).astype(int), p, np.arange(2000)


def test_balanced_accuracy_is_that_of_scikit_learn(rows):
    y, p, who = rows
    found = BalancedAccuracy(y, p > 0.2, who, 2000)(np.ones((2000, 1)))
    assert found[0, 0] == pytest.approx(balanced_accuracy_score(y, p > 0.2))


def test_gains_are_counted_from_the_top(rows):
    y, p, who = rows
    table = gains_table(y, p, who, 200, np.random.default_rng(1))
    order = np.argsort(-p)
    assert list(table["rows"]) == [200] * 10
    assert table["conversions"].tolist() == [int(y[part].sum()) for part in np.split(order, 10)]
    assert table["gain"].tolist() == pytest.approx(np.cumsum(table["conversions"]) / y.sum())
    assert table.loc[0, "lift"] == pytest.approx(y[order[:200]].mean() / y.mean())
    for name in ("rate", "lift", "gain"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()
    assert table["gain"].iloc[-1] == table["gain_low"].iloc[-1] == 1


def test_equal_probabilities_are_one_tenth(rows):
    y, _, who = rows
    table = gains_table(y, np.full(2000, 0.3), who, 20, np.random.default_rng(1))
    assert len(table) == 1
    assert table.loc[0, "lift"] == pytest.approx(1)


def test_profit_ends_where_a_contact_no_longer_pays(rows):
    y, p, who = rows
    found = profit_of(y, p, 10.0, 2.0, None, who, 200, np.random.default_rng(1))
    worth = p > 0.2
    assert found.contacts == worth.sum()
    assert found.spent == 2 * worth.sum()
    assert found.worth_it.value == pytest.approx(10 * y[worth].sum() - 2 * worth.sum())
    assert found.everybody.value == pytest.approx(10 * y.sum() - 4000)
    assert found.curve["profit"].iloc[0] == 0
    assert found.curve["profit"].iloc[-1] == pytest.approx(found.everybody.value)
    assert not found.bound
    # Probabilities that hold: no other number of contacts earns more than chance explains.
    assert found.curve["profit"].max() <= found.worth_it.high


def test_a_budget_ends_it_earlier_and_values_order_it(rows):
    y, p, who = rows
    value = np.where(np.arange(2000) % 2 == 0, 100.0, 1.0)
    found = profit_of(y, p, value, 2.0, 50.0, who, 50, np.random.default_rng(1))
    assert found.bound
    assert found.contacts == 25
    best = np.argsort(-(p * value))[:25]
    assert found.worth_it.value == pytest.approx((y[best] * value[best]).sum() - 50)


def test_confusion_counts_each_pair_once(rows):
    y, p, who = rows
    table = confusion_table(y, p > 0.3, who, 50, np.random.default_rng(1))
    crossed = pd.crosstab(p > 0.3, y)
    assert table["rows"].tolist() == [
        crossed.loc[True, 1],
        crossed.loc[True, 0],
        crossed.loc[False, 1],
        crossed.loc[False, 0],
    ]
    assert table["share"].sum() == pytest.approx(1)

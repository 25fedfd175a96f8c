"""Rules as a model: fitted, cloned, pickled, and the same where the rows live as in a frame."""

from __future__ import annotations

import pickle
import sqlite3

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from cxai_runner.methods.managerial import RuleError, RuleSegments, edges, scored

RULES = {
    "high": {"recency": {"le": "active"}, "monetary": {"gt": "high"}},
    "low": {"recency": {"le": "active"}, "monetary": {"le": "high"}},
    "ends": [
        {"recency": {"gt": "active"}, "frequency": {"eq": 1}},
        {"recency": {"gt": "active"}, "frequency": {"ge": 4}},
    ],
    "rest": {"recency": {"gt": "active"}, "frequency": {"gt": 1, "lt": 4}},
}
SCORED = {
    "best": {"recency_score": {"ge": 4}, "monetary_score": {"ge": 3}},
    "good": {"recency_score": {"ge": 4}, "monetary_score": {"lt": 3}},
    "rest": {"recency_score": {"le": 3}},
}


def customers(seed=0, number=400):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "recency": rng.integers(1, 40, number),
            "frequency": rng.integers(1, 6, number),
            "monetary": rng.integers(0, 40, number) / 2,
        }
    )


def rules():
    return RuleSegments(RULES, {"active": 20, "high": 10})


def test_each_customer_is_where_the_rule_says():
    frame = pd.DataFrame(
        {"recency": [20, 20, 21, 21, 21], "frequency": [1, 1, 1, 3, 4], "monetary": [10.5, 10, 0, 0, 0]}
    )
    assert list(rules().fit_predict(frame)) == ["high", "low", "ends", "rest", "ends"]


@pytest.mark.parametrize(
    "model", [rules(), RuleSegments(SCORED), RuleSegments(SCORED, scores=8)], ids=["rules", "5", "8"]
)
def test_an_expression_says_the_same_where_the_rows_live(model, tmp_path):
    new = customers(1)
    fitted = model.fit(customers())
    with sqlite3.connect(tmp_path / "rows.db") as database:
        new.to_sql("customers", database, index=False)
    for table in (ibis.memtable(new), ibis.sqlite.connect(tmp_path / "rows.db").table("customers")):
        found = table.mutate(segment=fitted.expression(table)).execute()["segment"]
        assert list(found) == list(fitted.predict(new))
    assert len(set(fitted.predict(new))) == len(model.names)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 9), st.floats(0, 100)), min_size=1, max_size=30))
def test_nobody_is_left_out_and_order_is_nothing(rows):
    frame = pd.DataFrame(rows, columns=["recency", "frequency", "monetary"])
    found = rules().fit(customers()).predict(frame)
    assert set(found) <= set(RULES)
    again = rules().fit(customers()).predict(frame.iloc[::-1])
    assert list(again) == list(found)[::-1]


def test_it_keeps_the_conventions_of_estimators():
    """Not `check_estimator`'s: rules name columns, and its rows have none."""
    model = RuleSegments(SCORED, scores=4)
    assert repr(clone(model)) == repr(model)
    assert model.get_params()["rules"] is SCORED
    with pytest.raises(NotFittedError):
        model.predict(customers())
    fitted = model.fit(customers())
    assert fitted is model
    assert list(fitted.feature_names_in_) == ["recency", "frequency", "monetary"]
    again = pickle.loads(pickle.dumps(fitted))
    assert list(again.predict(customers(2))) == list(fitted.predict(customers(2)))
    assert SCORED["rest"] == {"recency_score": {"le": 3}}, "parameters are not changed"


def test_nothing_of_the_customers_is_kept():
    assert {name: np.size(value) for name, value in vars(RuleSegments(SCORED).fit(customers())).items()} == {
        "rules": 1,
        "thresholds": 1,
        "scores": 1,
        "columns_": 2,
        "edges_": 1,
        "feature_names_in_": 3,
        "n_features_in_": 1,
    }


def test_rules_that_do_not_hold_together_are_not_fitted():
    with pytest.raises(RuleError, match="no rule takes a customer with recency 21") as caught:
        RuleSegments({"a": {"recency": {"le": 20}}}).fit(customers())
    assert pickle.loads(pickle.dumps(caught.value)).faults == caught.value.faults
    with pytest.raises(RuleError, match="at least two"):
        RuleSegments(SCORED, scores=1).fit(customers())


def test_rows_that_rules_cannot_read_are_refused():
    with pytest.raises(RuleError, match="no such column: monetary"):
        rules().fit(customers().drop(columns="monetary"))
    with pytest.raises(RuleError, match="values are missing in recency"):
        rules().fit(customers()).predict(customers().assign(recency=np.nan))
    with pytest.raises(TypeError, match="data frame"):
        rules().fit(customers().to_numpy())


def test_scores_are_fifths_where_all_values_differ():
    values = np.random.default_rng(0).permutation(100) + 1
    found = scored(values, edges(values))
    assert np.bincount(found)[1:].tolist() == [20] * 5
    assert (found == (values + 19) // 20).all()
    assert (scored(values, edges(values), low_is_best=True) == 6 - found).all()


def test_equal_values_have_equal_scores_in_any_order():
    values = np.repeat([1, 2, 3], [60, 30, 10])
    found = scored(values, edges(values))
    assert [set(found[values == one]) for one in (1, 2, 3)] == [{1}, {4}, {5}]
    assert (scored(values[::-1], edges(values[::-1])) == found[::-1]).all()

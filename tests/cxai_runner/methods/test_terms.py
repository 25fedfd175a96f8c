"""Terms of a panel: means and columns by name, whatever else the frame holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cxai_runner.methods.terms import PanelTerms, columns_of


@pytest.fixture
def panel():
    return pd.DataFrame(
        {"price_a": [1.0, 2.0], "promotion_a": [0, 1], "price_b": [3.0, 5.0], "promotion_b": [1, 1], "size": [2, 4]},
        index=[7, 9],
    )


@pytest.mark.parametrize(
    ("terms", "names", "first"),
    [
        (("mean_price",), ["mean_price"], [2.0]),
        (("mean_price", "mean_promotion"), ["mean_price", "mean_promotion"], [2.0, 0.5]),
        (("price", "mean_promotion"), ["price_a", "price_b", "mean_promotion"], [1.0, 3.0, 0.5]),
        (("promotion", "size"), ["promotion_a", "promotion_b", "size"], [0.0, 1.0, 2.0]),
    ],
)
def test_terms(panel, terms, names, first):
    transformer = PanelTerms(terms).fit(panel)
    out = transformer.transform(panel)
    assert list(out.columns) == list(transformer.get_feature_names_out()) == names
    assert list(out.iloc[0]) == first
    assert list(out.index) == [7, 9]


def test_order_and_further_columns_do_not_matter(panel):
    transformer = PanelTerms(("price", "size")).fit(panel)
    turned = panel[panel.columns[::-1]].assign(other="text")
    pd.testing.assert_frame_equal(transformer.transform(turned), transformer.transform(panel))


def test_only_what_is_read_is_asked_for(panel):
    assert list(PanelTerms(("mean_price",)).fit(panel).feature_names_in_) == ["price_a", "price_b"]


def test_it_can_be_cloned():
    assert clone(PanelTerms(("size",))).terms == ("size",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="price_b"), "columns missing: price_b"),
        (lambda frame: frame.assign(price_a=["one", "two"]), "'price_a' is not numeric"),
        (lambda frame: frame.assign(price_b=[np.nan, 1.0]), "'price_b' has 1 missing values"),
    ],
)
def test_a_bad_frame_is_named(panel, change, message):
    transformer = PanelTerms(("mean_price",)).fit(panel)
    with pytest.raises(ValueError, match=message):
        transformer.transform(change(panel))


def test_a_term_without_a_column_is_named(panel):
    with pytest.raises(ValueError, match="term 'income' has no column among price_a"):
        PanelTerms(("income",)).fit(panel)


def test_an_array_has_no_names(panel):
    with pytest.raises(TypeError, match="pass a pandas frame, not ndarray"):
        PanelTerms().fit(panel.to_numpy())


def test_columns_of_a_pattern():
    assert columns_of("mean_price", ["customer_id", "price_*", "promotion_*"]) == ["price_*"]
    assert columns_of("income", ["price_a"]) == []

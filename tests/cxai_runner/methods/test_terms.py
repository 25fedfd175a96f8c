"""Terms of a panel: means and columns by name, whatever else the frame holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cxai_runner.methods.errors import IncidenceWarning
from cxai_runner.methods.terms import PanelTerms, columns_of, instead, is_made


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
    with pytest.raises(ValueError, match="the term income has no column among price_a"):
        PanelTerms(("income",)).fit(panel)


def test_an_array_has_no_names(panel):
    with pytest.raises(TypeError, match="pass a pandas frame, not ndarray"):
        PanelTerms().fit(panel.to_numpy())


def test_columns_of_a_pattern():
    assert columns_of("mean_price", ["customer_id", "price_*", "promotion_*"]) == ["price_*"]
    assert columns_of("income", ["price_a"]) == []


@pytest.fixture
def more():
    rows = 40
    return pd.DataFrame(
        {
            "price_a": np.linspace(1, 2, rows),
            "price_b": 3.0,
            "loyalty_a": 0.2,
            "loyalty_b": 0.3,
            "loyalty_c": 0.5,
            "last_brand": ["a", "b", "b", "none"] * 10,
            "Last_Inc_Brand": [0, 1, 2.0, 2] * 10,
            "last_quantity": [0.0, 2, 3, np.nan] * 10,
            "segment": ["old", "new"] * 20,
            "week_of_year": np.arange(rows) + 1,
        }
    )


@pytest.mark.parametrize(
    ("terms", "names"),
    [
        (("last_brand",), ["last_brand[a]", "last_brand[none]"]),
        (("Last_Inc_Brand",), ["Last_Inc_Brand[0]", "Last_Inc_Brand[1]"]),
        (("loyalty",), ["loyalty_b", "loyalty_c"]),
        (("season",), ["season[sin 1]", "season[cos 1]", "season[sin 2]", "season[cos 2]"]),
        (("mean_price", "mean_price:segment"), ["mean_price", "mean_price:segment[old]"]),
        (("mean_price:segment",), ["mean_price:segment[new]", "mean_price:segment[old]"]),
        (("segment", "mean_price:segment"), ["segment[old]", "mean_price:segment[new]", "mean_price:segment[old]"]),
        (("mean_price", "price:segment"), ["mean_price", "price_a:segment[old]", "price_b:segment[old]"]),
        (("any_last_quantity", "mean_loyalty"), ["any_last_quantity", "mean_loyalty"]),
    ],
)
def test_terms_of_categories_seasons_and_products(more, terms, names):
    transformer = PanelTerms(terms).fit(more)
    out = transformer.transform(more)
    assert list(out.columns) == list(transformer.get_feature_names_out()) == names


def test_values_of_categories_and_products(more):
    out = PanelTerms(("last_brand", "mean_price:segment", "any_last_quantity")).fit_transform(more)
    np.testing.assert_allclose(out.filter(like="mean_price:").sum(axis=1), (more["price_a"] + 3) / 2)
    assert list(out["last_brand[a]"][:4]) == [1, 0, 0, 0]
    old = more["segment"].eq("old").to_numpy()
    np.testing.assert_allclose(out["mean_price:segment[old]"], np.where(old, (more["price_a"] + 3) / 2, 0))
    np.testing.assert_array_equal(out["any_last_quantity"][:4], [0, 1, 1, np.nan])


def test_a_season_comes_again_after_a_year_and_is_smooth(more):
    transformer = PanelTerms(("season",)).fit(more)
    weeks = pd.DataFrame({"week_of_year": [1, 2, 52, 53]})
    first, second, last, again = transformer.transform(weeks).to_numpy()
    assert np.abs(first - again).max() < 0.05
    assert np.abs(first - second).max() < 0.25
    assert np.abs(first - last).max() < 0.35


def test_a_level_that_was_never_met_is_given_the_average_and_told(more):
    transformer = PanelTerms(("last_brand",)).fit(more)
    with pytest.warns(IncidenceWarning, match="last_brand is zoo on 1 row, and never was in training"):
        out = transformer.transform(more.head(3).assign(last_brand=["a", "zoo", "b"]))
    assert list(out.iloc[1]) == [0.25, 0.25]


def test_a_factor_without_a_column_is_none_of_the_term():
    assert columns_of("mean_price:segment", ["price_a", "price_b"]) == []
    assert columns_of("mean_price:segment", ["price_a", "segment_2"]) == ["price_a", "segment_2"]
    assert columns_of("season", ["price_a"]) == []


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("mean_price", True),
        ("price_a", True),
        ("price_zz", False),
        ("size", True),
        ("mean_price:size", True),
        ("size:mean_price", False),
        ("segment[a:b]", True),
        ("mean_price:segment[<18]", False),
        ("loyalty_x", True),
        ("mean_prise", False),
    ],
)
def test_what_a_term_may_become_is_known_before_it_does(name, made):
    terms = ["mean_price", "price", "size", "mean_price:size", "segment", "loyalty"]
    assert is_made(name, terms, ["price_a", "price_b", "size", "segment", "loyalty_*"]) is made


@pytest.mark.parametrize(
    ("terms", "without", "found"),
    [
        (["price"], ["price_b"], [["price_a"], ["mean_price"]]),
        (["mean_price", "price"], ["price_a", "price_b"], [["mean_price"]]),
        (["mean_price", "mean_promotion"], ["mean_promotion"], [["mean_price"]]),
        (
            ["mean_price", "promotion"],
            ["promotion_b"],
            [["mean_price", "promotion_a"], ["mean_price", "mean_promotion"]],
        ),
        (["mean_price", "loyalty"], ["loyalty_b"], [["mean_price", "loyalty_a"]]),
        (["price", "segment"], ["segment[old]"], [["price"]]),
        (["price:price"], ["price_b:price_a"], []),
        (["mean_price"], ["mean_price"], []),
    ],
)
def test_terms_without_a_column(terms, without, found):
    have = ["price_a", "price_b", "promotion_a", "promotion_b", "loyalty_a", "loyalty_b", "segment"]
    assert instead(terms, without, have) == found

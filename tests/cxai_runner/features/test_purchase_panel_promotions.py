"""Promotions of the panel: of a table of them by store, product or week, or of what was sold at a discount."""

from __future__ import annotations

import pytest

from .panels import NUMBERED, PROMOTIONS, built, tables


def test_promotion_is_the_share_of_units_at_a_discount_where_there_is_no_table_of_promotions() -> None:
    frame = built(tables()).drop_duplicates("time").set_index("time")
    assert frame["promotion_acme"].tolist() == [1.0, 0.0, 0.0]
    assert frame["promotion_best_cola"].tolist() == [0.0, 0.0, 0.0]
    assert frame["promotion_other"].tolist() == [0.0, 0.0, 1.0]


def test_promotion_is_the_weighted_share_of_stores_where_there_is() -> None:
    """Week 1: product 1 in one of two stores, product 2 in both: 0.8 · 1/2 + 0.2 · 1. A row twice counts once."""
    frame = built(tables(NUMBERED, promotions=PROMOTIONS)).drop_duplicates("time").set_index("time")
    assert frame["promotion_acme"].tolist() == pytest.approx([0.6, 0.0, 0.0])
    assert frame["promotion_best_cola"].tolist() == [0.0, 0.0, 0.0]


def test_display_and_mailer_are_told_apart() -> None:
    """Week 1: product 1 is on display in one of two stores, and in a mailer in the same; product 2 in both mailers."""
    frame = built(tables(NUMBERED, promotions=PROMOTIONS)).drop_duplicates("time").set_index("time")
    assert frame["display_acme"].tolist() == pytest.approx([0.8 / 2, 0.0, 0.0])
    assert frame["mailer_acme"].tolist() == pytest.approx([0.8 / 2 + 0.2, 0.0, 0.0])


def test_a_table_of_promotions_without_stores_says_that_a_product_is_promoted_everywhere() -> None:
    promotions = PROMOTIONS.drop(columns=["store_id", "display"])
    frame = built(tables(NUMBERED, promotions=promotions)).drop_duplicates("time").set_index("time")
    assert frame["promotion_acme"].tolist() == pytest.approx([1.0, 0.0, 0.0])
    assert frame["mailer_acme"].tolist() == pytest.approx([1.0, 0.0, 0.0])
    assert "display_acme" not in frame


def test_a_row_is_a_promotion_where_it_says_nothing_else() -> None:
    promotions = PROMOTIONS[["product_id", "store_id", "week"]]
    frame = built(tables(NUMBERED, promotions=promotions)).drop_duplicates("time").set_index("time")
    assert frame["promotion_acme"].tolist() == pytest.approx([0.6, 0.0, 0.8])

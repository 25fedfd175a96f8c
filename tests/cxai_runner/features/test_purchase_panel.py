"""The panel against an example worked out by hand: its rows, its prices, its roles."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cxai_runner.data import Tables
from cxai_runner.data.dataset import Dropped
from cxai_runner.features.purchase_panel import PurchasePanel

from .panels import PRODUCTS, ROWS, TRAIN, WEEKS, built, tables

PAGE = Path(__file__).parents[3] / "docs" / "purchase-panel.md"


def test_rows_and_purchases_of_the_worked_example() -> None:
    frame = built(tables())
    assert frame["customer_id"].tolist() == ["c1", "c1", "c1", "c2", "c2", "c2"]
    assert frame["time"].tolist() == [*WEEKS, *WEEKS]
    assert frame["occasion"].tolist() == [1, 2, 3, 1, 2, 3]
    assert frame["incidence"].tolist() == [1, 1, 0, 0, 1, 1]
    assert frame["brand"].tolist() == ["acme", "acme", "none", "none", "acme", "other"]
    assert frame["quantity"].tolist() == [3.0, 1.0, 0.0, 0.0, 2.0, 1.0]
    assert frame["revenue"].tolist() == [4.0, 3.0, 0.0, 0.0, 2.0, 0.5]


def test_prices_of_the_worked_example() -> None:
    """Acme sold 4 units of product 1 at a mean of 1.10 and one of product 2 at 3.00: weights 4/5 and 1/5.

    Week 1: product 1 costs 1.00, product 2 was never seen and has its mean: 0.8 + 0.6. Week 2: the coupon match goes
    back on, (2.00 + 0.40) / 2 = 1.20: 0.96 + 0.6. Week 3: neither is sold, both keep their price.
    """
    frame = built(tables()).drop_duplicates("time").set_index("time")
    assert frame["price_acme"].tolist() == pytest.approx([1.40, 1.56, 1.56])
    assert frame["price_best_cola"].tolist() == pytest.approx([2.0, 2.0, 2.0])
    assert frame["price_other"].tolist() == pytest.approx([0.5, 0.5, 0.5])


def test_the_page_shows_what_is_built() -> None:
    """The page's table of results, cell for cell as far as it is printed."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, *lines = text[text.index("| customer_id | time |") :].split("\n\n")[0].splitlines()
    columns, *shown = ([cell.strip() for cell in line.split("|")[1:-1]] for line in (head, *lines))
    frame = built(tables())
    assert len(shown) == len(frame)
    for column, cells in zip(columns, zip(*shown, strict=True), strict=True):
        made = frame[column]
        if column == "time":
            assert list(cells) == made.dt.strftime("%Y-%m-%d").tolist()
        elif made.dtype.kind in "if":
            digits = len(cells[0].partition(".")[2])
            assert [float(cell or "nan") for cell in cells] == pytest.approx(made.round(digits).tolist(), nan_ok=True)
        else:
            assert list(cells) == made.tolist()


def test_mix_does_not_move_a_price() -> None:
    """In week 1 only the cheap product is sold, in week 2 only the dear one; neither changes its price."""
    mixed = ROWS[ROWS["product_id"].isin([1, 2, 9])].assign(revenue=lambda t: t["quantity"] * t["product_id"])
    mixed = mixed.assign(coupon_match_discount=0.0)
    frame = built(tables(mixed))
    assert frame["price_acme"].nunique() == 1
    assert frame["price_acme"].iloc[0] == pytest.approx(0.8 * 1 + 0.2 * 2)


def test_a_numbered_week_is_the_sources_own() -> None:
    rows = ROWS.assign(week=[7, 7, 8, 8, 8, 9, 9])
    frame = built(tables(rows))
    assert frame["time"].drop_duplicates().sort_values().tolist() == list(
        pd.to_datetime(["2017-01-02", "2017-01-08", "2017-01-16"])
    )


def test_other_brands_can_be_taken_out_of_the_category() -> None:
    features = PurchasePanel(category="SODA", brands=2, rest="drop")
    source = tables()
    data = features.build(source, TRAIN, features.learn(source, TRAIN))
    assert data.roles.alternatives == ("acme", "best_cola")
    assert data.frame["incidence"].tolist() == [1, 1, 0, 0, 1, 0]
    assert "price_other" not in data.frame


def test_roles() -> None:
    source = tables()
    features = PurchasePanel(category="SODA", brands=2)
    roles = features.build(source, TRAIN, features.learn(source, TRAIN)).roles
    assert roles.alternatives == ("acme", "best_cola", "other")
    assert roles.time == "time"
    assert set(roles.inputs) == {f"{kind}_{one}" for kind in ("price", "promotion") for one in roles.alternatives}


def test_inputs_are_prices_and_promotions_unless_others_are_named() -> None:
    source = tables()
    features = PurchasePanel(category="SODA", brands=2, columns=["price_*", "loyalty_acme", "last_*"])
    data = features.build(source, TRAIN, features.learn(source, TRAIN))
    prices = tuple(f"price_{one}" for one in data.roles.alternatives)
    assert data.roles.inputs == (*prices, "loyalty_acme", "last_quantity")
    named = PurchasePanel(category="SODA", brands=2, columns=["price_*", "last_brand", "previous_purchase"])
    other = named.build(source, TRAIN, named.learn(source, TRAIN))
    assert other.roles.inputs == (*prices, "last_brand", "previous_purchase")
    assert {"last_brand", "weeks_since_purchase", "promotion_acme", "loyalty_other"} < set(data.roles.describe)
    assert not {"incidence", "brand", "quantity", "revenue"} & {*data.roles.inputs, *data.roles.describe}


def test_what_was_bought_of_other_brands_is_counted_where_it_is_dropped() -> None:
    source = tables()
    features = PurchasePanel(category="SODA", brands=2, rest="drop")
    data = features.build(source, TRAIN, features.learn(source, TRAIN))
    assert data.dropped == (Dropped("transactions", "brand is none of the alternatives", 1, 5),)


@pytest.mark.parametrize(("rest", "kept"), [("pool", [0, 1, 4, 5]), ("drop", [0, 1, 4])])
def test_occasions_without_a_purchase_can_be_left_out_and_are_counted(rest: str, kept: list[int]) -> None:
    """What is left has the prices and the past that it has among all occasions."""
    source = tables()
    features = PurchasePanel(category="SODA", brands=2, rest=rest, purchases_only=True)  # type: ignore[arg-type]
    data = features.build(source, TRAIN, features.learn(source, TRAIN))
    every = built(source, rest=rest)
    pd.testing.assert_frame_equal(data.frame, every.iloc[kept].reset_index(drop=True))
    assert data.dropped[-1] == Dropped("panel", "nothing of the category was bought", 6 - len(kept), 6)


def test_the_split_divides_the_occasions_on_which_the_category_was_bought() -> None:
    """Those of bread alone are not among its rows, so that a share by time is one of purchases."""
    rows = PurchasePanel(category="SODA", brands=2, purchases_only=True).rows(tables()).execute()
    assert sorted(rows.itertuples(index=False, name=None)) == [
        ("c1", WEEKS[0]),
        ("c1", WEEKS[1]),
        ("c2", WEEKS[1]),
        ("c2", WEEKS[2]),
    ]


def test_a_brand_is_any_attribute_of_products() -> None:
    source = Tables.of(transactions=ROWS, products=PRODUCTS.drop(columns="brand").assign(size=[12, 24, 12, 24, 1]))
    frame = built(source, brand_by="size")
    assert frame["brand"].tolist() == ["12", "24", "none", "none", "12", "24"]


def test_money_that_is_put_back_makes_the_shelf_price() -> None:
    """With the retail discount put back as well, product 1 costs (2.00 + 0.50) / 2 in week 1: 0.8 · 1.25 + 0.6."""
    frame = built(tables(), put_back=["coupon_match_discount", "retail_discount"])
    assert frame.drop_duplicates("time")["price_acme"].iloc[0] == pytest.approx(0.8 * 1.25 + 0.2 * 3)
    frame = built(tables(), put_back=[])
    assert frame.drop_duplicates("time")["price_acme"].tolist()[1] == pytest.approx(0.8 * 1.00 + 0.2 * 3)


def test_what_is_learned_is_plain_json() -> None:
    source = tables()
    features = PurchasePanel(category="SODA", brands=2)
    learned = features.learn(source, TRAIN)
    again = json.loads(json.dumps(learned))
    pd.testing.assert_frame_equal(features.build(source, TRAIN, again).frame, built(source))


def test_the_order_of_rows_does_not_count() -> None:
    shuffled = ROWS.sample(frac=1, random_state=3, ignore_index=True)
    pd.testing.assert_frame_equal(built(tables(shuffled)), built(tables()))


def test_names_of_brands_that_collide_stay_apart() -> None:
    products = PRODUCTS.assign(brand=["Other", "other!", "None", "OTHER", "x"])
    source = Tables.of(transactions=ROWS, products=products)
    features = PurchasePanel(category="SODA", brands=4)
    assert sorted(features.learn(source, TRAIN)["names"].values()) == ["none_2", "other_2", "other_3", "other_4"]

"""The panel against an example worked out by hand, and the laws that keep the held-out part unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.data import Tables
from cxai_runner.data.dataset import Dropped
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.history import KNOWN
from cxai_runner.features.purchase_panel import PurchasePanel

PAGE = Path(__file__).parents[3] / "docs" / "purchase-panel.md"
TRAIN = Part("train")
PRODUCTS = pd.DataFrame(
    {
        "product_id": [1, 2, 3, 4, 9],
        "category": ["SODA", "SODA", "SODA", "SODA", "BREAD"],
        "brand": ["Acme", "Acme", "Best Cola", "Cheap", "Acme"],
    }
)
ROWS = pd.DataFrame(
    [
        # customer, when, product, quantity, revenue, coupon match, retail discount
        ("c1", "2017-01-02 09:00", 1, 2.0, 2.00, 0.0, 0.5),
        ("c1", "2017-01-05 18:00", 3, 1.0, 2.00, 0.0, 0.0),
        ("c2", "2017-01-08 23:59", 9, 1.0, 1.00, 0.0, 0.0),
        ("c1", "2017-01-09 00:00", 2, 1.0, 3.00, 0.0, 0.0),
        ("c2", "2017-01-10 12:00", 1, 2.0, 2.00, 0.4, 0.0),
        ("c2", "2017-01-16 12:00", 4, 1.0, 0.50, 0.0, 0.1),
        ("c1", "2017-01-17 12:00", 9, 1.0, 1.00, 0.0, 0.0),
    ],
    columns=[
        "customer_id",
        "timestamp",
        "product_id",
        "quantity",
        "revenue",
        "coupon_match_discount",
        "retail_discount",
    ],
).assign(timestamp=lambda rows: pd.to_datetime(rows["timestamp"]))
WEEKS = pd.to_datetime(["2017-01-02", "2017-01-09", "2017-01-16"])


def tables(rows: pd.DataFrame = ROWS, **more: pd.DataFrame) -> Tables:
    return Tables.of(transactions=rows, products=PRODUCTS, **more)


def built(source: Tables, part: Part = TRAIN, train: Part = TRAIN, **settings: Any) -> pd.DataFrame:
    features = PurchasePanel(**{"category": "SODA", "brands": 2, **settings})
    return features.build(source, part, features.learn(source, train)).frame


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


def test_promotion_is_the_share_of_units_at_a_discount_where_there_is_no_table_of_promotions() -> None:
    frame = built(tables()).drop_duplicates("time").set_index("time")
    assert frame["promotion_acme"].tolist() == [1.0, 0.0, 0.0]
    assert frame["promotion_best_cola"].tolist() == [0.0, 0.0, 0.0]
    assert frame["promotion_other"].tolist() == [0.0, 0.0, 1.0]


PROMOTIONS = pd.DataFrame(
    [
        (1, 10, 1, "5", "0"),
        (1, 10, 1, "0", "A"),
        (2, 10, 1, "0", "A"),
        (2, 11, 1, None, "H"),
        (3, 11, 1, "0", "0"),
        (9, 11, 2, "0", "A"),
        (9, 12, 2, "0", "A"),
        (1, 10, 3, "0", "0"),
    ],
    columns=["product_id", "store_id", "week", "display", "mailer"],
)
NUMBERED = ROWS.assign(week=[1, 1, 1, 2, 2, 3, 3])


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
    import json

    source = tables()
    features = PurchasePanel(category="SODA", brands=2)
    learned = features.learn(source, TRAIN)
    again = json.loads(json.dumps(learned))
    pd.testing.assert_frame_equal(features.build(source, TRAIN, again).frame, built(source))


def test_the_order_of_rows_does_not_count() -> None:
    shuffled = ROWS.sample(frac=1, random_state=3, ignore_index=True)
    pd.testing.assert_frame_equal(built(tables(shuffled)), built(tables()))


def by_customer() -> tuple[Part, Part]:
    ids = pd.DataFrame({"customer_id": ["c2"]})
    return Part("train", customers=ids, keep=False), Part("held_out", customers=ids, keep=True)


def test_held_out_customers_change_nothing_that_is_learned() -> None:
    train, _ = by_customer()
    features = PurchasePanel(category="SODA", brands=2)
    changed = ROWS.copy()
    changed.loc[changed["customer_id"] == "c2", ["quantity", "revenue", "retail_discount"]] = [50.0, 999.0, 9.0]
    before, after = tables(), tables(changed)
    assert features.learn(after, train) == features.learn(before, train)
    pd.testing.assert_frame_equal(built(after, train, train), built(before, train, train))


def test_held_out_customers_meet_the_prices_of_the_training_part() -> None:
    train, held_out = by_customer()
    learned = built(tables(), train, train).set_index("time")
    met = built(tables(), held_out, train).set_index("time")
    assert met["price_acme"].tolist() == learned["price_acme"].tolist()


def by_time() -> tuple[Part, Part]:
    cut = pd.Timestamp("2017-01-16").to_pydatetime()
    return Part("train", end=cut), Part("held_out", start=cut)


def test_nothing_at_or_after_the_end_is_read() -> None:
    train, _ = by_time()
    changed = ROWS.copy()
    late = changed["timestamp"] >= train.end
    changed.loc[late, ["product_id", "quantity", "revenue"]] = [1, 77.0, 1.0]
    features = PurchasePanel(category="SODA", brands=2)
    assert features.learn(tables(changed), train) == features.learn(tables(), train)
    pd.testing.assert_frame_equal(built(tables(changed), train, train), built(tables(), train, train))


def test_a_week_after_the_training_part_is_priced_from_its_own_purchases() -> None:
    """Product 1 is sold at 1.50; product 2 is not, and keeps the 3.00 it was last seen at: 0.8 · 1.5 + 0.2 · 3."""
    train, held_out = by_time()
    extra = pd.DataFrame([("c3", pd.Timestamp("2017-01-18"), 1, 2.0, 3.0, 0.0, 0.0)], columns=ROWS.columns)
    frame = built(tables(pd.concat([ROWS, extra], ignore_index=True)), held_out, train)
    assert frame["time"].unique().tolist() == [pd.Timestamp("2017-01-16")]
    assert frame["price_acme"].unique().tolist() == pytest.approx([1.8])
    assert frame["brand"].tolist() == ["none", "other", "acme"]


def sold_alike(*rows: tuple[str, str, int, float]) -> pd.DataFrame:
    """Rows of one unit each: customer, day, product, price."""
    frame = pd.DataFrame(list(rows), columns=["customer_id", "timestamp", "product_id", "revenue"])
    return frame.assign(timestamp=pd.to_datetime(frame["timestamp"]), quantity=1.0)


def test_a_week_without_a_training_household_knows_no_later_price() -> None:
    """Product 1 costs 1.00 until the rise to 5.00 of 23 January: in the weeks before, in which only the held-out
    household shopped, it is what it was last seen at, and before it was seen at all its training mean, 7/3.
    """
    rows = sold_alike(
        ("c2", "2017-01-02", 9, 1.0),
        ("c1", "2017-01-09", 1, 1.0),
        ("c1", "2017-01-09", 3, 2.0),
        ("c1", "2017-01-16", 1, 1.0),
        ("c2", "2017-01-16", 9, 1.0),
        ("c2", "2017-01-18", 3, 9.0),
        ("c2", "2017-01-23", 3, 4.0),
        ("c1", "2017-01-30", 1, 5.0),
        ("c2", "2017-02-06", 9, 1.0),
    )
    train, held_out = by_customer()
    frame = built(tables(rows), held_out, train).set_index("time")
    assert frame["price_acme"].tolist() == pytest.approx([7 / 3, 1.0, 1.0, 5.0])
    # What the held-out household paid itself is public in a week of its own alone.
    assert frame["price_best_cola"].tolist() == pytest.approx([2.0, 2.0, 4.0, 4.0])


def test_no_later_purchase_changes_a_price_of_the_held_out() -> None:
    """The law of it: whatever is paid from a day on, prices before that day are the same."""
    rng = np.random.default_rng(2)
    days = pd.Timestamp("2017-01-02") + pd.to_timedelta(np.sort(rng.integers(0, 140, 90)), unit="D")
    rows = pd.DataFrame(
        {
            "customer_id": rng.choice(["c1", "c2", "c3"], 90),
            "timestamp": days,
            "product_id": rng.choice([3, 4, 9], 90),
            "quantity": 1.0,
            "revenue": rng.integers(1, 9, 90).astype(float),
        }
    )
    # Product 1 is seen before anything else, and its mean is kept when the late ones change: they swap prices.
    rows = pd.concat([sold_alike(("c1", "2017-01-01", 1, 2.0)), rows], ignore_index=True)
    late = sold_alike(("c1", "2017-05-23", 1, 3.0), ("c1", "2017-05-30", 1, 7.0))
    other = late.assign(revenue=[7.0, 3.0])
    train, held_out = by_customer()
    one, two = (
        built(tables(pd.concat([rows, end], ignore_index=True)), held_out, train, brands=3) for end in (late, other)
    )
    before = one["time"] < "2017-05-22"
    assert before.sum() > 5
    pd.testing.assert_frame_equal(one[before], two[before])
    assert one.loc[before, "price_acme"].unique().tolist() == [2.0]


POSSIBLE = [*KNOWN, "price_*", "promotion_*", "loyalty_*"]


@pytest.mark.parametrize(
    ("settings", "key", "message", "remedy"),
    [
        ({"category": "SODAS"}, "category", "not among the 2 categories sold; nearest: SODA", ""),
        ({"category": "WINE"}, "category", "not among the 2 categories sold", "one of: BREAD, SODA"),
        ({"brands": 4}, "brands", "only 3 brands of SODA are sold", "at most 3"),
        ({"brand_by": "brands"}, "brand_by", "products has no such column", "did you mean `brand`?"),
        (
            {"store_groups": "customer"},
            "store_groups",
            "transactions have no such column, nor a store of that kind",
            "did you mean `customer_id`?",
        ),
        (
            {"store_groups": "product_id", "store_group_lines": 3},
            "store_group_lines",
            "no product_id has so many lines of SODA",
            "at most 2",
        ),
        (
            {"put_back": ["coupon_match"]},
            "put_back",
            "transactions has no such column",
            "did you mean `coupon_match_discount`?",
        ),
        ({"put_back": ["customer_id"]}, "put_back", "holds no numbers, and cannot be money", ""),
        (
            {"columns": ["brand"]},
            "columns",
            "nothing that the panel knows before the occasion",
            "did you mean `last_brand`?",
        ),
        ({"columns": []}, "columns", "no column is left as an input", "one of: " + ", ".join(POSSIBLE)),
    ],
)
def test_a_mistake_is_told(settings: dict[str, Any], key: str, message: str, remedy: str) -> None:
    features = PurchasePanel(**{"category": "SODA", "brands": 2, **settings})
    (problem,) = features.problems(tables())
    assert (problem.key, problem.message, problem.remedy) == (key, message, remedy)


def test_stores_of_a_kind_need_the_store_of_a_line() -> None:
    stores = pd.DataFrame({"store_id": [10, 11], "region": ["north", "south"]})
    (problem,) = PurchasePanel(category="SODA", brands=2, store_groups="region").problems(tables(stores=stores))
    assert problem.remedy == "map their store: data.tables.transactions.columns.store_id=…"


def test_numbers_of_weeks_that_start_again_are_told() -> None:
    again = ROWS.assign(timestamp=ROWS["timestamp"] + pd.Timedelta(days=364))
    rows = pd.concat([NUMBERED, again.assign(week=NUMBERED["week"])], ignore_index=True)
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(tables(rows))
    assert problem.message == "week 1 of transactions runs from 2017-01-02 to 2018-01-07: its number is used again"
    assert problem.remedy.startswith("number the weeks through")


@pytest.mark.parametrize("day", ["2017-01-02", "2017-01-01"])
def test_a_line_that_lets_a_week_start_too_early_is_told(day: str) -> None:
    """One back-dated line of week 2: the week would start with week 1, or before it."""
    rows = NUMBERED.copy()
    rows.loc[3, "timestamp"] = pd.Timestamp(day)
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(tables(rows))
    assert problem.message == (
        f"week 2 of transactions has a line of {day}, and week 1 starts on 2017-01-02: "
        "weeks must start one after the other, as they are numbered"
    )
    assert problem.remedy == (
        f"mend the date or the week of the line of {day}, "
        "or leave the column out of the source: then weeks start on Mondays"
    )


def test_weeks_that_are_numbered_against_time_are_told() -> None:
    rows = ROWS.assign(week=[52, 52, 52, 1, 1, 2, 2])
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(tables(rows))
    assert problem.message.startswith(
        "week 52 of transactions has a line of 2017-01-02, and week 2 starts on 2017-01-16"
    )


def test_products_that_the_catalogue_has_not_are_counted() -> None:
    rows = ROWS.assign(product_id=[1, 3, 77, 2, 1, 4, 78])
    source = tables(rows)
    features = PurchasePanel(category="SODA", brands=2)
    data = features.build(source, TRAIN, features.learn(source, TRAIN))
    assert data.dropped == (Dropped("transactions", "product is not in products, so of no category", 2, 7),)
    assert len(data.frame) == 6, "a line of an unknown product is still an occasion"


def test_promotions_that_meet_no_purchase_are_counted() -> None:
    more = PROMOTIONS.assign(product_id=[1, 1, 2, 2, 3, 77, 77, 1], week=[1, 1, 1, 1, 1, 99, 2, 99])
    source = tables(NUMBERED, promotions=more)
    features = PurchasePanel(category="SODA", brands=2)
    data = features.build(source, TRAIN, features.learn(source, TRAIN))
    assert data.dropped == (
        Dropped("promotions", "product was never bought", 2, 8),
        Dropped("promotions", "nobody shopped that week", 1, 8),
    )


def test_ids_that_never_meet_are_told_with_one_of_each_side() -> None:
    source = Tables.of(transactions=ROWS, products=PRODUCTS.assign(product_id=PRODUCTS["product_id"] + 1000))
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(source)
    assert problem.message == "no product_id of transactions is in products: `1` here, and `1001` there"
    assert problem.remedy == "map the same ids in both: data.tables.products.columns.product_id=…"


@pytest.mark.parametrize("key", ["product_id", "week"])
def test_promotions_that_never_meet_a_purchase_are_told(key: str) -> None:
    promotions = PROMOTIONS.assign(**{key: PROMOTIONS[key] + 1000})
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(tables(NUMBERED, promotions=promotions))
    assert problem.message == f"no {key} of transactions is in promotions: `1` here, and `1001` there"
    assert problem.remedy == f"map the same ids in both: data.tables.promotions.columns.{key}=…"


def test_a_category_that_was_never_promoted_is_told_unless_promotions_are_no_input() -> None:
    source = tables(NUMBERED, promotions=PROMOTIONS[PROMOTIONS["product_id"] == 9])
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(source)
    assert (problem.key, problem.message) == (
        "columns",
        "promotions has no product of SODA in any week of transactions",
    )
    assert problem.remedy == "leave promotions out of the inputs: features.columns=[price_*]"
    assert not list(PurchasePanel(category="SODA", brands=2, columns=["price_*"]).problems(source))


def test_promotions_that_cannot_be_dated_are_told() -> None:
    promotions = pd.DataFrame({"product_id": [1], "week": [1]})
    (problem,) = PurchasePanel(category="SODA", brands=2).problems(tables(promotions=promotions))
    assert problem.message == "promotions go by week, and transactions has no column `week`"
    assert problem.remedy == "map it: data.tables.transactions.columns.week=…"


def test_a_training_part_without_a_purchase_is_the_users_to_mend() -> None:
    nobody = Part("train", end=pd.Timestamp("2017-01-01").to_pydatetime())
    with pytest.raises(UserError) as caught:
        PurchasePanel(category="SODA", brands=2).learn(tables(), nobody)
    (problem,) = caught.value.problems
    assert problem.key == "features.category"
    assert problem.remedy == "choose a larger category, or hold out less"


def test_names_of_brands_that_collide_stay_apart() -> None:
    products = PRODUCTS.assign(brand=["Other", "other!", "None", "OTHER", "x"])
    source = Tables.of(transactions=ROWS, products=products)
    features = PurchasePanel(category="SODA", brands=4)
    assert sorted(features.learn(source, TRAIN)["names"].values()) == ["none_2", "other_2", "other_3", "other_4"]

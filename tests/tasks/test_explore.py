"""Explore: what it says of a base by hand, what it owns not to know, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.data import Tables
from cxai_runner.evaluation import intervals
from cxai_runner.evaluation.results import Estimate, Figure, Finding, Table
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.customer_base import CustomerBase
from cxai_runner.task import Context, Evidence, check_task
from tasks.explore import Explore
from tasks.explore.seasons import by_month
from tasks.explore.segments import in_order
from tasks.explore.sums import CUSTOMERS, drawn

CONTEXT = Context(seed=3, resamples=200)
PART = Part("train")


def make_lines(customers=60, orders=8, seed=0):
    """Orders of two lines over 400 days; the first tenth of the customers spend ten times as much."""
    rng = np.random.default_rng(seed)
    n = customers * orders * 2
    who = np.repeat(np.arange(customers) + 5, orders * 2)
    day = np.repeat(rng.integers(0, 400, customers * orders), 2)
    return pd.DataFrame(
        {
            "customer_id": who,
            "order_id": np.repeat(np.arange(customers * orders), 2),
            "timestamp": pd.Timestamp("2020-01-01") + pd.to_timedelta(day, unit="D"),
            "product_id": rng.integers(1, 6, n),
            "quantity": rng.integers(1, 4, n).astype(float),
            "revenue": (rng.gamma(2, 5, n) * np.where(who < 5 + customers / 10, 10, 1)).round(2),
            "retail_discount": rng.integers(0, 2, n).astype(float),
        }
    )


PRODUCTS = pd.DataFrame({"product_id": range(1, 6), "category": list("xxxyy"), "brand": list("abcaa")})


def make_people(customers=60, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": np.arange(customers) + 5,
            "region": np.where(np.arange(customers) < 50, "north", "south"),
            "age": rng.integers(18, 80, customers),
            "plan": rng.choice(["basic", "plus", None], customers),
        }
    )


def base(tables=None, part=PART, **settings):
    tables = tables or Tables.of(transactions=make_lines(), products=PRODUCTS, customers=make_people())
    features = CustomerBase(**settings)
    learned = features.learn(tables, part)
    return features.build(tables, part, learned)


def said(data, context=CONTEXT, **settings):
    task = Explore(**settings)
    assert not list(task.inspect(data))
    fitted = task.fit(None, data, context)
    scores = {"train": task.score(fitted, data, context)}
    return list(task.report(fitted, data, scores, {}, context))


def only(contents, kind, name):
    return next(one for one in contents if isinstance(one, kind) and one.name == name)


def texts(contents, kind):
    return " ".join(one.text for one in contents if isinstance(one, Finding) and one.kind == kind)


@pytest.fixture(scope="module")
def whole():
    return base(brands_of="x")


@pytest.fixture(scope="module")
def contents(whole):
    return said(whole, by="region")


def test_it_keeps_what_every_task_promises(whole):
    assert Explore.evidence is Evidence.NONE
    assert Explore.model_kind is None
    assert check_task(Explore(by="region"), None, whole) >= 28


def test_the_headline_is_the_share_of_the_top_tenth(whole, contents):
    brought = np.sort(whole.frame["revenue"])
    share = brought[-6:].sum() / brought.sum()
    estimate = only(contents, Estimate, "top_share").value
    assert estimate.value == pytest.approx(share, rel=1e-12)
    assert estimate.low < share < estimate.high
    assert texts(contents, "headline").startswith(f"The top 10 % of 60 customers bring {100 * share:.1f} % [")
    tenths = only(contents, Table, "deciles").frame
    assert tenths["share"].sum() == pytest.approx(1, abs=1e-12)
    assert tenths["up_to_here"].iloc[[0, -1]].tolist() == pytest.approx([share, 1])


def test_means_are_ratios_of_sums(whole, contents):
    frame = whole.frame
    assert only(contents, Estimate, "revenue_per_customer").value.value == pytest.approx(frame["revenue"].mean())
    assert only(contents, Estimate, "orders_per_customer").value.value == 8
    assert only(contents, Estimate, "lines_per_order").value.value == 2
    incidence = only(contents, Estimate, "incidence")
    assert incidence.value.value == pytest.approx(frame["purchases"].sum() / frame["orders"].sum())
    assert incidence.text == "share of occasions with a purchase of x"


def test_segments_add_up_and_have_intervals(whole, contents):
    table = only(contents, Table, "segments").frame
    assert table["region"].tolist() == ["north", "south"]
    assert table["customers"].tolist() == [50, 10]
    for share in ("share", "share_of_revenue"):
        assert table[share].sum() == pytest.approx(1)
        assert (table[f"{share}_low"] < table[share]).all()
        assert (table[share] < table[f"{share}_high"]).all()
    south = whole.frame[whole.frame["region"] == "south"]
    assert table["revenue_per_customer"].iloc[1] == pytest.approx(south["revenue"].mean())
    assert "Segment south of region has 10 customers only" in texts(contents, "caveat")


def test_brands_by_segment_are_those_of_its_customers(whole, contents):
    table = only(contents, Table, "brands").frame
    assert set(table["brand"]) == {"a", "b", "c"}
    assert table.groupby("segment")["share_of_purchases"].sum().tolist() == pytest.approx([1, 1])
    lines = (
        make_lines().merge(PRODUCTS, on="product_id").merge(make_people(), on="customer_id").query("category == 'x'")
    )
    for row in table.itertuples():
        these = lines[(lines["region"] == row.segment) & (lines["brand"] == row.brand)]
        assert row.purchases == len(these)
        assert row.revenue == pytest.approx(these["revenue"].sum())
        assert row.mean_price == pytest.approx(these["revenue"].sum() / these["quantity"].sum())
        assert row.promotion == pytest.approx((these["retail_discount"] > 0).mean())
    choice = only(contents, Figure, "brand_choice")
    assert (choice.mark, choice.fill) == ("heatmap", "share_of_purchases")


def test_a_duplicated_base_is_as_concentrated(whole):
    twice = whole.frame.assign(customer_id=whole.frame["customer_id"] + 1000)
    double = replace(whole, frame=pd.concat([whole.frame, twice], ignore_index=True))
    once, again = (only(said(data), Estimate, "gini").value for data in (whole, double))
    assert again.value == pytest.approx(once.value, rel=1e-12)


def test_the_order_of_rows_does_not_count(whole, contents):
    shuffled = replace(whole, frame=whole.frame.sample(frac=1, random_state=1, ignore_index=True))
    for one, other in zip(contents, said(shuffled, by="region"), strict=True):
        if isinstance(one, Estimate):
            assert one == other


def test_months_count_comings_and_goings_and_do_not_guess_the_end():
    months = by_month(
        pd.DataFrame(
            {
                "day": pd.to_datetime(["2020-01-05", "2020-01-20", "2020-03-10", "2020-04-02"]),
                "orders": [3, 1, 2, 1],
                "of_month": [3, 0, 2, 1],
                "new": [3, 0, 0, 1],
                "returned": [0, 0, 1, 0],
                "lost": [1, 1, 1, 1],
            }
        ),
        pd.Timestamp("2020-01-01"),
        pd.Timestamp("2020-04-11"),
        40,
    )
    assert months["month"].dt.month.tolist() == [1, 2, 3, 4]
    assert months["active"].tolist() == [3, 0, 2, 1]
    assert months["new"].tolist() == [3, 0, 0, 1]
    assert months["repeat"].tolist() == [0, 0, 1, 0]
    # February ended 41 days before the data do: whoever was to come back has had 40 days for it.
    assert months["lost"].fillna(-1).tolist() == [2, 0, -1, -1]
    assert months["whole"].tolist() == [True, True, True, False]


def test_what_is_not_yet_known_of_the_lost_is_said(contents):
    caveats = texts(contents, "caveat")
    assert "is not yet known: who bought last less than" in caveats
    assert "in the first months old customers count as new" in caveats
    months = only(contents, Table, "months").frame
    assert months["lost"].isna().iloc[-1]
    assert months["lost"].notna().iloc[0]


def test_the_books_of_customers_balance(whole):
    days = whole.others["days"]
    frame, until = whole.frame, pd.Timestamp(whole.others["facts"]["until"].iloc[0])
    # Whoever ever came and is not lost for good bought within the time, or it is too early to tell.
    stays = days["new"].sum() + days["returned"].sum() - days["lost"].sum()
    assert stays == 0  # at the end of the data each has a last purchase
    assert days["new"].sum() == len(frame)
    assert (frame["last"] < until).all()
    assert days["orders"].sum() == frame["orders"].sum()
    assert days["revenue"].sum() == pytest.approx(frame["revenue"].sum())
    assert whole.others["baskets"]["orders"].sum() == frame["orders"].sum()


def test_without_revenue_purchases_are_spread_and_it_is_said():
    contents = said(base(Tables.of(transactions=make_lines().drop(columns=["revenue", "product_id"]))))
    assert "of orders: 480 in all between" in texts(contents, "headline")
    assert "There is no revenue (nothing says what purchases brought)" in texts(contents, "caveat")
    contents = said(base(Tables.of(transactions=make_lines().assign(revenue=0.0).drop(columns="product_id"))))
    assert "There is no revenue (all that was bought brought nothing)" in texts(contents, "caveat")
    assert not any(isinstance(one, Figure) and one.name == "basket_values" for one in contents)


def test_one_day_has_no_season():
    contents = said(base(Tables.of(transactions=make_lines().assign(timestamp=pd.Timestamp("2020-02-03")))))
    assert "Everything was bought on one day, 2020-02-03" in texts(contents, "caveat")
    assert texts(contents, "headline").endswith(" in all on 2020-02-03.")
    assert not any(isinstance(one, Table) and one.name == "months" for one in contents)


def test_negative_revenue_is_not_ranked():
    people = make_people().assign(revenue=np.where(np.arange(60) < 3, -1.0, 2.0))
    contents = said(base(Tables.of(customers=people)))
    assert "3 customers have a negative revenue (returns)" in texts(contents, "caveat")
    assert "what they bring cannot be ranked" in texts(contents, "headline")


def test_a_table_of_customers_is_described_column_by_column():
    contents = said(base(Tables.of(customers=make_people().assign(same=1))), by="plan")
    assert texts(contents, "headline").startswith("60 customers are described by 4 columns, 1 of which lacks values")
    assert "The same for all customers, and so of no use: same." in texts(contents, "finding")
    numbers = only(contents, Table, "numbers").frame.set_index("column")
    assert numbers.loc["age", "median"] == np.median(make_people()["age"])
    values = only(contents, Table, "values").frame
    assert values.groupby("column")["customers"].sum().unique().tolist() == [60]
    assert only(contents, Table, "segments").frame["plan"].tolist() == ["basic", "plus", "not known"]


def test_a_panel_of_numbered_occasions_has_brands_and_no_seasons(panel):
    frame = panel.frame.assign(
        brand=np.where(panel.frame["incidence"] == 1, "b", "none"), quantity=panel.frame["incidence"]
    )
    data = base(Tables.of(panel=frame))
    bought = frame[frame["incidence"] == 1]
    assert data.frame["revenue_b"].sum() == pytest.approx(bought["price_b"].sum())
    contents = said(data)
    brands = only(contents, Table, "brands").frame.set_index("brand")
    assert brands["share_of_purchases"].tolist() == [0, 1, 0]
    assert brands["mean_price"].tolist() == pytest.approx(frame[["price_a", "price_b", "price_c"]].mean().tolist())
    assert "Occasions are numbered and not dated" in texts(contents, "caveat")


@pytest.mark.parametrize(
    ("by", "told"),
    [("age", "more than 12 segments cannot be told apart; choose a column of few values: region, plan")],
)
def test_segments_that_cannot_be_told_apart_are_refused(by, told, whole):
    (problem,) = Explore(by=by).inspect(whole)
    assert told in f"{problem.message}; {problem.remedy}"


def test_an_unknown_segment_is_refused_with_the_nearest():
    (problem,) = Explore(by="regoin").problems(["customer_id", "region", "purchases_*"])
    assert (problem.key, problem.value, problem.remedy) == ("by", "regoin", "did you mean `region`?")


def test_an_empty_base_is_refused(whole):
    with pytest.raises(UserError, match="empty: it has no rows"):
        Explore().fit(None, replace(whole, frame=whole.frame.iloc[:0]), CONTEXT)


def test_segments_of_a_model_are_told_from_a_column_of_the_customers(whole, contents):
    """A model made them of purchases, which may be those described; of whom it had seen nothing is said too."""
    region = whole.frame["region"].where(whole.frame["customer_id"] > 7, "none")
    roles = replace(whole.roles, fed=("region_south", "region_none"))
    found = texts(said(replace(whole, frame=whole.frame.assign(region=region), roles=roles), by="region"), "caveat")
    assert "region is what a model says of each customer" in found
    assert "`none` are the 3 customers of whom there was nothing to see" in found
    assert "what a model says" not in texts(contents, "caveat")


def test_segments_stand_in_the_order_of_their_numbers():
    names = ["not known", "100K+", "15-24K", "Under 15K", "25-34K"]
    assert in_order(names) == ["Under 15K", "15-24K", "25-34K", "100K+", "not known"]
    assert in_order(["south", "north"]) == ["north", "south"]


def test_a_resample_has_as_many_customers_as_there_are_each_in_its_own_segment(whole):
    frame = whole.frame.set_index("customer_id")[["revenue", "orders"]].reset_index(drop=True)
    sums, spread = drawn(frame, whole.frame["region"], "revenue", CONTEXT)
    at = sums.columns.index(CUSTOMERS)
    assert (sums.draws[:, at].sum(axis=0) == 60).all()
    assert (sums.draws[:, sums.columns.index("orders")] == 8 * sums.draws[:, at]).all()
    everyone, share = sums.ratio("revenue", CUSTOMERS), sums.share(CUSTOMERS, "south")
    spare = 1.96 * frame["revenue"].std(ddof=0) / np.sqrt(60)
    assert everyone.high - everyone.low == pytest.approx(2 * spare, rel=0.25)
    assert share.high - share.low == pytest.approx(2 * 1.96 * np.sqrt(1 / 6 * 5 / 6 / 60), rel=0.25)
    assert spread is not None
    assert spread.of_the_largest(1.0).value == 1


def test_a_large_base_says_the_same_and_is_as_sure_of_it(whole, monkeypatch):
    """Groups of customers in place of customers: every number as it was, and intervals of the same width."""
    frame = pd.concat([whole.frame[["revenue", "orders"]]] * 20, ignore_index=True)
    region = pd.concat([whole.frame["region"]] * 20, ignore_index=True)
    each, spread = drawn(frame, region, "revenue", CONTEXT)
    monkeypatch.setattr(intervals, "MOST_UNITS", 300)
    sums, grouped = drawn(frame, region, "revenue", CONTEXT)
    assert spread is not None
    assert grouped is not None
    assert grouped.gini.value == spread.gini.value
    assert [one.value for one in grouped.lorenz] == [one.value for one in spread.lorenz]
    pairs = [
        (grouped.gini, spread.gini),
        (sums.share("revenue", "south"), each.share("revenue", "south")),
        (sums.ratio("revenue", CUSTOMERS, "north"), each.ratio("revenue", CUSTOMERS, "north")),
    ]
    for one, other in pairs:
        assert one.value == pytest.approx(other.value, rel=1e-12)
        assert one.high - one.low == pytest.approx(other.high - other.low, rel=0.3)

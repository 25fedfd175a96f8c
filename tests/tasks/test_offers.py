"""The next best offers of customers whose purchases follow a law that is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxai_runner.config.validate import arguments
from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.evaluation.paired import FOLD
from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Interval, Table
from cxai_runner.features.exposures import EXPOSURES, MEMBERS
from cxai_runner.methods.offers import Assignment
from cxai_runner.methods.recommend import Catalogue, FittedChoice, ItemKNN, Popularity
from cxai_runner.methods.recommend.lists import text
from cxai_runner.task import Context
from tasks.recommendation import Recommendation
from tasks.recommendation.offers import nearness
from tasks.recommendation.offers_config import Offers, Worth

CUSTOMERS, ITEMS, DAYS, HORIZON = 400, 30, 200, 28
CONTEXT = Context(seed=1, resamples=200)
PRICES = np.round(np.geomspace(1, 20, ITEMS), 2)[np.random.default_rng(5).permutation(ITEMS)]


@dataclass(frozen=True)
class Shop:
    """Customers up to a day, and what they bought in the days after it."""

    train: Dataset
    held_out: Dataset


def about(stock: int = 5) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item_id": [f"i{one}" for one in range(ITEMS)],
            "category": [f"kind {one % 6}" for one in range(ITEMS)],
            "price": PRICES,
            "units": np.arange(ITEMS) % stock,
        }
    )


@pytest.fixture(scope="module")
def shop() -> Shop:
    """Each customer buys each item as often as a rate of their own says, always one unit at its price."""
    rng = np.random.default_rng(11)
    rate = rng.gamma(0.25, 1, size=(CUSTOMERS, ITEMS)) * np.exp(-np.arange(ITEMS) / 15) * 0.04
    bought = rng.uniform(size=(DAYS + HORIZON, CUSTOMERS, ITEMS)) < rate
    before, after = [], []
    for customer in range(CUSTOMERS):
        day, item = np.nonzero(bought[:DAYS, customer])
        came = bought[DAYS:, customer].sum(axis=0)
        then = np.flatnonzero(came)
        lists = {
            "customer_id": customer + 1000,
            "items": text([f"i{one}" for one in item]),
            "weights": text([1] * len(item)),
            "days": text((DAYS - day).tolist()),
        }
        before.append({**lists, "bought": "[]", "bought_value": "[]", "bought_days": "[]"})
        money = (came[then] * PRICES[then]).tolist()
        came_on = bought[DAYS:, customer][:, then].argmax(axis=0).tolist()
        later = {"bought": text([f"i{one}" for one in then]), "bought_value": text(money), "bought_days": text(came_on)}
        after.append({**lists, **later, "held_out_days": float(HORIZON)})
    roles = Roles(inputs=("items", "weights", "days"), lists=("items", "weights", "days"))
    known = {"items": about()}
    train = pd.DataFrame(before)
    there = train["items"] != "[]"
    held_out = pd.DataFrame(after)[there]
    held_out = held_out[held_out["bought"] != "[]"]
    return Shop(
        Dataset("histories", train[there].reset_index(drop=True), roles, others=known),
        Dataset("histories", held_out.reset_index(drop=True), roles, others=known),
    )


def told(shop: Shop, offers: Offers, model: Any = None, held_out: bool = True) -> dict[str, Content]:
    """What the report says, by name; findings by number."""
    task = Recommendation(k=5, offers=offers)
    fitted = task.fit(model or ItemKNN(k=5), shop.train, CONTEXT)
    parts: dict[str, Any] = {"train": task.score(fitted, shop.train, CONTEXT)}
    if held_out:
        parts["held_out"] = task.score(fitted, shop.held_out, CONTEXT)
    return named(task.report(fitted, shop.train, parts, {}, CONTEXT))


def named(contents: Any) -> dict[str, Content]:
    found: dict[str, Content] = {}
    for number, one in enumerate(contents):
        key = f"finding {number}" if isinstance(one, Finding) else f"{type(one).__name__} {one.name}"
        found[key] = one
    return found


def frame_of(found: Mapping[str, Content], name: str) -> pd.DataFrame:
    table = found[f"Table {name}"]
    assert isinstance(table, Table)
    return table.frame


def words(found: Mapping[str, Content]) -> str:
    return " ".join(one.text for one in found.values() if isinstance(one, Finding))


@pytest.mark.slow
def test_the_list_keeps_every_rule(shop: Shop) -> None:
    rules = Offers(candidates=20, per_customer=2, per_category=1, owned=60, per_item=40, stock="units", offers=300)
    listed = frame_of(told(shop, rules), "offers")
    assert 0 < len(listed) <= 300
    known = about().set_index("item_id")
    kinds = listed["item"].map(known["category"])
    assert (listed["kind"] == kinds).all()
    assert listed.groupby("customer_id").size().max() <= 2
    assert listed.assign(kinds=kinds).groupby(["customer_id", "kinds"]).size().max() == 1
    assert (listed["item"].value_counts() <= listed["item"].value_counts().index.map(known["units"])).all()
    owned = shop.train.frame.set_index("customer_id")
    for row in listed.itertuples():
        history = owned.loc[row.customer_id]
        ago = dict(zip(json.loads(history["items"]), json.loads(history["days"]), strict=True))  # the last one stays
        assert ago.get(row.item, 1000) > 60
    assert listed["expected"].to_numpy() == pytest.approx(listed["probability"] * listed["item"].map(known["price"]))
    assert (
        listed.groupby("customer_id")["place"].apply(list).map(lambda places: places == list(range(1, len(places) + 1)))
    ).all()


def test_what_is_expected_comes_true(shop: Shop) -> None:
    found = told(shop, Offers(candidates=20))
    calibration = frame_of(found, "offer_calibration")
    every = calibration[calibration["of"] == "all candidates"]
    assert np.corrcoef(every["predicted"], every["observed"])[0, 1] > 0.98
    assert isinstance(found["Figure offer_calibration"], Figure)
    expected, realised = found["Estimate expected_revenue"], found["Estimate realised_revenue"]
    assert isinstance(expected, Estimate)
    assert isinstance(realised, Estimate)
    assert expected.value.low <= realised.value.high
    assert realised.value.low <= expected.value.high
    backtest = frame_of(found, "offer_backtest").set_index("list")
    # One unit at its price is all that is bought at a time, but some buy it again within the days.
    assert (backtest["spent"] >= backtest["value"]).all()
    assert backtest.loc["model", "value_low"] > backtest.loc["popularity", "value_high"]
    assert "would have happened anyway" in words(found)
    assert "is not known: what is counted is the value of purchases" in words(found)


def test_the_backtest_counts_what_was_bought(shop: Shop) -> None:
    found = told(shop, Offers(candidates=20))
    listed, backtest = frame_of(found, "offers"), frame_of(found, "offer_backtest").set_index("list")
    later = shop.held_out.frame.set_index("customer_id")
    spent = bought = 0.0
    for row in listed.itertuples():
        if row.customer_id in later.index:
            came = dict(
                zip(*(json.loads(later.loc[row.customer_id, name]) for name in ("bought", "bought_value")), strict=True)
            )
            spent += came.get(row.item, 0.0)
            bought += row.item in came
    assert backtest.loc["model", "bought"] == pytest.approx(bought)
    assert backtest.loc["model", "spent"] == pytest.approx(spent)


def test_what_is_bought_beyond_the_horizon_does_not_count(shop: Shop) -> None:
    found = told(shop, Offers(candidates=20, explain=None, horizon=7))
    later = shop.held_out.frame.set_index("customer_id")
    came = {
        (customer, item)
        for customer, row in later.iterrows()
        for item, day in zip(json.loads(row["bought"]), json.loads(row["bought_days"]), strict=True)
        if day < 7
    }
    listed, backtest = frame_of(found, "offers"), frame_of(found, "offer_backtest").set_index("list")
    bought = sum(pair in came for pair in zip(listed["customer_id"], listed["item"], strict=True))
    assert backtest.loc["model", "bought"] == bought > 0
    assert "spent" not in backtest, "what of it was spent within the horizon is not known"
    assert "in the first 7 days of the held-out part" in words(found)


def test_a_list_of_popularity_without_offers_is_not_beaten(shop: Shop) -> None:
    """The share of all who buy an item is below that of those who buy it again and again."""
    settings = Offers(candidates=20, explain=None, offer_cost=4.0)
    found = told(shop, settings)
    assert frame_of(found, "offer_backtest").set_index("list")["offers"].gt(0).to_dict() == {
        "model": True,
        "popularity": False,
    }
    assert "Popularity's list, under the same rules, makes no offer" in words(found)
    assert "than popularity's list" not in words(found)
    assert "more than popularity's list" in words(told(shop, replace(settings, offer_cost=0.0)))


def with_window(shop: Shop, days: float) -> Shop:
    return Shop(shop.train, replace(shop.held_out, frame=shop.held_out.frame.assign(held_out_days=days)))


def test_a_held_out_part_shorter_than_the_horizon_tells_nothing(shop: Shop) -> None:
    found = told(with_window(shop, 7.0), Offers(candidates=20, explain=None))
    assert "the held-out part has 7 days" in words(found)
    assert not {"Table offer_backtest", "Table offer_calibration", "Estimate realised_revenue"} & set(found)
    assert "Estimate expected_revenue" in found, "it is of the days held back"


def test_purchases_held_out_within_customers_tell_neither_what_comes_nor_what_came(shop: Shop) -> None:
    found = told(with_window(shop, np.nan), Offers(candidates=20, explain=None))
    assert "is not the days that follow the offers" in words(found)
    assert "whenever they were" in words(found)
    assert not {"Table offer_backtest", "Estimate realised_revenue", "Estimate expected_revenue"} & set(found)
    assert len(frame_of(found, "offers"))


def test_folds_tell_nothing_of_offers_by_a_model_that_saw_them(shop: Shop) -> None:
    task = Recommendation(k=5, offers=Offers(candidates=20, explain=None))
    fitted = task.fit(ItemKNN(k=5), shop.train, CONTEXT)
    scores = {"held_out": task.score(fitted, with_window(shop, np.nan).held_out, CONTEXT).assign(**{FOLD: 0})}
    found = named(task.report(fitted, shop.train, scores, {}, CONTEXT))
    assert "is not the days that follow the offers" in words(found)
    assert "Table offer_backtest" not in found
    assert "Estimate expected_revenue" in found, "all of everybody's history is learned from"


@pytest.mark.slow
def test_nothing_of_the_held_out_part_enters_the_list(shop: Shop) -> None:
    with_it, without = (frame_of(told(shop, Offers(candidates=20), held_out=one), "offers") for one in (True, False))
    pd.testing.assert_frame_equal(with_it, without)
    assert "this is the list to send" in words(told(shop, Offers(candidates=20), held_out=False))


@pytest.mark.slow
def test_uplift_margin_and_cost_make_the_value(shop: Shop) -> None:
    plain = frame_of(told(shop, Offers(candidates=20)), "offers")
    found = told(shop, Offers(candidates=20, margin=0.5, uplift=0.1, contact_cost=0.1))
    listed = frame_of(found, "offers")
    added = np.minimum(listed["probability"] * 0.1, 1 - listed["probability"])
    assert listed["expected"].to_numpy() == pytest.approx(added * listed["value"])
    assert listed["value"].to_numpy() == pytest.approx(listed["item"].map(about().set_index("item_id")["price"]) * 0.5)
    assert len(listed) < len(plain)
    assert (listed.groupby("customer_id")["expected"].sum() > 0.1).all()
    assert "is not known: what is counted" not in words(found)


@pytest.mark.slow
def test_everybody_is_told_why(shop: Shop) -> None:
    listed = frame_of(told(shop, Offers(candidates=20)), "offers")
    assert (listed["why"] != "").all()
    history = shop.train.frame.set_index("customer_id")["items"].map(json.loads)
    said = listed[listed["because"] != ""]
    assert len(said)
    assert all(row.because in history[row.customer_id] for row in said.itertuples())
    popular = frame_of(told(shop, Offers(candidates=20, owned="ever"), Popularity(k=5)), "offers")
    assert popular["why"].str.contains("customers? bought it").mean() > 0.9
    assert "why" not in frame_of(told(shop, Offers(candidates=20, explain=None)), "offers")


def test_too_short_a_history_makes_no_offers(shop: Shop) -> None:
    found = told(shop, Offers(horizon=DAYS + 1))
    assert "No offers were made" in words(found)
    assert "Table offers" not in found


def test_histories_that_are_short_beside_the_horizon_are_told(shop: Shop) -> None:
    assert "Histories go back" not in words(told(shop, Offers(candidates=20, explain=None)))
    assert "Histories go back 200 days only" in words(told(shop, Offers(candidates=20, explain=None, horizon=60)))


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (Interval(2215, 1536, 2088), "more than came of such a list in the days held back"),
        (Interval(1500, 1536, 2088), "less than came of such a list in the days held back"),
        (Interval(1800, 1536, 2088), None),
        (Interval(1800, np.nan, np.nan), None),
    ],
)
def test_an_interval_that_does_not_hold_its_figure_says_so_in_its_line(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, expected: Interval, said: str | None
) -> None:
    monkeypatch.setattr("tasks.recommendation.offers.expected_revenue", lambda *_: expected)
    found = told(shop, Offers(candidates=5, explain=None), held_out=False)
    estimate = found["Estimate expected_revenue"]
    assert isinstance(estimate, Estimate)
    (line,) = [one.text for one in found.values() if isinstance(one, Finding) and "are expected to bring" in one.text]
    for text_of in (estimate.text, line):
        assert ("in the days held back" in text_of) is (said is not None)
        assert said is None or said in text_of


def test_offers_to_few_customers_have_no_interval(shop: Shop) -> None:
    few, many = (
        told(shop, Offers(candidates=20, explain=None, contacts=contacts))["Estimate expected_revenue"]
        for contacts in (3, 50)
    )
    assert isinstance(few, Estimate)
    assert np.isnan(few.value.low)
    assert few.value.value > 0
    assert isinstance(many, Estimate)
    assert many.value.low < many.value.high


@pytest.mark.parametrize(
    ("bound", "said"), [(100.01, "0.1 % above"), (200.0, "100.0 % above"), (100.0, "to bring more.")]
)
def test_how_near_the_choice_is_to_the_best(bound: float, said: str) -> None:
    assert said in nearness(Assignment(np.ones((1, 1), dtype=bool), 100.0, bound))


def test_purchases_without_prices_are_not_called_money(shop: Shop) -> None:
    bare = {"items": about().drop(columns="price")}
    priceless = Shop(replace(shop.train, others=bare), replace(shop.held_out, others=bare))
    settings = Offers(candidates=20, explain=None)
    assert "each purchase counts 1" in words(told(priceless, settings))
    assert "all they spent" not in words(told(priceless, settings))
    assert "each purchase counts 1" not in words(told(shop, settings))
    assert "all they spent" in words(told(shop, settings))


def test_offers_that_cost_more_than_they_bring_are_not_made(shop: Shop) -> None:
    found = told(shop, Offers(candidates=20, contact_cost=1e6))
    assert "No offer is worth making" in words(found)


def test_rules_that_allow_nothing_are_told_from_offers_worth_nothing(shop: Shop) -> None:
    found = told(shop, Offers(candidates=20, contact_cost=1, budget=0.5))
    assert "The rules allow no offer" in words(found)
    assert "worth making" not in words(found)


@pytest.mark.parametrize("held_out", [True, False])
def test_where_there_is_no_list_none_is_said_to_be_sent(shop: Shop, held_out: bool) -> None:
    nothing = told(shop, Offers(candidates=20, offer_cost=1, budget=0, explain=None), held_out=held_out)
    assert "this is the list to send" not in words(nothing)
    some = told(shop, Offers(candidates=20, explain=None), held_out=held_out)
    assert ("this is the list to send" in words(some)) is not held_out


def test_an_offer_adds_no_more_than_is_left_of_a_probability(shop: Shop) -> None:
    listed = frame_of(told(shop, Offers(candidates=20, uplift=3.0)), "offers")
    left = np.minimum(3 * listed["probability"], 1 - listed["probability"])
    assert (left < 3 * listed["probability"]).any()
    assert listed["expected"].to_numpy() == pytest.approx((left * listed["value"]).to_numpy())


def chosen(shop: Shop, *, days: int = HORIZON) -> Shop:
    """The shop with what a model of choice says of three items, the first half as likely again where it is offered."""

    def said(customer: int) -> str:
        now = {"i0": 0.2 + 0.001 * (customer % 100), "i1": 0.4, "i2": 0.1}
        offered = {**now, "i0": 1.5 * now["i0"]}
        entries = [
            {"item": one, "now": now[one], "offered": offered[one], "days": days}
            | {"earlier": now[one], "earlier_offered": offered[one]}
            for one in now
        ]
        return json.dumps(entries)

    def of(data: Dataset) -> Dataset:
        frame = data.frame.assign(choice=data.frame["customer_id"].map(said))
        roles = replace(data.roles, inputs=(*data.roles.inputs, "choice"), lists=(*data.roles.lists, "choice"))
        return replace(data, frame=frame, roles=roles)

    return Shop(of(shop.train), of(shop.held_out))


def test_a_model_of_choice_says_what_an_offer_adds(shop: Shop) -> None:
    found = told(chosen(shop), Offers(candidates=5, uplift="offered", per_category=None), FittedChoice(k=5))
    listed = frame_of(found, "offers")
    assert set(listed["item"]) == {"i0"}, "no other offer changes anything"
    added = np.minimum(0.5, (1 - listed["probability"]) / listed["probability"])
    assert listed["expected"].to_numpy() == pytest.approx(listed["probability"] * added * listed["value"], rel=1e-6)
    assert "and not whether they buy" in words(found)


def test_what_it_did_not_say_of_the_days_held_back_teaches_nothing(shop: Shop) -> None:
    other = chosen(shop, days=HORIZON - 1)
    assert "`features.earlier` has to be 28" in words(told(other, Offers(candidates=5), FittedChoice(k=5)))
    assert "Table offers" in told(other, Offers(candidates=5), Popularity(k=5)), "who does not ask it is not stopped"
    task = Recommendation(k=5, offers=Offers(uplift="offered"))
    (problem,) = task.inspect(shop.train)
    assert problem.key == "task.offers.uplift"
    assert not list(task.inspect(other.train))


def test_a_budget_without_costs_and_endless_values_are_told(shop: Shop) -> None:
    endless = {"items": about().assign(price=np.inf)}
    task = Recommendation(k=5, offers=Offers(budget=0, value="price"))
    keys = {problem.key: problem for problem in task.inspect(replace(shop.train, others=endless))}
    assert set(keys) == {"task.offers.value", "task.offers.budget"}
    assert "contact_cost" in keys["task.offers.budget"].remedy
    assert list(Recommendation(k=5, offers=Offers(budget=0, offer_cost=1)).inspect(shop.train)) == []


def test_items_of_which_something_is_not_known_are_told(shop: Shop) -> None:
    third = np.arange(ITEMS) % 3 == 0
    known = about().assign(price=PRICES.copy(), units=50.0, lift=0.1)
    for at, name in enumerate(("price", "units", "lift")):
        known.loc[third & (np.arange(ITEMS) % 9 == 3 * at), name] = np.nan
    sparse = {"items": known}
    partly = Shop(replace(shop.train, others=sparse), shop.held_out)
    for offer_cost in (0.0, 1e6):
        found = told(
            partly, Offers(candidates=ITEMS, explain=None, stock="units", uplift="lift", offer_cost=offer_cost)
        )
        for what, many in (("value", 4), ("stock", 3), ("uplift", 3)):
            assert f"{many} items among the candidates have no known {what}, and are not offered." in words(found)
    assert "no known" not in words(told(shop, Offers(candidates=ITEMS, explain=None, stock="units", uplift=0.1)))


def test_a_rule_on_categories_that_are_not_known_is_told(shop: Shop) -> None:
    bare = {"items": about().drop(columns="category")}
    nameless = Shop(replace(shop.train, others=bare), shop.held_out)
    said = {
        per: "`task.offers.per_category` limits nothing" in words(told(nameless, settings))
        for per in (1, 3, "auto")
        for settings in [Offers(candidates=20, explain=None, per_category=per)]
    }
    assert said == {1: True, 3: False, "auto": False}
    own, default = (told(shop, Offers(candidates=20, explain=None, per_category=per)) for per in (1, "auto"))
    assert "limits nothing" not in words(own)
    pd.testing.assert_frame_equal(frame_of(own, "offers"), frame_of(default, "offers"))


def test_texts_that_are_no_numbers_are_told(shop: Shop) -> None:
    items = about().astype({"units": object})
    items.loc[2, "units"] = "12 units"
    task = Recommendation(k=5, offers=Offers(stock="units"))
    (problem,) = task.inspect(replace(shop.train, others={"items": items}))
    assert problem.key == "task.offers.stock"
    assert "'12 units'" in problem.message
    items.loc[2, "units"] = None
    assert not list(task.inspect(replace(shop.train, others={"items": items})))


def test_columns_that_there_are_not_are_told(shop: Shop) -> None:
    task = Recommendation(k=5, offers=Offers(value="prize", category="kindd", stock="category"))
    keys = {problem.key: problem for problem in task.inspect(shop.train)}
    assert set(keys) == {"task.offers.value", "task.offers.category", "task.offers.stock"}
    assert "price" in keys["task.offers.value"].remedy
    assert list(Recommendation(k=5, offers=Offers()).inspect(shop.train)) == []


def counted(worth: Worth) -> list[float]:
    """What a purchase of each item counts."""
    codes = np.arange(len(worth.value))[np.newaxis]
    return [float(one) for one in worth.counted(codes, np.full(codes.shape, 0.5))[0]]


def test_what_is_not_known_of_an_item() -> None:
    known = pd.DataFrame({"item_id": ["a", "b"], "price": [2.0, np.nan], "category": ["x", None]})
    worth = Worth.of(Offers(), known, Catalogue(("b", "a", "c"), np.ones(3, dtype=np.int64)))
    assert counted(worth) == [0, 2, 0]
    assert len(set(worth.categories.tolist())) == 3
    assert np.isinf(worth.limit).all()
    assert counted(Worth.of(Offers(), None, Catalogue(("a",), np.ones(1, dtype=np.int64)))) == [1]


def logged(shop: Shop, by: str, groups: Any, items: Any, of: Any) -> Shop:
    """The shop, with what groups were exposed to, and the group of each customer."""
    exposures = pd.DataFrame({by: groups, "item_id": [f"i{item}" for item in items]})
    members = pd.DataFrame({"customer_id": shop.train.frame["customer_id"], by: of})
    others = {**shop.train.others, EXPOSURES: exposures, MEMBERS: members}
    return Shop(replace(shop.train, others=others), shop.held_out)


def test_exposures_that_were_made_by_chance_tell_what_offers_add(shop: Shop) -> None:
    rng = np.random.default_rng(0)
    ids = shop.train.frame["customer_id"].to_numpy()
    chosen = rng.uniform(size=(len(ids), 10)) < 0.5
    row, item = np.nonzero(chosen)
    found = told(logged(shop, "campaign_id", ids[row], item, ids), Offers(candidates=20))
    table = frame_of(found, "off_policy").set_index("estimator")
    # Exposure did nothing here: it was drawn after all was bought.
    assert table["difference_low"].isna().tolist() == [False, False, True, False]
    judged = table.drop(index="model of outcomes")
    assert (judged["difference_low"] < 0).all()
    assert (judged["difference_high"] > 0).all()
    overlap = frame_of(found, "off_policy_overlap")
    assert overlap["treated_so"].between(0.4, 0.6).all()
    assert frame_of(found, "off_policy_balance")["after"].abs().max() < 0.1
    assert "which is doubtful" in words(found)


def test_exposures_of_the_loyal_alone_tell_nothing(shop: Shop) -> None:
    many = shop.train.frame["items"].map(lambda one: len(json.loads(one)))
    loyal = np.where(many >= many.median(), "mailed", "not")
    found = told(logged(shop, "campaign_id", ["mailed"] * 10, range(10), loyal), Offers(candidates=20))
    assert "Logged exposures do not tell what offers add" in words(found)
    assert "purchases per offer" not in words(found)


def test_too_few_exposures_tell_nothing(shop: Shop) -> None:
    few = np.where(np.arange(len(shop.train.frame)) < 3, "mailed", "not")
    found = told(logged(shop, "campaign_id", ["mailed"], [0], few), Offers(candidates=20))
    assert "Table off_policy" not in found
    assert "are too few" in words(found)


def test_an_unknown_key_of_offers_is_told_with_those_there_are() -> None:
    (near,) = arguments(Recommendation, {"offers": {"contact_costs": 1}}, "task")[1]
    assert (near.key, near.remedy) == ("task.offers.contact_costs", "did you mean `contact_cost`?")
    (far,) = arguments(Recommendation, {"offers": {"foo": 1}}, "task")[1]
    assert far.remedy == "one of: " + ", ".join(one.name for one in fields(Offers))


def test_what_stores_showed_by_chance_tells_what_offers_add(shop: Shop) -> None:
    ids = np.arange(len(shop.train.frame))
    store, item = np.nonzero(np.random.default_rng(0).uniform(size=(40, 20)) < 0.5)
    found = told(logged(shop, "store_id", store.astype(str), item, (ids % 40).astype(str)), Offers(candidates=20))
    table = frame_of(found, "off_policy").set_index("estimator")
    assert table.loc["doubly robust", "difference_low"] < 0 < table.loc["doubly robust", "difference_high"]
    assert {"store_taste", "store_shows"} <= set(frame_of(found, "off_policy_balance")["measure"])
    caption = found["Table off_policy"].caption  # type: ignore[union-attr]
    assert "40 stores and 20 items" in caption
    assert "intervals resample stores" in caption
    assert "nothing that it does not stock" in words(found)


def test_what_all_stores_showed_tells_nothing(shop: Shop) -> None:
    ids = np.arange(len(shop.train.frame))
    store, item = np.indices((40, 20)).reshape(2, -1)
    once = (store > 0) | (item > 9)  # half of the items in all but one store, which is nearly all
    found = told(
        logged(shop, "store_id", store[once].astype(str), item[once], (ids % 40).astype(str)), Offers(candidates=20)
    )
    assert "Table off_policy" not in found
    assert "of 0 pairs of customer and item" in words(found)
    assert "so that nobody can stand for the others" in words(found)


def test_few_stores_tell_nothing(shop: Shop) -> None:
    ids = np.arange(len(shop.train.frame))
    store, item = np.nonzero(np.random.default_rng(0).uniform(size=(20, 20)) < 0.5)
    found = told(logged(shop, "store_id", store.astype(str), item, (ids % 20).astype(str)), Offers(candidates=20))
    assert "Table off_policy" not in found
    assert "of 20 stores" in words(found)


def test_of_whose_store_nothing_is_known_is_not_told(shop: Shop) -> None:
    ids = np.arange(len(shop.train.frame))
    store, item = np.nonzero(np.random.default_rng(0).uniform(size=(40, 20)) < 0.5)
    fewer = logged(shop, "store_id", store.astype(str), item, (ids % 40).astype(str))
    half = fewer.train.others[MEMBERS].loc[ids // 40 % 2 == 0]  # of every store
    train = replace(fewer.train, others={**fewer.train.others, MEMBERS: half})
    counts = [
        frame_of(told(one, Offers(candidates=20)), "off_policy_overlap")["pairs"].iloc[0]
        for one in (fewer, Shop(train, shop.held_out))
    ]
    assert 0.4 < counts[1] / counts[0] < 0.6

"""Churn as a task: who is at risk and what is at stake are told from the rows, and how long customers stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from cxai_runner.config.problems import UserError
from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.evaluation.results import Estimate, Figure, Finding, Table
from cxai_runner.methods.survival import Survival
from cxai_runner.task import Context, check_task
from tasks.conversion.at_risk import at_risk
from tasks.conversion.churn import Churn
from tasks.conversion.survival import lifetimes, stretches

CONTEXT = Context(seed=3, resamples=50)


def leavers(customers: int = 300, seed: int = 0) -> Dataset:
    """Customers of one date; the longer ago the last purchase, the likelier they are gone."""
    rng = np.random.default_rng(seed)
    recency = rng.integers(1, 40, customers)
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(customers),
            "time": pd.Timestamp("2020-06-01"),
            "churned": (rng.random(customers) < 1 / (1 + np.exp(3 - recency / 10))).astype(int),
            "value": rng.integers(0, 90, customers).astype(float),
            "recency": recency,
            "tenure": rng.integers(40, 400, customers),
            "contract": rng.choice(["month", "year"], customers),
        }
    )
    lives = pd.DataFrame({"duration": [2, 3, 4, 6], "event": [1, 0, 1, 0]})
    learned = {"begins": "2020-01-01", "horizon": 28, "gap": 7}
    roles = Roles(time="time", inputs=("recency", "tenure"), describe=("contract", "value"))
    return Dataset("customers", frame, roles, others={"lifetimes": lives}, learned=learned)


def run(data: Dataset, **options: object) -> list:
    task = Churn(**options)
    assert not list(task.problems(data.frame.columns))
    assert not list(task.inspect(data))
    half = (data.frame["customer_id"] % 2 == 0).to_numpy()
    train, held_out = (replace(data, frame=data.frame[one].reset_index(drop=True)) for one in (half, ~half))
    fitted = task.fit(LogisticRegression(), train, CONTEXT)
    scores = {"train": task.score(fitted, train, CONTEXT), "held_out": task.score(fitted, held_out, CONTEXT)}
    metrics = {one.name: one for one in task.measure(scores["held_out"], CONTEXT)}
    return list(task.report(fitted, train, scores, metrics, CONTEXT))


@pytest.fixture(scope="module")
def ran() -> list:
    return run(leavers())


def only(contents: list, kind: type, name: str):
    return next(one for one in contents if isinstance(one, kind) and one.name == name)


def texts(contents: list, kind: str = "finding") -> str:
    return " ".join(one.text for one in contents if isinstance(one, Finding) and one.kind == kind)


def test_who_is_at_risk_comes_first_by_what_is_likely_lost(ran: list) -> None:
    listed = only(ran, Table, "at_risk").frame
    assert list(listed) == ["customer_id", "time", "probability", "at_stake", "likely_lost", "churned"]
    assert len(listed) == 150
    data = leavers().frame.set_index("customer_id")
    assert (listed["at_stake"] == data.loc[listed["customer_id"], "value"].to_numpy()).all()
    assert listed["likely_lost"].tolist() == pytest.approx((listed["probability"] * listed["at_stake"]).tolist())
    assert listed["likely_lost"].is_monotonic_decreasing
    assert (listed["churned"] == data.loc[listed["customer_id"], "churned"].to_numpy()).all()


def test_nothing_is_said_of_conversions(ran: list) -> None:
    for one in ran:
        said = [one.text] if isinstance(one, Finding | Estimate) else [one.title, one.caption]
        said += [one.x_label, one.y_label] if isinstance(one, Figure) else []
        said += [*map(str, one.frame.columns), *one.frame.astype(str).stack()] if isinstance(one, Table) else []
        assert not [text for text in said if "conver" in text.lower()], one.name if hasattr(one, "name") else one
    cells = only(ran, Table, "confusion").frame
    assert set(cells["predicted"]) | set(cells["observed"]) == {"leaves", "stays"}
    assert "of them left, " in texts(ran)


def test_the_tenth_at_the_top_by_hand() -> None:
    rows = pd.DataFrame({"customer_id": range(10), "probability": 0.5, "at_stake": [10.0] + [2.0] * 9, "churned": 0})
    contents = list(at_risk(rows, "churned"))
    assert "Of 28 at stake with 10 held-out customers, 14 is likely lost; 35.7 % of that is with 1" in texts(contents)
    curve = only(contents, Figure, "likely_lost").data
    assert curve["likely_lost"].tolist() == pytest.approx([(5 + n) / 14 for n in range(10)])


def test_without_a_stake_the_likeliest_come_first() -> None:
    contents = run(leavers(), at_stake=None)
    listed = only(contents, Table, "at_risk").frame
    assert list(listed) == ["customer_id", "time", "probability", "churned"]
    assert listed["probability"].is_monotonic_decreasing
    assert not [one for one in contents if isinstance(one, Figure) and one.name == "likely_lost"]


def test_of_several_dates_the_last_one_is_listed() -> None:
    rows = pd.DataFrame({"customer_id": [1, 1, 2], "probability": 0.5, "churned": [0, 1, 0]})
    rows["time"] = pd.to_datetime(["2020-01-01", "2020-02-01", "2020-01-01"])
    (table,) = at_risk(rows, "churned")
    assert table.frame["customer_id"].tolist() == [1]


def test_lifetimes_beside_the_rows_are_told(ran: list) -> None:
    """Of 2, 3+, 4, 6+: 1 to 2, then 3/4, from 4 on 3/8."""
    drawn = only(ran, Figure, "survival").data
    assert drawn["time"].tolist() == [0, 2, 2, 4, 4, 6]
    assert drawn["survival"].tolist() == pytest.approx([1, 1, 0.75, 0.75, 0.375, 0.375])
    mean = only(ran, Estimate, "restricted_mean")
    assert mean.value.value == pytest.approx(2 + 2 * 0.75 + 2 * 0.375)
    assert mean.text == "mean days until a customer lapsed, of the first 6"
    assert "4 customers followed for up to 6 days, 2 lapsed" in texts(ran)
    assert "once 35 days went by without a purchase" in texts(ran, "caveat")
    assert "begin on 2020-01-01" in texts(ran, "caveat")


def test_a_ready_made_table_has_its_times_in_a_column() -> None:
    data = replace(leavers(), others={}, learned={})
    contents = run(data, tenure="tenure", unit="months", survival_by="contract")
    drawn = only(contents, Figure, "survival").data
    assert set(drawn["group"]) == {"month", "year"}
    half = data.frame[data.frame["customer_id"] % 2 == 0]
    mine = half[half["contract"] == "year"]
    last = Survival(mine["tenure"], mine["churned"]).curve.iloc[-1]
    assert drawn[drawn["group"] == "year"]["survival"].iloc[-1] == pytest.approx(last["survival"])
    table = only(contents, Table, "survival").frame
    assert {"from", "still_there", "survival", "left", "low", "high"} <= set(table)
    assert not table.isna().any().any()
    assert (table["left"] >= table["low"]).all()
    assert (table["left"] <= table["high"]).all()
    assert "of one moment" in texts(contents, "caveat") or "shows one moment" in texts(contents, "caveat")
    bare = run(data)
    assert not [one for one in bare if isinstance(one, Figure) and one.name == "survival"]


def test_how_long_half_of_them_stayed_is_told_in_numbers_of_their_own() -> None:
    told = [
        next(one.text for one in lifetimes(Survival(times, [1] * 4), {}, "days", "lapsed") if isinstance(one, Finding))
        for times in ([1, 1, 1, 6], [2, 3, 3, 6])
    ]
    assert "half of them lapsed within 1 day, and 0.0 % are expected to stay longer than 6 days" in told[0]
    assert "half of them lapsed within 3 days, and" in told[1]


def test_nobody_who_left_has_a_curve_all_the_same() -> None:
    contents = list(lifetimes(Survival([3, 30, 60] * 10, [0] * 30), {}, "days", "lapsed"))
    assert "more than half never lapsed" in texts(contents)
    assert only(contents, Figure, "survival").data["survival"].tolist() == [1, 1]
    assert not only(contents, Table, "survival").frame.isna().any().any()


@pytest.mark.parametrize("limit", [0.5, 1, 5, 12, 72, 300, 365, 4000, 20000])
def test_stretches_of_time_are_few_and_end_with_the_data(limit: float) -> None:
    edges = stretches(limit)
    assert 1 <= len(edges) - 1 <= 12
    assert edges[0] == 0
    assert edges[-1] == limit
    assert (np.diff(edges) > 0).all()


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"at_stake": "worth"}, "at_stake"),
        ({"tenure": "tenur"}, "tenure"),
        ({"tenure": "tenure", "survival_by": "contrct"}, "survival_by"),
        ({"survival_by": "contract"}, "survival_by"),
    ],
)
def test_names_that_nothing_has_are_told(options: dict, key: str) -> None:
    (found,) = Churn(**options).problems(leavers().frame.columns)
    assert found.key == key
    assert found.remedy


@pytest.mark.parametrize(("column", "value"), [("tenure", -1), ("tenure", np.nan), ("value", np.inf)])
def test_times_and_amounts_that_are_none_are_told(column: str, value: float) -> None:
    data = leavers()
    data.frame[column] = data.frame[column].astype(float)
    data.frame.loc[3, column] = value
    found = [one.key for one in Churn(tenure="tenure").inspect(data)]
    assert f"customers.{column}" in found


def test_profit_of_contacts_that_keep_everybody_is_told_to_be_the_most_there_can_be() -> None:
    assert "it is the most that it can be" in texts(run(leavers(), value=20.0, cost=2.0), "caveat")
    assert "it is the most that it can be" not in texts(run(leavers()), "caveat")


def test_it_keeps_what_every_task_promises() -> None:
    assert check_task(Churn(survival_by="contract", tenure="tenure"), LogisticRegression(), leavers()) >= 40


@pytest.mark.parametrize(
    ("churned", "told"),
    [
        ([1] * 9 + [0] * 41, "only 9 customers who left among 50 training rows"),
        ([1] * 9 + [0] * 41, "take more dates, another horizon, or more customers"),
        ([0] * 9 + [1] * 41, "only 9 customers who stayed among 50 training rows"),
        ([1] * 50, "nothing tells leaving from staying"),
        (["gone"] * 20 + ["here"] * 30, "name the value that stands for leaving, as in task.positive=gone"),
    ],
)
def test_mistakes_speak_of_leaving(churned: list, told: str) -> None:
    data = leavers(50)
    (found,) = Churn().inspect(replace(data, frame=data.frame.assign(churned=churned)))
    assert told in f"{found.message}; {found.remedy}"
    assert "conver" not in f"{found.message}; {found.remedy}"


def test_amounts_without_their_counterpart_are_told_in_words_of_leaving() -> None:
    told = [f"{one.message}; {one.remedy}" for task in (Churn(cost=2.0), Churn(value=3.0)) for one in task.problems(
        leavers(20).frame.columns
    )]  # fmt: skip
    assert told == [
        "needed to weigh what a contact costs; say what keeping a customer is worth",
        "needed to weigh what keeping a customer is worth; say what a contact costs",
    ]


def test_rows_that_are_only_judged_are_refused_in_words_of_leaving() -> None:
    data, task = leavers(), Churn()
    fitted = task.fit(LogisticRegression(), data, CONTEXT)
    odd = replace(data, frame=data.frame.assign(churned=np.where(data.frame.index == 3, 7, data.frame["churned"])))
    with pytest.raises(UserError, match="the value that stands for leaving"):
        task.score(fitted, odd, CONTEXT)

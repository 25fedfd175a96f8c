"""Managerial segments: who is where, who moves, what each brought, told from rows that hold it by construction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import DBSCAN

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.results import Estimate, Figure, Finding, Table
from cxai_runner.methods.managerial import NOBODY, RuleSegments
from cxai_runner.task import Context
from tasks.managerial_segments import ManagerialSegments

from .conftest import RULES, make_dated_customers

CONTEXT = Context(seed=3, resamples=100)
DATA = make_dated_customers(120)
CUT = pd.Timestamp("2020-01-01") + pd.Timedelta(days=300 + 90 * 6)
"""The last date whose next revenue is known."""


def parts(data=DATA):
    late = (data.frame["time"] >= CUT).to_numpy()
    return [replace(data, frame=data.frame[side].reset_index(drop=True)) for side in (~late, late)]


def run(model=None, data=DATA, **options):
    task = ManagerialSegments(**options)
    train, held_out = parts(data)
    fitted = task.fit(model or RuleSegments(RULES, {"high": 30}), train, CONTEXT)
    scores = {"train": task.score(fitted, train, CONTEXT), "held_out": task.score(fitted, held_out, CONTEXT)}
    metrics = {one.name: one for one in task.measure(scores["held_out"], CONTEXT)}
    return fitted, scores, metrics, list(task.report(fitted, train, scores, metrics, CONTEXT))


@pytest.fixture(scope="module")
def ran():
    return run()


def only(contents, kind, name):
    return next(one for one in contents if isinstance(one, kind) and one.name == name)


def texts(contents, kind):
    return [one.text for one in contents if isinstance(one, Finding) and one.kind == kind]


def today():
    return DATA.frame[DATA.frame["time"] == DATA.frame["time"].max()]


def test_the_headline_says_who_they_are_who_moves_and_who_pays(ran):
    (headline,) = texts(ran[3], "headline")
    assert headline.startswith(f"{len(today()):,} customers as of 2022-10-17: ")
    assert " moved down and " in headline
    assert "brought" in headline
    assert "of the next 180 days' revenue" in headline


def test_segments_tell_what_customers_spend_next(ran):
    _, scores, metrics, contents = ran
    assert metrics["rmse"].verdict == metrics["roc_auc"].verdict == "better"
    known = scores["held_out"][scores["held_out"]["next_known"]]
    assert set(known["time"]) == {CUT}
    assert metrics["rmse"].value.value == pytest.approx(np.sqrt(((known.next_revenue - known.expected) ** 2).mean()))
    assert any("better than one mean for all: RMSE" in text for text in texts(contents, "finding"))


def test_what_is_expected_is_the_mean_of_what_came_before_the_cut(ran):
    fitted, scores, _, _ = ran
    known = scores["train"][scores["train"]["next_known"]]
    for name, mean in fitted.expected.items():
        assert mean == pytest.approx(known.loc[known["segment"] == name, "next_revenue"].mean())
    assert fitted.overall == pytest.approx(known["next_revenue"].mean())


def test_what_came_after_the_cut_changes_no_expectation():
    frame = DATA.frame.assign(next_revenue=DATA.frame["next_revenue"].where(DATA.frame["time"] < CUT, 9999.0))
    assert run(data=replace(DATA, frame=frame))[0].expected == run()[0].expected


def test_the_table_of_segments_is_of_today(ran):
    table = only(ran[3], Table, "segments").frame
    assert list(table["segment"]) == [name for name in RULES if name in set(table["segment"])]
    assert table["customers"].sum() == len(today())
    assert table["recent_revenue"].sum() == pytest.approx(today()["recent_revenue"].sum())
    for column in ("share", "recent_share", "expected_share"):
        assert table[column].sum() == pytest.approx(1)


def test_the_series_has_every_segment_at_every_date(ran):
    table = only(ran[3], Table, "segments_over_time").frame
    assert len(table) == 9 * len(RULES)
    sizes = table.groupby("time")["customers"].sum()
    assert sizes.to_dict() == DATA.frame.groupby("time").size().to_dict()
    assert [only(ran[3], Figure, f"{one}_over_time").mark for one in ("customers", "recent_revenue")] == ["stack"] * 2


def test_moves_lead_from_one_date_to_the_next(ran):
    flow = only(ran[3], Figure, "flow")
    assert flow.mark == "flow"
    assert flow.data["customers"].sum() == len(today())
    table = only(ran[3], Table, "transition_probabilities").frame
    assert table.groupby("from")["probability"].sum().to_numpy() == pytest.approx(1)


def test_the_list_has_everyone_who_moved_those_who_spent_most_first(ran):
    _, scores, _, contents = ran
    rows = only(contents, Table, "movements").frame
    both = pd.concat(scores.values()).pivot_table(
        index="customer_id", columns="time", values="segment", aggfunc="first"
    )
    now, before = both.iloc[:, -1], both.iloc[:, -2].fillna(NOBODY)
    assert set(rows["customer_id"]) == set(now.index[now != before])
    assert list(rows["from"]) == list(before.loc[rows["customer_id"]])
    down = rows[rows["direction"] == "down"]
    assert len(down)
    assert down["revenue_before"].is_monotonic_decreasing
    assert rows["direction"].iloc[0] == "down"
    share = only(contents, Estimate, "moved_down").value
    assert share.value == pytest.approx(len(down) / (before != NOBODY).sum())


def test_the_next_revenue_is_everybodys(ran):
    table = only(ran[3], Table, "next_revenue").frame
    rows = DATA.frame[DATA.frame["time"] == CUT]
    own = table[table["segment"] != NOBODY]
    assert own["next_revenue"].sum() == pytest.approx(rows["next_revenue"].sum())
    assert own["share"].sum() == pytest.approx(1)
    assert ((own["low"] <= own["share"]) & (own["share"] <= own["high"])).all()


def test_those_who_came_later_are_told_apart():
    """Everybody's first purchase at the last but one date that lies within its horizon, as if nobody had been there."""
    late = DATA.frame["customer_id"] % 3 == 0
    end = CUT + pd.Timedelta(days=180)
    frame = DATA.frame[~late | (DATA.frame["time"] == end)].copy()
    frame.loc[frame["customer_id"] % 3 == 0, "tenure"] = 100
    contents = run(data=replace(DATA, frame=frame))[3]
    table = only(contents, Table, "next_revenue").frame.set_index("segment")
    came = frame[(frame["time"] == end) & (frame["tenure"] <= 180)]
    assert table.loc[NOBODY, "customers"] == len(came)
    assert table.loc[NOBODY, "next_revenue"] == pytest.approx(came["recent_revenue"].sum())
    assert any("from customers who were none yet" in text for text in texts(contents, "finding"))


def test_the_grid_holds_everyone_of_today(ran):
    found = only(ran[3], Table, "rfm_grid").frame
    assert found["customers"].sum() == len(today())
    assert found["revenue"].sum() == pytest.approx(today()["revenue"].sum())
    assert found["recency_score"].between(1, 5).all()
    assert only(run(grid=3)[3], Table, "rfm_grid").frame["frequency_score"].max() == 3


def test_caveats_say_what_is_not_known(ran):
    said = " ".join(texts(ran[3], "caveat"))
    assert "The data begin on 2020-01-01" in said
    assert "does not say that an offer to it would bring more" in said
    assert "edges of the scores" not in said
    scored = {"best": {"recency_score": {"ge": 4}}, "rest": {"recency_score": {"le": 3}}}
    assert "edges of the scores are those of the training rows" in " ".join(
        texts(run(RuleSegments(scored))[3], "caveat")
    )


def test_gaps_and_overlaps_are_told_before_anything_runs():
    rules = RULES | {"cooling": {"recency": {"gt": 90, "le": 170}}}
    (problem,) = ManagerialSegments().misused(RuleSegments(rules, {"high": 30}), DATA.frame.columns)
    assert problem.key == "rules"
    assert "no rule takes a customer with recency 171" in problem.message
    (problem,) = ManagerialSegments().misused(RuleSegments({"a": {"next_revenue": {"gt": 1}}}), DATA.frame.columns)
    assert problem.key == "rules.a.next_revenue", "what is not known of a customer today is no measure"
    with pytest.raises(UserError, match="recency 171"):
        run(RuleSegments(rules, {"high": 30}))


def test_without_a_known_future_nothing_is_judged():
    unknown = replace(DATA, frame=DATA.frame.assign(next_known=False, next_revenue=np.nan))
    (problem,) = ManagerialSegments().inspect(unknown)
    assert "of no date of the training part is the next revenue known" in problem.message
    assert "features.horizon" in problem.remedy
    with pytest.raises(UserError, match=r"split\.days no less than features\.horizon"):
        run(
            data=replace(
                DATA, frame=DATA.frame.assign(next_known=DATA.frame["next_known"] & (DATA.frame["time"] < CUT))
            )
        )


def test_a_customer_twice_at_a_date_is_told():
    (problem,) = ManagerialSegments().inspect(replace(DATA, frame=pd.concat([DATA.frame, DATA.frame.head(1)])))
    assert "twice at one date" in problem.message


def test_a_model_that_cannot_assign_is_refused():
    with pytest.raises(UserError, match="cannot assign new customers"):
        run(DBSCAN())


def test_the_kept_model_takes_what_the_rules_read(ran):
    saved = ManagerialSegments().models(ran[0], DATA)["model"]
    assert list(saved.example) == ["recency", "monetary"]
    assert set(saved.estimator.predict(DATA.frame[list(saved.example)])) == set(RULES)

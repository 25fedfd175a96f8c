"""Rules are proved to take everybody once, or told with a customer for whom they do not."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.methods.managerial.assign import assigned
from cxai_runner.methods.managerial.boxes import Interval, everybody, example, is_possible, left_over, shared
from cxai_runner.methods.managerial.errors import RuleError
from cxai_runner.methods.managerial.rules import Segment, columns, faults, measures, segments

THRESHOLDS = {"active": 365, "warm": 730, "high": 100}
RULES: dict[str, Any] = {
    "high": {"recency": {"le": "active"}, "tenure": {"gt": "active"}, "monetary": {"ge": "high"}},
    "low": {"recency": {"le": "active"}, "tenure": {"gt": "active"}, "monetary": {"lt": "high"}},
    "new": {"recency": {"le": "active"}, "tenure": {"le": "active"}},
    "warm": {"recency": {"gt": "active", "le": "warm"}},
    "gone": {"recency": {"gt": "warm"}},
}


def told(rules: Any, thresholds: Any = THRESHOLDS, **options: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fault in faults(rules, thresholds, **options):
        found.setdefault(fault.key, []).append(f"{fault.message}; {fault.remedy}")
    return found


def changed(**rules: Any) -> dict[str, Any]:
    made = copy.deepcopy(RULES)
    for name, rule in rules.items():
        if rule is None:
            del made[name]
        else:
            made[name] = rule
    return made


def test_rules_that_hold_together_have_no_fault() -> None:
    assert told(RULES, known=["recency", "tenure", "monetary"]) == {}
    assert [segment.name for segment in segments(RULES, THRESHOLDS)] == list(RULES)
    assert measures(RULES) == ("recency", "tenure", "monetary")


def test_a_gap_is_told_with_a_customer_whom_no_rule_takes() -> None:
    assert told(changed(warm={"recency": {"gt": "active", "le": 700}})) == {
        "rules": [
            "no rule takes a customer with recency 701, tenure 701 and monetary 0; widen a rule, or write one more"
        ]
    }


def test_an_overlap_is_told_with_a_customer_whom_two_rules_take() -> None:
    found = told(changed(gone={"recency": {"ge": "warm"}}))
    assert found == {
        "rules.gone": [
            "takes customers of warm too, such as one with recency 730; make one of the two narrower: no rule goes "
            "before another",
        ]
    }


def test_an_overlap_across_measures_is_one() -> None:
    found = told(changed(low={"recency": {"le": "active"}, "tenure": {"gt": "active"}, "monetary": {"le": "high"}}))
    assert list(found) == ["rules.low"]
    assert (
        "takes customers of high too, such as one with recency 1, tenure 366 and monetary 100;" in found["rules.low"][0]
    )


def test_thresholds_out_of_order_are_told_by_name() -> None:
    found = told(RULES, THRESHOLDS | {"warm": 300})
    assert found["rules.warm.recency"] == [
        "recency more than 365 (active) and at most 300 (warm): nobody can be in it; put the thresholds in order"
    ]
    assert "takes customers of high too" in found["rules.gone"][0]


def test_days_are_whole_so_that_nobody_is_between_two() -> None:
    assert told({"a": {"recency": {"le": 365}}, "b": {"recency": {"ge": 366}}}, {}) == {}
    assert told({"a": {"monetary": {"le": 365}}, "b": {"monetary": {"ge": 366}}}, {}) == {
        "rules": ["no rule takes a customer with monetary 365.5; widen a rule, or write one more"]
    }


def test_nobody_buys_last_before_they_buy_first() -> None:
    """Two rules that overlap on paper only: nobody's last purchase is older than the first."""
    rules = {
        "new": {"tenure": {"le": 30}},
        "old": {"recency": {"gt": 30}},
        "rest": {"recency": {"le": 30}, "tenure": {"gt": 30}},
    }
    assert told(rules, {}) == {}
    impossible = changed(new={"recency": {"gt": 400}, "tenure": {"le": 300}})
    assert "nobody can be in it: recency more than 400; tenure at most 300" in told(impossible)["rules.new"][0]


def test_several_gaps_are_counted() -> None:
    found = told({"a": {"frequency": {"eq": 2}, "recency": {"eq": 5}, "tenure": {"eq": 9}}}, {})["rules"]
    assert len(found) == 3
    assert found[-1].count("; and 3 gaps more;") == 1
    assert "more;" not in "".join(found[:-1])


def test_what_nobody_can_be_is_told_with_what_there_can_be() -> None:
    found = told({"a": {"recency": {"lt": 1}}, "b": {"recency_score": {"ge": 6}}}, {})
    assert found["rules.a.recency"] == ["recency less than 1: nobody can be in it; recency is 1 or more"]
    assert found["rules.b.recency_score"][0].endswith("nobody can be in it; recency score is from 1 to 5")


def test_a_list_takes_whoever_meets_one_of_its_parts() -> None:
    rules = {"ends": [{"recency": {"le": 10}}, {"recency": {"gt": 20}}], "middle": {"recency": {"gt": 10, "le": 20}}}
    frame = pd.DataFrame({"recency": [10, 11, 20, 21]})
    assert list(assigned(frame, segments(rules))) == ["ends", "middle", "middle", "ends"]


def test_scores_run_from_one_to_the_highest() -> None:
    rules = {"best": {"recency_score": {"ge": 4}}, "rest": {"recency_score": {"le": 3}}}
    assert told(rules, {}) == {}
    assert columns(rules) == ("recency",)
    assert "recency more than" not in str(told(rules, {}))
    beyond = {"best": {"recency_score": {"ge": 6}}, "rest": {"recency_score": {"le": 5}}}
    assert list(told(beyond, {})) == ["rules.best.recency_score"]
    assert told(beyond, {}, scores=10) == {}


@pytest.mark.parametrize(
    ("rules", "thresholds", "key", "message"),
    [
        ({}, {}, "rules", "there is no segment"),
        (
            {"Warm High": {"recency": {"le": 1}}, "warm_high": {"recency": {"gt": 1}}},
            {},
            "rules.warm_high",
            "Warm High",
        ),
        ({" ": {"recency": {"le": 1}}}, {}, "rules", "without a name"),
        ({"a": 5}, {}, "rules.a", "conditions by measure"),
        ({"a": []}, {}, "rules.a", "conditions by measure"),
        ({"a": {"recency": 5}}, {}, "rules.a.recency", "a condition is missing"),
        ({"a": {"recency": "<= 30"}}, {}, "rules.a.recency", "'<= 30' is none; write recency: {le: 30}"),
        ({"a": {"recency": {"above": 5}}}, {}, "rules.a.recency.above", "no such condition"),
        ({"a": {"recency": {">=": 5}}}, {}, "rules.a.recency.>=", "did you mean `ge`?"),
        ({"a": {"recency": {"gt": "actve"}}}, {"active": 3}, "rules.a.recency.gt", "no threshold is called actve"),
        ({"a": {"recency": {"gt": True}}}, {}, "rules.a.recency.gt", "a number, or the name of a threshold"),
        ({"a": {"recency": {"gt": float("nan")}}}, {}, "rules.a.recency.gt", "a number, or the name of a threshold"),
        ({"a": {"recency": {"gt": 1}}}, {"warm": 3}, "thresholds.warm", "no rule names this threshold"),
        ({"a": {"recency": {"gt": "warm"}}}, {"warm": "x"}, "thresholds.warm", "a number, not 'x'"),
        ({"a": {"recencies": {"gt": 1}}}, {}, "rules.a.recencies", "no such measure"),
        ({"a": {"age_score": {"gt": 1}}}, {}, "rules.a.age_score", "no such score"),
    ],
)
def test_what_cannot_be_read_is_told(rules: Any, thresholds: Any, key: str, message: str) -> None:
    found = told(rules, thresholds, known=["recency", "tenure", "monetary", "age"])
    assert message in found[key][0]
    assert "no rule takes" not in str(found)
    with pytest.raises(RuleError, match=r"rules|thresholds"):
        segments({**rules, "b": {"recency": {"bad": 1}}}, thresholds)


ENDS = st.integers(-3, 6).map(float)
INTERVALS = st.builds(Interval, ENDS, ENDS, st.booleans(), st.booleans(), st.booleans())
POINTS = np.arange(-4, 7.5, 0.5)


def has(interval: Interval, value: float) -> bool:
    if interval.whole and value != round(value):
        return False
    above = value > interval.low if interval.low_open else value >= interval.low
    return above and (value < interval.high if interval.high_open else value <= interval.high)


@given(INTERVALS, INTERVALS)
def test_intervals_are_the_sets_that_they_stand_for(one: Interval, other: Interval) -> None:
    both, outside = one.within(other), list(one.without(other))
    for value in POINTS:
        mine, theirs = has(one, value), has(other, value)
        if not (one.whole or other.whole) or value == round(value):
            assert has(both, value) == (mine and theirs)
        if one.whole == other.whole:
            assert any(has(part, value) for part in outside) == (mine and not theirs)
    assert one.is_empty == (not any(has(one, value) for value in POINTS))
    if not one.is_empty:
        assert has(one, one.example())


BOXES = st.dictionaries(
    st.sampled_from(["recency", "tenure", "monetary"]),
    st.builds(lambda low, width: {"gt": float(low), "le": float(low + width)}, st.integers(0, 5), st.integers(1, 6)),
    min_size=1,
)
CUSTOMERS = pd.DataFrame(
    [(r, t, m) for r in range(1, 13) for t in range(r, 13) for m in np.arange(0, 12.5, 0.5)],
    columns=["recency", "tenure", "monetary"],
)


@settings(max_examples=60, deadline=None)
@given(st.lists(BOXES, min_size=1, max_size=4))
def test_gaps_and_overlaps_are_found_where_there_are_any_and_nowhere_else(conditions: list[Any]) -> None:
    """Against every customer there can be on a grid that is finer than the rules."""
    rules = {f"s{number}": rule for number, rule in enumerate(conditions)}
    taken = np.stack([taker(rule) for rule in conditions]).sum(axis=0)
    found = [fault.message for fault in faults(rules)]
    assert any("too, such as" in message for message in found) == bool((taken > 1).any())
    assert any("no rule takes" in message for message in found)  # no box here is without an end
    read = [box for segment in segments_of(rules) for box in segment.boxes]
    for gap in left_over(everybody(["recency", "tenure", "monetary"], 5), read):
        assert is_possible(gap)
        one = pd.DataFrame([example(gap)])
        assert not any(taker(rule, one).any() for rule in conditions)
    for left in read:
        for right in read:
            both = shared(left, right)
            if both is not None and left is not right:
                one = pd.DataFrame([{"recency": 1, "tenure": 99, "monetary": 0.0} | example(both)])
                assert sum(taker(rule, one).any() for rule in conditions) > 1


def taker(rule: Any, frame: pd.DataFrame = CUSTOMERS) -> Any:
    inside = np.ones(len(frame), dtype=bool)
    for name, tests in rule.items():
        inside &= ((frame[name] > tests["gt"]) & (frame[name] <= tests["le"])).to_numpy()
    return inside


def segments_of(rules: Any) -> list[Segment]:
    from cxai_runner.methods.managerial.rules import _read

    return list(_read(rules, {}))

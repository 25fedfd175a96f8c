"""Conditions: read as they are typed, asked of runs, never text of another language."""

from __future__ import annotations

import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.lifecycle.compare.entries import Entry
from cxai_runner.lifecycle.compare.where import Condition, chosen


def entry(**more: object) -> Entry:
    plain = {
        "run_id": "a1", "name": "big tree", "status": "FINISHED", "params": {"model.C": "0.1", "model.penalty": "l1"},
        "metrics": {"held_out/log_loss": 0.6}, "tags": {"cxai.task": "incidence"}, "took": 1.0, "read": {}, "rows": {},
    }  # fmt: skip
    return Entry(**(plain | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("params.model.C>0.05", True),
        ("params.model.C>0.1", False),
        ("params.model.C >= 0.1", True),
        ("params.model.C=0.10", True),
        ("params.model.C=1e-1,5", True),
        ("params.model.C!=0.1,5", False),
        ("params.model.penalty=l1", True),
        ("params.model.penalty!=l2", True),
        ("params.model.penalty>0", False),
        ("metrics.held_out/log_loss<0.65", True),
        ("metrics.held_out/log_loss<=0.5", False),
        ("status=FINISHED", True),
        ("status!=FINISHED", False),
        ("status=finished", True),
        ("status=failed, Finished", True),
        ("status!=finished", False),
        ("status~fin", True),
        ("name~TREE", True),
        ("name=big tree", True),
        ("tags.cxai.task=incidence", True),
        ("params.absent=1", False),
        ("params.absent!=1", False),
        ("name=' OR 1=1 --", False),
    ],
)
def test_a_condition_holds_or_does_not(text: str, holds: bool) -> None:
    assert Condition.read(text).holds(entry()) is holds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "no condition"),
        ("=1", "no condition"),
        ("params.=1", "nothing that a run has"),
        ("model.C>1", "`model.C` is nothing that a run has"),
        ("params.model.C>big", "compares numbers"),
        ("params.model.c=1", "no run has params.model.c"),
        ("status=done", "no run ever is `DONE`"),
        ("status!=killed,faild", "did you mean `FAILED`"),
    ],
)
def test_what_is_no_condition_is_told(text: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        chosen([entry()], [text])


def test_the_nearest_key_is_offered_and_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(UserError) as refused:
        chosen([entry()], ["params.model.c=1", "bad", "status=FINISHED"])
    first, second = refused.value.problems
    assert "model.C" in first.remedy
    assert "KEY=VALUE" in second.remedy


def test_all_conditions_have_to_hold() -> None:
    several = [entry(), entry(run_id="a2", status="FAILED"), entry(run_id="a3", params={"model.C": "5"})]
    assert [one.run_id for one in chosen(several, ["status=FINISHED", "params.model.C<1"])] == ["a1"]

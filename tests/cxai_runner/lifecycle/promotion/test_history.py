"""Decisions are kept once and whole; what was cut off is written to its end as the alias stands, and never as a lie."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from cxai_runner.lifecycle.promotion import history
from cxai_runner.lifecycle.promotion.candidate import Candidate
from cxai_runner.lifecycle.promotion.decision import Decision
from cxai_runner.lifecycle.promotion.gate import Gate
from cxai_runner.lifecycle.promotion.registry import Registry, Version
from cxai_runner.lifecycle.runs import recent
from cxai_runner.tracking.owner import close_orphans
from cxai_runner.tracking.read import DECISIONS
from cxai_runner.tracking.store import Store

Make = Callable[..., Candidate]
GATES = (Gate("floor", True, "none is set"), Gate("champion", False, "worse", {"difference": 0.25, "allowed": 0.1}))


def meant(verdict: str, version: str, previous: str = "", **more: object) -> Decision:
    return replace(Decision("m", verdict, version, previous, gates=GATES, asked="default"), **more)


@pytest.fixture
def registry(store: Store) -> Registry:
    return Registry(store, "m")


@pytest.fixture
def two(registry: Registry, finished: Make) -> tuple[Version, Version]:
    return registry.register(finished())[0], registry.register(finished())[0]


def killed(store: Store, registry: Registry, decision: Decision, to: Version, *, moved: bool) -> None:
    """Die while deciding, as by `kill -9`: in a process of its own, before or after the alias moved."""
    child = os.fork()
    if child == 0:

        def move() -> None:
            if moved:
                registry.crown(to)
            os._exit(9)

        history.record(store, decision, move)
    os.waitpid(child, 0)


def test_a_decision_comes_back_as_it_was_recorded(store: Store) -> None:
    told = history.record(
        store, meant("refused", "2", "1", reason="", schema_change="a column more", notes=("so", "and so"))
    )
    (found,) = history.decisions(store, "m")
    assert found == told
    assert (found.number, found.verdict, found.by != "", found.at != "") == (1, "refused", True, True)
    assert found.gates == GATES


def test_its_run_holds_figures_table_and_keys(store: Store) -> None:
    told = history.record(store, meant("refused", "2"), keys={"promotion.margin": 0.1})
    run = store.client.get_run(told.decision_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {
        "gate/floor": 1,
        "gate/champion": 0,
        "champion/difference": 0.25,
        "champion/allowed": 0.1,
    }
    assert run.data.params == {"promotion.margin": "0.1"}
    held = {one.path for one in store.client.list_artifacts(told.decision_id)}
    assert held == {"decision.json", "tables"}


def test_decisions_are_numbered_by_model(store: Store) -> None:
    for model in ("m", "other", "m"):
        history.record(store, meant("refused", "1", model=model))
    assert [one.number for one in history.decisions(store, "m")] == [1, 2]
    assert [one.number for one in history.decisions(store, "other")] == [1]


def test_decisions_are_no_runs_of_an_experiment(store: Store, finished: Make) -> None:
    run = finished()
    history.record(store, meant("refused", "1"))
    assert [row["run_id"] for row in recent(None, None, 10)] == [run.run_id]
    assert len(recent(None, DECISIONS, 10)) == 1


@pytest.mark.parametrize("closed", [False, True], ids=["RUNNING", "closed by the next run"])
@pytest.mark.parametrize(("moved", "verdict", "status"), [(True, "promoted", "FINISHED"), (False, "cut off", "KILLED")])
def test_a_killed_decision_is_settled_by_the_alias(
    store: Store, registry: Registry, two: tuple[Version, Version], moved: bool, verdict: str, status: str, closed: bool
) -> None:
    first, second = two
    history.record(store, meant("promoted", first.number), lambda: registry.crown(first))
    killed(store, registry, meant("promoted", second.number, first.number), second, moved=moved)
    if closed:
        assert close_orphans(store)
    assert history.decisions(store, "m")[-1].verdict == "unfinished"
    (settled,) = history.settle(store, registry)
    last = history.decisions(store, "m")[-1]
    assert (settled.verdict, last.verdict) == (verdict, verdict)
    assert store.client.get_run(last.decision_id).info.status == status
    assert history.settle(store, registry) == []
    assert registry.champion == (second if moved else first)


def test_an_interrupt_after_the_alias_moved_is_settled_too(
    store: Store, registry: Registry, two: tuple[Version, Version]
) -> None:
    def move() -> None:
        registry.crown(two[0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        history.record(store, meant("promoted", two[0].number), move)
    assert [one.verdict for one in history.settle(store, registry)] == ["promoted"]


def test_a_refusal_that_was_cut_off_refused_nobody(
    store: Store, registry: Registry, two: tuple[Version, Version]
) -> None:
    killed(store, registry, meant("refused", two[1].number), two[1], moved=False)
    assert [one.verdict for one in history.settle(store, registry)] == ["cut off"]


def test_a_decision_that_somebody_is_making_is_left_alone(store: Store, registry: Registry) -> None:
    found: list[Decision] = []
    history.record(store, meant("promoted", "1"), lambda: found.extend(history.settle(store, registry)))
    assert found == []


@pytest.mark.parametrize(
    ("decided", "stack"),
    [
        ([], []),
        ([("promoted", "1", ""), ("refused", "2", "1"), ("promoted", "3", "1")], ["1", "3"]),
        ([("promoted", "1", ""), ("overridden", "2", "1"), ("rolled back", "1", "2")], ["1"]),
        ([("promoted", "1", ""), ("promoted", "2", "1"), ("promoted", "3", "2"), ("rolled back", "1", "3")], ["1"]),
        (
            [("promoted", "1", ""), ("promoted", "2", "1"), ("rolled back", "1", "2"), ("promoted", "3", "1")],
            ["1", "3"],
        ),
        (
            [("promoted", "1", ""), ("promoted", "2", "1"), ("rolled back", "1", "2"), ("rolled back", "2", "1")],
            ["1", "2"],
        ),
        ([("promoted", "3", "2")], ["2", "3"]),
        ([("promoted", "1", ""), ("cut off", "2", "1"), ("promoted", "4", "3")], ["1", "3", "4"]),
    ],
)
def test_who_was_in_charge_before_whom(decided: list[tuple[str, str, str]], stack: list[str]) -> None:
    assert history.reigns([Decision("m", *one) for one in decided]) == stack

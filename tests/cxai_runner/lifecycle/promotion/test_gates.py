"""Each gate says no where it should, yes where it should, and its figures either way."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxai_runner.evaluation.results import Interval, Metric
from cxai_runner.lifecycle.promotion import against as champions
from cxai_runner.lifecycle.promotion.candidate import Candidate, candidate
from cxai_runner.lifecycle.promotion.gate import Gate
from cxai_runner.lifecycle.promotion.gates import ORDER, Case
from cxai_runner.lifecycle.promotion.registry import Registry, Version
from cxai_runner.lifecycle.promotion.rows import NotComparableError
from cxai_runner.lifecycle.promotion.settings import Asked, Gates
from cxai_runner.lifecycle.promotion.slices import by_slice
from cxai_runner.report.document import Document
from cxai_runner.tracking.store import Store
from tests.cxai_runner.lifecycle.promotion.conftest import metric

Make = Callable[..., Candidate]


def said(*metrics: Metric, tags: dict[str, str] | None = None, held: tuple[str, ...] = ("report.html",)) -> Candidate:
    """A run that says these metrics, without a store."""
    document = Document(
        "purchase_incidence", "Will they buy?", "They will.", metrics={"held_out": metrics or (metric(),)}
    )
    client = SimpleNamespace(list_artifacts=lambda run_id: [SimpleNamespace(path=path) for path in held])
    store = SimpleNamespace(client=client, retry=lambda call, *arguments: call(*arguments))
    facts = {"tags": {"cxai.primary_metric": "log_loss"} | (tags or {}), "params": {}}
    kept: Any = SimpleNamespace(run_id="0123456789abcdef", store=store, facts=facts, document=document)
    return Candidate(kept, "m-1")


def judged(run: Candidate, champion: Version | None = None, declared: str = "", **keys: Any) -> dict[str, Gate]:
    gates = {one.name: one for one in Case(run, Asked(Gates(**keys)), declared).judged(champion)}
    assert tuple(gates) == ORDER
    return gates


def auc(value: float) -> Metric:
    return Metric("roc_auc", "ROC AUC", Interval(value, value - 0.01, value + 0.01), "higher")


@pytest.mark.parametrize(
    ("floors", "passed"),
    [
        ({}, True),
        ({"roc_auc": 0.6}, True),
        ({"roc_auc": 0.7}, True),
        ({"roc_auc": 0.71}, False),
        ({"log_loss": 0.4}, False),
    ],
)
def test_floors_are_the_least_or_the_most(floors: dict[str, float], passed: bool) -> None:
    gate = judged(said(metric(0.5), auc(0.7)), floors=floors)["floor"]
    assert gate.passed is passed
    if not passed:
        (name,) = floors
        assert f"wanted at {'least' if name == 'roc_auc' else 'most'} {floors[name]}" in gate.words


def test_only_the_floors_that_are_not_reached_are_told() -> None:
    gate = judged(said(metric(0.5), auc(0.7)), floors={"log_loss": 0.4, "roc_auc": 0.6})["floor"]
    assert "log loss" in gate.words
    assert "ROC" not in gate.words
    assert gate.figures == {"log_loss": 0.5, "roc_auc": 0.7}


@pytest.mark.parametrize(
    ("gap", "wish", "passed"),
    [
        ((-0.1, -0.2, -0.05), "better", True),
        ((-0.1, -0.2, 0.01), "better", False),
        ((-0.1, -0.2, 0.01), "not worse", True),
        ((0.1, 0.05, 0.2), "not worse", False),
        ((0.1, 0.05, 0.2), "any", True),
    ],
)
def test_the_baseline_has_to_be_beaten(gap: tuple[float, float, float], wish: str, passed: bool) -> None:
    assert judged(said(metric(0.5, gap)), baseline=wish)["baseline"].passed is passed


def calibration(value: float, low: float) -> Metric:
    return Metric("calibration_error", "calibration error", Interval(value, low, value + 0.02), "lower")


@pytest.mark.parametrize(
    ("found", "most", "passed"),
    [((0.04, 0.02), 0.05, True), ((0.06, 0.04), 0.05, True), ((0.08, 0.06), 0.05, False), ((0.08, 0.06), None, True)],
)
def test_what_noise_can_raise_is_refused_only_beyond_noise(
    found: tuple[float, float], most: float | None, passed: bool
) -> None:
    assert judged(said(metric(), calibration(*found)), calibration=most)["calibration"].passed is passed


def test_a_task_without_probabilities_has_nothing_to_calibrate() -> None:
    gate = judged(said())["calibration"]
    assert (gate.passed, gate.words) == (True, "no probabilities to be calibrated")


def test_a_report_that_is_missing_comes_with_what_makes_it() -> None:
    run = said(held=())
    gate = judged(run)["report"]
    assert (gate.passed, gate.words) == (False, f"the run holds none; make it: cxai report {run.run_id[:8]}")
    assert judged(run, report=False)["report"].passed
    assert judged(said())["report"].passed


@pytest.mark.parametrize(
    ("tags", "wish", "passed"),
    [
        ({}, "tolerance", False),
        ({}, "any", True),
        ({"cxai.reproduced": "identical, 0123456789abcdef"}, "identical", True),
        ({"cxai.reproduced": "within tolerance, 0123456789abcdef"}, "tolerance", True),
        ({"cxai.reproduced": "within tolerance, 0123456789abcdef"}, "identical", False),
        ({"cxai.reproduced": "different, 0123456789abcdef"}, "tolerance", False),
        ({"cxai.reproduces": "0123456789abcdef", "cxai.reproduced": "identical"}, "identical", True),
    ],
)
def test_a_run_has_to_have_been_made_again(tags: dict[str, str], wish: str, passed: bool) -> None:
    gate = judged(said(tags=tags), reproduction=wish)["reproducible"]
    assert gate.passed is passed
    assert not tags or "run 01234567" in gate.words


def test_the_first_champion_has_no_predecessor() -> None:
    gates = judged(said())
    assert (gates["champion"].passed, gates["champion"].words) == (True, "nobody is in charge yet")
    assert gates["schema"].passed


def test_a_changed_schema_has_to_be_declared(store: Store, finished: Make) -> None:
    champion, _ = Registry(store, "m").register(finished(inputs=("price", "week")))
    other = finished(inputs=("price", "region"))
    gate = judged(other, champion)["schema"]
    assert not gate.passed
    assert gate.words.startswith("takes region too; takes week no more; where that is meant: --schema-change")
    assert judged(other, champion, "weeks are gone")["schema"].words.endswith("declared: weeks are gone")
    assert judged(other, champion, schema="any")["schema"].passed
    assert judged(finished(inputs=("price", "week")), champion)["schema"].passed


@pytest.mark.parametrize(("wish", "passed"), [("refuse", False), ("pass", True)])
def test_what_cannot_be_compared_is_what_the_config_says(
    wish: str, passed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*arguments: Any, **more: Any) -> Any:
        raise NotComparableError("no rows were held out")

    monkeypatch.setattr(champions, "_compared", nothing)
    champion = Version("m", "1", "")
    gate = judged(said(), champion, not_comparable=wish)["champion"]
    assert gate.passed is passed
    assert gate.words.startswith("not comparable with v1: no rows were held out")


@pytest.mark.parametrize(
    ("gap", "better", "keys", "passed"),
    [
        ((0.013, 0.004, 0.022), "lower", {"margin": 0.005}, False),
        ((0.001, -0.002, 0.004), "lower", {"margin": 0.005}, True),
        ((0.001, -0.002, 0.006), "lower", {"margin": 0.005}, False),
        ((0.001, -0.002, 0.006), "lower", {"margin": 0.005, "proof": "value"}, True),
        ((-0.01, -0.02, -0.001), "lower", {"margin": 0.0}, True),
        ((-0.001, -0.006, 0.002), "higher", {"margin": 0.005}, False),
        ((-0.001, -0.004, 0.002), "higher", {"margin": 0.005}, True),
        ((0.02, 0.01, 0.03), "higher", {"margin": 0.0}, True),
        ((-0.006, -0.02, 0.03), "higher", {"margin": 0.005, "proof": "value"}, False),
    ],
)
def test_the_bad_end_of_the_difference_has_to_lie_within_the_margin(
    monkeypatch: pytest.MonkeyPatch,
    gap: tuple[float, float, float],
    better: Any,
    keys: dict[str, Any],
    passed: bool,
) -> None:
    from cxai_runner.evaluation.comparison import Comparison

    found = Comparison("log_loss", "log loss", better, Interval(*gap), 0.005, 0.3, 475, 476, "")
    monkeypatch.setattr(champions, "_compared", lambda *arguments, **more: (found, 6112))
    gate = champions.against(said(), Version("m", "4", "x"), Gates(**keys), Rows)
    assert gate.passed is passed
    assert "against v4 on the same 6,112 rows of 476 customers, allowed" in gate.words
    assert gate.figures["allowed"] == (keys["margin"] if better == "lower" else -keys["margin"])


def test_a_refusal_reads_as_it_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    from cxai_runner.evaluation.comparison import Comparison

    found = Comparison("log_loss", "log loss", "lower", Interval(0.013, 0.004, 0.022), 0.0046, 0.004, 475, 476, "")
    monkeypatch.setattr(champions, "_compared", lambda *arguments, **more: (found, 6112))
    words = champions.against(said(), Version("m", "4", "x"), Gates(margin=0.005), Rows).words
    assert words.startswith("log loss +0.0130 [+0.0040, +0.0220] against v4")
    assert words.endswith("allowed +0.0050")


class Rows:
    """Held-out rows as a slice's gate sees them, scored by a task that measures a column."""

    def __init__(self) -> None:
        region = np.repeat(["north", "south", "isle"], [150, 120, 10])
        self.frame = pd.DataFrame({"region": region, "age": np.arange(280)})
        self.scores = pd.DataFrame({"loss": np.where(region == "south", 0.9, 0.5)})
        self.task, self.context = self, None

    def measure(self, scores: pd.DataFrame, context: Any) -> tuple[Metric, ...]:
        return (
            metric(
                float(scores["loss"].mean()), (-0.1, -0.2, -0.05) if scores["loss"].mean() < 0.8 else (0.1, 0.05, 0.2)
            ),
        )


def sliced(run: Candidate, **keys: Any) -> Gate:
    return by_slice(run, Gates(**keys), Rows)  # type: ignore[arg-type]


def test_a_slice_below_its_floor_is_named_with_how_many_were_looked_at() -> None:
    gate = sliced(said(), slices=["region"], slice_floors={"log_loss": 0.7})
    assert not gate.passed
    assert gate.words.startswith(
        "2 looked at, 1 of fewer than 100 rows left out (of so many, 0.1 would seem so by chance)"
    )
    assert "region south (120 rows): log loss 0.90" in gate.words
    assert gate.figures == {"slices": 2, "small": 1, "low": 1}


def test_without_floors_a_slice_must_not_be_worse_than_the_baseline() -> None:
    gate = sliced(said(), slices=["region"])
    assert not gate.passed
    assert "worse than the baseline" in gate.words
    assert sliced(said(), slices=["region"], slice_rows=130).passed


def test_a_number_is_cut_into_quarters() -> None:
    gate = sliced(said(), slices=["age"], slice_rows=60, slice_floors={"log_loss": 0.95})
    assert (gate.passed, gate.figures["slices"]) == (True, 4)
    assert gate.words.startswith("4 looked at; the worst is age ")
    assert gate.words.endswith("(70 rows): log loss 0.843 [0.833, 0.853]")


def test_no_slice_large_enough_is_no_evidence() -> None:
    gate = sliced(said(), slices=["region"], slice_rows=200)
    assert not gate.passed
    assert gate.words.endswith("none is large enough")


def test_metrics_that_a_run_has_not_are_mistakes() -> None:
    case = Case(said(), Asked(Gates(floors={"log_los": 1.0}, metric="auc")))
    told = {problem.key: problem.remedy for problem in case.problems()}
    assert told == {"promotion.floors.log_los": "did you mean `log_loss`?", "promotion.metric": "one of: log_loss"}


def test_a_run_that_holds_no_model_or_did_not_finish_is_no_candidate(store: Store, finished: Make) -> None:
    from cxai_runner.config.problems import UserError
    from cxai_runner.kept.run import Kept

    experiment = store.experiment_id("e")
    failed = store.client.create_run(experiment).info.run_id
    store.client.set_terminated(failed, "FAILED")
    with pytest.raises(UserError, match="its status is FAILED"):
        candidate(Kept(store, failed))
    empty = store.client.create_run(experiment).info.run_id
    store.client.set_terminated(empty, "FINISHED")
    with pytest.raises(UserError, match="this run holds no model `model`"):
        candidate(Kept(store, empty))


def test_a_sweep_stands_for_its_best_run_where_there_is_one(store: Store, finished: Make) -> None:
    from cxai_runner.config.problems import UserError
    from cxai_runner.kept.run import Kept

    one, other = finished(), finished()
    sweep = store.client.create_run(store.experiment_id("e"), tags={"cxai.sweep.key": "k"}).info.run_id
    with pytest.raises(UserError, match="found no best run"):
        candidate(Kept(store, sweep))
    store.client.set_tag(sweep, "cxai.sweep.best", f"{one.run_id}, {other.run_id}")
    with pytest.raises(UserError, match="2 best runs"):
        candidate(Kept(store, sweep))
    store.client.set_tag(sweep, "cxai.sweep.best", one.run_id)
    found = candidate(Kept(store, sweep))
    assert (found.run_id, found.of_sweep) == (one.run_id, sweep)

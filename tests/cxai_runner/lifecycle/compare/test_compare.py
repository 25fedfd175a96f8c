"""Runs beside each other: what differs, which are one row, what can be told and what cannot, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.comparison import resampled_error
from cxai_runner.lifecycle import compare as package
from cxai_runner.lifecycle.compare import compare
from cxai_runner.lifecycle.compare import evidence as judging
from cxai_runner.lifecycle.compare.page import page
from cxai_runner.lifecycle.runs import POINT_OF, SWEEP, VALUES
from cxai_runner.tracking.store import Store
from tests.cxai_runner.lifecycle.compare.conftest import scored

Keep = Callable[..., str]


@pytest.fixture(scope="module")
def runs(keep: Keep) -> Mapping[str, str]:
    """Runs that differ in C, in seed, in split, in data, and one that failed."""
    made = {
        "good": keep(scored(0.0), {"model.C": 1, "seed": 0, "split.test_size": 0.25}),
        "poor": keep(scored(2.0), {"model.C": 0.1, "seed": 0, "split.test_size": 0.25}, name="poor one"),
        "near": keep(scored(0.05), {"model.C": 10, "seed": 0, "split.test_size": 0.25}),
        "failed": keep(None, {"model.C": -1, "seed": 0}, status="FAILED", tags={"cxai.error": "ValueError: C"}),
        "seeded": keep(scored(1.0, seed=5), {"model.C": 3, "seed": 5, "split.test_size": 0.25}),
        "halved": keep(scored(1.0).head(200), {"model.C": 1, "seed": 0, "split.test_size": 0.125}),
        "older": keep(scored(1.0, seed=9), {"model.C": 1, "seed": 0, "split.test_size": 0.25}, digest="d2"),
    }
    return made


def test_only_what_differs_is_shown_and_the_best_comes_first(store: Store, runs: Mapping[str, str]) -> None:
    found = compare(store, [runs["poor"], runs["good"]])
    assert found.params == ["model.C"]
    assert [row.first.run_id for row in found.rows] == [runs["good"], runs["poor"]]
    assert [row.params["model.C"] for row in found.rows] == ["1", "0.1"]
    assert found.verdict(0) == "the best"
    assert found.verdict(1) == "worse"
    assert found.rows[0].baseline is not None
    assert found.rows[0].took == 3


def test_the_same_number_written_otherwise_is_no_difference(store: Store, keep: Keep) -> None:
    for c, penalty in (("1", "l1"), ("1.0", "l2")):
        keep(scored(0.0), {"model.C": c, "model.penalty": penalty, "seed": 0}, experiment="written")
    assert compare(store, experiment="written").params == ["model.penalty"]


def test_what_a_sweep_set_comes_first(store: Store, keep: Keep) -> None:
    """A model brings keys of its own along; what was asked about is not to be lost among them."""
    for name, terms in (("Logit", "[price]"), ("Trees", "[price, season]")):
        params = {"model._target_": name, "model.C": name, "model.a": name, "split.seed": name, "task.terms": terms}
        values = {VALUES: json.dumps({"model": name.lower(), "task.terms": terms})}
        keep(scored(0.0), {**params, "seed": 0}, experiment="asked", tags=values)
    found = compare(store, experiment="asked").params
    assert found == ["model._target_", "task.terms", "model.C", "model.a", "split.seed"]


def test_against_another_the_best_is_better(store: Store, runs: Mapping[str, str]) -> None:
    found = compare(store, [runs["good"]], against=runs["poor"])
    assert (found.verdict(0), found.verdict(1)) == ("better", "the one compared with")
    beside = found.beside(0)
    assert beside is not None
    assert beside.difference.high < 0
    assert beside.how == "paired bootstrap over 100 customers"


def test_a_small_difference_cannot_be_told_and_it_is_said_what_would(store: Store, runs: Mapping[str, str]) -> None:
    found = compare(store, [runs["good"], runs["near"]])
    assert found.verdict(1).startswith("cannot tell")
    beside = found.beside(1)
    assert beside is not None
    assert (beside.more is None) == ("more customers" not in found.verdict(1))


def test_rows_that_are_not_the_same_are_not_compared_and_why_is_told(store: Store, runs: Mapping[str, str]) -> None:
    found = compare(store, [runs[name] for name in ("good", "seeded", "halved", "older")])
    told = {row.first.run_id: found.verdict(place) for place, row in enumerate(found.rows)}
    assert "another seed of the split (0 and 5)" in told[runs["seeded"]].replace("5 and 0", "0 and 5")
    assert "of them in both" in told[runs["seeded"]]
    assert "another split (test_size 0.125 and 0.25)" in told[runs["halved"]]
    assert "held-out rows: 200 and 400 rows, 200 of them in both" in told[runs["halved"]]
    assert "other data (panel)" in told[runs["older"]]
    assert all(words.startswith("not comparable") for run, words in told.items() if run != runs["good"])


def test_a_best_that_stands_alone_is_told_and_another_is_offered(
    store: Store, runs: Mapping[str, str], keep: Keep
) -> None:
    lone = keep(
        scored(-0.1, seed=3).assign(probability=lambda rows: 0.1 + 0.8 * rows["incidence"]), {"model.C": 8, "seed": 3}
    )
    found = compare(store, [lone, *(runs[name] for name in ("good", "poor", "near"))])
    assert found.rows[0].first.run_id == lone
    assert f"--against {runs['good'][:8]} compares with more" in found.notes[0]
    assert not any("--against" in one for one in compare(store, [runs["good"], runs["poor"]]).notes)


def test_a_run_that_failed_is_shown_with_its_reason(store: Store, runs: Mapping[str, str], keep: Keep) -> None:
    found = compare(store, [runs["good"], runs["failed"]])
    assert found.rows[-1].rank is None
    assert found.verdict(1) == "failed: ValueError: C"
    assert found.comparisons == {}
    bare = compare(store, [runs["good"], keep(None, {}, status="RUNNING")])
    assert bare.params == []
    assert bare.verdict(1) == "running"


def test_one_run_has_nothing_beside_it(store: Store, runs: Mapping[str, str]) -> None:
    found = compare(store, [runs["good"]])
    assert found.comparisons == {}
    assert found.verdict(0) == "the best"
    assert "no other" in page(found)


def test_another_metric_can_be_asked_for(store: Store, runs: Mapping[str, str]) -> None:
    found = compare(store, [runs["good"], runs["poor"]], metric="brier")
    assert found.goal.key == "held_out/brier"
    assert found.label == "Brier score"
    assert found.verdict(1) == "worse"


def test_p_values_are_corrected_for_all_that_is_judged(store: Store, runs: Mapping[str, str]) -> None:
    found = compare(store, [runs[name] for name in ("good", "poor", "near")])
    assert len(found.comparisons) == 6
    assert sorted(one.among for (a, b), one in found.comparisons.items() if a < b) == [1, 2, 3]
    assert any("3 comparisons (Holm)" in one for one in found.notes)
    wider = compare(store, [runs[name] for name in ("good", "poor", "near", "halved")])
    assert any("3 comparisons (Holm)" in one for one in wider.notes), "what cannot be compared is no comparison"
    ours, turned = found.comparisons[0, 2], found.comparisons[2, 0]
    assert ours.difference.value == -turned.difference.value
    assert {ours.verdict, turned.verdict} == {"better", "worse"}
    assert ours.adjusted == turned.adjusted


def test_runs_of_several_seeds_are_one_row_and_compared_seed_by_seed(store: Store, keep: Keep) -> None:
    seeds = (1, 2, 3, 4)
    for c, shift in ((1, 0.0), (2, 2.0)):
        for seed in seeds:
            keep(scored(shift, seed), {"model.C": c, "seed": seed}, experiment="seeds")
    keep(scored(0.0, 1), {"model.C": 1, "seed": 1}, experiment="seeds", digest="other")
    found = compare(store, experiment="seeds")
    assert sorted(len(row.entries) for row in found.rows) == [1, 4, 4]
    good, poor = (next(row for row in found.rows if len(row.entries) == 4 and row.params["model.C"] == c) for c in "12")
    values = [entry.metrics["held_out/log_loss"] for entry in good.entries]
    assert good.value is not None
    assert (good.value.value, good.value.low, good.value.high) == (np.mean(values), min(values), max(values))
    assert good.spread == pytest.approx(np.std(values, ddof=1))
    beside = found.comparisons[found.rows.index(poor), found.rows.index(good)]
    gaps = [
        b.metrics["held_out/log_loss"] - a.metrics["held_out/log_loss"]
        for a, b in zip(good.entries, poor.entries, strict=True)
    ]
    value, error = resampled_error(gaps, 1 / 3)
    assert beside.difference.value == pytest.approx(value)
    assert beside.error == pytest.approx(error)
    assert beside.how == "corrected resampled t-test over 4 seeds"


def test_the_same_run_again_is_no_other_seed(store: Store, keep: Keep) -> None:
    again = [keep(scored(0.0), {"model.C": 1, "seed": 0}, experiment="again") for _ in range(2)]
    keep(scored(2.0), {"model.C": 2, "seed": 0}, experiment="again")
    found = compare(store, experiment="again", against=again[0])
    assert [len(row.entries) for row in found.rows] == [1, 1]
    assert {entry.run_id for row in found.rows[:1] for entry in (*row.entries, *row.repeats)} == set(again)
    assert found.against == 0
    assert any(one.startswith("The same experiment with the same seed") for one in found.notes)


def test_seeds_that_are_judged_on_the_same_rows_keep_the_error_of_those(store: Store, keep: Keep) -> None:
    for c, shift in ((1, 0.0), (2, 2.0)):
        for seed in (1, 2):
            scores = scored(shift).assign(probability=lambda rows, s=seed: rows["probability"] * (1 - 0.001 * s))
            keep(scores, {"model.C": c, "seed": seed}, experiment="one period")
    found = compare(store, experiment="one period")
    beside = found.beside(1)
    assert beside is not None
    alone = compare(store, [found.rows[0].first.run_id, found.rows[1].first.run_id]).beside(1)
    assert alone is not None
    assert beside.error >= 0.99 * alone.error
    assert beside.freedom > 50
    assert beside.how == "paired bootstrap over 100 customers, 2 seeds"


def test_folds_are_told_by_their_column(store: Store, keep: Keep) -> None:
    for c, shift in ((1, 0.0), (2, 2.0)):
        scores = scored(shift)
        keep(scores.assign(fold=scores["customer_id"] % 5), {"model.C": c, "seed": 0}, experiment="folds")
    beside = compare(store, experiment="folds").beside(1)
    assert beside is not None
    assert beside.how == "corrected resampled t-test over 5 folds"


def test_where_nothing_was_held_out_that_is_said(store: Store, keep: Keep) -> None:
    for c, shift in ((1, 0.0), (2, 2.0)):
        keep(scored(shift), {"model.C": c, "seed": 0}, experiment="all rows", part="train")
    found = compare(store, experiment="all rows")
    assert found.goal.key == "train/log_loss"
    assert found.verdict(1) == "worse"
    assert "fitted on" in found.notes[0]


def test_runs_of_different_questions_are_refused(store: Store, keep: Keep, runs: Mapping[str, str]) -> None:
    other = keep(scored(0), {"seed": 0}, experiment="mixed", tags={"cxai.task": "segmentation"})
    with pytest.raises(UserError, match=r"of different tasks.*purchase_incidence \(.*segmentation \("):
        compare(store, [runs["good"], other])
    by_auc = keep(scored(0), {"seed": 0}, experiment="mixed", tags={"cxai.primary_metric": "roc_auc"})
    with pytest.raises(UserError, match=r"judged by different metrics.*log_loss.*roc_auc"):
        compare(store, [runs["good"], by_auc])
    assert compare(store, [runs["good"], by_auc], metric="log_loss").goal.key == "held_out/log_loss"


def test_all_that_is_not_there_is_told_at_once(store: Store, runs: Mapping[str, str]) -> None:
    with pytest.raises(UserError) as refused:
        compare(store, ["poor onne", "nothing"])
    assert [problem.value for problem in refused.value.problems] == ["poor onne", "nothing"]
    assert "poor one" in refused.value.problems[0].remedy
    with pytest.raises(UserError, match=r"no such experiment") as refused:
        compare(store, experiment="incidenc")
    assert "incidence" in refused.value.problems[0].remedy
    with pytest.raises(UserError, match=r"a run, not a sweep"):
        compare(store, sweep=runs["good"])
    with pytest.raises(UserError, match=r"no run measured it"):
        compare(store, [runs["good"]], metric="log_los")
    with pytest.raises(UserError, match=r"which runs"):
        compare(store)
    with pytest.raises(UserError, match=r"has no value to compare with"):
        compare(store, [runs["good"]], against=runs["failed"])


def test_a_sweep_stands_for_its_points(store: Store, keep: Keep) -> None:
    sweep = keep(None, {}, experiment="swept", tags={SWEEP: "key"}, name="a sweep")
    linked = keep(scored(1.0), {"model.C": 5, "seed": 0}, experiment="before")
    store.client.set_tag(sweep, "cxai.sweep.link.3", f'{{"run": "{linked}", "trial": 2, "values": {{}}}}')
    points = {
        keep(scored(shift), {"model.C": shift, "seed": 0}, experiment="swept", tags={POINT_OF: sweep})
        for shift in (0.0, 2.0)
    }
    keep(scored(0.5), {"model.C": 7, "seed": 0}, experiment="swept")
    for found in (compare(store, sweep=sweep[:8]), compare(store, ["a sweep"])):
        assert {row.first.run_id for row in found.rows} == {*points, linked}
    assert len(compare(store, experiment="swept").rows) == 3


def test_scores_are_read_of_runs_that_are_judged_and_once(
    store: Store, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(14):
        keep(scored(number / 5), {"model.C": number, "seed": 0}, experiment="many")
    read: list[str] = []
    plain = judging._scores

    def counted(store: Store, part: str) -> Callable[[str], object]:
        inner = plain(store, part)
        return lambda run: [read.append(run), inner(run)][1]

    monkeypatch.setattr(judging, "_scores", counted)
    found = compare(store, experiment="many", top=12)
    assert len(read) == len(set(read)) == 12
    assert [found.verdict(place) for place in (12, 13)] == ["not judged"] * 2
    # Eleven against the best, and the pairs of the other nine of the top ten.
    assert len(found.comparisons) / 2 == 11 + 9 * 8 / 2
    assert "The first 12 of 14 are judged; --top takes more." in found.notes
    assert package.SHOWN == 20


def test_a_task_that_cannot_be_built_here_still_makes_a_table(
    store: Store, keep: Keep, runs: Mapping[str, str]
) -> None:
    from cxai_runner.kept.run import Kept, local_path

    other = keep(scored(0.3), {"model.C": 99, "seed": 0}, experiment="foreign")
    where = local_path(Kept(store, other).run.info.artifact_uri)
    assert where is not None
    (where / "config.yaml").write_text("task: {_target_: gone.Task}\ntargets: {allow: [gone]}\n")
    found = compare(store, [other], against=runs["good"])
    place = next(i for i, row in enumerate(found.rows) if row.first.run_id == other)
    assert "their task cannot be built here" in str(found.verdict(place)) + str(found.verdict(1 - place))


def test_tables_and_page_hold_every_row(store: Store, runs: Mapping[str, str]) -> None:
    found = compare(store, list(runs.values()))
    frame = found.frame()
    assert len(frame) == len(runs)
    assert list(frame["run"][:1]) == [runs["good"]]
    assert {"model.C", "log_loss", "log_loss_low", "brier", "baseline", "difference", "p_adjusted", "verdict"} <= set(
        frame
    )
    matrix = found.matrix()
    assert len(matrix) == 6 * 5 / 2
    html = page(found)
    assert html.startswith("<!doctype html>")
    assert "<script" not in html
    assert "src=" not in html
    assert html.count("<figure") == 3
    assert all(run[:8] in html for run in runs.values())
    plain = found.plain()
    assert plain["rows"][0]["runs"] == [runs["good"]]
    assert len(plain["pairs"]) == 15

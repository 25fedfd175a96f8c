"""The conformance suite fails where a promise is broken: each break is caught by the check that is named for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest

from cxai_runner.evaluation.results import Estimate, Figure, Finding, Interval, Table
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.segments import KMeansSegments
from cxai_runner.task import Maximise, SavedModel
from cxai_runner.task_checks import check_task, task_checks
from tasks.purchase_incidence import PurchaseIncidence
from tasks.segmentation import Segmentation


@dataclass(frozen=True, kw_only=True)
class Incidence(PurchaseIncidence):
    points: int = 5
    refits: int = 2


class UsesTheTarget(Incidence):
    def score(self, fitted, data, context):
        scores = super().score(fitted, data, context)
        return scores.assign(probability=0.9 * scores["probability"] + 0.1 * scores["incidence"])


class SeesEveryColumn(Incidence):
    def _allowed(self, data):
        return [name for name in data.frame if name not in ("customer_id", "occasion", "incidence")]

    def _terms(self, data):
        return tuple(name for name in self._allowed(data))


class ScoresAmongOthers(Incidence):
    def score(self, fitted, data, context):
        scores = super().score(fitted, data, context)
        return scores.assign(probability=scores["probability"].rank(pct=True))


class ChangesItsInput(Incidence):
    def fit(self, model, train, context):
        fitted = super().fit(model, train, context)
        train.frame["price_a"] *= 1.01
        return fitted


class FitsInPlace(Incidence):
    def fit(self, model, train, context):
        fitted = super().fit(model, train, context)
        model.fit(train.frame[list(train.roles.inputs)], train.frame["incidence"])
        return fitted


class DrawsFromTheGlobalGenerator(Incidence):
    def score(self, fitted, data, context):
        scores = super().score(fitted, data, context)
        return scores.assign(probability=scores["probability"] + 1e-3 * np.random.uniform(size=len(scores)))


class DrawsWithoutSeed(Incidence):
    def fit(self, model, train, context):
        rows = train.frame.sample(frac=0.9, random_state=np.random.default_rng())
        return super().fit(model, replace(train, frame=rows), context)


class TrustsTheOrderOfRows(Incidence):
    def fit(self, model, train, context):
        return super().fit(model, replace(train, frame=train.frame.iloc[: len(train.frame) // 2]), context)


class CalculatesWithIds(Incidence):
    def score(self, fitted, data, context):
        scores = super().score(fitted, data, context)
        own = pd.to_numeric(scores["customer_id"], errors="coerce").fillna(0) % 7
        return scores.assign(probability=scores["probability"] * (1 - own / 1000))


class SortsItsScores(Incidence):
    def score(self, fitted, data, context):
        return super().score(fitted, data, context).sort_values("probability", ignore_index=True)


class LeavesHoles(Incidence):
    def score(self, fitted, data, context):
        scores = super().score(fitted, data, context)
        return scores.assign(probability=scores["probability"].where(scores.index != 3))


class TakesAnything(Incidence):
    def demand(self, data):
        pass


class ResamplesRows(Incidence):
    def measure(self, scores, context):
        return super().measure(scores.assign(customer_id=range(len(scores))), context)


class HasNoBaseline(Incidence):
    def measure(self, scores, context):
        return tuple(replace(one, baseline=None, difference=None) for one in super().measure(scores, context))


class DrawsItsValues(Incidence):
    def measure(self, scores, context):
        sample = scores.sample(frac=0.5, random_state=context.integer_seed("sample"))
        return super().measure(sample, context)


class LooksTheOtherWay(Incidence):
    primary_metric = Maximise("log_loss")


class PeeksAtTheBaseline(Incidence):
    """Its baseline is spoilt, so that anything beats it."""

    def score(self, fitted, data, context):
        return super().score(fitted, data, context).assign(baseline=0.999)


class AsksNothing(Incidence):
    title = "Purchases"


class KeepsAnotherModel(Incidence):
    def models(self, fitted, train):
        saved = super().models(fitted, train)["model"]
        other = super().fit(BinomialLogit(), replace(train, frame=train.frame.iloc[::2]), None)
        return {"model": SavedModel(other.pipeline, saved.example, saved.method)}


class KeepsNoModel(Incidence):
    def models(self, fitted, train):
        return {}


class Reports(Incidence):
    def report(self, fitted, train, scores, metrics, context):
        yield from super().report(fitted, train, scores, metrics, context)
        yield self.more()


class HasTwoHeadlines(Reports):
    def more(self):
        return Finding("Another headline.", "headline")


class SaysNan(Reports):
    def more(self):
        return Finding(f"The elasticity is {float('nan')}.")


class NamesAFolder(Reports):
    def more(self):
        return Table("../table", "A table", pd.DataFrame({"a": [1]}))


class DrawsNothing(Reports):
    def more(self):
        return Figure("ghost", "A ghost", pd.DataFrame({"a": [1]}), "line", "a", "b")


class ShowsAnEmptyTable(Reports):
    def more(self):
        return Table("empty", "Nothing", pd.DataFrame({"a": []}))


class IsSure(Reports):
    def more(self):
        return Estimate("sure", "a quantity without uncertainty", Interval(1.0, float("nan"), float("nan")))


class ComparesByAnother(Incidence):
    def statistics(self, scores):
        found = super().statistics(scores)
        return found | {"log_loss": found["brier"]}


@dataclass(frozen=True, kw_only=True)
class Remembers(Incidence):
    seen: list[int] = field(default_factory=list)

    def fit(self, model, train, context):
        self.seen.append(len(train.frame))
        return super().fit(model, train, context)


class TakesTheOtherClass(Incidence):
    def predicted(self, scores, predictions):
        return super().predicted(scores, predictions.iloc[:, ::-1])


class TakesNoOthers(Incidence):
    def predicted(self, scores, predictions):
        return scores


BREAKS = {
    UsesTheTarget: "the_target_does_not_leak",
    SeesEveryColumn: "columns_that_are_no_inputs_are_not_seen",
    ScoresAmongOthers: "other_customers_change_no_row",
    ChangesItsInput: "leaves_its_input_alone",
    FitsInPlace: "leaves_the_model_unfitted",
    DrawsFromTheGlobalGenerator: "leaves_the_global_random_state_alone",
    DrawsWithoutSeed: "same_seed_same_bits",
    TrustsTheOrderOfRows: "order_of_rows_changes_nothing",
    CalculatesWithIds: "text_ids_give_the_same",
    SortsItsScores: "one_row_of_scores_per_row",
    LeavesHoles: "scores_are_complete",
    TakesAnything: "refuses_an_empty_frame_by_name",
    ResamplesRows: "intervals_resample_customers",
    HasNoBaseline: "the_baseline_stands_beside",
    DrawsItsValues: "values_do_not_depend_on_the_seed",
    LooksTheOtherWay: "the_primary_metric_is_measured",
    PeeksAtTheBaseline: "a_shuffled_target_is_not_predicted",
    AsksNothing: "describes_its_question",
    KeepsAnotherModel: "the_model_predicts_what_was_scored",
    KeepsNoModel: "a_model_is_kept",
    TakesTheOtherClass: "the_models_own_predictions_change_no_score",
    TakesNoOthers: "the_models_own_predictions_change_no_score",
    HasTwoHeadlines: "the_report_has_one_headline",
    SaysNan: "findings_are_sentences",
    NamesAFolder: "names_are_unique_and_safe_for_files",
    DrawsNothing: "figures_name_columns_that_exist",
    ShowsAnEmptyTable: "tables_have_rows",
    ComparesByAnother: "statistics_are_the_metrics",
    IsSure: "estimates_have_intervals",
    Remembers: "leaves_itself_alone",
}


@pytest.mark.parametrize(("broken", "named"), BREAKS.items(), ids=[one.__name__ for one in BREAKS])
def test_a_broken_promise_is_caught_by_name(broken, named, panel):
    data = replace(panel, frame=panel.frame.copy())
    checks = dict(task_checks(broken(), BinomialLogit(), data))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - a task without its contract may raise anything
        checks[named]()
    # Without its own refusal, or with the target among its columns, the fit itself gives up.
    if broken not in (TakesAnything, SeesEveryColumn):
        assert isinstance(caught.value, AssertionError)


def test_an_unbroken_one_passes(panel):
    assert check_task(Incidence(), BinomialLogit(), panel) == len(
        list(task_checks(Incidence(), BinomialLogit(), panel))
    )


def test_all_breaks_are_told_together(panel):
    with pytest.raises(AssertionError, match=r"LeavesHoles breaks \d+ of \d+ promises") as caught:
        check_task(LeavesHoles(), BinomialLogit(), panel)
    assert "scores_are_complete: AssertionError: scores of train have missing values in ['probability']" in str(
        caught.value
    )


class HidesItsDoubts(Segmentation):
    def challenge(self, fitted, train, context):
        return ()


def test_a_claim_from_resampling_without_resampling_is_caught(customers):
    checks = dict(task_checks(HidesItsDoubts(resamples=2), KMeansSegments(3, n_init=1, random_state=0), customers))
    with pytest.raises(AssertionError, match="challenge"):
        checks["it_challenges_itself"]()


class Unpicklable(KMeansSegments):
    def fit(self, X, y=None):
        self.forget_ = lambda: None
        return super().fit(X, y)


@pytest.mark.parametrize("name", ["the_model_survives_pickling", "the_model_survives_mlflow"])
def test_a_model_that_cannot_travel_is_caught(name, customers):
    checks = dict(task_checks(Segmentation(resamples=2), Unpicklable(3, n_init=1, random_state=0), customers))
    with pytest.raises(Exception, match=r"(?i)lambda|local|pickle|method|trusted|function"):
        checks[name]()

"""Two runs on the same rows: surer than two intervals, never where the rows are not the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from cxai_runner.evaluation.paired import apart, compare, compare_pairs, observed, side_by_side
from cxai_runner.task import Context
from tasks.purchase_incidence import PurchaseIncidence
from tasks.segmentation import Segmentation

TASK, CONTEXT = PurchaseIncidence(), Context(resamples=400)


class Plain(PurchaseIncidence):
    """A task that gives no statistics: it can be measured only."""

    def statistics(self, scores: pd.DataFrame) -> dict[str, Callable[..., object]]:  # type: ignore[override]
        return {}


def scored(shift: float, rows: int = 400) -> pd.DataFrame:
    """Scores of a model whose log odds are off the truth's by a normal number of so much."""
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.1, 0.9, rows)
    odds = np.log(chance / (1 - chance)) + shift * np.random.default_rng(4).normal(size=rows)
    return pd.DataFrame(
        {
            "customer_id": np.arange(rows) // 4,
            "occasion": np.arange(rows) % 4,
            "incidence": (rng.random(rows) < chance).astype(int),
            "probability": 1 / (1 + np.exp(-odds)),
            "baseline": 0.5,
        }
    )


def folded(scores: pd.DataFrame, folds: int = 4) -> pd.DataFrame:
    return scores.assign(fold=scores["customer_id"] % folds)


def test_the_better_of_two_is_told_and_its_mirror_image_is_worse() -> None:
    found = compare(TASK, CONTEXT, scored(0.0), scored(2.0), "log_loss")
    ours, theirs = (log_loss(one["incidence"], one["probability"]) for one in (scored(0.0), scored(2.0)))
    assert found.difference.value == pytest.approx(ours - theirs, rel=1e-9)
    assert found.verdict == "better"
    assert found.how == "paired bootstrap over 100 customers"
    mirrored = compare(TASK, CONTEXT, scored(2.0), scored(0.0), "log_loss")
    assert mirrored.verdict == "worse"
    assert (mirrored.p, mirrored.error) == pytest.approx((found.p, found.error), rel=1e-9)


def test_higher_is_better_where_the_metric_says_so() -> None:
    found = compare(TASK, CONTEXT, scored(0.0), scored(2.0), "roc_auc")
    ours, theirs = (roc_auc_score(one["incidence"], one["probability"]) for one in (scored(0.0), scored(2.0)))
    assert found.difference.value == pytest.approx(ours - theirs, rel=1e-9)
    assert (found.better, found.verdict) == ("higher", "better")


def test_the_error_is_that_of_the_mean_difference_over_customers() -> None:
    ours, theirs = scored(0.0), scored(1.0)
    found = compare(TASK, replace(CONTEXT, resamples=4000), ours, theirs, "brier")
    gaps = (ours["probability"] - ours["incidence"]) ** 2 - (theirs["probability"] - theirs["incidence"]) ** 2
    by_customer = gaps.groupby(ours["customer_id"]).mean()
    assert found.error == pytest.approx(by_customer.std(ddof=0) / 10, rel=0.05)


def test_the_same_scores_are_no_difference() -> None:
    for task in (TASK, Plain()):
        found = compare(task, CONTEXT, scored(0.5), scored(0.5), "log_loss")
        assert (found.difference.value, found.p, found.words) == (0, 1, "cannot tell: the same numbers")


def test_a_difference_in_the_last_bits_is_none() -> None:
    ours, theirs = scored(0.5), scored(0.5)
    theirs["probability"] *= 1 + 1e-15
    assert compare(TASK, CONTEXT, ours, theirs, "log_loss").same
    theirs["probability"] *= 1 + 1e-9
    assert not compare(TASK, CONTEXT, ours, theirs, "log_loss").same


def test_a_task_without_statistics_is_measured_with_the_other_in_the_baselines_place() -> None:
    drawn, measured = (compare(task, CONTEXT, scored(0.0), scored(2.0), "log_loss") for task in (TASK, Plain()))
    assert measured.difference.value == pytest.approx(drawn.difference.value)
    assert measured.error == pytest.approx(drawn.error, rel=0.2)
    assert measured.verdict == drawn.verdict == "better"


def test_folds_are_compared_by_the_corrected_t_test() -> None:
    ours, theirs = folded(scored(0.0)), folded(scored(1.0))
    gaps = [
        log_loss(a["incidence"], a["probability"]) - log_loss(b["incidence"], b["probability"])
        for a, b in ((ours[ours["fold"] == k], theirs[theirs["fold"] == k]) for k in range(4))
    ]
    for task in (TASK, Plain()):
        found = compare(task, CONTEXT, ours, theirs, "log_loss")
        assert found.difference.value == pytest.approx(np.mean(gaps))
        assert found.error == pytest.approx(np.sqrt(1 / 4 + 1 / 3) * np.std(gaps, ddof=1))
        assert found.how == "corrected resampled t-test over 4 folds"


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (scored(1.0).head(10), "400 and 10 rows, 10 of them in both"),
        (
            scored(1.0).assign(customer_id=lambda rows: rows["customer_id"] + 50),
            "400 and 400 rows, 200 of them in both",
        ),
        (scored(1.0).assign(customer_id=lambda rows: rows["customer_id"] + 500), "400 and 400 rows, none in both"),
        (scored(1.0).iloc[::-1], "the same rows in another order"),
        (scored(1.0).assign(incidence=lambda rows: 1 - rows["incidence"]), "of which 400 have another incidence"),
        (folded(scored(1.0)), "one was judged in folds"),
        (scored(1.0).drop(columns="occasion"), "customer_id, occasion, incidence and customer_id, incidence"),
    ],
)
def test_other_rows_are_not_compared(others: pd.DataFrame, told: str) -> None:
    found = compare(TASK, CONTEXT, scored(0.0), others, "log_loss")
    assert found.verdict == "not comparable"
    assert told in found.words


def test_other_folds_of_the_same_rows_are_not_compared() -> None:
    ours, theirs = (observed(folded(scored(0), many), "incidence") for many in (4, 5))
    assert apart(ours, theirs, "incidence") == "the same rows in other folds"


def test_a_run_is_read_once_however_many_it_is_compared_with() -> None:
    asked: list[str] = []
    kept = {"a": scored(0.0), "b": scored(1.0), "c": scored(2.0), "other": scored(0.0).head(40)}

    def scores(run: str) -> pd.DataFrame | None:
        asked.append(run)
        return kept.get(run)

    pairs = [("a", "b"), ("a", "c"), ("b", "c"), ("a", "other"), ("a", "none")]
    found = compare_pairs(TASK, CONTEXT, scores, pairs, "log_loss")
    assert asked == ["a", "b", "c", "other", "none"]
    assert found["a", "b"] == compare(TASK, CONTEXT, kept["a"], kept["b"], "log_loss")
    assert found["b", "c"] == compare(TASK, CONTEXT, kept["b"], kept["c"], "log_loss")
    assert [found["a", one].verdict for one in ("other", "none")] == ["not comparable"] * 2
    assert found["a", "none"].incomparable == "it kept no scores"


def test_a_metric_that_is_not_measured_is_told() -> None:
    assert compare(TASK, CONTEXT, scored(0), scored(1), "mape").incomparable == "mape is not measured on these rows"


def test_segments_are_compared_by_their_customers() -> None:
    rng = np.random.default_rng(0)
    ours = pd.DataFrame({"customer_id": range(60), "segment": 0, "silhouette": rng.uniform(0.4, 0.6, 60)})
    ours = ours.assign(distance=1.0, spread=2.0)
    ours = ours.join(ours.drop(columns="customer_id").add_prefix("baseline_"))
    theirs = ours.assign(silhouette=ours["silhouette"] - 0.1, segment=1)
    found = compare(Segmentation(), CONTEXT, ours, theirs, "silhouette")
    assert found.difference.value == pytest.approx(0.1)
    assert found.verdict == "better"


def test_two_runs_on_the_same_rows_are_put_side_by_side() -> None:
    beside = side_by_side(scored(0), scored(0.1))
    assert beside is not None
    assert list(beside["baseline"]) == list(scored(0.1)["probability"])


def test_baselines_of_several_columns_are_replaced_by_name() -> None:
    ours = pd.DataFrame({"customer_id": [1], "silhouette": [0.3], "baseline_silhouette": [0.1]})
    others = ours.assign(silhouette=0.2)
    beside = side_by_side(ours, others)
    assert beside is not None
    assert beside.iloc[0].to_dict() == {"customer_id": 1, "silhouette": 0.3, "baseline_silhouette": 0.2}


@pytest.mark.parametrize(
    "others",
    [
        scored(0.1).head(10),
        scored(0.1).assign(customer_id=lambda rows: rows["customer_id"] + 1),
        scored(0.1).rename(columns={"probability": "p"}),
    ],
)
def test_other_rows_cannot_be_paired(others: pd.DataFrame) -> None:
    assert side_by_side(scored(0), others) is None


@pytest.mark.parametrize(("customers", "told"), [(1, "one customer was"), (9, "9 customers were")])
def test_few_customers_are_not_compared(customers: int, told: str) -> None:
    ours, theirs = (scored(shift).assign(customer_id=np.arange(400) % customers) for shift in (0.0, 2.0))
    found = compare(TASK, CONTEXT, ours, theirs, "log_loss")
    assert found.words == f"not comparable: only {told} judged"

"""Which inputs matter, and which may be known only after the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.intervals import FEW_CUSTOMERS, bootstrap, percentile
from cxai_runner.evaluation.metrics import MeanOf, codes_of
from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import number
from cxai_runner.methods.conversion.leakage import ALONE, suspects
from cxai_runner.task import Context

if TYPE_CHECKING:
    from tasks.conversion.task import Conversion, Fitted

MOST: Final = 20_000
"""Validation rows on which inputs are shuffled."""
_SHOWN: Final = 12
_TINY: Final = 1e-12


def importances(task: Conversion, fitted: Fitted, context: Context) -> Iterator[Content]:
    """By how much the log loss of validation rows rises where an input is shuffled among them."""
    rows = fitted.rows
    if len(rows.validation) < FEW_CUSTOMERS:
        return
    rng = context.rng("importances")
    chosen = rows.validation
    if len(chosen) > MOST:
        chosen = np.sort(rng.choice(chosen, MOST, replace=False))
    X, truth = rows.frame.iloc[chosen].reset_index(drop=True), rows.converted[chosen]
    codes, customers = codes_of(rows.customers[chosen])
    model = fitted.first.model
    usual = _losses(model.probability(X), truth)
    used = [one["name"] for one in model.preparation.columns_]
    risen = []
    for name in used:
        several = []
        for _ in range(task.repeats):
            shuffled = X.assign(**{name: X[name].take(rng.permutation(len(X))).array})
            several.append(_losses(model.probability(shuffled), truth) - usual)
        risen.append(np.mean(several, axis=0))
    found = bootstrap([MeanOf(one, codes, customers) for one in risen], customers, context.resamples, rng)
    intervals = [percentile(float(value[0]), draws[0]) for value, draws in found]
    table = pd.DataFrame(
        {
            "input": used,
            "importance": [one.value for one in intervals],
            "low": [one.low for one in intervals],
            "high": [one.high for one in intervals],
        }
    ).sort_values("importance", ascending=False, kind="stable", ignore_index=True)
    caption = (
        f"By how much the log loss of {len(X):,} validation rows rises when the input is shuffled among them, mean of "
        f"{task.repeats}; 95 % intervals resample customers. Inputs that say the same share what they matter."
    )
    yield Table("importances", "What the model relies on", table, caption)
    yield Figure(
        "importances",
        "What the model relies on",
        table.head(_SHOWN),
        "point",
        "input",
        "importance",
        caption,
        low="low",
        high="high",
        y_label="rise of the log loss",
        reference={"y": 0.0},
    )


def alone(fitted: Fitted, judged: pd.DataFrame, converted: NDArray[np.int64]) -> Iterator[Content]:
    """What each input tells alone, and which of them have to be explained."""
    rows = fitted.rows
    table = suspects(rows.frame, rows.converted)
    shown = table.drop(columns="copy").rename(columns={"hint": "name_hints_at"})
    if not shown["name_hints_at"].any():
        shown = shown.drop(columns="name_hints_at")
    caption = "ROC AUC of one column by itself on the training rows; .5 tells nothing."
    yield Table("inputs_alone", "What each input tells alone", shown, caption)
    high = table[table["roc_auc"] >= ALONE]
    if len(high):
        named = ", ".join(f"{name} ({number(auc)})" for name, auc in zip(high["column"], high["roc_auc"], strict=True))
        yield Finding(
            f"May be known only after the outcome: {named} alone ranks customers with a ROC AUC of {ALONE:g} or more. "
            f"If so, leave it out (features.exclude=[{','.join(high['column'])}]): the model would not have it when it "
            "predicts.",
            "caveat",
        )
    hinted = table[(table["hint"] != "") & (table["roc_auc"] < ALONE)]
    if len(hinted):
        yield Finding(
            f"By their names these may be written after the outcome: {', '.join(hinted['column'])}. Nothing in the "
            "rows says when; make sure that they end before what is predicted begins.",
            "caveat",
        )


def _losses(probability: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    inside = np.clip(probability, _TINY, 1 - _TINY)
    return -np.where(truth == 1, np.log(inside), np.log1p(-inside))

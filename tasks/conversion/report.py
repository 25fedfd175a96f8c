"""What an analyst reads about conversion: in this order, and of these rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxai_runner.evaluation.paired import FOLD
from cxai_runner.evaluation.results import Content, Figure, Finding, Metric, Table
from cxai_runner.evaluation.wording import counted, share
from cxai_runner.methods.conversion.preparation import OTHER
from cxai_runner.methods.levels import level
from cxai_runner.task import Context
from tasks.conversion import judged, leaks, verdict

if TYPE_CHECKING:
    from tasks.conversion.task import Conversion, Fitted

FEW = 100
"""Conversions in training below which it is said that they are few."""
MOST = 8
"""Values that are named."""
_NAMES = {
    "LogisticRegression": "logistic regression",
    "HistGradientBoostingClassifier": "gradient boosting",
    "XGBClassifier": "XGBoost",
    "MLPClassifier": "scikit-learn's network",
    "NetworkClassifier": "the network",
    "RandomForestClassifier": "random forest",
}


def plain_name(model: Any) -> str:
    """What a model is called in a sentence."""
    kind = type(model).__name__
    return _NAMES.get(kind, kind)


def contents(
    task: Conversion,
    fitted: Fitted,
    scores: Mapping[str, pd.DataFrame],
    metrics: Mapping[str, Metric],
    context: Context,
) -> Iterator[Content]:
    """Everything, the verdict first."""
    held_out = "held_out" in scores
    rows = scores["held_out" if held_out else "train"]
    converted = task.converted(rows)
    whose = "rows it has not seen" if held_out else "its own training rows (nothing was held out)"
    names = {name: plain_name(one.model.classifier) for name, one in fitted.against.items()}
    names |= {name: name for name in names if list(names.values()).count(names[name]) > 1}
    called = {f"{verdict.AGAINST}{name}": told for name, told in names.items()}
    called |= {verdict.OWN: fitted.name, verdict.BASELINE: "the base rate"}
    called[verdict.WITHOUT] = f"the same model without {', '.join(task.suspected)}"
    found = verdict.judged(converted, rows, called, context)
    yield verdict.headline(found, whose)
    yield Finding(
        f"{counted(len(rows), 'row')} of {counted(rows['customer_id'].nunique(), 'customer')} were scored; "
        f"{share(float(converted.mean()))} of them converted, {share(fitted.rows.base_rate)} in training."
    )
    yield from _others_than_positive(task, rows)
    yield from verdict.contents(found, folds=FOLD in rows)
    yield from verdict.seeds_table(converted, rows)
    yield from judged.gains(converted, rows, context)
    yield from judged.profit(task, converted, rows, context)
    yield from judged.confusion(task, converted, rows, context)
    yield from judged.calibration(fitted, converted, rows, context)
    yield from judged.slices(task, converted, rows, context)
    yield from leaks.importances(task, fitted, context)
    yield from leaks.alone(fitted, rows, converted)
    yield from _curve(fitted)
    yield from _preparation(fitted)
    yield from _caveats(task, fitted)


def _others_than_positive(task: Conversion, rows: pd.DataFrame) -> Iterator[Content]:
    """Say what counts as no conversion, where that is more than one value."""
    named = sorted({level(value) for value in rows[task.outcome].unique()} - {task.positive})
    if task.positive is not None and len(named) > 1:
        told = f"{', '.join(named[:MOST])}{f' and {len(named) - MOST} more' if len(named) > MOST else ''}"
        yield Finding(
            f"`{task.outcome}` has more than two values: {task.positive} alone is a conversion, and {told} are none. "
            "Filter the rows where some of these should count neither way.",
            "caveat",
        )


def _curve(fitted: Fitted) -> Iterator[Content]:
    curve = fitted.first.curve
    if curve is None:
        return
    epochs = range(1, len(curve) + 1)
    data = pd.concat(
        [
            pd.DataFrame({"epoch": epochs, "loss": curve[:, i], "rows": name})
            for i, name in enumerate(("training", "validation"))
        ],
        ignore_index=True,
    )
    best = fitted.first.best_epoch
    caption = (
        f"The weights of epoch {best} are kept. Training loss is the one that is minimised, with dropout; "
        "validation loss is the log loss at the real base rate."
    )
    yield Figure(
        "learning_curve",
        "Learning curve",
        data,
        "line",
        "epoch",
        "loss",
        caption,
        by="rows",
        reference={"x": float(best)},
    )


def _preparation(fitted: Fitted) -> Iterator[Content]:
    preparation = fitted.first.model.preparation
    table = preparation.said()
    caption = (
        f"Learned on the training rows alone and saved with the model. A value that training never had counts as "
        f"{OTHER}, or as the average of all levels where none were rare; a missing number is the training median."
    )
    yield Table("preparation", "What was done with each column", table, caption, len(table))
    if preparation.dropped_:
        told = "; ".join(f"{name} {why}" for name, why in list(preparation.dropped_.items())[:8])
        more = len(preparation.dropped_) - 8
        yield Finding(f"Not used: {told}{f', and {more} more' if more > 0 else ''}.", "caveat")


def _caveats(task: Conversion, fitted: Fitted) -> Iterator[Content]:
    ones = int(fitted.rows.converted.sum())
    if ones < FEW:
        yield Finding(
            f"Only {ones:,} conversions were there to learn from: another sample would give another model.", "caveat"
        )
    if task.balance != "none":
        yield Finding(
            f"Classes were balanced in training ({task.balance}), and in no other rows; probabilities are corrected to "
            f"the real share of {share(fitted.rows.base_rate)}.",
        )
    yield Finding(
        "That a customer is likely to convert does not say that a contact makes the difference: some convert anyhow. "
        "What a contact adds takes a test with customers who get none.",
        "caveat",
    )

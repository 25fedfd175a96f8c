"""What the scored rows say: whom to contact, what it earns, what a threshold gets right, whether probabilities hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.intervals import Statistic, bootstrap, percentile, percentile_of
from cxai_runner.evaluation.metrics import MeanOf, calibration_table, classification_statistics, codes_of
from cxai_runner.evaluation.paired import FOLD
from cxai_runner.evaluation.results import Content, Figure, Finding, Interval, Table
from cxai_runner.evaluation.targeting import confusion_table, gains_table, profit_of
from cxai_runner.evaluation.wording import counted, number, share, with_interval
from cxai_runner.methods.conversion.calibration import FEWEST
from cxai_runner.methods.conversion.leakage import ALONE, single_column_auc
from cxai_runner.task import Context
from tasks.conversion.verdict import SLICE

if TYPE_CHECKING:
    from tasks.conversion.task import Conversion, Fitted

Ints = NDArray[np.int64]

FEW: Final = 30
"""Rows of either outcome below which a slice is not judged."""
_STEPS: Final = {"platt": "Platt's line", "isotonic": "isotonic steps"}
_NO_GAIN: Final = "No contact is expected to pay"


def gains(converted: Ints, rows: pd.DataFrame, context: Context) -> Iterator[Content]:
    """Conversions by tenth of the customers, the likeliest first."""
    table = gains_table(converted, rows["probability"], rows["customer_id"], context.resamples, context.rng("gains"))
    caption = (
        "Tenths of the rows, the highest probabilities first; equal ones stay together. Lift is the conversion rate "
        "over that of all rows, gain the share of all conversions up to here. 95 % intervals."
    )
    shown = table.drop(columns=["rate_low", "rate_high"])
    yield Table("gains", "Gains and lift", shown, caption)
    top = table.iloc[0]
    if converted.any():
        lift = with_interval(Interval(top["lift"], top["lift_low"], top["lift_high"]), 1)
        gain = with_interval(Interval(100 * top["gain"], 100 * top["gain_low"], 100 * top["gain_high"]), 0)
        yield Finding(
            f"The {share(float(top['contacted']))} of the {_units(rows)} with the highest probabilities convert {lift} "
            f"times as often as all, and hold {gain} % of all conversions."
        )
    start = pd.DataFrame({"contacted": [0.0], "gain": [0.0], "gain_low": [0.0], "gain_high": [0.0]})
    drawn = pd.concat([start, table[["contacted", "gain", "gain_low", "gain_high"]]], ignore_index=True)
    yield Figure(
        "gains",
        "Gains",
        drawn,
        "line",
        "contacted",
        "gain",
        "How many of all conversions are among the likeliest customers; on the diagonal, a choice by chance.",
        low="gain_low",
        high="gain_high",
        x_label="share of customers contacted",
        y_label="share of conversions",
        reference="diagonal",
    )
    yield Figure(
        "lift",
        "Lift",
        table.assign(tenth=table["tenth"].astype(str)),
        "bar",
        "tenth",
        "lift",
        "Conversion rate of each tenth of the customers over that of all; 95 % intervals.",
        low="lift_low",
        high="lift_high",
        x_label="tenth, the likeliest first",
        y_label="lift",
    )


def profit(task: Conversion, converted: Ints, rows: pd.DataFrame, context: Context) -> Iterator[Content]:
    """What contacting the likeliest customers earned, where config says the worth of both."""
    if task.value is None or task.cost is None:
        return
    value = rows["value"].to_numpy() if isinstance(task.value, str) else float(task.value)
    rng = context.rng("profit")
    found = profit_of(
        converted, rows["probability"], value, task.cost, task.budget, rows["customer_id"], context.resamples, rng
    )
    worth = f"the amounts in {task.value}" if isinstance(task.value, str) else number(float(task.value), 2)
    per = (
        "probability · value above cost"
        if isinstance(task.value, str)
        else (f"a probability above {number(task.cost / float(task.value), 4)}")
    )
    caption = (
        f"A conversion brings {worth}, a contact costs {number(task.cost, 2)}. Customers in the order of what a "
        "contact is expected to bring; 95 % intervals resample customers."
    )
    yield Table("profit", "Profit by customers contacted", found.curve, caption, len(found.curve))
    if isinstance(task.value, str) and (told := single_column_auc(rows["value"], converted)) >= ALONE:
        yield Finding(
            f"The amounts in {task.value} may be known only after the outcome: alone they rank customers with a ROC "
            f"AUC of {number(told)}. If so, nobody could have contacted customers in this order, and none of this "
            "profit would have been made: name an amount that is known before.",
            "caveat",
        )
    yield Figure(
        "profit",
        "Profit",
        found.curve,
        "line",
        "contacted",
        "profit",
        caption,
        low="low",
        high="high",
        x_label="share of customers contacted",
        y_label="profit",
        reference={"x": found.contacts / max(len(rows), 1)},
    )
    if not found.contacts:
        yield Finding(f"{_NO_GAIN}: that takes {per}.")
        return
    bound = ""
    if found.bound:
        last = np.sort(rows["probability"].to_numpy())[-found.contacts]
        down = "" if isinstance(task.value, str) else f", down to a probability of {number(float(last), 4)}"
        bound = f", as far as a budget of {number(float(task.budget or 0), 2)} goes{down},"
    yield Finding(
        f"Contacting whoever is expected to pay for it ({per}){bound} is {found.contacts:,} of {len(rows):,} "
        f"{_units(rows)} for {number(found.spent, 2)}, and earned {with_interval(found.worth_it)}; contacting "
        f"everybody {with_interval(found.everybody)}."
    )


def confusion(task: Conversion, converted: Ints, rows: pd.DataFrame, context: Context) -> Iterator[Content]:
    """What is told right and wrong at the threshold."""
    chosen = rows["probability"].to_numpy() >= rows["threshold"].to_numpy()
    table = confusion_table(converted, chosen, rows["customer_id"], context.resamples, context.rng("confusion"))
    low, high = rows["threshold"].min(), rows["threshold"].max()
    at = number(float(low), 4) + (f" to {number(float(high), 4)}" if high > low else "")
    why = {"share": "the share of conversions in training", "profit": "cost of a contact over value of a conversion"}
    told = why.get(str(task.threshold), "as configured")
    caption = f"A conversion is predicted from a probability of {at} on: {told}."
    yield Table("confusion", "Right and wrong at the threshold", table, caption)
    ones = int(converted.sum())
    found, right = int((chosen & (converted == 1)).sum()), int(chosen.sum())
    if ones and right:
        yield Finding(
            f"From a probability of {at} on ({told}), {share(found / ones)} of those who converted are found, and "
            f"{share(found / right)} of those who are picked converted."
        )


def calibration(fitted: Fitted, converted: Ints, rows: pd.DataFrame, context: Context) -> Iterator[Content]:
    """Whether probabilities come true, before and after calibration."""
    chosen = fitted.first.model.calibration
    stages = {"probability": "as predicted"}
    if chosen is not None and chosen.chosen_ != "none":
        stages = {"uncalibrated": "before", "probability": "after"}
    tables = [
        calibration_table(
            converted, rows[column], rows["customer_id"], context.resamples, context.rng("calibration")
        ).assign(calibration=named)
        for column, named in stages.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "calibration", table.pop("calibration"))
    caption = "Tenths of the rows by predicted probability; on the diagonal, what was predicted came true."
    yield Table("calibration", "Calibration", table, caption, len(table))
    yield Figure(
        "calibration",
        "Calibration",
        table,
        "point",
        "predicted",
        "observed",
        caption,
        by="calibration" if len(stages) > 1 else None,
        low="low",
        high="high",
        x_label="predicted probability of a conversion",
        y_label="observed share of conversions",
        reference="diagonal",
    )
    yield from _how_calibrated(fitted, converted, rows, context)


def _how_calibrated(fitted: Fitted, converted: Ints, rows: pd.DataFrame, context: Context) -> Iterator[Content]:
    chosen = fitted.first.model.calibration
    if chosen is None:
        return
    held = fitted.rows.converted[fitted.rows.validation]
    if min(int(held.sum()), int((1 - held).sum())) < FEWEST:
        yield Finding(
            f"Probabilities are not calibrated: validation rows hold fewer than {FEWEST} of one outcome.", "caveat"
        )
        return
    losses = ", ".join(f"{name} {number(loss, 4)}" for name, loss in chosen.losses_.items())
    by = f" by log loss over folds of the validation rows ({losses})" if losses else ""
    if chosen.chosen_ == "none":
        yield Finding(f"Probabilities of the model that is kept are left as they are: no calibration did better{by}.")
        return
    codes, customers = codes_of(rows["customer_id"])
    several = [
        MeanOf(np.square(converted - rows[name].to_numpy()), codes, customers)
        for name in ("probability", "uncalibrated")
    ]
    rng = context.rng("calibrated")
    (after, after_drawn), (before, before_drawn) = bootstrap(several, customers, context.resamples, rng)
    gap = percentile(float(after[0] - before[0]), after_drawn[0] - before_drawn[0])
    yield Finding(
        f"Probabilities of the model that is kept are calibrated by {_STEPS[chosen.chosen_]}{by}: the Brier score of "
        f"these rows goes from {number(float(before[0]), 4)} to {number(float(after[0]), 4)}, a difference of "
        f"{with_interval(gap)}."
    )


def slices(task: Conversion, converted: Ints, rows: pd.DataFrame, context: Context) -> Iterator[Content]:
    """How the model does on kinds of customers."""
    found: list[dict[str, Any]] = []
    small = 0
    for column in (str(name) for name in rows if str(name).startswith(SLICE)):
        for value in sorted(rows[column].unique(), key=_place):
            mine = (rows[column] == value).to_numpy()
            ones = int(converted[mine].sum())
            if min(ones, int(mine.sum()) - ones) < FEW:
                small += 1
                continue
            found.append({"slice": f"{column.removeprefix(SLICE)}: {value}", **_slice(converted, rows, mine, context)})
    if not found:
        return
    left = f" Left out with fewer than {FEW} rows of one outcome: {counted(small, 'kind')}." if small else ""
    caption = f"`gap` is the observed rate minus the mean probability. 95 % intervals resample customers.{left}"
    yield Table("slices", "By kind of customer", pd.DataFrame(found), caption, len(found))
    off = [one for one in found if one["gap_low"] > 0 or one["gap_high"] < 0]
    if off:
        worst = max(off, key=lambda one: abs(float(one["gap"])))
        gap = with_interval(Interval(worst["gap"], worst["gap_low"], worst["gap_high"]))
        yield Finding(
            f"Of {counted(len(found), 'kind')} of customers, {len(off)} convert{'s' * (len(off) == 1)} at another rate "
            f"than predicted, the most {worst['slice']}: observed minus predicted {gap}. One in twenty does by chance.",
            "caveat",
        )


def _place(value: str) -> tuple[float, str]:
    """Where a kind stands among others: ranges by where they begin, then names."""
    first = re.match(r"(up to|above) (-?[\d.,e+-]+)", value)
    if first is None:
        return np.inf, value
    return (-np.inf if first[1] == "up to" else float(first[2].replace(",", ""))), value


def _slice(converted: Ints, rows: pd.DataFrame, mine: NDArray[np.bool_], context: Context) -> dict[str, float]:
    part, truth = rows[mine], converted[mine]
    codes, customers = codes_of(part["customer_id"])
    told = classification_statistics(truth, part["probability"], part["customer_id"], part.get(FOLD))
    several: list[Statistic] = [
        told["roc_auc"],
        told["log_loss"],
        MeanOf(truth - part["probability"].to_numpy(), codes, customers),
    ]
    row: dict[str, float] = {"rows": int(mine.sum()), "rate": float(truth.mean())}
    named = zip(
        ("roc_auc", "log_loss", "gap"),
        bootstrap(several, customers, context.resamples, context.rng("slices")),
        strict=True,
    )
    for name, (value, draws) in named:
        interval = percentile_of(customers)(value[0], draws[0])
        row[name] = interval.value
        if name != "log_loss":
            row |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    return row


def _units(rows: pd.DataFrame) -> str:
    """What is contacted: customers, or rows where a customer has several."""
    return "customers" if rows["customer_id"].is_unique else "rows"

"""Whether a panel can tell which brand is chosen and how price moves that: what is wrong with it, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.config.problems import Problem
from cxai_runner.config.spelling import override
from cxai_runner.data.dataset import Dataset
from tasks.brand_choice import scenarios
from tasks.brand_choice.specification import (
    BRAND,
    Specification,
    allowed_columns,
    alternatives_of,
    brands,
    own,
    sought,
)

if TYPE_CHECKING:
    from tasks.brand_choice.task import BrandChoice

NOTHING = ("0", "none", "")
"""How panels say that nothing was bought."""


def unusable(task: BrandChoice, data: Dataset) -> Iterator[Problem]:
    """Yield why rows are no choices among the alternatives, in training or wherever else."""
    known = alternatives_of(task, data)
    bought = brands(data.frame[BRAND])
    missing = int(bought.isna().sum())
    if missing:
        yield Problem("panel.brand", f"{missing:,} missing values", remedy="say which was bought, or drop these rows")
    if len(known) < 2:
        told = f"{len(known)} alternatives have a column `{task.price}_…`: a choice needs two"
        yield Problem("panel", told, remedy=f"name the columns {task.price}_<alternative>, or set task.price")
        return
    where = override("data.tables.panel.where", {"brand": {"in": list(known)}}) + " (of one file alone: data.where)"
    strangers = bought[bought.notna() & ~bought.isin(known)]
    nothing = int(strangers.isin(NOTHING).sum())
    if nothing:
        told = f"{nothing:,} of {len(bought):,} rows have no purchase, and so no choice"
        yield Problem("panel.brand", told, remedy="leave them out: features.purchases_only=true")
    for name, rows in strangers[~strangers.isin(NOTHING)].value_counts().items():
        if task.alternatives is None:
            told = f"{rows:,} rows are of a brand that has no column `{task.price}_{name}`"
            remedy = "name the column after the brand, or filter its rows out: " + where
        else:
            told = f"chosen on {rows:,} rows, and task.alternatives does not name it"
            remedy = f"add {name} to task.alternatives, or filter: " + where
        yield Problem("panel.brand", told, name, remedy)
    yield from _no_prices(task, data, known)
    yield from _weights(task, data)


def unfed(task: BrandChoice, data: Dataset) -> Iterator[Problem]:
    """Yield terms and instruments that no column of the inputs feeds."""
    spec = Specification.of(task, data)
    allowed = {*allowed_columns(task, data), spec.time}
    for name in (*spec.terms.columns, *spec.instruments):
        what = "an instrument" if name in spec.instruments else "a term of the utility"
        where = "task.instruments" if name in spec.instruments else "task.terms"
        columns = sought(task, name, spec.alternatives, data)
        absent = [column for column in columns if column not in data.frame.columns]
        unseen = [column for column in columns if column in data.frame.columns and column not in allowed]
        if absent:
            told = f"{what} that no column feeds: {', '.join(absent)} missing"
            remedy = f"leave it out of {where}, or name the columns <attribute>_<alternative>"
            yield Problem(f"panel.{name}", told, remedy=remedy)
        elif unseen:
            want = unseen[0] if len(columns) == 1 else f"{name}_*"
            remedy = f"name it among the inputs: features.columns=[{task.price}_*,{want}]"
            yield Problem(f"panel.{name}", f"{what}, but no input of the features", remedy=remedy)


def unanswerable(task: BrandChoice, data: Dataset) -> Iterator[Problem]:
    """Yield why usable training rows cannot tell how prices move choices."""
    spec = Specification.of(task, data)
    frame, there = data.frame, spec.present(data.frame)
    if spec.reference not in spec.alternatives:
        remedy = f"one of {', '.join(spec.alternatives)}"
        yield Problem("task.reference", "is none of the alternatives", spec.reference, remedy)
    times = brands(frame[BRAND]).value_counts().reindex(list(spec.alternatives), fill_value=0)
    for j, name in enumerate(spec.alternatives):
        rest = [one for one in spec.alternatives if one != name]
        others = f"leave it out: {override('task.alternatives', rest)}"
        if not there[:, j].any():
            yield Problem("panel.brand", "is never available", name, others)
        elif not times[name] and (spec.terms.constants or any(t.kind == "alternative" for t in spec.terms.terms)):
            told = "is never chosen on the training rows, so that its constant has no estimate"
            yield Problem("panel.brand", told, name, f"{others}, or pool it with another brand")
    chosen = np.asarray([spec.alternatives.index(one) for one in brands(frame[BRAND])])
    absurd = int((~there[np.arange(len(frame)), chosen]).sum())
    if absurd:
        told = f"{absurd:,} rows have a choice that was not available"
        remedy = f"mend {spec.availability}_…, or ignore it: task.availability=null"
        yield Problem(f"panel.{spec.availability}_*", told, remedy=remedy)
    yield from _values(spec, frame, there)
    yield from scenarios.unanswerable(task, spec, frame)


def _values(spec: Specification, frame: pd.DataFrame, there: NDArray[np.bool_]) -> Iterator[Problem]:
    """Missing values where an alternative was available, prices that are none, and prices that never change."""
    place = {column: there[:, j] for name in spec.attributes for j, column in enumerate(own(name, spec.alternatives))}
    place |= {column: there[:, j] for j, column in enumerate(spec.prices)}
    for column in spec.columns:
        holes = int((frame[column].isna().to_numpy() & place.get(column, np.True_)).sum())
        if holes:
            told = f"{holes:,} missing values" + (" where it was available" if spec.availability else "")
            yield Problem(f"panel.{column}", told, remedy="fill them, or drop these rows: features.missing=drop")
    still = True
    for column in (name for name in spec.prices if name in frame):
        seen = frame[column].to_numpy(dtype=np.float64)[place[column]]
        seen = seen[np.isfinite(seen)]
        if len(seen):
            still = still and float(np.ptp(seen)) < 1e-9
    if still and spec.terms.constants:
        told = "one price only for each alternative: the constants stand for it already"
        remedy = "take a longer window or a category whose prices changed, or leave the price out of task.terms"
        yield Problem(f"panel.{spec.price}_*", told, remedy=remedy)


def _no_prices(task: BrandChoice, data: Dataset, known: Sequence[str]) -> Iterator[Problem]:
    """Prices of zero or less where a brand could be had, in training or wherever else."""
    lowest = np.inf
    for name in known:
        price, flag = own(task.price, [name])[0], own(task.availability or "", [name])[0]
        if price in data.frame:
            values = pd.to_numeric(data.frame[price], errors="coerce")
            there = data.frame[flag].fillna(0).astype(bool) if flag in data.frame else values.notna()
            lowest = float(np.fmin(lowest, values[there].min()))
    if lowest <= 0:
        told = "a price of zero or less: an elasticity means nothing there"
        yield Problem(f"panel.{task.price}_*", told, lowest, "filter these rows out")


def _weights(task: BrandChoice, data: Dataset) -> Iterator[Problem]:
    if task.weights is None or task.weights not in data.frame:
        return
    values = pd.to_numeric(data.frame[task.weights], errors="coerce")
    wrong = int((~(values > 0) | ~np.isfinite(values)).sum())
    if wrong:
        told = f"{wrong:,} weights are no positive number" if wrong > 1 else "1 weight is no positive number"
        yield Problem("task.weights", told, task.weights, "mend them, or drop these rows")

"""The model on kinds of items and of customers: bought before or new, known or not, by segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.intervals import Statistic, bootstrap, percentile_of
from cxai_runner.evaluation.metrics import units_of
from cxai_runner.evaluation.ranking import mean_where, ndcg, recall
from cxai_runner.evaluation.results import Content, Finding, Table
from cxai_runner.evaluation.wording import counted, share, with_interval
from cxai_runner.methods.recommend.lists import parsed
from cxai_runner.task import Context
from tasks.recommendation.rows import BASELINE, MODEL, SLICE, Judged

FEW: Final = 30
"""Customers below which a kind of them is not judged apart."""

Kind = tuple[str, str, NDArray[np.bool_]]
"""A column, its value, and whether each customer is of it."""


def again_and_new(judged: Judged, names: Mapping[str, str], context: Context) -> Iterator[Content]:
    """How much of what was bought had been bought before, and what is found of either."""
    rows = []
    for kind, chosen in (("bought before", judged.again), ("new", ~judged.again)):
        if not chosen.any():
            continue
        wanted = judged.hits(MODEL, chosen)[1]
        statistics: list[Statistic] = [
            mean_where(recall(judged.hits(column, chosen)[0], wanted), wanted > 0, judged.codes, judged.customers)
            for column in judged.lists
        ]
        found = bootstrap(statistics, judged.customers, context.resamples, context.rng("intervals"))
        interval = percentile_of(judged.customers)
        recalls = {
            f"recall, {names[column]}": with_interval(interval(value[0], draws[0]), 4)
            for column, (value, draws) in zip(judged.lists, found, strict=True)
        }
        share_of = float(chosen.mean())
        rows.append({"items": kind, "share": share_of, "customers": int((wanted > 0).sum()), **recalls})
    caption = (
        "`share` of all that was bought and is judged. Recall is the mean over the customers who bought such items."
    )
    yield Table("again_and_new", "Items bought before, and new ones", pd.DataFrame(rows), caption)
    told = f"{share(float(judged.again.mean()))} of what was bought had been bought by the same customer before"
    if (known := judged.listed_again()) is not None:
        told += f"; of what is recommended, {share(float(known.sum() / max((judged.lists[MODEL] >= 0).sum(), 1)))} had"
    yield Finding(f"{told}.")


def cold(judged: Judged, scores: pd.DataFrame, missed: bool, context: Context) -> Iterator[Content]:
    """Customers of whom nothing was known, and items that nobody had bought."""
    begins = judged.scores["history"].to_numpy() == 0
    if begins.any():
        kinds = [("history", "some", ~begins), ("history", "none", begins)]
        rows = _of_kinds(judged, [one for one in kinds if one[2].any()], context)
        is_popular = bool(judged.scores["fallback"].to_numpy()[begins].all())
        first = "Who has no history gets what most customers bought. " if is_popular else ""
        caption = f"{first}95 % intervals resample customers."
        yield Table("cold_customers", "Customers with and without a history", rows, caption)
        who = "None" if begins.all() else f"All but {begins.sum():,}"
        others = "what the others get comes from what else is known of them."
        if is_popular:
            others = "the others get what most customers bought, and no model can do better for them than another."
        yield Finding(f"{who} of {counted(len(judged), 'customer')} had a history: {others}", "caveat")
    unknown, bought = int(scores["unknown"].sum()), int(parsed(scores["bought"])[0][-1])
    if unknown:
        how = (
            "every model misses them"
            if missed
            else "they are left out of what is judged, so that the metrics are of the others alone"
        )
        yield Finding(
            f"{share(unknown / bought)} of what was bought are items that nobody had bought before, or fewer customers "
            f"than `features.fewest`: {how}.",
            "caveat",
        )


def by_segment(judged: Judged, context: Context) -> Iterator[Content]:
    """How the model does on kinds of customers, beside the baseline."""
    every = list(_kinds(judged))
    large = [one for one in every if int(one[2].sum()) >= FEW]
    small = len(every) - len(large)
    if not large:
        return
    found = _of_kinds(judged, large, context)
    left = f" Left out with fewer than {FEW} customers: {counted(small, 'kind')}." if small else ""
    caption = f"NDCG@{judged.k} of the model and of the baseline, and their difference with a 95 % interval.{left}"
    yield Table("segments", "By kind of customer", found, caption, len(found))
    worse = found[found["high"] < 0]
    if len(worse):
        named = ", ".join(f"{one.column} {one.value}" for one in worse.head(4).itertuples())
        yield Finding(
            f"Of {len(found)} kinds of customers, the model does worse than the baseline for {len(worse)}: {named}. "
            "One in forty does by chance.",
            "caveat",
        )


def _kinds(judged: Judged) -> Iterator[Kind]:
    history = judged.scores["history"].to_numpy()
    some = history > 0
    place = np.searchsorted(np.quantile(history[some], [0.25, 0.5, 0.75]), history) if some.any() else history
    for quarter in range(4):
        mine = (place == quarter) & some
        if mine.any():
            yield "items bought before", f"{history[mine].min():,} to {history[mine].max():,}", mine
    for column in (str(name) for name in judged.scores if str(name).startswith(SLICE)):
        for value in sorted(judged.scores[column].unique(), key=str):
            yield column.removeprefix(SLICE), str(value), (judged.scores[column] == value).to_numpy()


def _of_kinds(judged: Judged, kinds: Sequence[Kind], context: Context) -> pd.DataFrame:
    """NDCG of each kind of customers by model and baseline, and the difference; all on the same resamples."""
    codes, units = units_of(judged.scores["customer_id"], context.rng("units"))
    values = [ndcg(*judged.hits(column)) for column in (MODEL, BASELINE)]
    several: list[Statistic] = [mean_where(one, mine, codes, units) for _, _, mine in kinds for one in values]
    found = iter(bootstrap(several, units, context.resamples, context.rng("kinds")))
    rows = []
    for column, value, mine in kinds:
        (ours, a), (theirs, b) = next(found), next(found)
        customers = judged.scores["customer_id"][mine].nunique()
        gap = percentile_of(customers)(float(ours[0] - theirs[0]), a[0] - b[0])
        row = {"column": column, "value": value, "customers": customers}
        row |= {"model": float(ours[0]), "baseline": float(theirs[0])}
        rows.append(row | {"difference": gap.value, "low": gap.low, "high": gap.high})
    return pd.DataFrame(rows)

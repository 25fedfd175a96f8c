"""The model beside others on the same customers: whether it does better, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cxai_runner.evaluation.intervals import FEW_CUSTOMERS, Floats, Statistic, bootstrap, percentile
from cxai_runner.evaluation.results import Content, Figure, Finding, Interval, Table
from cxai_runner.evaluation.wording import number, with_interval
from cxai_runner.task import Context
from tasks.recommendation.rows import AGAINST, BASELINE, MODEL, Judged

_WORDS: Final = {"better": "does better than", "worse": "does worse than", "cannot tell": "cannot be told from"}


@dataclass(frozen=True, eq=False)
class Standing:
    """A model among others on the same customers.

    Parameters
    ----------
    name
        As a sentence has it.
    column
        Whose lists they are, as `rows` has it.
    values
        Each metric with its interval.
    differences
        The model in question minus this one; empty for itself.
    """

    name: str
    column: str
    values: Mapping[str, Interval]
    differences: Mapping[str, Interval]

    def verdict(self, metric: str) -> str:
        """``better``, ``worse`` or ``cannot tell``, of the model in question."""
        gap = self.differences[metric]
        if not (gap.low > 0 or gap.high < 0):
            return "cannot tell"
        return "better" if gap.value > 0 else "worse"


def standings(judged: Judged, names: Mapping[str, str], context: Context) -> list[Standing]:
    """Return the model in question, then each that stands beside it, then the baseline, on the same resamples.

    Parameters
    ----------
    judged
        The scored customers.
    names
        What each is called, by whose lists they are.
    context
        How many resamples, and what draws them: those of `Recommendation.measure`.
    """
    metrics = [one.name for one in judged.named]
    several: list[Statistic] = []
    for column in judged.lists:
        told = judged.statistics(column)
        several += [told[metric] for metric in metrics]
    found = bootstrap(several, judged.customers, context.resamples, context.rng("intervals"))
    values = np.asarray([value[0] for value, _ in found]).reshape(-1, len(metrics))
    draws = np.asarray([drawn[0] for _, drawn in found]).reshape(len(values), len(metrics), -1)
    interval = of_customers(judged.customers)
    return [
        Standing(
            names[column],
            column,
            {one: interval(values[place, i], draws[place, i]) for i, one in enumerate(metrics)},
            {
                one: interval(values[0, i] - values[place, i], draws[0, i] - draws[place, i])
                for i, one in enumerate(metrics)
                if column != MODEL
            },
        )
        for place, column in enumerate(judged.lists)
    ]


class of_customers:  # noqa: N801 - reads as a function
    """Make intervals of resamples; none of fewer customers than tell what others would have done."""

    def __init__(self, customers: int) -> None:
        self.known = customers >= FEW_CUSTOMERS

    def __call__(self, value: float, draws: Floats) -> Interval:
        """Return a value with its interval."""
        return percentile(float(value), draws) if self.known else Interval(float(value), np.nan, np.nan)


def headline(found: Sequence[Standing], k: int, *, is_baseline: bool) -> Finding:
    """Say whether the model does better than those beside it, and than what most customers bought."""
    first, *others = found
    own = f"{first.name} ({number(first.values['ndcg'].value)})"
    if is_baseline:
        others = [one for one in others if one.column != BASELINE]
        own = f"what most customers bought ({number(first.values['ndcg'].value)}), which others have to beat,"
    parts = []
    for verdict, word in _WORDS.items():
        mine = [one for one in others if one.verdict("ndcg") == verdict]
        if mine:
            parts.append(f"{word} {' and '.join(_gap(one) for one in mine)}")
    told = ", and ".join(parts) or "stands alone: nothing is beside it"
    return Finding(f"By NDCG@{k} over the whole catalogue, {own} {told}.", "headline")


def contents(found: Sequence[Standing], judged: Judged) -> Iterator[Content]:
    """The models beside each other, and the differences."""
    first, *others = found
    labels = {one.name: one.label for one in judged.named}
    shown = pd.DataFrame(
        [{"model": one.name, **{labels[m]: with_interval(one.values[m], 4) for m in labels}} for one in found]
    )
    caption = (
        "Every list is a ranking of the whole catalogue. 95 % intervals resample customers. Recall and MAP are divided "
        "by all that a customer bought, so that a list of k cannot reach 1 where more was bought; NDCG has the best "
        "list of k for its ideal, and `ideal of all` the best list of any length."
    )
    yield Table("models", "Models on the same customers", shown, caption)
    gaps = [
        {
            "against": one.name,
            "metric": labels[metric],
            "its": one.values[metric].value,
            "difference": one.differences[metric].value,
            "low": one.differences[metric].low,
            "high": one.differences[metric].high,
            "verdict": one.verdict(metric),
        }
        for one in others
        for metric in labels
    ]
    caption = (
        f"{first.name[:1].upper()}{first.name[1:]} minus the other, on the same resamples of customers; a verdict is "
        "given only where the interval leaves out 0."
    )
    yield Table("differences", "Differences from the models beside it", pd.DataFrame(gaps), caption, len(gaps))
    new = [one for one in others if "recall_new" in labels and one.verdict("recall_new") != one.verdict("ndcg")]
    for one in new:
        yield Finding(
            f"Of items that customers had not bought before, {first.name} {_WORDS[one.verdict('recall_new')]} "
            f"{one.name}: a recall of {number(first.values['recall_new'].value, 4)}, a difference of "
            f"{with_interval(one.differences['recall_new'])}."
        )


def by_length(judged: Judged, names: Mapping[str, str], context: Context) -> Iterator[Content]:
    """Recall of lists of one item, two, … k."""
    statistics: list[Statistic] = []
    for column in judged.lists:
        hits, wanted = judged.hits(column)
        statistics.append(ByLength(hits.cumsum(axis=1) / np.maximum(wanted, 1)[:, np.newaxis], judged))
    found = bootstrap(statistics, judged.customers, context.resamples, context.rng("intervals"), judged.k)
    interval = of_customers(judged.customers)
    rows = []
    for column, (values, draws) in zip(judged.lists, found, strict=True):
        for place, (value, drawn) in enumerate(zip(values, draws, strict=True), 1):
            one = interval(value, drawn)
            rows.append({"items": place, "recall": value, "low": one.low, "high": one.high, "model": names[column]})
    caption = "Mean share of what a customer bought that is on a list of so many items; bands are 95 % intervals."
    yield Figure(
        "recall_by_length",
        "Recall by length of the list",
        pd.DataFrame(rows),
        "line",
        "items",
        "recall",
        caption,
        by="model",
        low="low",
        high="high",
        x_label="items on the list",
    )


class ByLength:
    """Mean over customers of a number at each length of the list.

    Parameters
    ----------
    values
        Shape (n, k).
    judged
        Whose rows these are.
    """

    def __init__(self, values: Floats, judged: Judged) -> None:
        self.sums = np.stack([np.bincount(judged.codes, one, judged.customers) for one in values.T])
        self.rows = np.bincount(judged.codes, minlength=judged.customers).astype(np.float64)

    def __call__(self, counts: Floats) -> Floats:
        """Return the means for every resample, shape (k, b)."""
        found: Floats = (self.sums @ counts) / (self.rows @ counts)
        return found


def called(judged: Judged, name: str, against: Mapping[str, str], baseline: str) -> dict[str, str]:
    """Name each model by whose lists they are; two of one name by what the config calls them."""
    named = {
        column: name if column == MODEL else baseline if column == BASELINE else against[column.removeprefix(AGAINST)]
        for column in judged.lists
    }
    if list(named.values()).count(baseline) > 1:
        named[BASELINE] = f"plain {baseline}"
    own = {column: column.removeprefix(AGAINST).replace("_", " ") for column in judged.lists if AGAINST in column}
    twice = [column for column in own if list(named.values()).count(named[column]) > 1]
    return named | {column: own[column] for column in twice}


def _gap(one: Standing) -> str:
    its, gap = one.values["ndcg"], one.differences["ndcg"]
    return f"{one.name} ({number(its.value)}, a difference of {with_interval(gap)})"

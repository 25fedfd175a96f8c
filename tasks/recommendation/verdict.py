"""The model beside others on the same customers: whether it does better, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from cxai_runner.evaluation.intervals import Floats, Statistic, bootstrap, percentile_of
from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.standings import WORDS, Standings, standings
from cxai_runner.evaluation.wording import number, with_interval
from cxai_runner.task import Context
from tasks.recommendation.rows import AGAINST, BASELINE, MODEL, Judged


def compared(judged: Judged, names: Mapping[str, str], context: Context) -> Standings:
    """Put the model beside each that stands beside it, and the baseline, on the same resamples.

    Parameters
    ----------
    judged
        The scored customers.
    names
        What each is called, by whose lists they are.
    context
        How many resamples, and what draws them: those of `Recommendation.measure`.
    """
    named = judged.named
    told = {column: judged.statistics(column) for column in judged.lists}
    several = {column: [one[metric.name] for metric in named] for column, one in told.items()}
    return standings(several, named, names, judged.customers, context)


def each_once(judged: Judged) -> tuple[Judged, list[str]]:
    """Leave out lists that are all the same as the baseline's, and the baseline's own where those of the model are.

    Returns
    -------
    judged
        With the lists that are left.
    alike
        Whose lists are the baseline's: without repeats, for one, those of personal frequency.
    """
    baseline = judged.lists[BASELINE]
    alike = [one for one, lists in judged.lists.items() if one != BASELINE and np.array_equal(lists, baseline)]
    left_out = {*alike, BASELINE} - {MODEL} if MODEL in alike else {*alike}
    return replace(judged, lists={one: judged.lists[one] for one in judged.lists if one not in left_out}), alike


def headline(found: Standings, k: int, *, is_baseline: bool, same_as: str = "") -> Finding:
    """Say whether the model does better than those beside it, and than what most customers bought.

    ``same_as`` names the baseline where another model makes all of its lists.
    """
    ndcg = number(found.metrics["ndcg"].value.value)
    own = f"{found.name} ({ndcg})"
    if is_baseline:
        own = f"what most customers bought ({ndcg}), which others have to beat,"
    elif same_as:
        own += f", whose lists are all those of {same_as},"
    told = found.worded("ndcg", found.others) or "stands alone: nothing else is beside it"
    return Finding(f"By NDCG@{k} over the whole catalogue, {own} {told}.", "headline")


def contents(found: Standings) -> Iterator[Content]:
    """The models beside each other, and the differences."""
    caption = (
        "Every list is a ranking of the whole catalogue. 95 % intervals resample customers. Recall and MAP are divided "
        "by all that a customer bought, so that a list of k cannot reach 1 where more was bought; NDCG has the best "
        "list of k for its ideal, and `ideal of all` the best list of any length."
    )
    yield Table("models", "Models on the same customers", found.models, caption)
    if not found.others:
        return
    gaps = found.differences.drop(columns=["its_low", "its_high"])
    caption = (
        f"{found.name[:1].upper()}{found.name[1:]} minus the other, on the same resamples of customers; a verdict is "
        "given only where the interval leaves out 0."
    )
    yield Table("differences", "Differences from the models beside it", gaps, caption, len(gaps))
    for one in found.others if "recall_new" in found.metrics else ():
        if one.verdict("recall_new") != one.verdict("ndcg"):
            yield Finding(
                f"Of items that customers had not bought before, {found.name} {WORDS[one.verdict('recall_new')]} "
                f"{one.name}: a recall of {number(found.metrics['recall_new'].value.value, 4)}, a difference of "
                f"{with_interval(one.difference('recall_new'))}."
            )


def by_length(judged: Judged, names: Mapping[str, str], context: Context) -> Iterator[Content]:
    """Recall of lists of one item, two, … k."""
    statistics: list[Statistic] = []
    for column in judged.lists:
        hits, wanted = judged.hits(column)
        statistics.append(ByLength(hits.cumsum(axis=1) / np.maximum(wanted, 1)[:, np.newaxis], judged))
    found = bootstrap(statistics, judged.customers, context.resamples, context.rng("intervals"), judged.k)
    interval = percentile_of(judged.customers)
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

"""A model among others on the same rows: each metric with its interval, what it is ahead by, and how that is worded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cxai_runner.evaluation.intervals import Statistic, bootstrap, percentile_of
from cxai_runner.evaluation.metrics import Named, paired
from cxai_runner.evaluation.results import Interval, Metric
from cxai_runner.evaluation.wording import number, with_interval

WORDS: Final = {"better": "does better than", "worse": "does worse than", "cannot tell": "cannot be told from"}


@dataclass(frozen=True, eq=False)
class Beside:
    """One that a model stands beside.

    Parameters
    ----------
    name
        As a sentence has it.
    column
        Whose predictions they are, as scores have it.
    metrics
        Of the model, with this one for the baseline.
    """

    name: str
    column: str
    metrics: Mapping[str, Metric]

    def verdict(self, metric: str) -> str:
        """``better``, ``worse`` or ``cannot tell``, of the model."""
        return self.metrics[metric].verdict

    def value(self, metric: str) -> Interval:
        """Return what this one comes to."""
        found = self.metrics[metric].baseline
        assert found is not None
        return found

    def difference(self, metric: str) -> Interval:
        """Return the model minus this one."""
        found = self.metrics[metric].difference
        assert found is not None
        return found


@dataclass(frozen=True, eq=False)
class Standings:
    """A model, and those that it stands beside.

    Parameters
    ----------
    name
        Of the model, as a sentence has it.
    metrics
        Of the model, the mean over its seeds.
    others
        In the order in which they are read.
    seeds
        How many there were.
    """

    name: str
    metrics: Mapping[str, Metric]
    others: Sequence[Beside]
    seeds: int = 1

    @property
    def models(self) -> pd.DataFrame:
        """A row for each model: its metrics, as they are read."""
        rows = [(self.name, [one.value for one in self.metrics.values()])]
        rows += [(other.name, [other.value(name) for name in self.metrics]) for other in self.others]
        labels = [one.label for one in self.metrics.values()]
        told = [[name, *(with_interval(one, 4) for one in row)] for name, row in rows]
        return pd.DataFrame(told, columns=["model", *labels])

    @property
    def differences(self) -> pd.DataFrame:
        """A row for each of the others and each metric: its value, the model's minus that, and the verdict."""
        rows = []
        for other in self.others:
            for name, metric in self.metrics.items():
                its, gap = other.value(name), other.difference(name)
                row: dict[str, Any] = {"against": other.name, "metric": metric.label}
                row |= {"its": its.value, "its_low": its.low, "its_high": its.high}
                row |= {"difference": gap.value, "low": gap.low, "high": gap.high}
                rows.append(row | {"verdict": other.verdict(name)})
        return pd.DataFrame(rows)

    def worded(self, metric: str, others: Sequence[Beside], digits: int = 3) -> str:
        """Word what others come to: ``does better than popularity (0.031, a difference of 0.022 [0.019, 0.025])``."""
        parts = []
        for verdict, words in WORDS.items():
            those = [
                f"{one.name} ({number(one.value(metric).value, digits)}, "
                f"a difference of {with_interval(one.difference(metric))})"
                for one in others
                if one.verdict(metric) == verdict
            ]
            if those:
                parts.append(f"{words} {' and '.join(those)}")
        return ", and ".join(parts)


def standings(
    several: Mapping[str, Sequence[Statistic]],
    named: Sequence[Named],
    names: Mapping[str, str],
    customers: int,
    context: Any,
    *,
    seeds: int = 1,
    rows: int = 0,
) -> Standings:
    """Put a model beside others: on the same resamples of customers, each with one of the model's seeds.

    So an interval holds what other customers would have changed, and what another seed would have.

    Parameters
    ----------
    several
        The metrics of each model as functions of how often a customer is drawn, by the column of its predictions. The
        model's own come first, once for each of its seeds.
    named
        The metrics.
    names
        What each model is called, by its column.
    customers
        How many there are.
    context
        The task's `Context`: how many resamples, and what draws them.
    seeds
        How many of ``several`` are the model's.
    rows
        Rows that a statistic weights at once.
    """
    together = [one for those in several.values() for one in those]
    found = bootstrap(together, customers, context.resamples, context.rng("intervals"), rows)
    values = np.asarray([value[0] for value, _ in found]).reshape(len(several), len(named))
    draws = np.asarray([drawn[0] for _, drawn in found]).reshape(len(several), len(named), -1)
    seed = context.rng("seed of a resample").integers(seeds, size=draws.shape[2])
    value, drawn = values[:seeds].mean(axis=0), draws[seed, :, np.arange(draws.shape[2])].T
    columns, interval = list(several), percentile_of(customers)
    metrics = {
        one.name: Metric(one.name, one.label, interval(value[i], drawn[i]), one.better) for i, one in enumerate(named)
    }
    ours, others = list(zip(value, drawn, strict=True)), []
    for place, column in enumerate(columns[seeds:], seeds):
        pairs = zip(named, ours, zip(values[place], draws[place], strict=True), strict=True)
        others.append(Beside(names[column], column, {one[0].name: paired(*one, customers) for one in pairs}))
    return Standings(names[columns[0]], metrics, others, seeds)

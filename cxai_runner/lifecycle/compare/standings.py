"""Runs as rows: those that differ in seed alone in one, best first, with the params that tell them apart."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.evaluation.results import Better, Interval
from cxai_runner.lifecycle.runs import VALUES
from cxai_runner.tracking.record import UNSEEDED

if TYPE_CHECKING:
    from cxai_runner.lifecycle.compare.entries import Entry

PARTS: Final = ("held_out", "challenge", "train")
"""Where a metric is looked for: the part that carries the evidence first."""
_NO_MATTER: Final = ("seed", "name", "tracking", "cache", "privacy", "targets", "hydra")
"""Keys that make no other experiment: the seed is told for itself, the rest is where and under what name it is kept."""
_GROUPS: Final = ("model", "features", "split", "data")


@dataclass(frozen=True)
class Goal:
    """What runs are compared by.

    Parameters
    ----------
    name, part
        The metric, and the rows that it is measured on: ``log_loss`` of ``held_out``.
    better
        Whether lower or higher is better.
    """

    name: str
    part: str
    better: Better

    @property
    def key(self) -> str:
        """As it is logged."""
        return f"{self.part}/{self.name}"

    @property
    def label(self) -> str:
        """As it is read."""
        return self.name.replace("_", " ")

    @property
    def baseline(self) -> str:
        """As the baseline's is logged."""
        return f"baseline/{self.name}" if self.part == "held_out" else f"{self.part}/baseline/{self.name}"

    def cost(self, value: float) -> float:
        """Return a value such that lower is better."""
        return value if self.better == "lower" else -value


@dataclass(frozen=True, eq=False)
class Row:
    """One experiment: a run, or several that differ in their seed alone.

    Parameters
    ----------
    entries
        Its runs, one for each seed.
    repeats
        Further runs of one of these seeds: of the same identity, so that they say nothing new.
    rank
        From 1; None for one without a value.
    value
        The metric with its interval; over several seeds their mean and their range.
    baseline
        The baseline's, the same way.
    spread
        Standard deviation over seeds; NaN of one run.
    took
        Seconds, the mean over seeds.
    params
        Those that differ among all rows.
    """

    entries: tuple[Entry, ...]
    value: Interval | None
    baseline: Interval | None
    spread: float
    took: float | None
    rank: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    repeats: tuple[Entry, ...] = ()

    @property
    def first(self) -> Entry:
        """The run that stands for all."""
        return self.entries[0]

    @property
    def run(self) -> str:
        """The beginning of the first run's id."""
        return self.first.short

    @property
    def seeds(self) -> tuple[str, ...]:
        """The seeds of its runs."""
        return tuple(entry.seed for entry in self.entries)


def standings(entries: Sequence[Entry], goal: Goal | None) -> list[Row]:
    """Fold runs that differ in their seed alone, and rank the rows; those without a value come last.

    Without a goal none has a value, and they come as they are named.
    """
    of: dict[str, list[Entry]] = {}
    for entry in entries:
        key = entry.tags.get(UNSEEDED, "") if entry.status == "FINISHED" else ""
        of.setdefault(key or entry.run_id, []).append(entry)
    plain = [_row(folded, goal) for folded in of.values()]
    told = differing([row.first for row in plain])
    plain = [replace(row, params={key: row.first.params.get(key, "") for key in told}) for row in plain]
    if goal is None:
        return plain
    ranked = sorted((row for row in plain if row.value is not None), key=lambda row: _cost(row, goal))
    return [replace(row, rank=rank) for rank, row in enumerate(ranked, 1)] + [row for row in plain if row.value is None]


def differing(entries: Sequence[Entry]) -> list[str]:
    """Return the params that are not the same for all: what a sweep set, then those of the model, then the others.

    A run that kept no params says nothing.
    """
    known = [entry.params for entry in entries if entry.params]
    keys = sorted({key for params in known for key in params if key.partition(".")[0] not in _NO_MATTER})
    told = [key for key in keys if len({_plain(params.get(key)) for params in known}) > 1]
    swept = {key for entry in entries for key in json.loads(entry.tags.get(VALUES, "{}"))}
    return sorted(told, key=lambda key: (not _is_set(key, swept), _order(key), not key.endswith("._target_")))


def _is_set(key: str, swept: Collection[str]) -> bool:
    """Whether a sweep set a param, or chose the part that it says the class of."""
    if key.endswith("._target_"):
        return any(key.startswith(f"{one}.") for one in swept)
    return any(key == one or ("." in one and key.startswith(f"{one}.")) for one in swept)


def _plain(text: str | None) -> str | float | None:
    """A param as it is compared: 1 and 1.0 are no difference."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _order(key: str) -> int:
    group = key.partition(".")[0]
    return _GROUPS.index(group) if group in _GROUPS else len(_GROUPS)


def goal_of(entries: Sequence[Entry], metric: str | None, better: Mapping[str, Better]) -> Goal | None:
    """Say what runs are compared by; None of runs that only describe, which measure nothing.

    Parameters
    ----------
    entries
        The runs.
    metric
        The metric that was asked for; by default the runs' primary one.
    better
        Which way is better, by metric, as far as the runs know.

    Raises
    ------
    UserError
        No run has it, or nobody knows which way is better.
    """
    measured = {key for entry in entries for key in entry.metrics if key.partition("/")[0] in PARTS}
    names = {
        key.partition("/")[2]: None for key in sorted(measured) if "baseline/" not in key and "difference/" not in key
    }
    asked = metric or next((name for entry in entries if (name := entry.tags.get("cxai.primary_metric"))), None)
    if asked is None and not names:
        return None
    if asked is None:
        remedy = "name one: --metric " + next(iter(names))
        raise UserError([Problem("--metric", "these runs have no primary metric", remedy=remedy)])
    part, _, name = asked.rpartition("/")
    found = next((one for one in ([part] if part else PARTS) if f"{one}/{name}" in measured), None)
    if found is None:
        finished = any(entry.status == "FINISHED" for entry in entries)
        nothing = "they measure nothing: leave --metric out" if finished else "none of them finished"
        remedy = _nearest_first(name, [one for one in names if one in better]) if names else nothing
        raise UserError([Problem("--metric", "no run measured it", asked, remedy)])
    if name not in better:
        told = "which way is better is not known of it"
        raise UserError([Problem("--metric", told, asked, _nearest_first(name, better))])
    return Goal(name, found, better[name])


def _nearest_first(name: str, known: Iterable[str]) -> str:
    """Every metric that runs can be compared by, those with a name like this one first."""
    likeness = SequenceMatcher(b=name.casefold())

    def distance(one: str) -> tuple[float, str]:
        likeness.set_seq1(one.casefold())
        return -likeness.ratio(), one

    several = sorted({*known}, key=distance)
    return f"one of: {', '.join(several)}" if several else ""


def _row(folded: Sequence[Entry], goal: Goal | None) -> Row:
    by_seed: dict[str, Entry] = {}
    for entry in folded:
        by_seed.setdefault(entry.seed, entry)
    entries = tuple(sorted(by_seed.values(), key=lambda entry: (len(entry.seed), entry.seed)))
    repeats = tuple(entry for entry in folded if entry not in entries)
    took = [entry.took for entry in entries if entry.took is not None]
    keys = (None, None) if goal is None else (goal.key, goal.baseline)
    (value, spread), (baseline, _) = (
        _over_seeds([] if key is None else [entry.interval(key) for entry in entries]) for key in keys
    )
    return Row(entries, value, baseline, spread, fmean(took) if took else None, repeats=repeats)


def _over_seeds(found: Sequence[Interval | None]) -> tuple[Interval | None, float]:
    known = [one for one in found if one is not None]
    if len(known) < 2:
        return (known[0] if known else None), math.nan
    values = [one.value for one in known]
    return Interval(fmean(values), min(values), max(values)), stdev(values)


def _cost(row: Row, goal: Goal) -> float:
    assert row.value is not None
    return goal.cost(row.value.value)

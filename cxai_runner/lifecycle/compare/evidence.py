"""Which rows are judged against which, and by what: the scores of their runs, on the same held-out rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from math import isfinite, sqrt
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.comparison import Comparison, adjusted, of_error, resampled_error
from cxai_runner.evaluation.paired import compare_pairs
from cxai_runner.evaluation.results import Content, Interval
from cxai_runner.evaluation.when_asked import WhenAsked
from cxai_runner.kept.run import Kept
from cxai_runner.lifecycle.compare.words import listed
from cxai_runner.task import Context

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.lifecycle.compare.entries import Entry
    from cxai_runner.lifecycle.compare.standings import Goal, Row
    from cxai_runner.task import Task
    from cxai_runner.tracking.store import Store

TOP: Final = 10
"""So many of the best are compared among themselves."""
_RESAMPLES: Final = 1000

Places = tuple[int, int]
"""Of two rows, by their place in the list of all."""


def judged(rows: Sequence[Row], against: int, shown: int, goal: Goal, store: Store) -> dict[Places, Comparison]:
    """Compare each shown row with one, and the top ten among themselves.

    Parameters
    ----------
    rows
        All, best first.
    against
        The place of the one that the others are compared with.
    shown
        How many of the first are judged.
    goal
        What they are compared by.
    store
        Where the scores of their runs are; only those of rows that are judged are read.

    Returns
    -------
    comparisons
        By place of ours and of theirs, in both directions; p values corrected for all of them.
    """
    ranked = [place for place, row in enumerate(rows) if row.rank is not None]
    beside = [(place, against) for place in ranked if place < shown and place != against]
    among = [pair for pair in combinations(ranked[:TOP], 2) if pair not in beside and pair[::-1] not in beside]
    pairs = [*beside, *among]
    if not pairs:
        return {}
    first = rows[pairs[0][0]].first
    try:
        task, reason = _task(store, first.run_id), ""
    except UserError as error:
        task, reason = None, f"their task cannot be built here ({error.problems[0].message})"
    if task is None:
        found = [Comparison.none(goal.name, reason, goal.better) for _ in pairs]
    else:
        found = adjusted(_compared([(rows[a], rows[b]) for a, b in pairs], goal, task, store))
    once = dict(zip(pairs, found, strict=True))
    return once | {(b, a): _turned(one) for (a, b), one in once.items()}


def beside(rows: Sequence[Row], shown: int, goal: Goal | None, store: Store) -> tuple[Content, ...]:
    """Ask the task what else is to be said of runs beside each other; of several seeds the first stands for all.

    Parameters
    ----------
    rows, shown
        All, best first, and how many of the first are looked at.
    goal
        What they are compared by.
    store
        Where the scores of their runs are; none is read where the task has nothing to say.
    """
    finished = [row for row in rows if row.first.status == "FINISHED"][:shown]
    if len(finished) < 2:
        return ()
    try:
        task = _task(store, finished[0].first.run_id)
    except UserError:  # what cannot be built here was told by whoever judged
        return ()
    parts = dict.fromkeys([*([goal.part] if goal is not None else []), "held_out", "train"])
    reads = {row.run: partial(_first_part, store, row.first.run_id, tuple(parts)) for row in finished}
    return tuple(task.beside(WhenAsked(reads)))


def _first_part(store: Store, run_id: str, parts: Sequence[str]) -> pd.DataFrame | None:
    """The scores of the first of these parts that a run has."""
    found = (_scores(store, part)(run_id) for part in parts)
    return next((scores for scores in found if scores is not None), None)


def _task(store: Store, run_id: str) -> Task:
    from cxai_runner.kept.again import task_of

    return task_of(Kept(store, run_id))


def _compared(pairs: Sequence[tuple[Row, Row]], goal: Goal, task: Task, store: Store) -> list[Comparison]:
    """Compare rows seed by seed where they have several seeds in common, else by one run of each."""
    met = [list(_meetings(*pair)) for pair in pairs]
    wanted = [(a.run_id, b.run_id) for several in met for a, b in several]
    # Whether the seeds of a row hold out the same rows is told by comparing its runs with each other.
    wanted += [(several[0][0].run_id, several[1][0].run_id) for several in met if len(several) > 1]
    found = compare_pairs(task, Context(resamples=_RESAMPLES), _scores(store, goal.part), wanted, goal.name)
    told = []
    for several in met:
        ours = [_explained(found[a.run_id, b.run_id], a, b, goal) for a, b in several]
        same_rows = len(several) > 1 and not found[several[0][0].run_id, several[1][0].run_id].incomparable
        told.append(ours[0] if len(ours) == 1 else _over_seeds(ours, several[0][0], goal, same_rows=same_rows))
    return told


def _meetings(ours: Row, theirs: Row) -> Iterable[tuple[Entry, Entry]]:
    """The runs of two rows that are compared: those of the seeds that both have, or the first of each."""
    others = {entry.seed: entry for entry in theirs.entries}
    common = [(entry, others[entry.seed]) for entry in ours.entries if entry.seed in others]
    return common or [(ours.first, theirs.first)]


def _over_seeds(several: Sequence[Comparison], first: Entry, goal: Goal, *, same_rows: bool) -> Comparison:
    """Put the comparisons of several seeds together.

    Where each seed holds out other rows, by the corrected resampled t-test. Where all are judged on the same rows, what
    those customers happen to be like is in every seed: that error stays whole, and the seeds' own is added to it. The
    degrees of freedom of the sum are Satterthwaite's (1946, Biometrics Bulletin 2, eq. 17).
    """
    refused = next((one for one in several if one.incomparable), None)
    if refused is not None:
        return refused
    gaps = [one.difference.value for one in several]
    named = (goal.name, several[0].label, goal.better)
    customers = min(one.customers for one in several)
    if same_rows:
        value, between = resampled_error(gaps, 0.0)
        within = fmean(one.error**2 for one in several)
        error = sqrt(between**2 + within)
        parts = between**4 / (len(gaps) - 1) + within**2 / several[0].freedom
        freedom = error**4 / parts if parts else several[0].freedom
        how = f"{several[0].how}, {len(gaps)} seeds"
        return of_error(named, value, error, freedom, customers, how)
    train, held_out = (first.rows.get(part) for part in ("train", "held_out"))
    ratio = held_out / train if train and held_out else 1.0
    value, error = resampled_error(gaps, ratio)
    how = f"corrected resampled t-test over {len(gaps)} seeds"
    return of_error(named, value, error, len(gaps) - 1, customers, how)


def _scores(store: Store, part: str) -> Any:
    def read(run_id: str) -> pd.DataFrame | None:
        import pandas as pd

        try:
            with Kept(store, run_id).folder(f"scores/{part}.parquet") as path:
                return pd.read_parquet(path)
        except UserError:  # a run of which nothing was held out, say
            return None

    return read


def _explained(found: Comparison, ours: Entry, theirs: Entry, goal: Goal) -> Comparison:
    """Say why the rows of two runs are not the same, where they are not."""
    if not found.incomparable:
        return found
    whose = "held-out rows" if goal.part == "held_out" else "rows"
    reasons = list(_reasons(ours, theirs))
    told = f"{', '.join(reasons)}; {whose}: {found.incomparable}" if reasons else f"{whose}: {found.incomparable}"
    return replace(found, incomparable=told)


def _reasons(ours: Entry, theirs: Entry) -> Iterable[str]:
    tables = dict.fromkeys([*ours.read, *theirs.read])
    other = dict.fromkeys(name.rpartition(".")[2] for name in tables if ours.read.get(name) != theirs.read.get(name))
    if other:
        yield f"other data ({listed(list(other), 2)})"
    for part, words in (("split", "another split"), ("features", "other features")):
        keys = dict.fromkeys(key for key in (*ours.params, *theirs.params) if key.partition(".")[0] == part)
        changed = [key for key in keys if ours.params.get(key) != theirs.params.get(key)]
        if changed:
            target = f"{part}._target_"  # of another class, other keys say nothing more
            few = [target] if target in changed else changed[:2]
            shown = ", ".join(_beside(key, ours.params, theirs.params) for key in few)
            yield f"{words} ({shown}{', …' * (target not in changed and len(changed) > 2)})"
    if ours.seed != theirs.seed:
        yield f"another seed of the split ({ours.seed} and {theirs.seed})"


def _beside(key: str, ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    mine, other = (params.get(key, "none") for params in (ours, theirs))
    word = key.rpartition(".")[2]
    if word == "_target_":
        return " and ".join(one.rpartition(".")[2] for one in (mine, other))
    return f"{word} {mine} and {other}"


def _turned(found: Comparison) -> Comparison:
    """The same comparison from the other's side."""
    gap = found.difference
    if not isfinite(gap.value):
        return found
    return replace(found, difference=Interval(0.0 - gap.value, 0.0 - gap.high, 0.0 - gap.low))

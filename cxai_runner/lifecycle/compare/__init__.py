"""Runs compared with evidence: what differs between them, and whether the difference is real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cxai_runner.config.problems import Problem, UserError

if TYPE_CHECKING:
    from cxai_runner.evaluation.comparison import Comparison
    from cxai_runner.evaluation.results import Better
    from cxai_runner.lifecycle.compare.compared import Compared
    from cxai_runner.lifecycle.compare.entries import Entry
    from cxai_runner.lifecycle.compare.standings import Row
    from cxai_runner.tracking.store import Store

SHOWN = 20
"""So many of the best are judged where no run is named."""


def compare(
    store: Store,
    runs: Sequence[str] = (),
    *,
    experiment: str | None = None,
    sweep: str | None = None,
    where: Sequence[str] = (),
    metric: str | None = None,
    against: str | None = None,
    top: int | None = None,
) -> Compared:
    """Compare runs of one task.

    Parameters
    ----------
    store
        Where they are.
    runs
        Ids, the beginnings of them, names, or ``last``; a sweep stands for its points.
    experiment, sweep
        All runs of an experiment, all points of a sweep.
    where
        Conditions that a run has to meet: ``params.model.C>1``, ``status=FINISHED``.
    metric
        What they are compared by; by default the task's primary metric.
    against
        The run that the others are compared with; by default the best.
    top
        How many rows are judged; by default every run that is named, else twenty.

    Raises
    ------
    UserError
        A run, experiment, condition or metric that is not there; no runs; runs of different tasks or metrics.
    """
    from cxai_runner.lifecycle.compare import entries as reading
    from cxai_runner.lifecycle.compare.compared import Compared
    from cxai_runner.lifecycle.compare.evidence import beside, judged
    from cxai_runner.lifecycle.compare.standings import goal_of, standings
    from cxai_runner.lifecycle.compare.where import chosen

    if not (runs or experiment or sweep):
        remedy = "name runs, or an experiment (--experiment NAME), or a sweep (--sweep RUN)"
        raise UserError([Problem("RUN", "which runs?", remedy=remedy)])
    found: dict[str, Entry] = {}
    for several in (
        reading.named(store, runs) if runs else [],
        reading.of_experiment(store, experiment) if experiment else [],
        reading.of_sweep(store, sweep) if sweep else [],
    ):
        found |= {entry.run_id: entry for entry in several}
    entries = chosen(list(found.values()), where)
    if against is not None:
        entries += [one for one in reading.named(store, [against]) if one.run_id not in {e.run_id for e in entries}]
    if not entries:
        raise UserError([Problem("RUN", "no run is left", remedy="loosen the conditions, or see `cxai list runs`")])
    _refuse_mixed(entries, metric)
    goal = goal_of(entries, metric, _directions(store, entries, metric))
    rows = tuple(standings(entries, goal))
    place = _place(store, rows, against)
    shown = top or (max(len(rows), SHOWN) if runs else SHOWN)
    comparisons = {} if place is None or goal is None else judged(rows, place, shown, goal, store)
    task = next((name for entry in entries if (name := entry.tags.get("cxai.task"))), "")
    tests = sum(not one.incomparable for one in comparisons.values()) // 2
    notes = [*_alone(rows, place, comparisons), *_notes(rows, "" if goal is None else goal.part, shown, tests)]
    return Compared(rows, goal, place, shown, comparisons, task, tuple(notes), beside(rows, shown, goal, store))


def _refuse_mixed(entries: Sequence[Entry], metric: str | None) -> None:
    """Refuse runs of several tasks, or of several primary metrics where none was asked for."""
    tags = ("cxai.task", *(["cxai.primary_metric"] if metric is None else []))
    for tag, words, remedy in zip(
        tags,
        ("of different tasks: their metrics mean different things", "judged by different metrics"),
        ("compare runs of one: --where tags.cxai.task=NAME", "say by which: --metric NAME"),
        strict=False,
    ):
        of: dict[str, list[str]] = {}
        for entry in entries:
            if entry.status == "FINISHED":
                of.setdefault(entry.tags.get(tag, "unknown"), []).append(entry.short)
        if len(of) > 1:
            told = "; ".join(f"{name} ({', '.join(ids[:3])}{', …' * (len(ids) > 3)})" for name, ids in of.items())
            raise UserError([Problem("RUN", f"these are {words}: {told}", remedy=remedy)])


def _directions(store: Store, entries: Sequence[Entry], metric: str | None) -> Mapping[str, Better]:
    """Which way is better, by metric: of the primary one by its tag, of others as the report of a run has it."""
    from cxai_runner.lifecycle.compare.standings import PARTS

    known: dict[str, Better] = {}
    for entry in entries:
        primary, better = (entry.tags.get(f"cxai.{name}") for name in ("primary_metric", "better"))
        if primary and better in ("lower", "higher"):
            known[primary] = "lower" if better == "lower" else "higher"
    asked = (metric or "").rpartition("/")[2]
    if asked and asked not in known:
        from cxai_runner.kept.run import Kept

        finished = [entry for entry in entries if entry.status == "FINISHED"]
        measured = [entry for entry in finished if any(f"{part}/{asked}" in entry.metrics for part in PARTS)]
        # Where nobody measured it, any run's report says what could be asked for in its place.
        for entry in (measured or finished)[:1]:
            for several in Kept(store, entry.run_id).document.metrics.values():
                known |= {one.name: one.better for one in several}
    return known


def _place(store: Store, rows: Sequence[Row], against: str | None) -> int | None:
    """The place of the row that the others are compared with."""
    if against is None:
        return 0 if rows and rows[0].rank == 1 else None
    from cxai_runner.tracking.read import find

    wanted = find(store, against).info.run_id
    place = next(
        (i for i, row in enumerate(rows) if wanted in {one.run_id for one in (*row.entries, *row.repeats)}), None
    )
    if place is None or rows[place].rank is None:
        raise UserError([Problem("--against", "has no value to compare with", against, "name a finished run")])
    return place


def _alone(rows: Sequence[Row], place: int | None, comparisons: Mapping[tuple[int, int], Comparison]) -> Iterator[str]:
    """Say by which run more could be told, where most cannot be compared with the one that was taken."""
    met: dict[int, int] = {}
    for (ours, _), found in comparisons.items():
        met[ours] = met.get(ours, 0) + (not found.incomparable)
    if place is None or not met:
        return
    most = max(met, key=lambda one: (met[one], -one))
    if 2 * met.get(place, 0) < met[most]:
        yield (
            f"Few were judged on the rows of run {rows[place].run}, which makes its rank say little: "
            f"--against {rows[most].run} compares with more."
        )


def _notes(rows: Sequence[Row], part: str, shown: int, tests: int) -> list[str]:
    """What to know before relying on a comparison."""
    ranked = [row for row in rows if row.rank is not None]
    notes = []
    if part == "train":
        notes.append("Nothing was held out: runs are compared on the rows that they were fitted on.")
    repeats = [entry.short for row in rows for entry in row.repeats]
    if repeats:
        told = ", ".join(repeats[:5]) + ", …" * (len(repeats) > 5)
        notes.append(f"The same experiment with the same seed as another, which is shown: {told}.")
    if tests > 1:
        notes.append(f"p values are corrected for {tests} comparisons (Holm); intervals are 95 % each, for themselves.")
    if len(ranked) > 2:
        notes.append(
            f"The best of {len(ranked)} was picked by the score that it is shown with, so that score is optimistic: "
            "judge it on rows that had no part in the choice."
        )
    if len(ranked) > shown:
        notes.append(f"The first {shown} of {len(ranked)} are judged; --top takes more.")
    spaces = {_space(row.first) for row in ranked}
    if part == "train" and len(spaces) > 1:
        notes.append("Data or features differ, and so may the space that these scores are measured in.")
    return notes


def _space(entry: Entry) -> tuple[tuple[str, str], ...]:
    """What a task without held-out rows measures in: the data that were read, and the features made of them."""
    features = [(key, text) for key, text in entry.params.items() if key.partition(".")[0] == "features"]
    return tuple(sorted([*entry.read.items(), *features]))

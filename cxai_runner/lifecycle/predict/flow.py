"""The flow of prediction: model → rows, checked → chunks { judge → predict → write } → drift → kept.

Nothing lasts before the last row is written, and every row that was read is either predicted or rejected with a
reason.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data.engines.urls import redacted
from cxai_runner.lifecycle.predict.databases import is_url, open_table, resolved
from cxai_runner.lifecycle.predict.files import Files, Memory, Place, beside, path_of

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from cxai_runner.config.compose import Composed
    from cxai_runner.data.dataset import Dropped
    from cxai_runner.evaluation.population import Comparison, LabelShare, Moved
    from cxai_runner.kept.apart import Asked, ModelApart
    from cxai_runner.kept.named import Named
    from cxai_runner.kept.run import Kept
    from cxai_runner.lifecycle.predict.judge import Judge
    from cxai_runner.lifecycle.predict.rows import NewRows
    from cxai_runner.tracking.store import Store

CHUNK: Final = 100_000
"""Rows that are in memory at a time, about."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a prediction came to.

    Parameters
    ----------
    model, version, run_id
        Which model predicted.
    rows_in, rows_out
        Rows that were read, and those that were predicted; the others are in ``rejected``.
    rejected
        How many rows by reason; a row that has several counts under the first.
    dropped
        Rows of the tables that were left out before, as for a run: by the source's ``where``, or for what they lack.
        They are not among ``rows_in``.
    to, rejected_to
        Where the rows are; None where they are in memory only, or none was rejected.
    as_of
        The date or number as of which the rows were seen, where there is one.
    drift
        How far each input and the score moved since training; empty where the run keeps nothing to compare with.
    shares
        How many rows have each label, in training and now, of a model that answers with labels.
    notes
        What a reader should know.
    seconds
        Wall time.
    frame, rejected_frame
        The rows, where no place was given for them.
    """

    model: str
    version: int | None
    run_id: str
    rows_in: int
    rows_out: int
    rejected: Mapping[str, int]
    dropped: tuple[Dropped, ...]
    to: str | None
    rejected_to: str | None
    as_of: datetime | str | None
    drift: tuple[Moved, ...]
    shares: tuple[LabelShare, ...]
    notes: tuple[str, ...]
    seconds: float
    frame: pd.DataFrame | None = field(default=None, repr=False)
    rejected_frame: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def drifted(self) -> tuple[Moved, ...]:
        """The inputs and scores that moved beyond a threshold, and beyond chance."""
        return tuple(one for one in self.drift if one.verdict in {"moved", "shifted"})


def predict(
    store: Store,
    model: str,
    changes: Sequence[str] = (),
    *,
    to: str | None = None,
    as_of: str | None = None,
    since: str | None = None,
    overwrite: bool = False,
    trust: bool = False,
    config_dirs: Sequence[Path] = (),
    adapt: Callable[[Composed], Composed] = lambda composed: composed,
    besides: Sequence[Path] = (),
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Predictions:
    """Predict for new rows with a model in a store.

    Parameters
    ----------
    store
        Where the model is.
    model
        ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``, ``runs:/RUN/model``, or a run.
    changes
        Other ``data=…`` with their keys; the run's own where none are given.
    to
        A ``.parquet`` or ``.csv`` file, or a table as in ``sqlite:///scores.db#predictions``; None keeps the rows in
        memory.
    as_of, since
        Dates in ISO 8601, or numbers where occasions are numbered: nothing at or after the first is read; what is
        before the second is only the past.
    overwrite
        Whether what is there already is replaced.
    trust
        Whether a model may run code of its own that this user did not write here.
    config_dirs
        The user's own config folders.
    adapt
        Puts frames in memory into the config.
    besides
        Files that are going to be written too; none of them may be one that is read.
    tell
        Hears how many rows are done, of how many.

    Raises
    ------
    UserError
        With all mistakes of the first stage that has any; nothing is written then.
    ModelError
        The model fails on rows that nothing is wrong with.
    """
    from cxai_runner.kept.again import composed_again, learned
    from cxai_runner.kept.named import named
    from cxai_runner.kept.run import Kept
    from cxai_runner.lifecycle.predict.rows import prepare, refuse_other_changes
    from cxai_runner.lifecycle.predict.sources import refuse_what_is_read
    from cxai_runner.preflight import assemble
    from cxai_runner.threads import held_to

    begun = time.perf_counter()
    refuse_other_changes(changes)
    found = named(store, model)
    if not found.run_id:
        raise UserError([Problem("MODEL", "was not made by a run, so how to build its inputs is not known", model)])
    kept = Kept(store, found.run_id)
    composed = adapt(composed_again(kept, changes, config_dirs))
    what_was_learned = learned(kept)
    threads = int(composed.plain["threads"])
    experiment = assemble(composed)
    to = None if to is None else resolved(to)
    refuse_what_is_read(experiment.source, store, to, besides)
    with closing(_place(to, overwrite=overwrite)) as place:
        with _loaded(found, store, trust=trust, threads=threads) as apart, held_to(threads):
            rows = prepare(experiment, what_was_learned, apart.inputs, as_of, since)
            comparison, notes = _comparison(kept, rows)
            judge = _judge(apart, rows, comparison)
            done = _each(apart, rows, judge, comparison, place, found, tell)
            notes += [*judge.told(), *_other_code(kept)]
        rejected = dict(judge.reasons.most_common())
        _refuse_miscounted(rows.count, done, rejected)
        place.keep()
    frame, rejected_frame = place.frames() if isinstance(place, Memory) else (None, None)
    shown = redacted(to) if to is not None else None
    return Predictions(
        model=found.name,
        version=found.version,
        run_id=found.run_id,
        rows_in=rows.count,
        rows_out=done,
        rejected=rejected,
        dropped=rows.tables.dropped,
        to=shown,
        rejected_to=beside(shown) if rejected and shown is not None else None,
        as_of=rows.as_of,
        drift=() if comparison is None else tuple(comparison.moved(**rows.experiment.settings["drift"])),
        shares=() if comparison is None else tuple(comparison.shares()),
        notes=tuple(notes),
        seconds=time.perf_counter() - begun,
        frame=frame,
        rejected_frame=rejected_frame,
    )


@contextmanager
def _loaded(found: Named, store: Store, *, trust: bool, threads: int) -> Iterator[ModelApart]:
    """Load the model apart; where its own files do not let it, that is told as a mistake."""
    from cxai_runner.kept.apart import ModelApart, UnloadableError

    try:
        with ModelApart.of(found.uri, store, trust=trust, threads=threads) as apart:
            yield apart
    except UnloadableError as error:
        remedy = "its files are damaged, or of other versions of its libraries: predict with another, or fit it anew"
        raise UserError([Problem("MODEL", f"cannot be loaded: {error}", str(found), remedy)]) from error


def _each(
    apart: ModelApart,
    rows: NewRows,
    judge: Judge,
    comparison: Comparison | None,
    place: Place,
    found: Named,
    tell: Callable[[int, int], None],
) -> int:
    """Judge, predict and write chunk after chunk; return how many rows were predicted."""
    import pandas as pd

    from cxai_runner.evaluation.predicted import counted, predicted

    done = 0
    for chunk in _ahead(_judged(apart, rows, judge, comparison)):
        why = chunk.why
        if chunk.asked is not None:
            good = why == ""
            predictions = predicted(chunk.asked.result(), rows.experiment.task.model_kind)
            why[good] = judge.after(predictions)
            kept = predictions[why[good] == ""]
            if comparison is not None:
                comparison.take("score", counted(kept))
            if len(kept):
                place.write(pd.concat([chunk.ids.loc[kept.index], kept], axis=1).assign(**_stamp(found, len(kept))))
            done += len(kept)
        bad = why != ""
        if bad.any():
            place.reject(pd.concat([chunk.ids[bad], _alike(chunk.inputs[bad]), why[bad].rename("reason")], axis=1))
        tell(chunk.read, rows.count)
    return done


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Rows that were judged, and those of them that the model was asked about; ``read`` counts all up to here."""

    ids: pd.DataFrame
    inputs: pd.DataFrame
    why: pd.Series
    asked: Asked | None
    read: int


def _judged(apart: ModelApart, rows: NewRows, judge: Judge, comparison: Comparison | None) -> Iterator[_Chunk]:
    """Read, count and judge chunk after chunk, and ask the model about what is good of each."""
    from cxai_runner.lifecycle.predict.rows import ids_of

    read = 0
    for dataset in rows.stream(CHUNK):
        ids, inputs = dataset.frame[ids_of(dataset)], dataset.frame[list(apart.inputs)]
        if comparison is not None:
            comparison.take("input", inputs)
        why = judge.before(inputs)
        good = why == ""
        read += len(inputs)
        yield _Chunk(ids, inputs, why, apart.ask(inputs[good]) if good.any() else None, read)


def _ahead(chunks: Iterator[_Chunk]) -> Iterator[_Chunk]:
    """Hand out each chunk when the next was asked about: the model works while one is read and another written."""
    before: _Chunk | None = None
    for chunk in chunks:
        if before is not None:
            yield before
        before = chunk
    if before is not None:
        yield before


def _stamp(found: Named, rows: int) -> dict[str, Any]:
    """What says on every row which model it is from."""
    import pandas as pd

    version = pd.Series(pd.NA if found.version is None else found.version, index=range(rows), dtype="Int64").array
    return {"model": found.name, "model_version": version, "run_id": found.run_id}


def _alike(inputs: pd.DataFrame) -> pd.DataFrame:
    """Inputs in types that do not depend on which rows of a chunk lack a value."""
    from cxai_runner.evaluation.population import is_number

    return inputs.astype({name: "float64" if is_number(inputs[name]) else "str" for name in inputs})


def _comparison(kept: Kept, rows: NewRows) -> tuple[Comparison | None, list[str]]:
    """What drift is told against, and what to tell where there is nothing."""
    from cxai_runner.evaluation.population import Comparison, read
    from cxai_runner.tracking.pseudonyms import Privacy
    from cxai_runner.tracking.record import FINGERPRINT

    try:
        plain = json.loads(kept.text(FINGERPRINT))
    except UserError:
        return None, ["drift is not told: the run is of a version that kept nothing to compare with"]
    privacy = Privacy(**rows.experiment.settings["privacy"])
    return Comparison(read(plain), privacy.values), []


def _judge(apart: ModelApart, rows: NewRows, comparison: Comparison | None) -> Judge:
    from cxai_runner.kept.apart import ModelError
    from cxai_runner.lifecycle.predict.judge import Judge

    seen = (
        {} if comparison is None else {name: one for (part, name), one in comparison.spreads.items() if part == "input"}
    )
    return Judge(
        predict=apart.predict,
        failure=ModelError,
        complete=rows.experiment.features.wants_all(),
        seen=seen,
        example=apart.example(),
        hide=(lambda column: column) if comparison is None else comparison.hide,
    )


def _other_code(kept: Kept) -> list[str]:
    """What to tell where features are built by other code than built those that the model was trained on."""
    from cxai_runner.data.keys import changed_sources
    from cxai_runner.tracking.record import KEYS

    try:
        built_by: dict[str, str] = json.loads(kept.text(KEYS))["stages"]["features"]["sources"]
    except UserError:
        return ["whether other code built the run's features is not known: it is of a version that kept no keys"]
    other = changed_sources(built_by)
    if not other:
        return []
    modules = f"{other[0]} and {len(other) - 1} more" if len(other) > 1 else other[0]
    return [f"the features were built by the code installed here, which is not that of the run: {modules}"]


def _place(to: str | None, *, overwrite: bool) -> Place:
    if to is None:
        return Memory()
    return open_table(to, overwrite=overwrite) if is_url(to) else Files(path_of(to), overwrite=overwrite)


def _refuse_miscounted(count: int, done: int, rejected: Mapping[str, int]) -> None:
    """Refuse to keep nothing at all, and rows of which some came or went while they were read."""
    read = done + sum(rejected.values())
    if read != count:
        told = f"{count:,} rows were counted and {read:,} read: they changed meanwhile"
        raise UserError([Problem("data", told, remedy="predict again once nobody writes to them")], "data")
    if not done:
        reasons = ", ".join(f"{reason} ({rows:,})" for reason, rows in rejected.items())
        raise UserError([Problem("data", f"none of the {count:,} rows can be predicted: {reasons}")], "data")

"""Whether the models that feed a run are still there: without them nobody can make the rows that its model takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.kept.named import Named, named
from cxai_runner.kept.run import Kept, local_path
from cxai_runner.tracking.quiet import import_mlflow
from cxai_runner.tracking.read import SHORT_ID

_FED: Final = "cxai.fed."
"""Of a run, and a column: the version that answered for it, ``models:/segments/1, run ID``."""
_REMEDY: Final = "bring it back, or promote a run that is fed by a version which is there"


def gone(kept: Kept) -> Iterator[Problem]:
    """Yield every model that feeds a run, or one of those that do, and is there no more."""
    waiting, seen = [kept], set()
    while waiting:
        run = waiting.pop()
        for column, uri in _feeds(run):
            if uri in seen:
                continue
            seen.add(uri)
            whose = "" if run is kept else f", of run {run.run_id[:SHORT_ID]} which feeds it,"
            try:
                found = named(kept.store, uri)
            except UserError as error:
                yield _problem(column, whose, uri, error.problems[0].message)
                continue
            if _has_no_files(found):
                yield _problem(column, whose, uri, "its files were removed")
            elif found.run_id:
                waiting.append(Kept(kept.store, found.run_id))


def _feeds(run: Kept) -> Iterator[tuple[str, str]]:
    """The columns of a run that a model answers for, each with its address."""
    import_mlflow()
    from mlflow.exceptions import MlflowException

    try:
        tags = run.facts["tags"]
    except MlflowException:  # a run that was removed for good: what fed it is not known any more
        return
    for tag, said in tags.items():
        if tag.startswith(_FED):
            yield tag.removeprefix(_FED), str(said).partition(", run ")[0]


def _has_no_files(found: Named) -> bool:
    here: Path | None = local_path(found.place)
    return here is not None and not (here / "MLmodel").is_file()


def _problem(column: str, whose: str, uri: str, why: str) -> Problem:
    return Problem(f"features.models.{column}", f"the model behind it{whose} is gone: {why}", uri, _REMEDY)

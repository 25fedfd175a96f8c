"""The run that is to be made again, and how; refused in words where nobody can."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.kept.held import FACTS, Exported, Held
from cxai_runner.lifecycle.reproduce.parts import Parts
from cxai_runner.lifecycle.reproduce.verdict import TOLERANCE
from cxai_runner.lifecycle.runs import SWEEP

if TYPE_CHECKING:
    from cxai_runner.tracking.store import Store

_BEST: Final = "cxai.sweep.best"


@dataclass(frozen=True)
class Asked:
    """How a run is to be made again.

    Parameters
    ----------
    changes
        Overrides that hold now: where its data lie here, another number of threads.
    tolerance
        The largest relative deviation of a metric or score that counts as the same.
    anyway
        Go on where data are others, or with a checkout where uncommitted changes are lost.
    cached
        Take features from the cache where they are there.
    checkout
        Run the code of the run's commit, in a child process, instead of the code that is here.

    Raises
    ------
    UserError
        The tolerance is no number that a deviation can be held against.
    """

    changes: tuple[str, ...] = ()
    tolerance: float = TOLERANCE
    anyway: bool = False
    cached: bool = False
    checkout: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerance) and self.tolerance >= 0):
            told = "a number of at least 0: the largest relative deviation that counts as the same"
            raise UserError([Problem("--tolerance", told, self.tolerance, f"as in --tolerance {TOLERANCE:g}")])


@dataclass(frozen=True, eq=False)
class Original:
    """The run that is to be made again.

    Parameters
    ----------
    run
        In a store, or in a folder that it was exported to.
    store
        Where the new run goes.

    Raises
    ------
    UserError
        There is nothing to be made again: it did not finish, or it is no run of an experiment.
    """

    run: Held
    store: Store = field(repr=False)

    @classmethod
    def named(cls, run: str, uri: str | None = None) -> Original:
        """Find a run: by its id, its beginning, its name or ``last``, or in a folder that it was exported to.

        A path (``./sent``, ``sent/``) is a folder. A bare name is a run's where the store has one of that name, and a
        folder's else.

        Raises
        ------
        UserError
            There is no such run, or nothing of it to be made again; or a run and an exported one are called so.
        """
        from cxai_runner.kept.run import kept
        from cxai_runner.tracking.store import Store

        folder = Path(run)
        is_path, is_exported = folder.name != run, (folder / FACTS).is_file()
        if is_path and folder.is_dir():
            return cls(Exported(folder), Store.open(uri, Path.cwd()))
        try:
            found = kept(uri, run)
        except UserError as error:
            if is_exported:
                return cls(Exported(folder), Store.open(uri, Path.cwd()))
            if folder.is_dir():
                problem = Problem("RUN", f"no exported run is in this folder: it holds no {FACTS}", f"{run}{os.sep}")
                raise UserError([*error.problems, problem]) from None
            raise
        if is_exported:
            short = found.run_id[:8]
            remedy = f"the run: {short}; the folder: .{os.sep}{run}"
            raise UserError([Problem("RUN", "a run of the store is called so, and so is a folder", run, remedy)])
        return cls(found, found.store)

    def __post_init__(self) -> None:
        problems = list(_unrepeatable(self.run))
        if problems:
            raise UserError(problems)

    @cached_property
    def parts(self) -> Parts:
        """What it kept of its stages."""
        return Parts.of(self.run)

    @property
    def given(self) -> str:
        """How to name it on a command line."""
        return str(self.run.path.absolute()) if isinstance(self.run, Exported) else self.run.run_id

    @property
    def threads(self) -> int:
        """How many threads it was held to."""
        return int(self.run.facts["params"].get("threads", 1))


def _unrepeatable(run: Held) -> Iterator[Problem]:
    """Yield why there is nothing to be made again."""
    tags, status, short = run.facts["tags"], run.facts["status"], run.run_id[:8]
    if SWEEP in tags:
        best = [one[:8] for one in tags.get(_BEST, "").split(", ") if one]
        remedy = f"its best: cxai reproduce {best[0]}" if best else "its points: cxai list runs --points"
        yield Problem("RUN", "is a sweep, which is made of runs; reproduce one of those", short, remedy)
    elif status == "RUNNING":
        remedy = "its process is gone; run it again: cxai run …" if run.facts.get("orphan") else "wait for its end"
        yield Problem("RUN", "has not ended, so there is nothing to compare with", short, remedy)
    elif status != "FINISHED":
        how = "failed" if status == "FAILED" else "was stopped"
        remedy = "its config is kept: cxai run with its overrides (overrides.yaml)" if status == "FAILED" else ""
        yield Problem("RUN", f"{how}, and left no numbers to compare with", short, remedy or "run it again: cxai run …")
    elif not run.facts["identity"]:
        yield Problem("RUN", "is no run of an experiment", short, "see `cxai list runs`")

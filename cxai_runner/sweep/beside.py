"""What a task says of the points of its sweep beside each other: how their answers agree, beyond any metric."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from cxai_runner.evaluation.when_asked import WhenAsked

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.evaluation.results import Content
    from cxai_runner.sweep.noise import Scores
    from cxai_runner.sweep.standing import Sweep

_MOST: Final = 20
"""So many of the best are looked at: each is a file to read."""


def beside(sweep: Sweep, scores: Scores) -> tuple[Content, ...]:
    """Ask the task of a sweep; of a trial of several seeds the first stands for all."""
    told = [one for one in sweep.standings() if one.points and one.points[0].run_id in sweep.entries]
    reads = {one.trial.name: partial(_read, scores, one.points[0].run_id) for one in told[:_MOST]}
    return tuple(sweep.plan.base.experiment.task.beside(WhenAsked(reads)))


def _read(scores: Scores, run_id: str) -> pd.DataFrame | None:
    """The rows that a run is judged on."""
    held_out = scores(run_id, "held_out")
    return scores(run_id, "train") if held_out is None else held_out

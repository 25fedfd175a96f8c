"""Missing values among a model's inputs: whether one of its steps fills them, or can use them as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from cxai_runner.config.problems import Problem, UserError

_REMEDY = "fill them, as with features.transformers=[{_target_: sklearn.impute.SimpleImputer}], or leave it out"


def refuse_missing(pipeline: Pipeline, inputs: pd.DataFrame, y: pd.Series | None = None) -> None:
    """Refuse missing values that reach a step of a pipeline which cannot use them.

    Parameters
    ----------
    pipeline
        Fitted, unless ``y`` is given: then copies of its steps are fitted on the way.
    inputs
        What it takes.
    y
        What is predicted.

    Raises
    ------
    UserError
        Naming each input that has missing values, the step, and what to put in front of it.
    """
    holes = inputs.isna().sum()
    step = _stopped_by(pipeline, inputs, y) if holes.any() else None
    if step is not None:
        raise UserError(
            [
                Problem("features.columns", f"{rows:,} missing values, which {step} cannot use", name, _REMEDY)
                for name, rows in holes[holes > 0].items()
            ],
            "data",
        )


def _stopped_by(pipeline: Pipeline, inputs: pd.DataFrame, y: pd.Series | None) -> str | None:
    """The first step that missing values reach and that does not take them; None where there is none."""
    values = inputs
    for _, step in pipeline.steps[:-1]:
        if not _takes_missing(step):
            return type(step).__name__
        values = step.transform(values) if y is None else clone(step).fit_transform(values, y)
        if not np.isnan(_dense(values)).any():
            return None
    final = pipeline[-1]
    return None if _takes_missing(final) else type(final).__name__


def _takes_missing(step: object) -> bool:
    return bool(get_tags(step).input_tags.allow_nan)


def _dense(values: object) -> NDArray[np.float64]:
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)

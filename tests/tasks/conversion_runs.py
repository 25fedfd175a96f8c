"""A run of conversion in memory, and what of its report is looked for."""

from __future__ import annotations

from dataclasses import replace

from cxai_runner.evaluation.results import Finding
from cxai_runner.task import Context
from tasks.conversion import Conversion

CONTEXT = Context(seed=3, resamples=200)


def parts(data):
    """Two thirds of the customers to learn from, and the others."""
    late = (data.frame.index % 3 == 2).nonzero()[0]
    early = (data.frame.index % 3 != 2).nonzero()[0]
    return tuple(replace(data, frame=data.frame.iloc[some].reset_index(drop=True)) for some in (early, late))


def run(data, model, task=None, context=CONTEXT):
    """Return what was fitted, the metrics of the held-out rows, the report, and the scores."""
    task = task or Conversion(repeats=2)
    train, held_out = parts(data)
    fitted = task.fit(model, train, context)
    scores = {"train": task.score(fitted, train, context), "held_out": task.score(fitted, held_out, context)}
    metrics = {one.name: one for one in task.measure(scores["held_out"], context)}
    return fitted, metrics, list(task.report(fitted, train, scores, metrics, context)), scores


def only(contents, kind, name):
    return next(one for one in contents if isinstance(one, kind) and one.name == name)


def texts(contents, kind):
    return [one.text for one in contents if isinstance(one, Finding) and one.kind == kind]

"""A run of recommendation in memory, and what of its report is looked for."""

from __future__ import annotations

from dataclasses import replace

from cxai_runner.evaluation.results import Finding
from cxai_runner.task import Context
from tasks.recommendation import Recommendation

CONTEXT = Context(seed=3, resamples=200)


def parts(data):
    """What was bought before, as training has it: with nothing held out; and all of it, to be judged."""
    return replace(data, frame=data.frame.assign(bought="[]", bought_value="[]")), data


def run(data, model, task=None, context=CONTEXT):
    """Return what was fitted, the metrics of the held-out rows, the report, and the scores."""
    task = task or Recommendation(k=4)
    train, held_out = parts(data)
    fitted = task.fit(model, train, context)
    scores = {"train": task.score(fitted, train, context), "held_out": task.score(fitted, held_out, context)}
    metrics = {one.name: one for one in task.measure(scores["held_out"], context)}
    return fitted, metrics, list(task.report(fitted, train, scores, metrics, context)), scores


def only(contents, kind, name):
    return next(one for one in contents if isinstance(one, kind) and one.name == name)


def texts(contents, kind):
    return [one.text for one in contents if isinstance(one, Finding) and one.kind == kind]

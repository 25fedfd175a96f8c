"""A run of purchase incidence in memory, and what of its report is looked for."""

from __future__ import annotations

from cxai_runner.evaluation.results import Finding
from cxai_runner.task import Context
from tasks.purchase_incidence import PurchaseIncidence

CONTEXT = Context(seed=3, resamples=200)


def run(panel, model, task=None, held_out=None):
    task = task or PurchaseIncidence(points=9, refits=3)
    fitted = task.fit(model, panel, CONTEXT)
    scores = {"train": task.score(fitted, panel, CONTEXT)}
    if held_out is not None:
        scores["held_out"] = task.score(fitted, held_out, CONTEXT)
    metrics = {one.name: one for one in task.measure(scores.get("held_out", scores["train"]), CONTEXT)}
    return fitted, metrics, list(task.report(fitted, panel, scores, metrics, CONTEXT))


def only(contents, kind, name):
    return next(one for one in contents if isinstance(one, kind) and one.name == name)


def texts(contents, kind):
    return [one.text for one in contents if isinstance(one, Finding) and one.kind == kind]

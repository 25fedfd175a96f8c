"""A run of purchase quantity in memory, and what of its report is looked for."""

from __future__ import annotations

from cxai_runner.evaluation.results import Finding
from cxai_runner.task import Context
from tasks.purchase_quantity import PurchaseQuantity

CONTEXT = Context(seed=3, resamples=200)
QUICK = PurchaseQuantity(points=9, refits=2)


def run(data, model, task=QUICK, held_out=None):
    fitted = task.fit(model, data, CONTEXT)
    scores = {"train": task.score(fitted, data, CONTEXT)}
    if held_out is not None:
        scores["held_out"] = task.score(fitted, held_out, CONTEXT)
    metrics = {one.name: one for one in task.measure(scores.get("held_out", scores["train"]), CONTEXT)}
    return fitted, metrics, list(task.report(fitted, data, scores, metrics, CONTEXT))


def only(contents, kind, name):
    return next(one for one in contents if isinstance(one, kind) and one.name == name)


def texts(contents, kind):
    return [one.text for one in contents if isinstance(one, Finding) and one.kind == kind]

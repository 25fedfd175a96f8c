"""What a run came to, on one screen: the same lines after `cxai run` and from `cxai show`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cxai_runner.cli.output import table

if TYPE_CHECKING:
    from cxai_runner.evaluation.results import Interval, Metric
    from cxai_runner.preflight import Ready
    from cxai_runner.report.document import Document

_WIDTH = 100
_SHORT = 8


def summary(document: Document, run_id: str, status: str, report: str) -> str:
    """Return the summary of a run.

    Parameters
    ----------
    document
        What the run says.
    run_id, status
        As in the tracking store; a status other than FINISHED is shown.
    report
        Where the report is; empty where there is none.
    """
    return "\n".join(
        [
            _title(document, run_id, status),
            f"  {document.headline}",
            "",
            *_facts(document),
            *_metrics(document),
            *(f"  {one.text}: {_with_bounds(one.value)}" for one in document.estimates),
            *([f"  report     {report}"] if report else []),
            f"  took       {_took(document.seconds)}",
        ]
    )


def next_steps(document: Document, run_id: str) -> str:
    """Return the commands to try next."""
    return f"next: cxai report {run_id[:_SHORT]} --open    ·    cxai list models {document.task}    ·    cxai ui"


def _title(document: Document, run_id: str, status: str) -> str:
    what = " · ".join([document.task, document.asked.get("data", ""), document.asked.get("model", "")])
    shown = f"run {run_id[:_SHORT]}" + ("" if status == "FINISHED" else f" ({status})")
    return f"{what}{' ' * max(4, _WIDTH - len(what) - len(shown))}{shown}"


def _facts(document: Document) -> list[str]:
    rows = [[label, words] for label, words in document.data.items()]
    rows += [["features", document.asked.get("features", "")]]
    for dropped in document.dropped:
        share = f"{100 * dropped.rows / dropped.of:.1f} %" if dropped.of else ""
        rows.append(
            ["dropped", f"{dropped.rows:,} of {dropped.of:,} rows of {dropped.table} ({share}): {dropped.reason}"]
        )
    return table(rows).splitlines()


def _metrics(document: Document) -> list[str]:
    """The parts that carry the evidence; the training part only where there is no other."""
    parts = [part for part in ("held_out", "challenge") if document.metrics.get(part)]
    if "held_out" not in parts:
        parts.append("train")
    rows = [["", "model", document.baseline, "difference"]]
    for part in parts:
        rows += [_metric(metric) for metric in document.metrics.get(part, ())]
    return ["", *table(rows).splitlines(), ""]


def _metric(metric: Metric) -> list[str]:
    baseline = "" if metric.baseline is None else _with_bounds(metric.baseline)
    difference = "" if metric.difference is None else f"{_number(metric.difference.value, sign=True)} {metric.verdict}"
    return [metric.label, _with_bounds(metric.value), baseline, difference]


def _with_bounds(value: Interval) -> str:
    if value.low != value.low or value.high != value.high:  # NaN: no interval can be had
        return _number(value.value)
    return f"{_number(value.value)} [{_number(value.low)} {_number(value.high)}]"


def _number(value: float, *, sign: bool = False) -> str:
    digits = 3 if abs(value) < 10 else 1
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def _took(seconds: Mapping[str, float]) -> str:
    stages = ", ".join(f"{stage} {spent:.1f}" for stage, spent in seconds.items())
    return f"{sum(seconds.values()):.1f} s ({stages})"


def plan_as_json(ready: Ready) -> dict[str, Any]:
    """Return what a dry run found, for machines."""
    experiment = ready.experiment
    needs = experiment.features.needs()
    return {
        "status": "ready",
        "experiment": experiment.name,
        "choices": dict(experiment.composed.choices),
        "overrides": list(experiment.composed.overrides),
        "tables": {name: ready.tables.rows(name) for name in needs.tables() if name in ready.tables},
        "folds": [fold.label for fold in ready.folds],
        "seed": experiment.settings["seed"],
        "threads": experiment.settings["threads"],
    }


def plan_in_words(ready: Ready) -> str:
    """Return what a dry run found, for people."""
    plan = plan_as_json(ready)
    rows = [[group, choice] for group, choice in plan["choices"].items() if choice]
    rows += [[f"table {name}", f"{count:,} rows"] for name, count in plan["tables"].items()]
    rows += [[f"fold {number}", label] for number, label in enumerate(plan["folds"], 1)]
    rows += [["seed, threads", f"{plan['seed']}, {plan['threads']}"]]
    return f"{plan['experiment']}: all checks passed, nothing was run\n\n{table(rows)}"

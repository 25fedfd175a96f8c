"""What a run came to, on one screen: the same lines after `cxai run` and from `cxai show`."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from textwrap import fill, shorten, wrap
from typing import TYPE_CHECKING, Any

from cxai_runner.cli.output import place, table
from cxai_runner.evaluation.wording import with_interval
from cxai_runner.report.wording import column
from cxai_runner.warned import OURS, WARNED

if TYPE_CHECKING:
    from cxai_runner.evaluation.results import Metric
    from cxai_runner.preflight import Ready
    from cxai_runner.report.document import Document

_WIDTH = 100
_SHORT = 8
_POINTS = 20


def summary(
    document: Document, run_id: str, status: str, report: str, seconds: Mapping[str, float] | None = None
) -> str:
    """Return the summary of a run.

    Parameters
    ----------
    document
        What the run says.
    run_id, status
        As in the tracking store; a status other than FINISHED is shown.
    report
        Where the report is; empty where there is none.
    seconds
        By stage; by default those that the document knows, which was written before it was logged.
    """
    lines = [
        _title(document, run_id, status),
        *fill(document.headline, _WIDTH, initial_indent="  ", subsequent_indent="  ").splitlines(),
        "",
        *_facts(document),
        "",
        *_metrics(document),
        *(f"  {one.text}: {with_interval(one.value)}" for one in document.estimates),
        *([""] if document.estimates else []),
        *([f"  report   {report}"] if report else []),
        f"  took     {_took(document.seconds if seconds is None else seconds)}",
    ]
    return "\n".join(lines)


def of_sweep(document: Document, run_id: str, status: str, artifacts: str) -> str:
    """Return the summary of a sweep: what was learned, its best points, what failed.

    Parameters
    ----------
    document, run_id, status
        As of any run.
    artifacts
        Where its files are.
    """
    lines = [
        _title(document, run_id, status),
        *fill(document.headline, _WIDTH, initial_indent="  ", subsequent_indent="  ").splitlines(),
        "",
        *table([[label, words] for label, words in document.data.items()]).splitlines(),
        "",
    ]
    for one in document.tables:
        rows = one.frame.head(_POINTS)
        cells = zip(*(column(rows.iloc[:, i]) for i in range(rows.shape[1])), strict=True)
        lines += [
            f"  {one.title}:",
            *table([list(map(str, rows.columns)), *map(list, cells)], indent="    ").splitlines(),
        ]
        if document.rows_of(one) > len(rows):
            lines.append(
                f"    … and {document.rows_of(one) - len(rows)} more: {place(artifacts, f'tables/{one.name}.csv')}"
            )
        lines.append("")
    best = (
        f"    ·    cxai run --config {quote(place(artifacts, 'best.yaml'))}"
        if document.provenance.get("best run")
        else ""
    )
    return "\n".join([*lines, f"  report   {place(artifacts, 'report.html')}", "", f"next: {document.command}{best}"])


def next_steps(document: Document, run_id: str) -> str:
    """Return the commands to try next."""
    models = f"cxai list models {document.task}    ·    " if "model" in document.asked else ""
    return f"next: cxai report {run_id[:_SHORT]} --open    ·    {models}cxai ui"


def _title(document: Document, run_id: str, status: str) -> str:
    chosen = [document.asked.get(group, "").partition(" (")[0] for group in ("data", "features", "model")]
    what = " · ".join([document.task, *filter(None, chosen)])
    shown = f"run {run_id[:_SHORT]}" + ("" if status == "FINISHED" else f" ({status})")
    return f"{what}{' ' * max(4, _WIDTH - len(what) - len(shown))}{shown}"


def _facts(document: Document) -> list[str]:
    rows = [[label, words] for label, words in document.data.items()]
    rows += [["inputs", shorten(document.asked["inputs"], _WIDTH)]] if "inputs" in document.asked else []
    for dropped in document.dropped:
        share = f" ({100 * dropped.rows / dropped.of:.1f} %)" if dropped.of else ""
        told = f"{dropped.rows:,} of {dropped.of:,} rows of {dropped.table}{share}: {dropped.reason}"
        rows.append(["dropped", told])
    for text in (one.text for one in document.caveats):
        if text.startswith(WARNED):
            rows.append(["warned", shorten(text.removeprefix(WARNED).lstrip(), _WIDTH)])
        elif text.startswith(OURS):  # which says what to do about it at its end
            first, *more = wrap(text.removeprefix(OURS), _WIDTH)
            rows += [["warned", first], *(["", line] for line in more)]
    return table(rows).splitlines()


def _metrics(document: Document) -> list[str]:
    """The parts that carry the evidence; the training part only where nothing was held out."""
    parts = [part for part in ("held_out", "challenge") if document.metrics.get(part)]
    if "held_out" not in parts:
        parts.append("train")
    rows = [["", document.subject, document.baseline, "difference"]]
    for part in parts:
        rows += [_metric(metric) for metric in document.metrics.get(part, ())]
    return [*table(rows).splitlines(), ""] if len(rows) > 1 else []


def _metric(metric: Metric) -> list[str]:
    baseline = "" if metric.baseline is None else with_interval(metric.baseline)
    difference = "" if metric.difference is None else f"{with_interval(metric.difference)} {metric.verdict}"
    return [metric.label, with_interval(metric.value), baseline, difference]


def _took(seconds: Mapping[str, float]) -> str:
    stages = ", ".join(f"{stage} {spent:.1f}" for stage, spent in seconds.items())
    return f"{sum(seconds.values()):.1f} s ({stages})"


def plan_as_json(ready: Ready) -> dict[str, Any]:
    """Return what a dry run found, for machines."""
    from cxai_runner.data.quality.remarks import remarks

    experiment = ready.experiment
    needs = experiment.features.needs()
    notes = {name: list(one.notes) for name, one in ready.tables.mapped.items()}
    for name in needs.tables():
        if name in notes:
            notes[name] += remarks(ready.tables, name, needs.wanted(name, ready.tables.columns(name)))
    return {
        "status": "ready",
        "experiment": experiment.name,
        "choices": dict(experiment.composed.choices),
        "overrides": list(experiment.composed.overrides),
        "tables": {name: ready.tables.rows(name) for name in needs.tables() if name in ready.tables},
        "notes": {name: told for name, told in notes.items() if told},
        "folds": [fold.label for fold in ready.folds],
        "seed": experiment.settings["seed"],
        "threads": experiment.settings["threads"],
    }


def plan_in_words(ready: Ready) -> str:
    """Return what a dry run found, for people."""
    plan = plan_as_json(ready)
    rows = [[group, choice] for group, choice in plan["choices"].items() if choice]
    rows += [[f"table {name}", f"{count:,} rows"] for name, count in plan["tables"].items()]
    rows += [[f"note on {name}", note] for name, notes in plan["notes"].items() for note in notes]
    rows += [[f"fold {number}", label] for number, label in enumerate(plan["folds"], 1)]
    rows += [["seed, threads", f"{plan['seed']}, {plan['threads']}"]]
    return f"{plan['experiment']}: all checks passed, nothing was run\n\n{table(rows)}"

"""Runs as they were logged: listed, shown, and their reports rendered again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cxai_runner.report.document import Document
    from cxai_runner.tracking.store import Store


REPORT: Final = "report.html"
SWEEP: Final = "cxai.sweep.key"
"""The tag that tells a sweep's own run from those of its points."""
POINT_OF: Final = "cxai.sweep"
"""Of a point's run: the id of the sweep's."""
VALUES: Final = "cxai.sweep.values"
"""Of a point's run: what the sweep set, by key."""
LINK: Final = "cxai.sweep.link."
"""Of a sweep's own run, and a point's label: the finished run of another sweep that the point is."""


@dataclass(frozen=True, eq=False)
class Logged:
    """A run as it was logged.

    Parameters
    ----------
    summary
        Status, metrics, params and tags as plain values.
    document
        What the run says; None for a run that did not finish.
    """

    summary: dict[str, Any]
    document: Document | None


def recent(uri: str | None, experiment: str | None, limit: int, *, points: bool = False) -> list[dict[str, Any]]:
    """Return the newest runs of an experiment, or of all, as rows of a table; a sweep is one, unless ``points``."""
    from cxai_runner.tracking.read import list_runs, summary

    store = _store(uri)
    names = {found.experiment_id: found.name for found in store.retry(store.client.search_experiments)}
    return [_row(summary(run), names) for run in list_runs(store, experiment, limit, points=points)]


def logged(uri: str | None, run: str) -> Logged:
    """Return a run by its id, the beginning of it, or ``last``; raises `UserError` where none is meant.

    A sweep of which a point failed is FAILED, and says what it came to all the same.
    """
    from cxai_runner.report.document import Document
    from cxai_runner.tracking.read import artifact, find, summary

    store = _store(uri)
    found = find(store, run)
    document = None
    if found.info.status == "FINISHED" or (found.info.status == "FAILED" and SWEEP in found.data.tags):
        document = Document.from_json(artifact(store, found, "report.json"))
    return Logged(summary(found), document)


def render_report(uri: str | None, run: str, target: Path | None = None) -> tuple[str, Path]:
    """Render a run's report and figures again from what it logged, keep them with it, and write it to ``target``.

    Returns
    -------
    run_id, path
        The file is ``target``, or ``report-<run>.html`` in the working folder.
    """
    from cxai_runner.tracking.read import find

    store = _store(uri)
    run_id = str(find(store, run).info.run_id)
    path = target or Path(f"report-{run_id[:8]}.html")
    path.write_text(_render(store, run_id), encoding="utf-8")
    return run_id, path


def complete(store: Store, run_id: str) -> None:
    """Make the report and the figures of a finished run that was kept without; one that has them is left alone."""
    listed = store.retry(store.client.list_artifacts, run_id)
    if not any(file.path == REPORT for file in listed):
        _render(store, run_id)


def _render(store: Store, run_id: str) -> str:
    """Render a report from what the run logged, keep it and its figures with the run, and return it."""
    import tempfile

    from cxai_runner.report.document import Document
    from cxai_runner.report.figures import draw_png
    from cxai_runner.report.html import render_html
    from cxai_runner.tracking.read import artifact

    document = Document.from_json(artifact(store, store.retry(store.client.get_run, run_id), "report.json"))
    html = render_html(document)
    with tempfile.TemporaryDirectory(prefix="cxai-report-") as folder:
        # The report comes last: where it is, all is.
        for figure in document.figures:
            place = Path(folder) / "figures" / f"{figure.name}.png"
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(draw_png(figure))
        store.retry(store.client.log_artifacts, run_id, folder)
    store.retry(store.client.log_text, run_id, html, REPORT)
    return html


def _store(uri: str | None) -> Store:
    from cxai_runner.tracking.store import Store

    return Store.open(uri, Path.cwd(), create=False)


def _row(run: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    tags, metrics = run["tags"], run["metrics"]
    primary = tags.get("cxai.primary_metric", "")
    part = next((part for part in ("held_out", "challenge", "train", "best") if f"{part}/{primary}" in metrics), "")
    return {
        "run": run["run_id"][:8],
        "run_id": run["run_id"],
        "started": run["started"],
        "status": "cut off" if run["orphan"] else run["status"],
        "experiment": names.get(run["experiment_id"], ""),
        "model": _sweep(metrics) if SWEEP in tags else tags.get("cxai.model", ""),
        "metric": f"{primary} {metrics[f'{part}/{primary}']:.4f}" if part else "",
    }


def _sweep(metrics: Mapping[str, float]) -> str:
    """What stands in place of a model in the row of a sweep."""
    if "points" not in metrics:
        return "sweep"
    failed = int(metrics.get("points_failed", 0))
    return f"sweep of {int(metrics['points'])}" + f", {failed} failed" * bool(failed)

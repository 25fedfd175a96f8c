"""The report as one HTML file that needs nothing else.

No script, no font, no picture from elsewhere: it opens in MLflow's artifact view, from a mail, on a phone, on paper,
and in ten years. All values come from the data, so all are escaped; the only markup passed through is drawn here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cxai_runner.evaluation.results import Figure, Metric, Table
from cxai_runner.report import quality, wording
from cxai_runner.report.document import Document
from cxai_runner.report.figures import draw_svg, is_broad
from cxai_runner.report.strips import strip
from cxai_runner.report.templates import template

if TYPE_CHECKING:
    from markupsafe import Markup

PARTS: Final[Mapping[str, str]] = {
    "held_out": "Held out",
    "challenge": "Challenged",
    "train": "On the training rows",
}
VERDICTS: Final[Mapping[str, str]] = {"better": "good", "worse": "bad", "cannot tell": "unclear"}


@dataclass(frozen=True)
class _Row:
    """A metric as its table shows it."""

    label: str
    hint: str
    value: str
    bounds: str
    baseline: str
    baseline_bounds: str
    difference: str
    difference_bounds: str
    verdict: str
    tone: str
    picture: Markup


@dataclass(frozen=True)
class _Grid:
    """A table as it is shown: words only."""

    name: str
    title: str
    caption: str
    heads: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[tuple[str, bool]]]
    note: str


@dataclass(frozen=True)
class _Picture:
    """A figure as it is shown."""

    title: str
    caption: str
    svg: Markup
    broad: bool


def render_html(document: Document) -> str:
    """Render a document.

    Parameters
    ----------
    document
        What the run says.

    Returns
    -------
    html
        A whole page.
    """
    lead = document.headline_part
    order = [lead, *(part for part in document.metrics if part != lead)]
    parts = [(PARTS.get(part, part), _rows(document.metrics[part])) for part in order if document.metrics.get(part)]
    return template("template.html").render(
        document=document,
        parts=parts,
        estimates=[(e.text, *wording.interval(e.value)) for e in document.estimates],
        dropped=[
            (d, wording.number(d.rows), wording.number(d.of), wording.share(d.rows, d.of)) for d in document.dropped
        ],
        pictures=[_picture(figure) for figure in document.figures],
        grids=[_grid(table, document.rows_of(table)) for table in document.tables],
        stages=_stages(document),
        **quality.section(document.quality),
    )


def _rows(metrics: Sequence[Metric]) -> list[_Row]:
    from markupsafe import Markup

    rows = []
    for metric in metrics:
        value, bounds = wording.interval(metric.value)
        baseline, baseline_bounds = wording.interval(metric.baseline) if metric.baseline else ("", "")
        difference, difference_bounds = (
            wording.interval(metric.difference, sign=True) if metric.difference else ("", "")
        )
        rows.append(
            _Row(
                label=metric.label,
                hint=f"{metric.better} is better",
                value=value,
                bounds=bounds,
                baseline=baseline,
                baseline_bounds=baseline_bounds,
                difference=difference,
                difference_bounds=difference_bounds,
                verdict=metric.verdict,
                tone=VERDICTS.get(metric.verdict, ""),
                picture=Markup(strip(metric)),  # noqa: S704 - numbers only, no text of the data's
            )
        )
    return rows


def _grid(table: Table, rows: int) -> _Grid:
    from pandas.api import types

    frame = table.frame
    flat = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    shown = flat.head(table.shown)
    counted = [
        types.is_numeric_dtype(flat.iloc[:, i]) and not types.is_bool_dtype(flat.iloc[:, i])
        for i in range(flat.shape[1])
    ]
    columns = [wording.column(shown.iloc[:, i]) for i in range(flat.shape[1])]
    if table.alike and any(counted):
        numbers = shown.iloc[:, [i for i, one in enumerate(counted) if one]]
        texts = iter(wording.column(numbers.melt()["value"]))
        columns = [[next(texts) for _ in old] if one else old for old, one in zip(columns, counted, strict=True)]
    note = ""
    if rows > len(shown):
        note = f"The first {len(shown)} of {wording.number(rows)} rows; all of them are in tables/{table.name}.csv."
    return _Grid(
        name=table.name,
        title=table.title,
        caption=table.caption,
        heads=[(str(name).replace("_", " "), right) for name, right in zip(flat.columns, counted, strict=True)],
        rows=[list(zip(row, counted, strict=True)) for row in zip(*columns, strict=True)],
        note=note,
    )


def _picture(figure: Figure) -> _Picture:
    from markupsafe import Markup

    # Matplotlib escapes the texts that it draws.
    return _Picture(figure.title, figure.caption, Markup(draw_svg(figure)), is_broad(figure))  # noqa: S704


def _stages(document: Document) -> list[tuple[str, str, str]]:
    memory = document.peak_memory_mb
    return [
        (stage, wording.duration(seconds), f"{wording.number(memory[stage], 0)} MB" if stage in memory else "")
        for stage, seconds in document.seconds.items()
    ]

"""What an experiment says: metrics, estimates, findings, tables and figures.

All of it is plain data. A task yields it, and knows nothing of MLflow, HTML or files; whoever shows it needs no model.
A figure names the columns to draw instead of drawing them, so that a report can be rendered again from what a run
logged, and costs nothing where nobody looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Interval:
    """A number with its 95 % interval, in the unit of the number.

    Where no interval can be had, ``low`` and ``high`` are NaN and the caveat that says why belongs in the report.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Metric:
    """How well the model does on some rows, beside the baseline on the same rows.

    Parameters
    ----------
    name
        Snake case, as logged: ``log_loss``.
    label
        As read by a person: ``log loss``.
    value, baseline
        Each with its interval.
    difference
        Model minus baseline, on paired resamples.
    better
        Whether lower or higher is better.
    """

    name: str
    label: str
    value: Interval
    better: Better
    baseline: Interval | None = None
    difference: Interval | None = None

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``cannot tell``, by whether the paired difference excludes zero."""
        if self.difference is None:
            return ""
        if not (self.difference.low > 0 or self.difference.high < 0):
            return "cannot tell"
        improved = self.difference.high < 0 if self.better == "lower" else self.difference.low > 0
        return "better" if improved else "worse"


@dataclass(frozen=True)
class Estimate:
    """A quantity of the question itself (an elasticity, say) with its 95 % interval.

    ``text`` is the sentence's subject: ``elasticity of purchase probability at the mean price``.
    """

    name: str
    text: str
    value: Interval


@dataclass(frozen=True)
class Finding:
    """One sentence for the reader: the headline (one a report), a finding, or a caveat."""

    text: str
    kind: Literal["headline", "finding", "caveat"] = "finding"


@dataclass(frozen=True)
class Table:
    """A table to read and to download.

    Parameters
    ----------
    name, title, frame, caption
        File name without ending, heading, rows, and what to know of them.
    shown
        Its rows on a page.
    alike
        Whether all its numbers have as many decimals, as those of a matrix that is read across.
    """

    name: str
    title: str
    frame: pd.DataFrame
    caption: str = ""
    shown: int = 25
    alike: bool = False


@dataclass(frozen=True)
class Figure:
    """A picture as columns of a table.

    Parameters
    ----------
    name, title, caption
        File name without ending, heading, and the sentence that says what to see.
    data
        The rows to draw.
    mark
        ``line`` (with a band where ``low`` and ``high`` are named), ``bar``, ``point``, ``heatmap``, ``stack`` (areas
        of ``by`` on top of each other, those below zero downwards), ``flow`` (bands from what ``x`` names to what ``y``
        names, as wide as ``fill``), ``dendrogram`` (brackets between ``left`` and ``right``, from ``left_height`` and
        ``right_height`` up to ``height``), ``tree`` (questions, a node per row at level ``y`` and place ``x`` on it,
        hung on the row that ``fill`` numbers), ``verdicts`` (a box per ``x`` with its verdict ``y``), or for trials:
        ``parallel`` (a line per trial, over everything that varies), ``search`` (points, and the best so far).
    x, y
        Columns; for a heat map the column and the row, with ``fill`` the cell's value. For parallel coordinates the
        name of the axis and the height on it, from 0 to 1, with ``fill`` the trial's standing (the best are 1).
    by
        One line or group of bars per value of this column.
    low, high
        Columns of the interval.
    shade
        The range of x that was really observed; outside it the picture extrapolates.
    text
        For parallel coordinates: the column of what stands at a height; for points: of what is written beside each;
        for a tree of what each node says, for verdicts of the figures below each.
    reference
        ``diagonal``, or lines at fixed values: ``{"x": 1.25}``.
    """

    name: str
    title: str
    data: pd.DataFrame
    mark: Literal[
        "line", "bar", "point", "heatmap", "stack", "flow", "dendrogram", "tree", "verdicts", "parallel", "search"
    ]
    x: str
    y: str
    caption: str = ""
    by: str | None = None
    low: str | None = None
    high: str | None = None
    fill: str | None = None
    text: str | None = None
    x_label: str = ""
    y_label: str = ""
    shade: tuple[float, float] | None = None
    reference: Literal["diagonal"] | Mapping[str, float] | None = None


Content = Estimate | Finding | Table | Figure

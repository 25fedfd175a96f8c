"""How a merge tree is drawn: brackets between two branches, as high as they are unlike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.report.marks import COLOURS, GREY, floats, number_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cxai_runner.evaluation.results import Figure


def dendrogram(axes: Axes, figure: Figure) -> None:
    """A bracket per row: from ``left`` and ``right``, at the heights where those branches begin, up to ``height``."""
    import numpy as np

    left, right, height = (floats(figure.data[name]) for name in ("left", "right", "height"))
    begin = [floats(figure.data[name]) for name in ("left_height", "right_height")]
    line = figure.reference.get("y") if isinstance(figure.reference, Mapping) else None
    for i in range(len(height)):
        above = line is not None and height[i] > line
        x, y = [left[i], left[i], right[i], right[i]], [begin[0][i], height[i], height[i], begin[1][i]]
        axes.plot(x, y, color=GREY if above else COLOURS[0], linewidth=1.4, solid_joinstyle="miter")
    if line is not None:
        axes.axhline(line, color=COLOURS[1], linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xticks([])
    axes.set_xlim(np.min(left) - 0.7, np.max(right) + 0.7)
    axes.set_ylim(bottom=min(0.0, float(np.min(height))))
    number_axis(axes.yaxis)
    axes.grid(axis="y")
    axes.set_xlabel(figure.x_label)
    axes.set_ylabel(figure.y_label)


MARKS: Final[Mapping[str, Callable[[Any, Figure], None]]] = {"dendrogram": dendrogram}

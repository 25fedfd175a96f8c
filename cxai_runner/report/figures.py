"""Draws the figures that tasks describe.

One restrained style for all: the data in colour, everything else in grey, colours that the colour-blind can tell apart.
Drawn with Matplotlib's objects, without pyplot, so that nothing global is touched and nothing stays in memory.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.report import dendrograms, flows, marks, trees, trials, verdicts
from cxai_runner.report.marks import GREY, INK, LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from cxai_runner.evaluation.results import Figure

SIZE: Final = (5.6, 3.5)
BROAD: Final = (11.2, 4.2)
"""Of a picture that has the whole width of a page."""
_MARKS: Final = {
    **marks.MARKS,
    **flows.MARKS,
    **dendrograms.MARKS,
    **trees.MARKS,
    **trials.MARKS,
    **verdicts.MARKS,
}
PADDING: Final = 5
STYLE: Final[Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "grid.color": LIGHT,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.labelcolor": INK,
    "svg.fonttype": "path",
    "svg.hashsalt": "cxai",
    "text.parse_math": False,  # a price of $2.31 is no formula
}
_NO_METADATA: Final = {"Creator": None, "Date": None, "Format": None, "Type": None}


def is_broad(figure: Figure) -> bool:
    """Whether a picture wants the whole width: parallel coordinates have an axis a key, a flow names both its ends."""
    return figure.mark in ("parallel", "flow", "tree", "verdicts")


def _size(figure: Figure) -> tuple[float, float]:
    """Width and height in inches: a strip is low, and a tree as high as it has ends."""
    if figure.mark == "verdicts":
        return BROAD[0], 1.9
    if figure.mark == "tree":
        return BROAD[0], max(2.4, 0.62 * int((figure.data[figure.by].astype(str) != "").sum()) + 0.4)
    return BROAD if is_broad(figure) else SIZE


def draw_png(figure: Figure, dpi: int = 160) -> bytes:
    """Draw a figure with its title, as a PNG."""
    return _draw(figure, "png", titled=True, dpi=dpi, metadata={"Software": None})


def draw_svg(figure: Figure) -> str:
    """Draw a figure without its title, as an SVG element to put into HTML.

    Returns
    -------
    svg
        One ``<svg>`` that refers to nothing outside itself, the same for the same figure.
    """
    text = _draw(figure, "svg", titled=False, metadata=_NO_METADATA).decode()
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\s(?:xmlns(?::\w+)?|width|height|version)="[^"]*"', "", body.split(">", 1)[0]) + (
        ">" + body.split(">", 1)[1]
    )
    return body.replace("<svg", '<svg role="img"', 1).replace("\n", " ").strip()


def _draw(figure: Figure, form: str, *, titled: bool, **options: Any) -> bytes:
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    with mpl.rc_context(STYLE), _lacking_no_sign():
        canvas = Canvas(figsize=_size(figure))
        axes = canvas.add_subplot()
        if figure.data.empty:
            axes.text(0.5, 0.5, "nothing to draw", ha="center", va="center", color=GREY, transform=axes.transAxes)
            axes.set_axis_off()
        else:
            _MARKS[figure.mark](axes, figure)
            axes.tick_params(length=0)
        _fit(canvas, axes, figure.title if titled else "")
        buffer = io.BytesIO()
        canvas.savefig(buffer, format=form, **options)
    return buffer.getvalue()


@contextmanager
def _lacking_no_sign() -> Iterator[None]:
    """Say once of all pictures that their font lacks a sign; Matplotlib says it of each, each time that it measures."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    lacking = [one for one in said if str(one.message).startswith("Glyph ")]
    for one in said:
        if one not in lacking:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    if lacking:
        warnings.warn("a picture's font lacks signs of a name: they are boxes there; tables have them", stacklevel=3)


def _fit(canvas: Canvas, axes: Axes, title: str) -> None:
    """Put title and legend above the picture, where they cover nothing, and give it all the room that is left.

    One pass: Matplotlib's own layout engines draw everything twice, and a report would take twice as long.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(canvas).get_renderer()
    width, height = canvas.bbox.size
    top = height - PADDING
    heading = canvas.text(PADDING / width, top / height, title, ha="left", va="top", fontsize=10.5, color=INK)
    if title:
        top = heading.get_window_extent(renderer).y0 - PADDING
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        # As many names on a line as it has room for.
        for columns in range(min(len(labels), 4), 0, -1):
            legend = canvas.legend(
                handles,
                labels,
                loc="upper left",
                bbox_to_anchor=(0, top / height),
                ncols=columns,
                handlelength=1.4,
                borderaxespad=0,
            )
            if columns == 1 or legend.get_window_extent(renderer).width <= width:
                break
            legend.remove()
        top = legend.get_window_extent(renderer).y0
    around = axes.get_tightbbox(renderer)
    if around is None:
        return
    left, bottom = PADDING + axes.bbox.x0 - around.x0, PADDING + axes.bbox.y0 - around.y0
    right = width - PADDING - (around.x1 - axes.bbox.x1)
    top = top - PADDING - (around.y1 - axes.bbox.y1)
    axes.set_position((left / width, bottom / height, (right - left) / width, (top - bottom) / height))

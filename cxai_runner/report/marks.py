"""How each mark is drawn: lines with bands, bars, points, heat maps and stacked areas on Matplotlib axes.

A mark reads the columns that the figure names, and puts nothing in the picture that is not in them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.report.wording import column, number

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes

    from cxai_runner.evaluation.results import Figure

INK: Final = "#1c2530"
GREY: Final = "#7a8691"
LIGHT: Final = "#e6eaee"
COLOURS: Final = ("#0b6e99", "#d55e00", "#009e73", "#aa4499", "#b8860b", "#56a3d9", "#555555", "#882255")
"""Okabe and Ito's palette, darkened where a thin line of it would be faint on white."""

MANY_POINTS: Final = 2000
FEW_POINTS: Final = 15
LONG_LABEL: Final = 9
MANY_BARS: Final = 9
MANY_LETTERS: Final = 48
MOST_CELLS: Final = 200
MOST_TICKS: Final = 7
LABEL_LENGTH: Final = 26


def line(axes: Axes, figure: Figure) -> None:
    """Lines, each with its band where the figure names ``low`` and ``high``; the first on top, all above the bands."""
    at = _Places(figure.data[figure.x])
    series = list(_series(figure))
    for i, (colour, label, rows) in enumerate(series):
        x, y = at(rows[figure.x]), floats(rows[figure.y])
        marker = "o" if len(rows) <= FEW_POINTS else None
        top = 3 - i / len(series)
        axes.plot(x, y, color=colour, linewidth=1.8, marker=marker, markersize=4, label=label, zorder=top)
        if figure.low and figure.high:
            low, high = floats(rows[figure.low]), floats(rows[figure.high])
            alpha = 0.16 if len(series) == 1 else 0.1
            axes.fill_between(x, low, high, color=colour, alpha=alpha, linewidth=0, zorder=top - 2)
    axes.grid(axis="y")
    _dress(axes, figure, at)


def point(axes: Axes, figure: Figure) -> None:
    """Points, each with its interval where the figure names one, and with what it is called."""
    at = _Places(figure.data[figure.x])
    many = len(figure.data) > MANY_POINTS
    for colour, label, rows in _series(figure):
        x, y = at(rows[figure.x]), floats(rows[figure.y])
        if figure.low and figure.high:
            axes.errorbar(
                x, y, yerr=_errors(rows, figure), color=colour, fmt="o", markersize=4.5, elinewidth=1.3, label=label
            )
        else:
            size, alpha = (5, 0.35) if many else (22, 0.85)
            axes.scatter(x, y, s=size, color=colour, alpha=alpha, linewidths=0, label=label, rasterized=many)
        if figure.text and not many:
            for place, height, word in zip(x, y, rows[figure.text], strict=True):
                axes.annotate(_cut(_label(word)), (place, height), (4, 3), textcoords="offset points", fontsize=7.5)
    axes.grid(axis="both")
    _dress(axes, figure, at)


def bar(axes: Axes, figure: Figure) -> None:
    """Bars side by side per value of ``by``; lying down where their labels are long or many."""
    names = list(dict.fromkeys(_label(value) for value in figure.data[figure.x]))
    lying = len(names) > MANY_BARS or max(map(len, names)) > LONG_LABEL
    series = list(_series(figure))
    width = 0.8 / len(series)
    draw = axes.barh if lying else axes.bar
    for i, (colour, label, rows) in enumerate(series):
        place = floats([names.index(_label(value)) for value in rows[figure.x]]) + (i - (len(series) - 1) / 2) * width
        error: dict[str, Any] = {}
        if figure.low and figure.high:
            error = {("xerr" if lying else "yerr"): _errors(rows, figure), "error_kw": {"ecolor": INK, "elinewidth": 1}}
        draw(place, floats(rows[figure.y]), 0.92 * width, color=colour, label=label, **error)
    ticks = range(len(names))
    shown = [_cut(name) for name in names]
    if lying:
        axes.set_yticks(ticks, shown)
        axes.invert_yaxis()
        axes.spines["left"].set_visible(False)
    else:
        axes.set_xticks(ticks, shown)
        axes.spines["bottom"].set_visible(False)
    value = axes.xaxis if lying else axes.yaxis
    number_axis(value)
    axes.grid(axis="x" if lying else "y")
    words, counted = _axis_labels(figure)
    axes.set_xlabel(counted if lying else words)
    axes.set_ylabel(words if lying else counted)
    (axes.axvline if lying else axes.axhline)(0, color=GREY, linewidth=0.8)
    _references(axes, figure, {"x": "y", "y": "x"} if lying else {"x": "x", "y": "y"})


def stack(axes: Axes, figure: Figure) -> None:
    """Areas on top of each other per value of ``by``: what is above zero upwards, what is below it downwards."""
    import numpy as np

    at = _Places(figure.data[figure.x])
    floor: dict[bool, Any] = {}
    for colour, label, rows in _series(figure):
        x, y = at(rows[figure.x]), floats(rows[figure.y])
        # An area that crosses zero has a part on either side.
        for i, (above, part) in enumerate(((True, np.maximum(y, 0)), (False, np.minimum(y, 0)))):
            base = floor.get(above, np.zeros_like(y))
            floor[above] = base + part
            axes.fill_between(
                x, base, floor[above], color=colour, alpha=0.75, linewidth=0, label=label if i == 0 else None
            )
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.grid(axis="y")
    _dress(axes, figure, at)


def heatmap(axes: Axes, figure: Figure) -> None:
    """A cell per pair of ``x`` and ``y``, its colour and number from ``fill``."""
    import numpy as np
    import pandas as pd

    columns = list(dict.fromkeys(figure.data[figure.x]))
    rows = list(dict.fromkeys(figure.data[figure.y]))
    cells = np.full((len(rows), len(columns)), math.nan)
    for x, y, fill in zip(figure.data[figure.x], figure.data[figure.y], floats(figure.data[figure.fill]), strict=True):
        cells[rows.index(y), columns.index(x)] = fill
    crosses_zero = np.nanmin(cells) < 0 < np.nanmax(cells)
    end = float(np.nanmax(np.abs(cells)))
    scale = {"cmap": "PuOr_r", "vmin": -end, "vmax": end} if crosses_zero else {"cmap": "Blues"}
    image = axes.imshow(np.ma.masked_invalid(cells), aspect="auto", **scale)
    if cells.size <= MOST_CELLS:
        texts = column(pd.Series(cells.ravel()))
        for (i, j), text in zip(np.ndindex(cells.shape), texts, strict=True):
            red, green, blue, _ = image.cmap(image.norm(cells[i, j]))
            colour = INK if 0.3 * red + 0.6 * green + 0.1 * blue > 0.55 else "white"
            axes.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)
    else:
        axes.figure.colorbar(image, cax=axes.inset_axes((1.03, 0, 0.035, 1)), format=_ticks())
    turned: dict[str, Any] = (
        {"rotation": 35, "ha": "right"} if max(len(_label(c)) for c in columns) > LONG_LABEL else {}
    )
    axes.set_xticks(range(len(columns)), [_cut(_label(c)) for c in columns], **turned)
    axes.set_yticks(range(len(rows)), [_cut(_label(r)) for r in rows])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(figure.x_label or _words(figure.x))
    axes.set_ylabel(figure.y_label or _words(figure.y))


MARKS: Final[Mapping[str, Callable[[Any, Figure], None]]] = {
    "line": line,
    "point": point,
    "bar": bar,
    "heatmap": heatmap,
    "stack": stack,
}


class _Places:
    """Where the values of an axis lie: numbers and dates where they are, names one after another."""

    def __init__(self, values: pd.Series) -> None:
        from pandas.api import types

        self.dated = types.is_datetime64_any_dtype(values)
        self.named = not self.dated and (types.is_bool_dtype(values) or not types.is_numeric_dtype(values))
        self.names = list(dict.fromkeys(_label(value) for value in values)) if self.named else []

    def __call__(self, values: pd.Series) -> Any:
        if self.named:
            return floats([self.names.index(_label(value)) for value in values])
        return values.to_numpy() if self.dated else floats(values)


def _series(figure: Figure) -> Iterator[tuple[str, str | None, pd.DataFrame]]:
    if figure.by is None:
        yield COLOURS[0], None, figure.data
        return
    for i, value in enumerate(dict.fromkeys(figure.data[figure.by])):
        yield COLOURS[i % len(COLOURS)], _cut(_label(value)), figure.data[figure.data[figure.by] == value]


def dressed(axes: Axes, figure: Figure) -> None:
    """Give the axes of a picture of numbers their ticks, their labels and what the figure refers to."""
    _dress(axes, figure, _Places(figure.data[figure.x]))


def _dress(axes: Axes, figure: Figure, at: _Places) -> None:
    from pandas.api import types

    if at.named:
        turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if sum(map(len, at.names)) > MANY_LETTERS else {}
        axes.set_xticks(range(len(at.names)), [_cut(name) for name in at.names], **turned)
    elif at.dated:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(maxticks=8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    else:
        number_axis(axes.xaxis, whole=types.is_integer_dtype(figure.data[figure.x]))
    number_axis(axes.yaxis)
    words, counted = _axis_labels(figure)
    axes.set_xlabel(words)
    axes.set_ylabel(counted)
    if figure.shade is not None:
        axes.axvspan(*figure.shade, color=LIGHT, alpha=0.7, linewidth=0, zorder=0, label="observed range")
    _references(axes, figure, {"x": "x", "y": "y"})


def number_axis(axis: Any, *, whole: bool = False) -> None:
    """Give an axis few ticks at round numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(MOST_TICKS, integer=whole, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(_ticks())


def _references(axes: Axes, figure: Figure, along: Mapping[str, str]) -> None:
    style: dict[str, Any] = {"color": GREY, "linewidth": 1, "linestyle": (0, (4, 3)), "zorder": 1.5}
    if figure.reference == "diagonal":
        low = max(axes.get_xlim()[0], axes.get_ylim()[0])
        high = min(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], **style)
    elif isinstance(figure.reference, Mapping):
        for name, value in figure.reference.items():
            (axes.axvline if along[name] == "x" else axes.axhline)(value, **style)


def _axis_labels(figure: Figure) -> tuple[str, str]:
    return figure.x_label or _words(figure.x), figure.y_label or _words(figure.y)


def _errors(rows: pd.DataFrame, figure: Figure) -> np.ndarray[Any, Any]:
    """Distances below and above, as Matplotlib wants them; none where the interval is unknown."""
    import numpy as np

    y, low, high = (floats(rows[name]) for name in (figure.y, figure.low, figure.high))
    return np.nan_to_num(np.clip(np.stack([y - low, high - y]), 0, None))


def floats(values: Any) -> np.ndarray[Any, Any]:
    """Values as floats, what is missing as NaN."""
    import numpy as np
    import pandas as pd

    return np.asarray(pd.Series(values).astype("float64"))


def _ticks() -> Any:
    """A formatter with thousands separators, and as many decimals as tell two ticks apart."""
    from matplotlib.ticker import Formatter

    class Ticks(Formatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return number(x)

        def format_ticks(self, values: Any) -> list[str]:
            step = min((b - a for a, b in pairwise(values)), default=0.0)
            decimals = max(0, math.ceil(-math.log10(step) - 1e-9)) if step > 0 else 0
            if not math.isclose(round(step, decimals), step, rel_tol=1e-6):
                decimals += 1  # steps of 2.5
            return [number(round(x, decimals + 2) + 0.0, decimals) for x in values]

    return Ticks()


def _label(value: Any) -> str:
    if isinstance(value, float):
        return number(value)
    return str(value)


def _cut(name: str) -> str:
    return name if len(name) <= LABEL_LENGTH else name[: LABEL_LENGTH - 1] + "…"


def _words(column: str | None) -> str:
    return (column or "").replace("_", " ")

"""How the trials of a search are drawn: parallel coordinates, and what the search came to trial by trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.report.marks import COLOURS, GREY, INK, dressed, floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from cxai_runner.evaluation.results import Figure

_BEST: Final = COLOURS[1]
_APART: Final = 0.075
"""How far apart two words on one axis must be to be read."""
_LONGEST: Final = 18


def parallel(axes: Axes, figure: Figure) -> None:
    """A line per trial over all axes, the darker the better, the best on top; dotted past an axis that it has not."""
    import numpy as np

    names = list(dict.fromkeys(figure.data[figure.x]))
    trials = [rows for _, rows in figure.data.groupby(figure.by, sort=False)]
    standing = [float(rows[figure.fill].iloc[0]) for rows in trials]
    shades = _shades()
    for place in np.argsort(np.nan_to_num(standing, nan=-1.0), kind="stable"):
        rows, share = trials[place], standing[place]
        heights = dict(zip(rows[figure.x], floats(rows[figure.y]), strict=True))
        line = [heights.get(name, np.nan) for name in names]
        style = _style(share, shades, len(trials))
        axes.plot(range(len(names)), line, **style)
        there = [i for i, height in enumerate(line) if np.isfinite(height)]
        for before, after in pairwise(there):
            if after - before > 1:  # the trial has not what lies between
                bridge = style | {"linewidth": style["linewidth"] / 2, "linestyle": (0, (1, 2))}
                axes.plot([before, after], [line[before], line[after]], **bridge)
        if share == 1:
            axes.plot(there, [line[i] for i in there], "o", color=style["color"], markersize=4.5, zorder=4.1)
    for number, name in enumerate(names):
        axes.axvline(number, color=GREY, linewidth=0.8, zorder=1)
        _words_on(axes, number, figure.data[figure.data[figure.x] == name], figure)
    axes.set_xticks(range(len(names)), [_cut(str(name)) for name in names])
    axes.set_yticks([])
    axes.set_ylim(-0.06, 1.06)
    axes.set_xlim(-0.08, len(names) - 1 + 0.45)
    axes.spines[:].set_visible(False)
    axes.plot([], [], color=_BEST, linewidth=2.6, label="best")
    axes.plot([], [], color=shades(0.9), linewidth=1.4, label="the better, the darker")
    if figure.data[figure.y].isna().any():
        axes.plot([], [], color=shades(0.9), linewidth=1, linestyle=(0, (1, 2)), label="has no such key")
    if any(share != share for share in standing):  # noqa: PLR0124 - NaN is not itself
        axes.plot([], [], color=GREY, linewidth=1, linestyle=(0, (2, 3)), label="without a result")


def search(axes: Axes, figure: Figure) -> None:
    """A point per trial in the order of the search, and a step where one was better than all before it."""
    rows = figure.data
    x, y = floats(rows[figure.x]), floats(rows[figure.y])
    axes.scatter(x, y, s=22, color=COLOURS[0], alpha=0.75, linewidths=0, label="a trial")
    axes.step(x, floats(rows[figure.fill]), where="post", color=_BEST, linewidth=1.8, label="best so far")
    axes.grid(axis="y")
    dressed(axes, figure)


MARKS: Final[Mapping[str, Callable[[Any, Figure], None]]] = {"parallel": parallel, "search": search}


def _style(share: float, shades: Any, many: int) -> dict[str, Any]:
    if share != share:  # noqa: PLR0124 - NaN is not itself
        return {"color": GREY, "linewidth": 0.8, "linestyle": (0, (2, 3)), "alpha": 0.7, "zorder": 1.5}
    if share == 1:
        return {"color": _BEST, "linewidth": 2.6, "alpha": 1.0, "zorder": 4}
    return {"color": shades(0.25 + 0.7 * share), "linewidth": 1.2, "alpha": 0.85 if many < 80 else 0.45, "zorder": 2}


def _words_on(axes: Axes, number: int, rows: pd.DataFrame, figure: Figure) -> None:
    """Write what stands at the heights of an axis, both ends first, and whatever has room between them."""
    known = rows[rows[figure.y].notna()]
    words = dict(sorted(zip(floats(known[figure.y]), known[figure.text], strict=True)))
    ends = [*words][:1] + [*words][-1:]
    shown = list(dict.fromkeys(ends))
    for height in words:
        if all(abs(height - other) >= _APART for other in shown):
            shown.append(height)
    if len(words) > 2 * len(shown):  # a scale: as few words as a reader needs
        shown = _spread(sorted(words), 5)
    for height in shown:
        axes.annotate(
            _cut(str(words[height])),
            (number, height),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
            zorder=6,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
        )


def _spread(heights: list[float], many: int) -> list[float]:
    """So many of the heights, as evenly apart as they lie."""
    low, high = heights[0], heights[-1]
    wanted = [low + (high - low) * i / (many - 1) for i in range(many)]
    near = [min(heights, key=lambda height, at=at: abs(height - at)) for at in wanted]  # type: ignore[misc]
    return [height for height, before in pairwise([*near[::-1], -1.0]) if height - before >= _APART]


def _shades() -> Any:
    from matplotlib import colormaps

    return colormaps["Blues"]


def _cut(words: str) -> str:
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"

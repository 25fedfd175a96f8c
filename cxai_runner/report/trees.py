"""Questions that lead to answers: a tree from left to right, with what is asked on it and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.report.marks import COLOURS, GREY, INK, LIGHT, floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cxai_runner.evaluation.results import Figure

ROOM: Final = 0.82
"""The share of a level's width that its words have."""
LETTERS: Final = 150
"""Letters that fit into the whole width."""
TURN: Final = 0.9
"""Where between two levels a branch turns."""


def tree(axes: Axes, figure: Figure) -> None:
    """Nodes at ``y`` (the level) and ``x`` (the place on it), hung on the row that ``fill`` numbers; ends by colour."""
    data = figure.data
    levels, places, parents = (floats(data[name]) for name in (figure.y, figure.x, figure.fill))
    ends = list(dict.fromkeys(name for name in data[figure.by].map(str) if name))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(sorted(ends))}
    letters = max(14, int(ROOM * LETTERS / (levels.max() + 1)))
    first: set[int] = set()
    for level, place, parent in zip(levels, places, parents, strict=True):
        if parent < 0:
            continue
        at = int(parent)
        # It begins behind the box that it hangs on, wherever that ends.
        x = [levels[at], levels[at] + TURN, levels[at] + TURN, level]
        axes.plot(x, [places[at], places[at], place, place], color=GREY, linewidth=1, zorder=1)
        answer = "no" if at in first else "yes"
        first.add(at)
        axes.text(level - 0.055, place - 0.04, answer, ha="right", va="bottom", fontsize=7.5, color=GREY)
    for level, place, end, words in zip(levels, places, data[figure.by].map(str), data[figure.text], strict=True):
        lines = [part for line in str(words).split("\n") for part in wrap(line, letters) or [""]]
        colour = colours.get(end)
        axes.text(
            level,
            place,
            "\n".join(lines),
            ha="left",
            va="center",
            fontsize=8,
            color=INK,
            bbox={
                "boxstyle": "round,pad=0.35",
                "facecolor": "white",
                "edgecolor": colour or LIGHT,
                "linewidth": 2 if colour else 1,
            },
        )
    axes.set_xlim(-0.05, levels.max() + ROOM)
    axes.set_ylim(places.max() + 0.6, places.min() - 0.6)
    axes.set_axis_off()


MARKS: Final[Mapping[str, Any]] = {"tree": tree}

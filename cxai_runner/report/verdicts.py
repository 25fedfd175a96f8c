"""A strip of verdicts: a box for each test, its colour and its word the same message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.report.marks import GREY, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cxai_runner.evaluation.results import Figure

LOOKS: Final[Mapping[str, tuple[str, str, str]]] = {
    "yes": ("#009e73", "#e3f4ee", "✓"),
    "no": ("#d55e00", "#fbe9de", "✗"),
    "cannot tell": ("#b8860b", "#f8f1dd", "?"),
}
"""By verdict: the colour of its word, that of its box, and its sign; any other is grey."""


def verdicts(axes: Axes, figure: Figure) -> None:
    """A box for each ``x``: what is tested, the verdict ``y``, and the figures of ``text`` below."""
    from matplotlib.patches import FancyBboxPatch

    data = figure.data
    for i, (name, verdict) in enumerate(zip(data[figure.x].map(str), data[figure.y].map(str), strict=True)):
        strong, weak, sign = LOOKS.get(verdict, (GREY, "#f1f3f5", "–"))
        box = FancyBboxPatch((i + 0.06, 0.05), 0.88, 0.9, boxstyle="round,pad=0,rounding_size=0.05", fc=weak, ec=strong)
        axes.add_patch(box)
        axes.text(i + 0.5, 0.8, name, ha="center", va="center", fontsize=10, color=INK)
        axes.text(i + 0.5, 0.55, f"{sign}  {verdict}", ha="center", va="center", fontsize=11, color=strong)
        if figure.text:
            words = str(data[figure.text].iloc[i])
            axes.text(i + 0.5, 0.27, words, ha="center", va="center", fontsize=8, color=INK)
    axes.set_xlim(0, len(data))
    axes.set_ylim(0, 1)
    axes.set_axis_off()


MARKS: Final[Mapping[str, Any]] = {"verdicts": verdicts}

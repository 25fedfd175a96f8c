"""What flows from the parts of a whole to its parts at a later date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.report.marks import GREY, INK, floats
from cxai_runner.report.wording import number

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    from cxai_runner.evaluation.results import Figure

GAP: Final = 0.02
"""Between two parts of a flow, as a share of the whole height."""
WIDTH: Final = 0.025
LEGIBLE: Final = 0.025
"""The share of the whole below which a part goes without its name."""
CURVE: Final = 40


def flow(axes: Axes, figure: Figure) -> None:
    """Bands from the parts named by ``x`` on the left to those by ``y`` on the right, as wide as ``fill`` says."""
    data, amount = figure.data, floats(figure.data[figure.fill])
    ends = [data[figure.x].map(str).to_numpy(), data[figure.y].map(str).to_numpy()]
    order = list(dict.fromkeys([*ends[0], *ends[1]]))
    order.sort(key=lambda name: list(dict.fromkeys(ends[0])).index(name) if name in ends[0] else len(order))
    colours = dict(zip(order, _colours(len(order)), strict=True))
    total = amount.sum() or 1.0
    sides = [_Side(order, own, amount / total) for own in ends]
    for name, other, height in sorted(
        zip(*ends, amount / total, strict=True), key=lambda one: (order.index(one[0]), order.index(one[1]))
    ):
        left, right = sides[0].take(name, height), sides[1].take(other, height)
        x, low = _curve(left, right)
        axes.fill_between(x, low, low - height, color=colours[name], alpha=0.45, linewidth=0)
    for side, place, align in ((sides[0], 0.0, "right"), (sides[1], 1.0, "left")):
        for name, (top, height) in side.parts.items():
            left = place - WIDTH if align == "right" else place
            axes.fill_between([left, left + WIDTH], top, top - height, color=colours[name], linewidth=0)
            if height >= LEGIBLE:
                at = place - 1.6 * WIDTH if align == "right" else place + 1.6 * WIDTH
                words = f"{name}  {number(height * total)}"
                axes.text(at, top - height / 2, words, ha=align, va="center", fontsize=8.5, color=INK)
    for place, label, align in ((-WIDTH, figure.x_label, "left"), (1 + WIDTH, figure.y_label, "right")):
        axes.text(place, 1 + 1.5 * GAP, label, ha=align, va="bottom", fontsize=9, color=GREY)
    axes.set_xlim(-0.02, 1.02)
    axes.set_axis_off()


MARKS: Final[Mapping[str, Any]] = {"flow": flow}


class _Side:
    """The parts on one side of a flow, from the top down, and what of each is taken."""

    def __init__(self, order: Sequence[str], names: Any, heights: np.ndarray[Any, Any]) -> None:
        present = [name for name in order if (names == name).any()]
        top = 1.0
        self.parts: dict[str, tuple[float, float]] = {}
        for name in present:
            height = float(heights[names == name].sum())
            self.parts[name] = (top, height)
            top -= height + GAP
        self._taken = {name: top for name, (top, _) in self.parts.items()}

    def take(self, name: str, height: float) -> float:
        """Return where the next band of a part begins."""
        top = self._taken[name]
        self._taken[name] = top - height
        return top


def _curve(left: float, right: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A smooth way from one height to another."""
    import numpy as np

    x = np.linspace(0, 1, CURVE)
    return x, left + (right - left) * (3 * x**2 - 2 * x**3)


def _colours(number: int) -> list[Any]:
    """Colours that go with the order of the parts, and that the colour-blind can tell apart."""
    import matplotlib as mpl
    import numpy as np

    return [tuple(one) for one in mpl.colormaps["viridis"](np.linspace(0.08, 0.95, max(number, 2)))][:number]

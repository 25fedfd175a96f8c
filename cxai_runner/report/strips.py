"""A picture of an interval, small enough for a table's cell: the model's beside the baseline's, on one scale.

Written as SVG by hand: it is a dozen shapes, and a report has one per metric.
"""

from __future__ import annotations

import math
from typing import Final

from cxai_runner.evaluation.results import Interval, Metric

WIDTH: Final = 150
HEIGHT: Final = 26
_MARGIN: Final = 8


def strip(metric: Metric) -> str:
    """Draw a metric's interval above its baseline's.

    Returns
    -------
    svg
        One ``<svg>`` element; empty where there is no number to show.
    """
    drawn = [(metric.value, "model", 9), (metric.baseline, "base", 18)]
    shown = [
        (interval, kind, y) for interval, kind, y in drawn if interval is not None and math.isfinite(interval.value)
    ]
    ends = [end for interval, _, _ in shown for end in _ends(interval)]
    if not ends:
        return ""
    low, high = min(ends), max(ends)
    span = (high - low) or abs(high) or 1.0

    def at(value: float) -> str:
        return f"{_MARGIN + (value - low) / span * (WIDTH - 2 * _MARGIN):.1f}"

    shapes = []
    for interval, kind, y in shown:
        left, right = _ends(interval)
        shapes.append(f'<line class="{kind}" x1="{at(left)}" x2="{at(right)}" y1="{y}" y2="{y}"/>')
        shapes.append(f'<circle class="{kind}" cx="{at(interval.value)}" cy="{y}" r="3.4"/>')
    return f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(shapes)}</svg>'


def _ends(interval: Interval) -> tuple[float, float]:
    if math.isfinite(interval.low) and math.isfinite(interval.high):
        return interval.low, interval.high
    return interval.value, interval.value

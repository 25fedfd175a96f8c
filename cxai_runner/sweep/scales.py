"""Where a value lies on its axis: numbers by their size, on a logarithmic scale where that is even; names in a row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cxai_runner.sweep.axes import Axis

_WIDE: Final = 50
"""Values whose largest is so many times the smallest lie on a logarithmic scale."""


def values(axes: Sequence[Axis], key: str, trials: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the values of a key that some trial has, in the order of the axis."""
    there = {one[key] for one in trials if key in one}
    listed = [text for axis in axes if axis.key == key for text in axis.examples if text in there]
    return [*dict.fromkeys(listed), *sorted(there - set(listed))]


def places(texts: Sequence[str], *, log: bool = False) -> dict[str, float]:
    """Return the height of each value, from 0 to 1.

    Parameters
    ----------
    texts
        As overrides write them.
    log
        Whether the axis says that it is logarithmic.
    """
    numbers = [number(text) for text in texts]
    known = [one for one in numbers if one is not None and math.isfinite(one)]
    if len(known) < len(texts):
        return _between(texts, [float(i) for i in range(len(texts))])
    if known and min(known) > 0 and (log or max(known) >= _WIDE * min(known)):
        known = [math.log(one) for one in known]
    return _between(texts, known)


def number(text: str) -> float | None:
    """Return the number that a value is; None for a name."""
    try:
        return float(text)
    except ValueError:
        return None


def is_log(axes: Sequence[Axis], key: str) -> bool:
    """Whether an axis of this key says that it is logarithmic."""
    return any(getattr(axis, "log", False) for axis in axes if axis.key == key)


def _between(texts: Sequence[str], numbers: Sequence[float]) -> dict[str, float]:
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 0.0)
    width = high - low
    return {text: (one - low) / width if width else 0.5 for text, one in zip(texts, numbers, strict=True)}

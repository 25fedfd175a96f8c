"""How far the numbers of two runs are apart, where they are not the same to the bit.

A deviation is relative, and what it is relative to is said: a difference of two large numbers is no more exact than
they are. So a metric's is taken relative to the largest of its values (its bounds, its baseline and the difference
among them), and a score's to the largest of its column.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

_SPENT: Final = ("seconds/", "peak_memory_mb/")
_BOUND: Final = re.compile(r"_(low|high)$")


@dataclass(frozen=True)
class Deviation:
    """The largest deviation of one run from another.

    Parameters
    ----------
    relative
        How large, relative to what is measured; infinite where something is not a number, or not there, in one only.
    where
        The metric, or the part and column of the scores.
    then, now
        What stands there, in words.
    """

    relative: float
    where: str = ""
    then: str = ""
    now: str = ""

    def __str__(self) -> str:
        told = "not to be measured" if math.isinf(self.relative) else f"{self.relative:.1e} relative"
        return f"{self.where}: {self.then} then, {self.now} now ({told})" if self.where else "none"


def largest(found: Iterable[Deviation]) -> Deviation:
    """Return the largest of several."""
    return max(found, key=lambda one: one.relative, default=Deviation(0.0))


def of_metrics(then: Mapping[str, float], now: Mapping[str, float]) -> Deviation:
    """Return the largest deviation of any metric; what was spent on them does not count."""
    before, after = _measured(then), _measured(now)
    scale: dict[str, float] = {}
    for name, value in (*before.items(), *after.items()):
        scale[_family(name)] = max(scale.get(_family(name), 0.0), abs(value))

    def each() -> Iterator[Deviation]:
        for name in dict.fromkeys([*before, *after]):
            old, new = before.get(name), after.get(name)
            if old is None or new is None:
                yield Deviation(math.inf, name, _said(old), _said(new))
            elif old != new:
                yield Deviation(abs(old - new) / scale[_family(name)], name, _said(old), _said(new))

    return largest(each())


def of_scores(then: Mapping[str, pd.DataFrame], now: Mapping[str, pd.DataFrame]) -> Deviation:
    """Return the largest deviation of any score; rows are compared as they stand."""
    return largest(_of_part(part, then.get(part), now.get(part)) for part in dict.fromkeys([*then, *now]))


def _of_part(part: str, then: pd.DataFrame | None, now: pd.DataFrame | None) -> Deviation:
    where = f"scores of {part.replace('_', ' ')} rows"
    if then is None or now is None:
        return Deviation(math.inf, where, _there(then), _there(now))
    if len(then) != len(now):
        return Deviation(math.inf, where, f"{len(then):,} rows", f"{len(now):,} rows")
    names = dict.fromkeys([*map(str, then.columns), *map(str, now.columns)])
    return largest(_of_column(f"{where}, {name}", then.get(name), now.get(name)) for name in names)


def _of_column(where: str, then: pd.Series | None, now: pd.Series | None) -> Deviation:
    import numpy as np
    import pandas as pd

    if then is None or now is None:
        return Deviation(math.inf, where, _there(then), _there(now))
    differs = ~((then.to_numpy() == now.to_numpy()) | (then.isna().to_numpy() & now.isna().to_numpy()))
    if not differs.any():
        return Deviation(0.0)
    measured = all(pd.api.types.is_float_dtype(column) for column in (then, now))
    if not measured or (then.isna().to_numpy() != now.isna().to_numpy()).any():
        # A value may be a customer's own: how many are others is enough.
        return Deviation(math.inf, where, f"{len(then):,} values", f"{int(differs.sum()):,} of them others")
    old, new = then.to_numpy(dtype=float), now.to_numpy(dtype=float)
    apart = np.where(differs, np.abs(old - new), 0.0)
    place = int(np.nanargmax(apart))
    scale = max(np.nanmax(np.abs(old)), np.nanmax(np.abs(new)))
    relative = float(apart[place] / scale)
    return Deviation(relative if math.isfinite(relative) else math.inf, where, _said(old[place]), _said(new[place]))


def _measured(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if not name.startswith(_SPENT)}


def _family(name: str) -> str:
    """What a metric's values, bounds, baseline and difference have in common."""
    return _BOUND.sub("", name.rpartition("/")[2])


def _said(value: float | None) -> str:
    return "nothing" if value is None else f"{float(value):.17g}"


def _there(found: object) -> str:
    return "nothing" if found is None else "some"

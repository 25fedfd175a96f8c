"""How a comparison reads: names of params, values, and the sentence that sums it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cxai_runner.evaluation.wording import number, with_interval

if TYPE_CHECKING:
    from cxai_runner.lifecycle.compare.compared import Compared

_LONG: Final = 40
_MOST: Final = 6
"""So many names are listed; the others are counted."""
_TARGET: Final = "_target_"


def names(keys: Sequence[str]) -> dict[str, str]:
    """Name params by the last word of their keys, or in full where that is not enough."""
    last = {key: key.removesuffix(f".{_TARGET}").rpartition(".")[2] for key in keys}
    times = Counter(last.values())
    return {key: word if times[word] == 1 else key for key, word in last.items()}


def value(key: str, text: str) -> str:
    """Shorten a param's value to what tells it: of a class its name, of a long text its beginning."""
    shown = text.rpartition(".")[2] if key.endswith(_TARGET) else text
    return shown if len(shown) <= _LONG else f"{shown[: _LONG - 1]}…"


def listed(several: Sequence[str], most: int = _MOST) -> str:
    """List names, the first few of many, and say how many more there are."""
    shown = list(several) if len(several) <= most + 1 else several[:most]  # one more is shorter than to say so
    more = f" and {len(several) - len(shown):,} more" if len(shown) < len(several) else ""
    return ", ".join(shown) + more


def p_value(p: float) -> str:
    """Word a p value."""
    return "< 0.001" if p < 0.001 else number(p)


def headline(compared: Compared) -> str:
    """Say in a sentence which run is best, and of how many others that can be told."""
    best = compared.best
    if compared.goal is None:
        return (
            "These runs describe and measure nothing, so that none is better than another: what they found is set side "
            "by side."
        )
    if best is None or best.value is None:
        return "No run has a result to compare."
    told = f"Run {best.run} has the best {compared.label}, {with_interval(best.value)}"
    found = [one for place in range(len(compared.rows)) if (one := compared.beside(place)) is not None]
    if compared.against is None or compared.rows[compared.against].rank != 1:
        return f"{told}."
    counts = Counter(one.verdict for one in found)
    alike = counts["cannot tell"]
    parts = [
        f"better than {counts['worse']} of {len(found)} others by more than noise" if counts["worse"] else "",
        f"not to be told from {alike} other{'s' * (alike > 1)}" if alike else "",
        f"not comparable with {counts['not comparable']}" if counts["not comparable"] else "",
    ]
    said = ", ".join(part for part in parts if part)
    return f"{told}: {said}." if said else f"{told}; there is no other to compare it with."

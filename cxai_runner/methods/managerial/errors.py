"""What is wrong with the rules of managerial segments, each with its key and the remedy.

It is a plain `ValueError`, so that a notebook needs to know nothing of it; whoever wants to show the parts apart finds
them as attributes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a set of rules.

    Parameters
    ----------
    key
        Which parameter it is about: ``rules.warm_high.recency``.
    message
        What is wrong.
    remedy
        What to do about it.
    """

    key: str
    message: str
    remedy: str = ""


class RuleError(ValueError):
    """Rules that do not put every customer into exactly one segment.

    Parameters
    ----------
    faults
        All that is wrong.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{one.key}: {one.message}" for one in self.faults))

    def __reduce__(self) -> tuple[type[RuleError], tuple[tuple[Fault, ...]]]:
        return type(self), (self.faults,)

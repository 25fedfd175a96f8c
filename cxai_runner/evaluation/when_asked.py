"""Scores of several runs, read when somebody looks at them: most tasks have nothing to say of many runs at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class WhenAsked(Mapping[str, "pd.DataFrame"]):
    """The scores of runs by what they are called; a run that kept none is not among them.

    Parameters
    ----------
    reads
        What reads each, in order.
    """

    def __init__(self, reads: Mapping[str, Callable[[], pd.DataFrame | None]]) -> None:
        self._reads = reads

    @cached_property
    def _known(self) -> dict[str, pd.DataFrame]:
        found = {name: read() for name, read in self._reads.items()}
        return {name: scores for name, scores in found.items() if scores is not None}

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

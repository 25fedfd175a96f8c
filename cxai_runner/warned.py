"""What libraries and our own methods warn of while a model is fitted and judged: part of the result.

A warning (a fit that did not converge, fewer different customers than segments) is about the numbers that it goes with.
It is gathered, told once however often it was raised, and stands among the caveats.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

WARNED = "A library warned"
"""How a caveat of a library's begins, so that the terminal can show it and leave others to the report."""
OURS = "Warning: "
"""How one of our own begins: a sentence about the numbers, for whoever reads them."""

_OWN = ("cxai_runner", "tasks")
_MOST, _LONGEST = 5, 300


@dataclass(eq=False)
class Warned:
    """The warnings of one run, each with how often it was raised.

    Attributes
    ----------
    counts
        By kind and text; the kind of our own is empty.
    """

    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Gather what is raised in the block; an error that leaves it takes them along as notes.

        What the session ignores stays ignored, and what is told to programmers (a deprecation) is passed on.
        """
        with warnings.catch_warnings():
            shown = warnings.showwarning

            def take(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
                if issubclass(category, DeprecationWarning):
                    shown(message, category, *where, **more)
                else:
                    ours = category.__module__.partition(".")[0] in _OWN
                    self._take(str(message), "" if ours else category.__name__)

            warnings.showwarning = take
            try:
                yield
            except Exception as error:
                for told in self.told():
                    error.add_note(told)
                raise

    def told(self) -> list[str]:
        """Each warning in a sentence, the first few."""
        said = [f"{WARNED} ({kind}): {text}" if kind else f"{OURS}{text.rstrip('.')}." for kind, text in self.counts]
        more = len(said) - _MOST
        return [*said[:_MOST], *([f"Libraries warned of {more:,} other things."] if more > 0 else [])]

    def _take(self, message: str, kind: str) -> None:
        text = " ".join(message.split())
        key = kind, text if len(text) <= _LONGEST or not kind else text[: _LONGEST - 1] + "…"
        self.counts[key] = self.counts.get(key, 0) + 1

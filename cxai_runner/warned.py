"""What libraries warn of while a model is fitted and judged: part of the result, not of the terminal.

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
"""How each of these caveats begins, so that the terminal can show them and leave the others to the report."""

_MOST, _LONGEST = 5, 300


@dataclass(eq=False)
class Warned:
    """The warnings of one run, each with how often it was raised.

    Attributes
    ----------
    counts
        By kind and text.
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
                    self._take(str(message), category.__name__)

            warnings.showwarning = take
            try:
                yield
            except Exception as error:
                for told in self.told():
                    error.add_note(told)
                raise

    def told(self) -> list[str]:
        """Each warning in a sentence, the first few."""
        said = [f"{WARNED} ({kind}): {text}" for kind, text in self.counts]
        more = len(said) - _MOST
        return [*said[:_MOST], *([f"Libraries warned of {more:,} other things."] if more > 0 else [])]

    def _take(self, message: str, kind: str) -> None:
        text = " ".join(message.split())
        key = kind, text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
        self.counts[key] = self.counts.get(key, 0) + 1

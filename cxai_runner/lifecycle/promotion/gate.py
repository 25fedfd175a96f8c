"""What one gate said: passed or not, in a sentence with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Gate:
    """One gate's answer.

    Parameters
    ----------
    name
        ``floor``, ``baseline``, ``champion``, ``slices``, ``calibration``, ``schema``, ``report``, ``reproducible``.
    passed
        Whether it let the model through.
    words
        Why, in a sentence without a full stop.
    figures
        What that rests on, by name.
    """

    name: str
    passed: bool
    words: str
    figures: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{'✓' if self.passed else '✗'} {self.name}: {self.words}"

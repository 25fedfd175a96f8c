"""What is said of conversions, in the words of customers who leave: the same findings, tables and figures."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import pandas as pd

from cxai_runner.config.problems import Problem
from cxai_runner.evaluation.results import Content, Figure, Finding, Table

_WORDS: Final = {
    "A conversion brings": "Keeping a customer brings",
    "A conversion is predicted": "Leaving is predicted",
    "Conversion rate": "Share who left",
    "conversion rate": "share who left",
    "value of a conversion": "value of keeping a customer",
    "what a conversion is worth": "what keeping a customer is worth",
    "a conversion from none": "leaving from staying",
    "customers without a conversion": "customers who stayed",
    "take a longer window, or other": "take another horizon, or other",
    "take a longer window, or more": "take more dates, another horizon, or more",
    "a conversion": "leaving",
    "share of all conversions": "share of all who left",
    "all conversions": "all who left",
    "share of conversions": "share of those who left",
    "conversions": "customers who left",
    "converted": "left",
    "convert": "leave",
}
"""The longer ones first."""
_PHRASE: Final = re.compile("|".join(rf"\b{one}\b" for one in _WORDS))
_CELLS: Final = {"conversion": "leaves", "none": "stays"}


def of_leaving(content: Content) -> Content:
    """Return a content that speaks of customers who leave where it spoke of conversions."""
    if isinstance(content, Finding):
        return replace(content, text=_said(content.text))
    if isinstance(content, Table):
        frame = _frame(content.frame)
        return replace(content, title=_said(content.title), caption=_said(content.caption), frame=frame)
    if isinstance(content, Figure):
        return replace(
            content,
            title=_said(content.title),
            caption=_said(content.caption),
            x_label=_said(content.x_label),
            y_label=_said(content.y_label),
        )
    return replace(content, text=_said(content.text))


def mistake_of_leaving(problem: Problem) -> Problem:
    """Return a user's mistake in the same words."""
    return replace(problem, message=_said(problem.message), remedy=_said(problem.remedy))


def _said(text: str) -> str:
    return _PHRASE.sub(lambda found: _WORDS[found[0]], text)


def _frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose columns and cells say who left."""
    told = [
        name for name in ("predicted", "observed") if name in frame and not pd.api.types.is_numeric_dtype(frame[name])
    ]
    frame = frame.assign(**{name: frame[name].replace(_CELLS) for name in told})
    return frame.rename(columns={"conversions": "left"})

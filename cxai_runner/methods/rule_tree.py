"""Segments told by a few plain rules, as staff can apply them: a small decision tree over columns in their own units.

A tree is grown on the ranks of a column's values, and each cut is then the roundest number that lies between the two
values that it parts, so that what is printed is exactly what was judged: "recency at most 20 and frequency more than
12" divides the customers as the tree did.

The tree is CART with Gini's impurity: Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from sklearn.tree import DecisionTreeClassifier

Labels = NDArray[np.intp]

LEVELS: Final = 12
"""So many values of a text are asked about, its commonest."""
MISSING: Final = "(missing)"
_LEAST: Final = 0.01
"""The share of the customers that a rule is about, at least."""


@dataclass(frozen=True)
class Condition:
    """What a customer is asked at a branch.

    Parameters
    ----------
    column
        The column that is looked at.
    at_most
        Of a number: whether it is at most this; NaN where only what is missing is told apart.
    level
        Of a text: whether it is this.
    missing
        Whether a customer without a value answers yes; None where none lacked one when the tree was grown.
    pair
        The two values of a column that has no others.
    """

    column: str
    at_most: float = math.nan
    level: str | None = None
    missing: bool | None = None
    pair: tuple[float, float] | None = None

    def holds(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Whether the answer is yes, for each row."""
        if self.level is not None:
            return np.asarray(_text(frame[self.column]) == self.level)
        values = _numbers(frame[self.column])
        return np.where(np.isnan(values), bool(self.missing), values <= self.at_most)


@dataclass(frozen=True, eq=False)
class Node:
    """A branch, or a leaf where there is no condition.

    Parameters
    ----------
    counts
        Customers of each segment that come here, in the order of the tree's segments.
    condition, yes, no
        What is asked, and where the answers lead.
    """

    counts: NDArray[np.float64]
    condition: Condition | None = None
    yes: Node | None = None
    no: Node | None = None


@dataclass(frozen=True, eq=False)
class Rule:
    """One leaf: who is meant, and how well it says so.

    Parameters
    ----------
    segment
        The segment that most of its customers are in.
    words
        Who is meant, in plain words.
    customers, right
        How many there are, and how many of them are in the segment.
    """

    segment: int
    words: str
    customers: int
    right: int


@dataclass(frozen=True, eq=False)
class RuleTree:
    """A grown tree.

    Parameters
    ----------
    segments
        What is told apart, in order.
    root
        The first branch.
    """

    segments: list[int]
    root: Node

    def predict(self, frame: pd.DataFrame) -> Labels:
        """Return the segment that the rules say, for each row."""
        found = np.empty(len(frame), dtype=np.intp)
        waiting = [(self.root, np.arange(len(frame)))]
        while waiting:
            node, rows = waiting.pop()
            if node.condition is None or node.yes is None or node.no is None:
                found[rows] = self.segments[int(node.counts.argmax())]
                continue
            yes = node.condition.holds(frame.iloc[rows])
            waiting += [(node.yes, rows[yes]), (node.no, rows[~yes])]
        return found

    def rules(self) -> list[Rule]:
        """Return the rules, those of a segment together, the one about most customers first."""
        found = [
            Rule(self.segments[int(node.counts.argmax())], words(path), int(node.counts.sum()), int(node.counts.max()))
            for node, path in _leaves(self.root, ())
        ]
        return sorted(found, key=lambda one: (self.segments.index(one.segment), -one.customers))


def grow(frame: pd.DataFrame, segment: Labels, depth: int = 3) -> RuleTree:
    """Grow a tree.

    Parameters
    ----------
    frame
        Columns as a reader knows them: numbers, truth values or texts, shape (n, columns); values may be missing.
    segment
        The customers' segments, shape (n,).
    depth
        How many questions are asked at most.
    """
    questions = list(_questions(frame))
    segments, codes = np.unique(segment, return_inverse=True)
    if not questions or len(segments) < 2:
        counts = np.bincount(codes, minlength=len(segments)).astype(np.float64)
        return RuleTree([int(one) for one in segments], Node(counts))
    values = np.stack([one.values for one in questions], axis=1)
    least = max(1, math.ceil(_LEAST * len(frame)))
    # Of two cuts that are as good the same is taken every time.
    fitted = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=least, random_state=0).fit(values, codes)
    return RuleTree([int(one) for one in segments], _node(fitted.tree_, 0, questions))


def held_out(frame: pd.DataFrame, segment: Labels, depth: int, folds: Labels) -> Labels:
    """Return the segment that rules say which were learned from the other folds, shape (n,).

    Parameters
    ----------
    frame, segment, depth
        As in `grow`.
    folds
        The fold of each row.
    """
    found = np.empty(len(frame), dtype=np.intp)
    for fold in np.unique(folds):
        out = folds == fold
        found[out] = grow(frame[~out], segment[~out], depth).predict(frame[out])
    return found


def words(path: tuple[tuple[Condition, bool], ...]) -> str:
    """Return who is meant by the answers on a path: ``recency more than 5 and at most 20, region is north``."""
    said: dict[str, list[str]] = {}
    bounds: dict[str, dict[bool, Condition]] = {}
    for condition, answer in path:
        if condition.level is None and condition.pair is None and not math.isnan(condition.at_most):
            own = bounds.setdefault(condition.column, {})
            nearest = own.get(answer)
            closer = nearest is None or (condition.at_most < nearest.at_most) == answer
            own[answer] = condition if closer else nearest or condition
            said.setdefault(condition.column, [])
        else:
            said.setdefault(condition.column, []).append(_plain(condition, answer))
    for column, own in bounds.items():
        ends = [f"{_SIGNS[answer]} {figure(own[answer].at_most)}" for answer in (False, True) if answer in own]
        lacking = all(bool(one.missing) == answer for answer, one in own.items())
        known = any(one.missing is not None for one in own.values())
        said[column] = [" and ".join(ends) + (" or not known" if known and lacking else ""), *said[column]]
    parts = [f"{column.replace('_', ' ')} {' and '.join(ends)}" for column, ends in said.items()]
    return ", ".join(parts) or "everybody"


def branch(condition: Condition) -> str:
    """Return a condition as it is asked: ``recency at most 20``."""
    return words(((condition, True),))


def figure(value: float) -> str:
    """Word a number as it is, in full."""
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.12g}"
    return text.replace("-", "−")


_SIGNS: Final = {False: "more than", True: "at most"}


def _plain(condition: Condition, answer: bool) -> str:
    """What an answer says, where it is no bound."""
    if condition.level is not None:
        if condition.level == MISSING:
            return "is not known" if answer else "is known"
        return f"is {'' if answer else 'not '}{condition.level}"
    if condition.pair is not None and not math.isnan(condition.at_most):
        text = f"is {figure(condition.pair[0 if answer else 1])}"
        return text + (" or not known" if condition.missing is not None and condition.missing == answer else "")
    return "is not known" if bool(condition.missing) == answer else "is known"


@dataclass(frozen=True, eq=False)
class _Question:
    """A column as the tree sees it: the rank of a number among its distinct values, or whether a text is a level."""

    column: str
    values: NDArray[np.float64]
    distinct: NDArray[np.float64] | None = None
    level: str | None = None

    def at(self, threshold: float, *, missing_left: bool) -> tuple[Condition, bool]:
        """The condition of a cut, and whether the left branch is its yes."""
        if self.level is not None:
            return Condition(self.column, level=self.level), False
        assert self.distinct is not None
        missing = missing_left if np.isnan(self.values).any() else None
        below = math.floor(threshold) if 0 <= threshold < len(self.distinct) - 1 else -1
        if below < 0:
            # All known values are on one side: what is told apart is whether there is one.
            return Condition(self.column, missing=True), missing_left
        low, high = float(self.distinct[below]), float(self.distinct[below + 1])
        pair = (low, high) if len(self.distinct) == 2 else None
        return Condition(self.column, between(low, high), missing=missing, pair=pair), True


def between(low: float, high: float) -> float:
    """Return the roundest number that is at least ``low`` and less than ``high``."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return low
    first = -math.floor(math.log10(high - low)) - 2
    for digits in range(first, first + 18):
        found = round(math.ceil(low * 10.0**digits) / 10.0**digits, digits)
        if low <= found < high:
            return found
    return low


def _questions(frame: pd.DataFrame) -> Iterator[_Question]:
    for name in frame.columns:
        column = frame[name]
        if types.is_numeric_dtype(column) or types.is_bool_dtype(column):
            numbers = _numbers(column)
            known = ~np.isnan(numbers)
            distinct, ranks = np.unique(numbers[known], return_inverse=True)
            values = np.full(len(numbers), np.nan)
            values[known] = ranks
            if len(distinct) + (not known.all()) > 1:
                yield _Question(str(name), values, distinct)
            continue
        text = _text(column)
        for level in sorted(text.value_counts().index[:LEVELS]):
            own = np.asarray(text == level, dtype=np.float64)
            if 0 < own.sum() < len(own):
                yield _Question(str(name), own, level=str(level))


def _node(tree: Any, place: int, questions: list[_Question]) -> Node:
    """Take over a fitted tree from a node down; branches that lead to one segment alone are one leaf."""
    left, right = int(tree.children_left[place]), int(tree.children_right[place])
    counts = np.rint(tree.value[place][0] * tree.n_node_samples[place])
    if left < 0:
        return Node(counts)
    question = questions[int(tree.feature[place])]
    missing_left = bool(tree.missing_go_to_left[place])
    condition, yes_is_left = question.at(float(tree.threshold[place]), missing_left=missing_left)
    yes, no = (_node(tree, one, questions) for one in ((left, right) if yes_is_left else (right, left)))
    if yes.condition is None and no.condition is None and yes.counts.argmax() == no.counts.argmax():
        return Node(counts)
    return Node(counts, condition, yes, no)


def _leaves(
    node: Node, path: tuple[tuple[Condition, bool], ...]
) -> Iterator[tuple[Node, tuple[tuple[Condition, bool], ...]]]:
    if node.condition is None or node.yes is None or node.no is None:
        yield node, path
        return
    yield from _leaves(node.yes, (*path, (node.condition, True)))
    yield from _leaves(node.no, (*path, (node.condition, False)))


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    return np.asarray(column.astype("float64"))


def _text(column: pd.Series) -> pd.Series:
    return column.astype("object").where(column.notna(), MISSING).map(str)

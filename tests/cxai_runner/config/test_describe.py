"""The generator of wording: each kind of constraint, and laws that hold for any."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Interval, Le, Len, Lt, MinLen, MultipleOf
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, Field

from cxai_runner.config.describe import describe, options, spell
from cxai_runner.config.validate import checked


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Spec:
    path: str
    rows: Annotated[int, Ge(1)] = 1


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "a whole number"),
        (Annotated[int, Ge(2)], "a whole number of at least 2"),
        (Annotated[int, Gt(2)], "a whole number above 2"),
        (Annotated[int, Le(9)], "a whole number of at most 9"),
        (Annotated[int, Lt(9)], "a whole number below 9"),
        (Annotated[int, Interval(ge=2, le=9)], "a whole number from 2 to 9"),
        (Annotated[int, Ge(2), Lt(9)], "a whole number from 2 to 9, 9 not included"),
        (Annotated[int, Gt(2), Lt(9)], "a whole number between 2 and 9, neither included"),
        (Annotated[int, MultipleOf(5)], "a whole number divisible by 5"),
        (Annotated[int, Field(ge=2)], "a whole number of at least 2"),
        (float, "a number"),
        (Annotated[float, Ge(0.5)], "a number of at least 0.5"),
        (Annotated[float, Ge(0), Le(1)], "a share between 0 and 1"),
        (Annotated[float, Gt(0), Lt(1)], "a share between 0 and 1"),
        (bool, "true or false"),
        (str, "text"),
        (Annotated[str, MinLen(1)], "text that is not empty"),
        (Annotated[str, MinLen(3)], "text of at least 3 characters"),
        (Annotated[str, Len(1, 3)], "text of 1 to 3 characters"),
        (None, "null"),
        (int | None, "a whole number or null"),
        (None | int | str, "a whole number, text, or null"),
        (Literal["a", "b"], "one of: a, b"),
        (Colour, "one of: red, blue"),
        (int | Literal["all"], "a whole number or one of: all"),
        (dt.date, "a date such as 2017-12-31"),
        (dt.datetime, "a date and time such as 2017-12-31 08:30"),
        (dt.timedelta, "a duration"),
        (Path, "a path"),
        (Any, "any value"),
        (list[str], "a list; each item: text"),
        (list[str] | str, "text or a list; each item: text"),
        (list, "a list"),
        (dict, "a mapping"),
        (Sequence[Any], "a list"),
        (Annotated[tuple[int, ...], Len(2)], "a list of at least 2 items; each item: a whole number"),
        (Annotated[tuple[int, ...], Len(2, 2)], "a list of 2 items; each item: a whole number"),
        (Annotated[list[int], Len(1, 4)], "a list of 1 to 4 items; each item: a whole number"),
        (tuple[int, str], "a list of 2: a whole number; text"),
        (frozenset[int], "a list; each item: a whole number"),
        (Mapping[str, int], "a mapping; each value: a whole number"),
        (Mapping[str, Any], "a mapping"),
        (Spec, "a mapping with the keys path, rows"),
    ],
)
def test_each_constraint_has_its_words(annotation: Any, words: str) -> None:
    assert describe(annotation) == words


@pytest.mark.parametrize(("value", "said"), [(0, ", 0 not included"), (1, ", 1 not included"), (1.7, "")])
def test_a_share_at_its_edge_is_said_to_leave_it_out(value: float, said: str) -> None:
    assert describe(Annotated[float, Gt(0), Lt(1)], value) == f"a share between 0 and 1{said}"


def test_the_options_of_unions_and_enums_are_found() -> None:
    assert options(Annotated[Literal["a"] | Colour | int, "note"]) == ("a", "red", "blue")
    assert options(int) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("", '""'),
        (["a", 1, None], "[a, 1, null]"),
        ({"a": {"b": False}}, "{a: {b: false}}"),
        ("one\ntwo", "one two"),
        ("x" * 80, "x" * 57 + "…"),
    ],
)
def test_values_are_spelt_as_a_config_writes_them(value: Any, text: str) -> None:
    assert spell(value) == text


def test_a_validators_own_words_are_kept() -> None:
    def weekday(text: str) -> str:
        if text not in ("monday", "sunday"):
            raise ValueError("a weekday on which weeks begin: monday or sunday.")
        return text

    (problem,) = checked(Annotated[str, AfterValidator(weekday)], "june", "week")[1]
    assert (problem.key, problem.message) == ("week", "a weekday on which weeks begin: monday or sunday")


ANNOTATIONS = st.recursive(
    st.sampled_from(
        [
            int,
            float,
            bool,
            str,
            None,
            Literal["a", "b"],
            Colour,
            Spec,
            dt.date,
            Annotated[int, Ge(2), Lt(5)],
            Annotated[float, Gt(0), Le(1)],
            Annotated[str, MinLen(2)],
        ]
    ),
    lambda inner: st.one_of(
        inner.map(lambda a: list[a]),
        inner.map(lambda a: tuple[a, ...]),
        inner.map(lambda a: Mapping[str, a]),
        inner.map(lambda a: Annotated[list[a], Len(1)]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1] if pair[0] is not None else pair[1]),
    ),
    max_leaves=5,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["a", "path"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["path", "rows", "a", "value"]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(ANNOTATIONS, VALUES)
@settings(max_examples=400, deadline=None)
def test_any_value_against_any_annotation_is_worded_and_names_its_key(annotation: Any, value: Any) -> None:
    _, problems = checked(annotation, value, "features.key")
    for problem in problems:
        assert problem.key == "features.key" or problem.key.startswith("features.key.")
        assert problem.message
        assert "\n" not in problem.message
        assert not problem.message.endswith(".")
    assert len({problem.key for problem in problems}) == len(problems)


@given(ANNOTATIONS)
@settings(max_examples=200, deadline=None)
def test_any_annotation_is_described_in_one_line(annotation: Any) -> None:
    words = describe(annotation)
    assert words
    assert "\n" not in words
    assert "typing" not in words

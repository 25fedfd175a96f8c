"""Lists as JSON texts: read as JSON is, in one pass or one by one, and a mistake is named with its row."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.methods.recommend import Catalogue, Interactions, MalformedHistoryError
from cxai_runner.methods.recommend.lists import Listed, numbers, parsed

ITEM = st.one_of(st.text(max_size=6), st.integers(), st.floats(allow_nan=False, allow_infinity=False))


@given(st.lists(st.lists(ITEM, max_size=5), max_size=6), st.booleans())
@settings(deadline=None)
def test_reads_what_json_reads(lists, ascii_only):
    """Texts with brackets, quotes and line breaks, numbers of any size, and both in one list."""
    texts = pd.Series([json.dumps(one, ensure_ascii=ascii_only) for one in lists], dtype=object)
    begins, found = parsed(texts)
    assert found == [str(item) for one in lists for item in one]
    assert list(np.diff(begins)) == [len(one) for one in lists]


@given(st.lists(st.lists(st.floats(-1e30, 1e30), max_size=5), max_size=6))
@settings(deadline=None)
def test_numbers_are_those_of_json(lists):
    begins, found = numbers(pd.Series([json.dumps(one) for one in lists], dtype=object))
    assert list(found) == [item for one in lists for item in one]
    assert list(np.diff(begins)) == [len(one) for one in lists]


@pytest.mark.parametrize("given", [[["a", "b"], ("a",)], [np.array(["a", "b"]), ["a"]], ['["a","b"]', '["a"]']])
def test_lists_may_be_given_as_such(given):
    assert parsed(pd.Series(given))[1] == ["a", "b", "a"]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, "[]", []])
def test_a_missing_list_is_an_empty_one(missing):
    begins, found = parsed(pd.Series(["[1]", missing], dtype=object))
    assert list(begins) == [0, 1, 1]
    assert found == ["1"]


@pytest.mark.parametrize(
    "wrong",
    [
        "milk",
        "[1",
        "[1,]",
        '{"a":1}',
        "",
        '"a"',
        "[null]",
        "[[1]]",
        "[true]",
        "[1],[2]",
        '[1]} {"v":[2]',
        '[1],"v":[2]',
        7,
    ],
)
def test_what_is_no_list_is_named_with_its_row(wrong):
    with pytest.raises(MalformedHistoryError, match="row 1 of items"):
        Listed.of(pd.Series(["[1]", wrong], dtype=object, name="items"))


@pytest.mark.parametrize("wrong", ['["a"]', "[NaN]", "[null]", "[1e400]", "[true]"])
def test_what_is_no_number_is_named(wrong):
    with pytest.raises(MalformedHistoryError, match=r"row 1 of days: a finite number"):
        numbers(pd.Series(["[1]", wrong], name="days"))


@pytest.mark.parametrize(
    ("column", "given", "said"),
    [
        ("weights", "[1]", "row 1: as many weights as items, not 1 beside 2"),
        ("weights", "[1,-2]", "row 1: weights of 0 or more, not -2; leave returned goods out"),
        ("weights", "[1,1e300]", r"row 1: weights of 1e\+12 at most, not 1e\+300"),
        ("days", "[1e13,0]", r"row 1: days of 1e\+12 at most, not 1e\+13"),
        ("days", "[-1,0]", "row 1: days of 0 or more, not -1; what is still to come is no history"),
    ],
)
def test_what_stands_beside_the_items_is_checked(column, given, said):
    frame = pd.DataFrame({"items": ["[7]", "[7,8]"], column: ["[1]", given]})
    with pytest.raises(MalformedHistoryError, match=said):
        Interactions.of(frame, Catalogue.of(frame["items"]))


def test_a_catalogue_counts_customers_and_not_purchases():
    catalogue = Catalogue.of(pd.Series(['["b","b","b"]', '["a","b"]', '["c","a"]', "[]"]))
    assert catalogue.items == ("a", "b", "c")
    assert list(catalogue.customers) == [2, 2, 1]


def test_events_of_unknown_items_are_left_out_and_counted():
    catalogue = Catalogue.of(pd.Series(['["a","b"]']))
    frame = pd.DataFrame({"items": ['["x","b","x"]', '["a"]', '["x"]'], "weights": ["[9,2,9]", "[1]", "[9]"]})
    read = Interactions.of(frame, catalogue)
    assert read.matrix().toarray().tolist() == [[0, 2], [1, 0], [0, 0]]
    assert list(read.unknown) == [2, 0, 1]
    assert list(read.empty) == [False, False, True]


def test_purchases_of_one_item_add_up():
    frame = pd.DataFrame({"items": ["[5,6,5]"], "weights": ["[1,2,4]"]})
    read = Interactions.of(frame, Catalogue.of(frame["items"]))
    assert read.matrix().toarray().tolist() == [[5, 2]]
    assert read.bought.toarray().tolist() == [[1, 1]]

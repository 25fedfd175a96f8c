"""Columns at fixed positions: given, found from the blanks between them, and never cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cxai_runner.data import FileSource, OneFile

Tell = Callable[[OneFile], tuple[str, str, str]]

FIXED = b"12 anna    1.5 20170101\n 7 bo     12.5 20170102\n"


def rows(source: OneFile) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = source.open()["customers"].to_pyarrow().to_pylist()
    return found


def told(source: OneFile | FileSource) -> list[tuple[str, str, str]]:
    return [(one.key, one.message, one.remedy) for one in source.problems()]


def test_fixed_columns_by_position(written: Callable[..., OneFile]) -> None:
    places = {"customer_id": [1, 2], "name": [4, 8], "paid": [9, 14]}
    found = rows(written(b"made today\n" + FIXED + b"\n", format="fixed", positions=places, skip=1))
    assert found == [
        {"customer_id": 12, "name": "anna", "paid": 1.5},
        {"customer_id": 7, "name": "bo", "paid": 12.5},
    ]


def test_fixed_columns_are_found_from_the_blanks_between_them(written: Callable[..., OneFile]) -> None:
    names = ["customer_id", "name", "paid", "since"]
    source = written(FIXED + b"99          .5 20170103\n", format="fixed", header=names, dates="%Y%m%d")
    tables = source.open()
    assert tables.mapped["customers"].notes == (
        "columns are where blanks part the first lines: customer_id 1–2, name 3–7, paid 8–14, since 15–",
    )
    assert [one["name"] for one in rows(source)] == ["anna", "bo", None]
    assert [one["paid"] for one in rows(source)] == [1.5, 12.5, 0.5]


def test_fixed_columns_named_by_their_first_line(written: Callable[..., OneFile]) -> None:
    source = written(b"customer_id name\n 1          ann\n12          bob\n", format="fixed", header=True)
    assert rows(source) == [{"customer_id": 1, "name": "ann"}, {"customer_id": 12, "name": "bob"}]


def test_a_value_that_would_be_cut_stops_the_reading(written: Callable[..., OneFile], told_late: Tell) -> None:
    content = b" 1 ann  1.5\n12 bob 12.5\n" * 12_000 + b"123 bob 1.5\n"
    source = written(content, format="fixed", header=["customer_id", "name", "paid"])
    assert told_late(source) == (
        "data.positions",
        "in line 24,001 of shop.csv a value goes on past position 2, where its column seems to end: `123 bob 1.5`",
        "say where the columns are: data.positions={id: [1, 6], …}",
    )


@pytest.mark.parametrize(
    ("content", "keys", "problem"),
    [
        (
            FIXED,
            {"positions": {"name": [5, 3]}},
            (
                "positions.name",
                "not two positions",
                "the first and the last position, counted from 1, as in [1, 6]",
            ),
        ),
        (
            FIXED,
            {"header": ["customer_id", "name"]},
            (
                "header",
                "names 2 columns, and blanks part 4: 1–2, 4–7, 11–14, 16–23",
                "name as many, or say where they are: data.positions={id: [1, 6], date: [8, 15]}",
            ),
        ),
        (
            b"12anna1.5\n",
            {},
            (
                "positions",
                "no blanks that run through the first lines part columns",
                "say where they are: data.positions={id: [1, 6], date: [8, 15]}",
            ),
        ),
    ],
)
def test_a_mistake_about_fixed_columns(
    written: Callable[..., OneFile], content: bytes, keys: dict[str, Any], problem: tuple[str, str, str]
) -> None:
    assert told(written(content, format="fixed", **keys)) == [problem]

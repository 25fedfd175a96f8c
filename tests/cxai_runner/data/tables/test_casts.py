"""Text becomes numbers and dates as it is said to be written, or nothing; never another number."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxai_runner.data import DatabaseSource, FileSource
from cxai_runner.data.connect import connect
from cxai_runner.data.engines import written
from cxai_runner.data.tables.casts import cast


def numbers(texts: list[str | None], kind: str = "number", **marks: str) -> list[Any]:
    table = ibis.memtable(pd.DataFrame({"number": range(len(texts)), "text": pd.Series(texts, dtype="str")}))
    value, _ = cast(table["text"], table["text"].type(), kind, (), **marks)
    return list(table.select("number", value=value).order_by("number").to_pyarrow()["value"].to_pylist())


@pytest.mark.parametrize(
    ("marks", "texts", "want"),
    [
        ({}, ["1.5", "1,5", None], [1.5, None, None]),
        ({"decimal": ","}, ["1,5", "-0,25", "7", "1.5"], [1.5, -0.25, 7.0, None]),
        (
            {"decimal": ",", "thousands": " "},
            ["1 234,5", "1\u00a0234", "1\u202f234,5", "12\u00a034"],
            [1234.5, 1234.0, 1234.5, None],
        ),
        ({"decimal": ",", "thousands": "."}, ["1.234,5", "1.234.567", "1234"], [1234.5, 1234567.0, 1234.0]),
        ({"thousands": ","}, ["1,234.5", "12"], [1234.5, 12.0]),
        ({"thousands": " "}, ["1 234", "x"], [1234.0, None]),
        # Read without its sign, 12.5 would be 125; a lakh has groups of two.
        ({"decimal": ",", "thousands": "."}, ["12.5", "1.23", ".500", "-1.000"], [None, None, None, -1000.0]),
        ({"thousands": ","}, ["12,34,567.5", "1,2,345", "1,234,5"], [1234567.5, None, None]),
    ],
    ids=str,
)
def test_numbers_are_read_with_the_marks_they_are_written_with(
    marks: dict[str, str], texts: list[str | None], want: list[float | None]
) -> None:
    assert numbers(texts, **marks) == want


def test_whole_numbers_have_thousands_too() -> None:
    assert numbers(["1.234", "1,5", "12,0"], "integer", decimal=",", thousands=".") == [1234, None, 12]


@pytest.mark.parametrize("form", ["%Q", "%d/%m", "%Y", "%H:%M", "%d %d %m %Y", "%Y-%m-%d %"])
def test_what_is_no_date_format_is_told(form: str) -> None:
    with pytest.raises(ValueError, match=r"not known|names no day|twice|ends in %"):
        written.shape(form)


FORMS = ("%Y-%m-%d", "%d/%m/%y", "%d.%m.%Y %H:%M:%S", "%b %d, %Y", "%B %d %Y", "%m/%d/%Y %I:%M %p")


@given(moment=st.datetimes(pd.Timestamp("1970-01-01"), pd.Timestamp("2068-01-01")), form=st.sampled_from(FORMS))
def test_every_date_fits_the_shape_of_its_format(moment: Any, form: str) -> None:
    import re

    pattern, parts = written.shape(form)
    found = re.search(pattern, moment.strftime(form))
    assert found is not None
    assert int(found[parts["day"]]) == moment.day


@given(st.dates())
def test_every_day_of_the_calendar_is_an_instant_and_its_neighbour_is_not(day: Any) -> None:
    import re

    assert re.search(written.INSTANT, day.isoformat())
    assert not re.search(written.INSTANT, f"{day:%Y}-{day:%m}-32".zfill(10))
    leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
    assert bool(re.search(written.INSTANT, f"{day.year:04}-02-29")) == leap
    assert not re.search(written.INSTANT, f"{day.year:04}-11-31")


def test_an_instant_with_a_zone_is_brought_to_utc() -> None:
    texts = ["2024-01-01T10:00:00+02:00", "2024-01-01 10:00:00Z", "2024-01-01 10:00:00", "2024-01-01", "10 o'clock"]
    table = ibis.memtable(pd.DataFrame({"number": range(len(texts)), "text": texts}))
    value, wanted = cast(table["text"], table["text"].type(), "timestamp", ())
    found = connect(()).to_pyarrow(table.select("number", value=value).order_by("number"))["value"].to_pylist()
    assert [str(one) for one in found] == [
        "2024-01-01 08:00:00",
        "2024-01-01 10:00:00",
        "2024-01-01 10:00:00",
        "2024-01-01 00:00:00",
        "None",
    ]
    assert wanted == "dates as 2017-12-31 or 2017-12-31 18:30:00"


def test_keys_of_numbers_are_read_without_blanks() -> None:
    table = ibis.memtable(pd.DataFrame({"number": range(4), "text": [" 7", "7 ", "07", "x"]}))
    value, wanted = cast(table["text"], dt.int64, "key", ())
    found = table.select("number", value=value).order_by("number").to_pyarrow()["value"].to_pylist()
    assert (found, wanted) == ([7, 7, None, None], "whole numbers")


def test_dates_in_a_format_are_read_without_blanks() -> None:
    table = ibis.memtable(pd.DataFrame({"text": [" 31/12/2017 ", "x"]}))
    value, _ = cast(table["text"], table["text"].type(), "timestamp", ("%d/%m/%Y",))
    assert sorted(map(str, table.select(value=value).to_pyarrow()["value"].to_pylist())) == [
        "2017-12-31 00:00:00",
        "None",
    ]


def test_whole_floats_are_written_alike_as_text_wherever_they_are(tmp_path: Path) -> None:
    frame = pd.DataFrame({"product_id": [1, 2, 3, 4], "brand": [1.0, 20.0, 1e20, None]})
    frame.to_csv(tmp_path / "p.csv", index=False)
    frame.to_parquet(tmp_path / "p.parquet", index=False)
    with closing(sqlite3.connect(tmp_path / "p.db")) as shop:
        frame.to_sql("p", shop, index=False)
    sources = [FileSource(root=str(tmp_path), tables={"products": {"path": name}}) for name in ("p.csv", "p.parquet")]  # type: ignore[dict-item]
    sources.append(DatabaseSource(url=f"sqlite:///{tmp_path / 'p.db'}", tables={"products": {"table": "p"}}))  # type: ignore[arg-type, dict-item]
    for source in sources:
        brands = source.open()["products"].order_by("product_id").to_pyarrow()["brand"].to_pylist()
        assert brands == ["1", "20", "1e+20", None]


@pytest.mark.parametrize(("unit", "factor"), [("epoch", 1), ("epoch_ms", 1000)])
@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_seconds_since_1970_are_instants(engine: str, unit: str, factor: int, tmp_path: Path) -> None:
    given = [881250949, 0, -1, None, 1e18]
    frame = pd.DataFrame({"customer_id": range(5), "timestamp": [None if x is None else x * factor for x in given]})
    settings = {"columns": {"product_id": "customer_id"}, "dates": unit}
    source: Any
    if engine == "sqlite":
        with closing(sqlite3.connect(tmp_path / "rows.db")) as database:
            frame.to_sql("rows", database, index=False)
        source = DatabaseSource(
            url=f"sqlite:///{tmp_path}/rows.db", tables={"transactions": {"table": "rows", **settings}}
        )
    else:
        frame.to_csv(tmp_path / "rows.csv", index=False)
        source = FileSource(root=str(tmp_path), tables={"transactions": {"path": "rows.csv", **settings}})
    assert not list(source.problems())
    rows = source.open()["transactions"]
    found = rows.select("product_id", "timestamp").order_by("product_id").execute()["timestamp"]
    assert found.tolist()[:3] == [
        pd.Timestamp("1997-12-04 15:55:49"),
        pd.Timestamp("1970-01-01"),
        pd.Timestamp("1969-12-31 23:59:59"),
    ]
    assert found[3:].isna().all(), "what is no second of the years 1 … 9999 is no date"

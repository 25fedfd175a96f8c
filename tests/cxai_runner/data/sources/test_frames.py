"""Data frames in place of a source: any kind of frame, the same rules as for files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.config.problems import UserError
from cxai_runner.data.quality.changes import own_names
from cxai_runner.data.quality.contracts import broken
from cxai_runner.data.sources.frames import FrameSource
from cxai_runner.data.sources.lent import Frames
from cxai_runner.data.tables.needs import Needs

FRAME = pd.DataFrame({"customer_id": [1, 2, 3], "town": ["Graz", None, "Ulm"], "spend": [1.5, np.nan, 3.0]})


class Stream:
    """A frame of some other library: all that is known of it is that it speaks Arrow."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def as_arrow() -> pa.Table:
    return pa.table({"customer_id": [1, 2, 3], "town": ["Graz", None, "Ulm"], "spend": [1.5, None, 3.0]})


def as_views() -> Stream:
    town = pa.array(["Graz", None, "Ulm"]).cast(pa.string_view())
    return Stream(as_arrow().set_column(1, "town", town))


def as_categories_of_views() -> Stream:
    words = pa.array(["Ulm", "Graz"]).cast(pa.string_view())
    town = pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.uint32()), words)
    return Stream(as_arrow().set_column(1, "town", town))


def as_ibis() -> Any:
    import ibis

    return ibis.memtable(FRAME)


def as_table_of_an_engine() -> Any:
    import ibis

    engine = ibis.duckdb.connect()
    engine.con.execute("CREATE TABLE shop AS SELECT * FROM (VALUES (1, 'Graz', 1.5), (2, NULL, NULL), (3, 'Ulm', 3.0))")
    return engine.table("shop").rename(customer_id="col0", town="col1", spend="col2")


def digests(frame: Any) -> tuple[list[str], str]:
    """The columns and the digest of the rows after mapping, whatever the frame was."""
    frames = Frames.of({"customers": frame})
    with frames.opened():
        source = FrameSource(tables=frames.described({}))
        assert list(source.problems()) == []
        tables = source.open()
        return list(tables.columns("customers")), tables.digest("customers", tables.columns("customers"))


KINDS = {
    "pandas": FRAME,
    "rows in another order": FRAME.iloc[::-1],
    "named index": FRAME.set_index("customer_id"),
    "categories": FRAME.astype({"town": "category"}),
    "numpy strings": FRAME.astype({"town": object}),
    "narrow numbers": FRAME.astype({"customer_id": "int16", "spend": "float32"}),
    "nullable numbers": FRAME.astype({"spend": "Float64"}),
    "arrow": as_arrow(),
    "arrow batch": as_arrow().to_batches()[0],
    "another library": as_views(),
    "its categories": as_categories_of_views(),
    "ibis": as_ibis(),
    "ibis on an engine": as_table_of_an_engine(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_are_the_same_table_whatever_holds_them(kind: str) -> None:
    columns, digest = digests(KINDS[kind])
    assert (sorted(columns), digest) == (["customer_id", "spend", "town"], digests(FRAME)[1])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.sampled_from(["a", "b", None])), min_size=1, max_size=8))
def test_another_multiset_of_rows_is_another_digest(rows: list[tuple[int, str | None]]) -> None:
    def digest(these: list[tuple[int, str | None]]) -> str:
        return Frames.of({"customers": pd.DataFrame(these, columns=["n", "s"]).astype({"s": "str"})}).digests[
            "customers"
        ]

    assert digest(rows) == digest(rows[::-1])
    assert digest(rows) != digest([*rows, rows[0]])
    assert digest(rows) != digest([*rows[:-1], (rows[-1][0] + 1, rows[-1][1])])


def refused(tables: Mapping[str, Any], columns: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, str]:
    with pytest.raises(UserError) as caught:
        Frames.of(tables, columns)
    return {problem.key: f"{problem.message}; {problem.remedy}" for problem in caught.value.problems}


def test_what_is_no_frame_is_told_all_at_once() -> None:
    class Lazy:
        def collect(self) -> None: ...

    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    told = refused(
        {
            "customers": {"a": 1},
            "products": Lazy(),
            "transactions": twice,
            "panel": pd.DataFrame({"x": [1, "two"]}),
            "promotions": pd.DataFrame({"week": [1]}, index=pd.Index([1], name="week")),
        },
        {"custmers": {"customer_id": "ID"}},
    )
    assert told == {
        "columns.custmers": "no data frame of this name is given; did you mean `customers`?",
        "tables.customers": "a dict is no data frame; give a pandas, polars, Arrow or Ibis table",
        "tables.products": "a Lazy is no data frame; collect it first",
        "tables.transactions": "has two columns `a`; rename one",
        "tables.panel": (
            "column `x` holds values of several types (int, str); "
            'give it one type, as in frame["x"].astype(str), or leave it out'
        ),
        "tables.promotions": "cannot insert week, already exists; rename the index",
    }


LEVELS = FRAME.set_axis(pd.MultiIndex.from_tuples([("a", "x"), ("a", "y"), ("b", "z")]), axis=1)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (FRAME["spend"], "a Series is no data frame; its columns as a frame: series.to_frame()"),
        (pa.chunked_array([[1, 2]]), "a ChunkedArray holds one column without a name, and is no data frame; "),
        (LEVELS, "its columns have names in 2 levels; one name each: frame.columns = "),
        (FRAME.set_axis(["customer_id", 7, None], axis=1), "no text: 7, None; frame.columns = frame.columns.map(str)"),
        (FRAME[[]], "the data frame has no columns; give one that has some"),
        (FRAME.assign(z=1j), 'a type for (complex128); give it one type, as in frame["z"].astype(str), or leave it'),
        (FRAME.assign(z=[2**70] * 3), 'a type for (int); give it one type, as in frame["z"].astype(str)'),
    ],
    ids=["series", "array", "levels", "numbers as names", "no columns", "complex", "huge"],
)
def test_a_frame_that_is_no_table_says_what_to_do(frame: Any, told: str) -> None:
    assert told in refused({"customers": frame})["tables.customers"]


def test_every_column_that_has_no_one_type_is_told_at_once() -> None:
    frame = FRAME.assign(x=[1, "two", 3.5], y=[pd.Timestamp("2020-01-01"), dt.date(2020, 1, 1), None])
    with pytest.raises(UserError) as caught:
        Frames.of({"customers": frame})
    told = [problem.message for problem in caught.value.problems]
    assert told == [
        "column `x` holds values of several types (float, int, str)",
        "column `y` holds values of several types (Timestamp, date)",
    ]


def problems(tables: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    frames = Frames.of(tables)
    with frames.opened():
        found = FrameSource(tables=frames.described(config)).problems()
        return {problem.key: f"{problem.message}; {problem.remedy}" for problem in found}


def test_mapping_types_and_filters_are_checked_without_reading_a_row() -> None:
    config = {
        "customers": {
            "columns": {"customer_id": "ID"},
            "types": {"spendd": "text"},
            "where": {"town": {"eqq": "Graz"}, "spend": {"gt": "much"}},
        }
    }
    assert problems({"customers": FRAME}, config) == {
        "tables.customers.columns.customer_id": "the data frame has no such column; one of: customer_id, spend, town",
        "tables.customers.types.spendd": "no such column; did you mean `spend`?",
        "tables.customers.where.town.eqq": "no such condition; did you mean `eq`?",
        "tables.customers.where.spend.gt": "column `spend` holds numbers; ",
    }


def test_tables_that_are_not_standard_not_given_or_empty() -> None:
    assert problems({"custmers": FRAME, "products": FRAME.head(0)}, {"panel": {}}) == {
        "tables.custmers": "no such standard table; did you mean `customers`?",
        "tables.products": "the data frame has no rows; ",
        "tables.panel": "no data frame of this name is given; one of: custmers, products",
    }


def test_keys_that_never_meet() -> None:
    products = pd.DataFrame({"product_id": ["1", "2"]})
    transactions = pd.DataFrame({"product_id": [1, 2]})
    told = problems({"products": products, "transactions": transactions}, {})
    assert told == {
        "tables.transactions.columns.product_id": "numbers here and text in `products`, so the two never meet; "
        "say so: data.tables.transactions.types.product_id=text"
    }


def test_a_key_that_the_config_does_not_know() -> None:
    with pytest.raises(
        UserError, match=r"data\.tables\.customers\.wher +no such key of a table; did you mean `where`\?"
    ):
        FrameSource(tables={"customers": {"wher": {}}})  # type: ignore[dict-item]


def test_rows_are_filtered_cast_and_counted_as_those_of_files() -> None:
    frame = pd.DataFrame(
        {
            "client": [1, 2, None, 4],
            "sold": ["31.12.2017", "01.02.2018", "02.02.2018", "soon"],
            "units": [1, 0, 3, 2],
        }
    )
    frames = Frames.of({"transactions": frame}, {"transactions": {"customer_id": "client", "timestamp": "sold"}})
    config = frames.described({"transactions": {"where": {"units": {"gt": 0}}, "dates": "%d.%m.%Y"}})
    with frames.opened():
        tables = FrameSource(tables=config).open()
        assert {(one.reason, one.rows, one.of) for one in tables.dropped} == {
            ("no customer", 1, 4),
            ("units is 0 or less", 1, 4),
        }
        assert tables.rows("transactions") == 2
        kept = tables["transactions"].to_pyarrow().to_pylist()
        assert kept[0] == {"customer_id": 1, "timestamp": dt.datetime(2017, 12, 31), "units": 1}
        needs = Needs({"transactions": ("customer_id", "timestamp")})
        (problem,) = broken(needs, tables)
        assert problem.key == "data.tables.transactions.columns.timestamp"
        assert "1 of 4 rows do not hold dates as %d.%m.%Y, such as `soon`" in problem.message
        assert tables.describe("transactions") == "memory"


def test_frames_are_taken_back() -> None:
    frames = Frames.of({"customers": FRAME})
    config = frames.described({})
    with frames.opened():
        assert list(FrameSource(tables=config).problems()) == []
    (problem,) = FrameSource(tables=config).problems()
    assert problem.message == "a data frame of a Python session, which is not this one"
    assert "give it again, from Python: cxai_runner.run(…, tables=" in problem.remedy


def test_columns_are_computed_as_in_files() -> None:
    frame = pd.DataFrame({"client": [1, 2], "ticket": ["C1", "T1"], "units": [2, 3], "each": [1.5, 2.0]})
    columns = {
        "customer_id": "client",
        "revenue": {"product_of": ["units", "each"]},
        "cancelled": {"starts_with": {"ticket": "C"}},
    }
    frames = Frames.of({"transactions": frame})
    with frames.opened():
        config = frames.described({"transactions": {"columns": columns, "where": {"cancelled": {"ne": True}}}})
        tables = FrameSource(tables=config).open()
        assert tables["transactions"].select("customer_id", "revenue").to_pyarrow().to_pylist() == [
            {"customer_id": 2, "revenue": 6.0}
        ]
        assert own_names(tables.mapped["transactions"])["revenue"] == "units × each"


def test_a_mistake_in_a_rule_names_a_data_frame() -> None:
    rules = {"spend": {"sum_of": ["spend", "units"]}, "paid": {"product_of": ["town", "spend"]}}
    assert problems({"customers": FRAME}, {"customers": {"columns": rules}}) == {
        "tables.customers.columns.spend": "computed here, and the data frame has a column `spend` of its own; "
        "keep that one under another name: spend_other: spend",
        "tables.customers.columns.spend.sum_of": "the data frame has no such column; one of: customer_id, spend, town",
        "tables.customers.columns.paid.product_of": "not a column of numbers; say so: types.town=number",
    }


def test_names_that_differ_by_case_alone_are_told_apart_and_told() -> None:
    frame = pd.DataFrame({"customer_id": [1], "revenue": [2.0], "Revenue": [3.0]})
    frames = Frames.of({"customers": frame})
    with frames.opened():
        tables = FrameSource(tables=frames.described({})).open()
        assert tables["customers"].to_pyarrow().to_pylist() == [{"customer_id": 1, "revenue": 2.0, "Revenue_2": 3.0}]
        assert tables.mapped["customers"].notes == ("the data frame has `revenue` twice; the second is `Revenue_2`",)
        mapped = FrameSource(tables=frames.described({"customers": {"columns": {"spend": "Revenue"}}})).open()
        assert mapped["customers"].to_pyarrow().to_pylist() == [{"spend": 3.0, "customer_id": 1, "revenue": 2.0}]


def test_whole_numbers_without_a_sign_are_those_with_one_or_told() -> None:
    small = pd.DataFrame({"customer_id": np.array([1, 2**63 - 1], dtype="uint64")})
    assert digests(small) == digests(small.astype("int64"))
    assert refused({"customers": pd.DataFrame({"customer_id": np.array([1, 2**63], dtype="uint64")})}) == {
        "tables.customers": "column `customer_id` holds whole numbers above 9,223,372,036,854,775,807, more than 64 "
        'bits with a sign hold; if they are names, make them text, as in frame["customer_id"].astype(str)'
    }

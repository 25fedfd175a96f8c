"""The laws of a digest: the order of rows is nothing, a row twice is something, and any change shows."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxai_runner.data import OneFile, answers, fingerprint

ROW = st.tuples(st.integers(-3, 3), st.one_of(st.none(), st.sampled_from(["a", "b", ""])))
ROWS = st.lists(ROW, min_size=1, max_size=8)


def digest(rows: list[tuple[int, str | None]], columns: tuple[str, ...] = ("n", "s")) -> str:
    frame = pd.DataFrame({"n": [row[0] for row in rows], "s": pd.Series([row[1] for row in rows], dtype="str")})
    return fingerprint.fingerprint(ibis.memtable(frame), columns)


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, data=st.data())
def test_the_order_of_rows_does_not_count(rows: list[tuple[int, str | None]], data: st.DataObject) -> None:
    assert digest(data.draw(st.permutations(rows))) == digest(rows)


@settings(max_examples=25, deadline=None)
@given(left=ROWS, right=ROWS)
def test_two_tables_agree_only_if_they_hold_the_same_rows(
    left: list[tuple[int, str | None]], right: list[tuple[int, str | None]]
) -> None:
    same = sorted(left, key=str) == sorted(right, key=str)
    assert (digest(left) == digest(right)) == same


def test_duplicates_count() -> None:
    assert len({digest([(1, "a")] * times) for times in (1, 2, 3, 4)}) == 4


def test_columns_enter_by_name_and_not_by_order() -> None:
    rows = [(1, "a"), (2, "b")]
    assert digest(rows, ("s", "n")) == digest(rows, ("n", "s"))
    assert digest(rows, ("n",)) != digest(rows, ("s",))


def test_it_names_its_algorithm_and_engine() -> None:
    import duckdb

    assert digest([(1, "a"), (2, "b")]).startswith(f"rowsum-duckdb-{duckdb.__version__}:2:")


def test_csv_and_parquet_of_the_same_rows_agree(tmp_path: Path) -> None:
    frame = pd.DataFrame({"customer_id": [1, 2], "age": [30, 40]})
    frame.to_csv(tmp_path / "c.csv", index=False)
    frame.to_parquet(tmp_path / "c.parquet")
    found = {
        OneFile(path=str(tmp_path / name), table="customers").open().digest("customers", ["customer_id", "age"])
        for name in ("c.csv", "c.parquet")
    }
    assert len(found) == 1


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("customer_id,age\n1,30\n")

    def ask() -> str:
        return OneFile(path=str(path), table="customers").open().digest("customers", ["customer_id", "age"])

    first = ask()
    asked = []
    original = answers._asked
    monkeypatch.setattr(answers, "_asked", lambda question: asked.append(question) or original(question))
    assert ask() == first
    assert not asked, "neither for the digest nor for the types of the columns"
    path.write_text("customer_id,age\n1,31\n")
    assert ask() != first
    assert asked


def test_other_filters_are_another_digest(tmp_path: Path, memory: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("customer_id,age\n1,30\n2,40\n")
    found = [
        OneFile(path=str(path), table="customers", where=where).open().digest("customers", ["age"])
        for where in ({}, {"age": {"gt": 35}})
    ]
    assert found[0] != found[1]


def test_a_memory_names_no_file(tmp_path: Path, memory: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("customer_id,age\n1,30\n")
    OneFile(path=str(path), table="customers").open().digest("customers", ["age"])
    kept = list(memory.rglob("*.arrow"))
    assert kept
    assert not any(path.name.encode() in one.read_bytes() or path.name in one.name for one in kept)

"""What is remembered is never stale: an answer is found only while everything that it came from is the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxai_runner.data import answers


@pytest.fixture
def orders(tmp_path: Path) -> Any:
    import ibis

    path = tmp_path / "orders.parquet"
    pd.DataFrame({"customer_id": [1, 1, 2], "revenue": [1.5, 2.5, 4.0]}).to_parquet(path)
    table = ibis.duckdb.connect().read_parquet(str(path), table_name="orders")
    answers.made_of(table, [path])
    return table, path


def spoil(path: Path) -> None:
    """Make a file unreadable such that nothing but its content tells."""
    state = path.stat()
    with path.open("r+b") as file:
        file.write(b"\0" * state.st_size)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_the_second_time_no_row_is_read(orders: Any, memory: Path) -> None:
    table, path = orders
    questions = [
        table["revenue"].sum(),
        table.select("customer_id").distinct().order_by("customer_id"),
        table.aggregate(rows=table.count(), most=table["revenue"].max()),
    ]
    first = [answers.ask(one).to_pylist() for one in questions]
    assert len(list(memory.rglob("*.arrow"))) == 3
    spoil(path)
    assert [answers.ask(one).to_pylist() for one in questions] == first
    assert answers.value(questions[0]) == 8.0
    assert answers.row(questions[2]) == {"rows": 3, "most": 4.0}
    with pytest.raises(Exception, match="magic bytes"):
        answers.ask(table["revenue"].min())


def test_a_file_that_changed_is_asked_anew(orders: Any, memory: Path) -> None:
    table, path = orders
    assert answers.value(table["revenue"].sum()) == 8.0
    pd.DataFrame({"customer_id": [1], "revenue": [9.0]}).to_parquet(path)
    assert answers.value(table["revenue"].sum()) == 9.0


def test_an_answer_of_other_code_is_not_taken(orders: Any, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, path = orders
    assert answers.value(table["revenue"].sum()) == 8.0
    spoil(path)
    monkeypatch.setattr(answers, "_reading", lambda: "a version that reads files in another way")
    with pytest.raises(Exception, match="magic bytes"):
        answers.value(table["revenue"].sum())


def test_a_frame_in_memory_is_known_by_its_content(orders: Any, memory: Path) -> None:
    import ibis

    table, path = orders

    def total(customers: list[int]) -> float:
        chosen = table.semi_join(ibis.memtable(pd.DataFrame({"customer_id": customers})), "customer_id")
        return float(answers.value(chosen["revenue"].sum()))

    assert (total([1]), total([2])) == (4.0, 4.0)
    assert total([1, 2]) == 8.0
    spoil(path)
    assert total([1, 2]) == 8.0, "the same frame in another object is the same question"


def test_what_comes_from_elsewhere_is_asked_every_time(memory: Path) -> None:
    import ibis

    engine = ibis.duckdb.connect()
    engine.raw_sql("CREATE TEMP TABLE elsewhere AS SELECT 1 AS a")
    table = engine.table("elsewhere")
    assert answers.value(table["a"].sum()) == 1
    engine.raw_sql("INSERT INTO elsewhere VALUES (2)")
    assert answers.value(table["a"].sum()) == 3
    assert not memory.exists()


def test_a_memory_that_is_damaged_or_cannot_be_written_costs_time_only(orders: Any, memory: Path) -> None:
    table, _ = orders
    assert answers.value(table["revenue"].sum()) == 8.0
    (kept,) = memory.rglob("*.arrow")
    kept.write_bytes(b"nonsense")
    assert answers.value(table["revenue"].sum()) == 8.0
    answers.remember_in(kept)  # a file is no folder
    assert answers.value(table["revenue"].max()) == 4.0


def test_what_was_not_used_for_long_is_forgotten(orders: Any, memory: Path) -> None:
    table, _ = orders
    assert (answers.value(table["revenue"].sum()), answers.value(table["revenue"].min())) == (8.0, 1.5)
    old, _ = memory.rglob("*.arrow")
    os.utime(old, (0, 0))
    assert answers.forget(memory, older_than=3600) == 1
    assert answers.forget(memory) == 1
    assert answers.forget(memory) == 0

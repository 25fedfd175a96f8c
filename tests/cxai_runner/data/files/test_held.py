"""Small text files are parsed once, on the first question; what a table is called tells what it was read from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ibis
import pytest

from cxai_runner.data import OneFile
from cxai_runner.data.connect import connect
from cxai_runner.data.files.copies import folder
from cxai_runner.data.files.held import held

CODE = """
import sys, ibis
from cxai_runner.data import OneFile
tables = OneFile(path=sys.argv[1], table="customers", **eval(sys.argv[2])).open()
print(ibis.to_sql(tables["customers"].count()))
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text("customer_id,b\n1,2\n3,4\n")
    return path


def made(path: Path) -> list[str]:
    """The tables that the engine of a file's folder holds."""
    found: list[Any] = connect({path.parent, folder()}).raw_sql("SELECT table_name FROM duckdb_tables()").fetchall()
    return sorted(name for (name,) in found)


def sql(source: OneFile) -> str:
    return str(ibis.to_sql(source.open()["customers"].count()))


def test_nothing_is_held_before_a_row_is_asked_for(shop: Path) -> None:
    tables = OneFile(path=str(shop), table="customers").open()
    assert tables.schema("customers") == {"customer_id": "int64", "b": "int64"}
    assert made(shop) == []
    assert tables.rows("customers") == 2
    assert tables["customers"].b.sum().to_pyarrow().as_py() == 6
    (name,) = made(shop)
    assert name.startswith("held_")


def test_a_second_source_finds_what_the_first_held(shop: Path) -> None:
    for _ in range(2):
        assert OneFile(path=str(shop), table="customers").open().rows("customers") == 2
    assert len(made(shop)) == 1


def test_a_file_that_changed_is_another_table(shop: Path) -> None:
    before = sql(OneFile(path=str(shop), table="customers"))
    os.utime(shop, (0, 0))
    assert sql(OneFile(path=str(shop), table="customers")) != before


@pytest.mark.parametrize("options", [{}, {"encoding": "cp1252"}, {"nulls": ["2"]}])
def test_an_expression_is_the_same_text_in_another_process(shop: Path, options: dict[str, Any]) -> None:
    call = [sys.executable, "-W", "ignore", "-c", CODE, str(shop), repr(options)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sql(OneFile(path=str(shop), table="customers", **options))


def test_how_a_file_is_read_is_part_of_the_name(shop: Path) -> None:
    texts = {
        sql(OneFile(path=str(shop), table="customers", **options))
        for options in ({}, {"nulls": ["2"]}, {"quote": ""}, {"header": ["a", "b"], "skip": 1}, {"delimiter": ";"})
    }
    assert len(texts) == 5


def test_a_parquet_file_is_never_copied(tmp_path: Path) -> None:
    path = tmp_path / "shop.parquet"
    ibis.memtable({"customer_id": [1, 2]}).to_parquet(path)
    tables = OneFile(path=str(path), table="customers").open()
    assert tables.rows("customers") == 2
    assert made(path) == []
    assert '"parquet_' in str(ibis.to_sql(tables["customers"]))


def test_an_ibis_without_the_hook_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"ibis-framework \d+.* has no `_run_pre_execute_hooks`.* install a release"):
        held(SimpleNamespace(), "held_x", ibis.memtable({"a": [1]}))  # type: ignore[arg-type]

"""What the rows are read from is never written over, by whatever name."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.data import DatabaseSource, FileSource, OneFile
from cxai_runner.data.sources import Source
from cxai_runner.lifecycle.predict.sources import refuse_what_is_read


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: three files of rows, a database with a table, and the store."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    for name in ("rows.csv", "parts/1.csv", "parts/2.csv"):
        (tmp_path / name).write_text("customer_id\n1\n")
    for name in ("shop.db", "runs.db"):
        with sqlite3.connect(tmp_path / name) as connection:
            connection.execute("CREATE TABLE sales (customer_id integer)")
        connection.close()
    return tmp_path


def refused(source: Source, to: str | None, *besides: str) -> list[str]:
    """The keys of what is refused."""
    store: Any = SimpleNamespace(uri=f"sqlite:///{Path('runs.db').absolute()}")
    try:
        refuse_what_is_read(source, store, to, [Path(one) for one in besides])
    except UserError as error:
        return [problem.key for problem in error.problems]
    return []


def of_files(path: str) -> Source:
    return FileSource(tables={"customers": {"path": path}})  # type: ignore[dict-item]


@pytest.mark.parametrize("source", [of_files("rows.csv"), OneFile(path="rows.csv", table="customers")])
def test_a_file_is_known_by_any_of_its_names(source: Source, folder: Path) -> None:
    (folder / "linked.csv").symlink_to("rows.csv")
    os.link(folder / "rows.csv", folder / "second.csv")
    (folder / "copy.csv").write_text((folder / "rows.csv").read_text())
    assert refused(source, "copy.csv") == []
    assert refused(source, "new.parquet", "drift.csv") == []
    for name in ("rows.csv", "./rows.csv", "parts/../rows.csv", str(folder / "rows.csv"), "linked.csv", "second.csv"):
        assert refused(source, name) == ["--to"], name
    assert refused(source, None, "second.csv") == ["--drift"]


def test_what_is_read_by_a_link_is_the_file_behind_it(folder: Path) -> None:
    (folder / "linked.csv").symlink_to("rows.csv")
    assert refused(of_files("linked.csv"), "rows.csv") == ["--to"]


@pytest.mark.parametrize("path", ["parts/*.csv", "parts", "**/*.csv"])
def test_a_file_of_several_is_one_that_is_read(path: str, folder: Path) -> None:
    if path == "parts":
        source: Source = DatabaseSource(url="local", tables={"customers": {"path": "parts"}})  # type: ignore[dict-item]
    else:
        source = of_files(path)
    assert refused(source, "parts/2.csv") == ["--to"]
    assert refused(source, "parts/3.csv") == []


def test_rejected_rows_of_before_may_be_read_but_not_replaced(folder: Path) -> None:
    (folder / "scores.rejected.csv").write_text("customer_id\n1\n")
    assert refused(of_files("scores.rejected.csv"), "scores.csv") == ["--to"]


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_table_is_known_by_its_database_and_its_name(kind: str, folder: Path) -> None:
    named: dict[str, Any] = {"customers": {"table": "Sales"}, "products": {}}
    source = DatabaseSource(url=f"{kind}:///shop.db", tables=named)
    (folder / "same.db").symlink_to("shop.db")
    for table in ("sales", "SALES", "main.sales", "products"):
        assert refused(source, f"{kind}:///{folder}/same.db#{table}") == ["--to"], table
    assert refused(source, f"{kind}:///shop.db#scores") == []
    assert refused(source, f"{kind}:///other.db#sales") == []
    named["customers"]["table"] = "scores_rejected"
    assert refused(DatabaseSource(url=f"{kind}:///shop.db", tables=named), f"{kind}:///shop.db#scores") == ["--to"]


def test_a_table_of_a_server_is_known_whoever_asks_for_it() -> None:
    tables: Any = {"customers": {"table": "sales"}}
    source = DatabaseSource(url="postgresql://reader:a@localhost/shop", tables=tables)
    assert refused(source, "postgresql://writer:b@127.0.0.1:5432/shop#public.sales") == ["--to"]
    assert refused(source, "postgresql://writer:b@127.0.0.1:5432/shop#scores") == []
    assert refused(source, "postgresql://writer:b@127.0.0.1:5433/shop#sales") == []
    assert refused(source, "postgresql://writer:b@127.0.0.1/other#sales") == []


def test_nothing_is_written_among_the_runs(folder: Path) -> None:
    assert refused(of_files("rows.csv"), "sqlite:///runs.db#runs") == ["--to"]

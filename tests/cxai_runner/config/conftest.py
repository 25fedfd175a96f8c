"""A small world of made-up configs and components, so that the machinery is tested apart from what ships."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cxai_runner.config import folders
from cxai_runner.config.compose import compose
from cxai_runner.config.problems import Problem, UserError
from cxai_runner.config.targets import check

MODULE = '''
"""Components of a made-up package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import os
import pandas as pd
from annotated_types import Ge, Gt, Len, Lt
from sklearn.base import BaseEstimator, ClassifierMixin

from cxai_runner.data.sources import Source
from cxai_runner.evaluation.splits import Split
from cxai_runner.features.base import Features
from cxai_runner.task import Task

if TYPE_CHECKING:
    from nowhere import OnlyForTheTypeChecker


@dataclass(frozen=True, kw_only=True)
class Spec:
    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: Annotated[int, Ge(1)] = 1


class Concrete:
    """Implements every abstract method with nothing."""


def concrete(cls):
    cls.__abstractmethods__ = frozenset()
    return cls


@concrete
@dataclass(frozen=True, kw_only=True)
class Shop(Source):
    tables: Mapping[str, Spec] = field(default_factory=dict)
    delimiter: str = ","


@concrete
@dataclass(frozen=True, kw_only=True)
class Panel(Features):
    category: str
    brands: Annotated[int, Ge(2)] = 4
    week: Literal["monday", "sunday"] = "monday"
    share: Annotated[float, Gt(0), Lt(1)] = 0.5
    kinds: Annotated[tuple[str, ...], Len(1)] = ("a",)
    top: int | Literal["all"] = "all"
    checker_only: OnlyForTheTypeChecker | None = None

    def __post_init__(self):
        if self.category == "NEVER":
            raise ValueError("category and week do not go together.")


@concrete
@dataclass(frozen=True, kw_only=True)
class Question(Task):
    alpha: float = 0.5
    helpers: Sequence[Any] = ()


@concrete
@dataclass(frozen=True, kw_only=True)
class ByCustomer(Split):
    test_size: Annotated[float, Gt(0), Lt(1)] = 0.25


class Own(ClassifierMixin, BaseEstimator):
    def __init__(self, depth: Annotated[int, Ge(1)] = 1, inner: Any = None) -> None:
        self.depth = depth
        self.inner = inner

    def fit(self, X, y=None):
        return self


class NoEstimator:
    pass


class Fitless(BaseEstimator):
    pass


def function():
    return 1
'''

FILES = {
    "config.yaml": """
        defaults:
          - schema
          - data: shop
          - tracking: local
          - task: question
          - optional experiment: null
          - _self_
        targets:
          allow: [madeup]
        """,
    "tracking/local.yaml": "level: full\n",
    "data/shop.yaml": """
        # a shop
        _target_: madeup.Shop
        tables:
          transactions: {path: here.csv, columns: {customer_id: client}}
        """,
    "data/other.yaml": """
        _target_: madeup.Shop
        delimiter: ;
        path: x
        """,
    "features/panel.yaml": """
        _target_: madeup.Panel
        category: SOFT DRINKS
        brands: 4
        """,
    "split/customer.yaml": """
        _target_: madeup.ByCustomer
        test_size: 0.25
        """,
    "split/half.yaml": """
        _target_: madeup.ByCustomer
        test_size: 0.5
        """,
    "task/question.yaml": """
        # @package _global_
        defaults:
          - /features: panel
          - /model: question/kmeans
          - /split: customer
          - _self_
        task:
          _target_: madeup.Question
        """,
    "task/second.yaml": """
        # @package _global_
        defaults:
          - /features: panel
          - /model: question/forest
          - /split: half
          - _self_
        task:
          _target_: madeup.Question
          alpha: 0.25
        """,
    "model/question/kmeans.yaml": """
        _target_: sklearn.cluster.KMeans
        n_clusters: 4
        """,
    "model/question/forest.yaml": """
        _target_: xgboost.XGBClassifier
        n_estimators: 10
        """,
    "model/second/kmeans.yaml": """
        _target_: sklearn.cluster.MiniBatchKMeans
        n_clusters: 2
        """,
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def madeup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A made-up package on the path, and a config folder in place of ours."""
    root = tmp_path_factory.mktemp("madeup")
    write(root, {"madeup.py": MODULE})
    sys.path.insert(0, str(root))
    yield write(root / "conf", FILES)
    sys.path.remove(str(root))
    sys.modules.pop("madeup", None)


@pytest.fixture
def ours(madeup: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The made-up config folder, in place of the one that ships."""
    monkeypatch.setattr(folders, "CONF", madeup)
    return madeup


@pytest.fixture
def user_dir(tmp_path: Path) -> Callable[..., Path]:
    """Write a user's config folder from file names and their text."""

    def make(**files: str) -> Path:
        return write(tmp_path / "mine", {f"{name.replace('__', '/')}.yaml": text for name, text in files.items()})

    return make


ProblemsOf = Callable[..., list[Problem]]


@pytest.fixture(scope="session")
def problems_of() -> ProblemsOf:
    """All that a command line gets told before rows are looked at."""

    def told(*lines: str, dirs: tuple[Path, ...] = ()) -> list[Problem]:
        try:
            composed = compose(lines, dirs)
        except UserError as error:
            return list(error.problems)
        return composed.located(check(composed))

    return told

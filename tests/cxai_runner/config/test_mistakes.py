"""The catalogue of mistakes: on the configs that ship, each is caught before a row is read, with its key and remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cxai_runner.config.problems import Problem
from cxai_runner.config.wording import render

ProblemsOf = Callable[..., list[Problem]]

SEGMENTATION = "task=segmentation"
CSV = ("data=csv", "data.path=sales.csv", "data.table=transactions")

# What was typed → the key that is told → a fragment of what is said of it.
TYPED: list[tuple[tuple[str, ...], str, str]] = [
    # Keys that are not there
    (("modl=xgboost",), "modl", "no such key; did you mean `model`?"),
    (("sed=3",), "sed", "no such key; did you mean `seed`?"),
    (("+sed=3",), "sed", "no such key; did you mean `seed`?"),
    (("feature.brands=3",), "feature.brands", "no such key; did you mean `features.brands`?"),
    (("test_size=0.3",), "test_size", "no such key; did you mean `split.test_size`?"),
    (("zzz=3",), "zzz", "no such key; one of:"),
    (("evaluation.resample=500",), "evaluation.resample", "no such key; did you mean `resamples`?"),
    (("tracking.url=x",), "tracking.url", "no such key; did you mean `uri`?"),
    (("cache.enable=false",), "cache.enable", "no such key; did you mean `enabled`?"),
    (("features.brand=3",), "features.brand", "not a key of features `purchase_panel`; did you mean `brands`?"),
    (("features.categroy=YOGURT",), "features.categroy", "did you mean `category`?"),
    (("+features.categroy=YOGURT",), "features.categroy", "did you mean `category`?"),
    (("split.testsize=0.3",), "split.testsize", "not a key of split `customers`; did you mean `test_size`?"),
    (("task.term=auto",), "task.term", "not a key of task `purchase_incidence`; did you mean `terms`?"),
    (("data.path=sales.csv",), "data.path", "not a key of data `complete_journey`; `path` is a key of data=csv"),
    (("model.n_clusters=4",), "model.n_clusters", "`n_clusters` is a key of model=segmentation/"),
    (("model=xgboost", "model.max_dpeth=3"), "model.max_dpeth", "did you mean `max_depth`?"),
    (("model=random_forest", "model.n_estimator=3"), "model.n_estimator", "did you mean `n_estimators`?"),
    (("data.tables.products.colums=3",), "data.tables.products.colums", "no such key; did you mean `columns`?"),
    (("seed.value=3",), "seed.value", "no such key; `seed` has no keys below it"),
    (("split.test_size.low=3",), "split.test_size.low", "no such key; `split.test_size` has no keys below it"),
    (
        ("features.transformers.0.with_mean=x",),
        "features.transformers.0.with_mean",
        "no item `features.transformers.0`",
    ),
    (
        (SEGMENTATION, "features.transformers.0.n_quantile=9"),
        "features.transformers.0.n_quantile",
        "did you mean `n_quantiles`?",
    ),
    ((SEGMENTATION, "features.transformers.3=x"), "features.transformers.3", "no such item; there are 1"),
    # Options that are not there
    (("task=segmentaton",), "task", "no such task; did you mean `segmentation`?"),
    (("data=complete_jurney",), "data", "no such data; did you mean `complete_journey`?"),
    (("model=xgbost",), "model", "no such model; did you mean `xgboost`?"),
    (("model=kmeans",), "model", "no such model; one of: gradient_boosting, gradient_boosting_monotone"),
    ((SEGMENTATION, "model=kmean"), "model", "no such model; did you mean `kmeans`?"),
    (("model=segmentation/kmean",), "model", "no such model; did you mean `segmentation/kmeans`?"),
    (("features=purchase_pannel",), "features", "no such features; did you mean `purchase_panel`?"),
    (("split=customer",), "split", "no such split; did you mean `customers`?"),
    (("tracking=locl",), "tracking", "no such tracking; did you mean `local`?"),
    (("experiment=first",), "experiment", "no such experiment"),
    (("model=",), "model", "the name of one option of model"),
    (("split=[time,all]",), "split", "the name of one option of split"),
    (("data={path: x}",), "data", "the name of one option of data"),
    (("task=segmentation", "task=purchase_incidence"), "task", "chosen twice"),
    (("model/segmentation=kmeans",), "model/segmentation", "write model=segmentation/kmeans"),
    (("models/segmentation=kmeans",), "models/segmentation", "no such group; did you mean `model`?"),
    (("~data",), "data", "has to be chosen; such as data=NAME"),
    (("split=null",), "split", "has to be chosen"),
    # What cannot be read
    (("features.category=R&D",), "features.category", "put it in quotes: 'features.category=\"R&D\"'"),
    (("features.category=café",), "features.category", "the value cannot be read"),
    (("data.note=[1,2",), "data.note", "the value cannot be read"),
    (("data.path=https://host/a?b=c",), "data.path", "the value cannot be read; put it in quotes"),
    (("segmentation",), "segmentation", "neither chooses nor sets anything; write segmentation=VALUE"),
    (("=3",), "=3", "no key before the equals sign"),
    (("--seed=3",), "--seed=3", "not an option of this command; for a key: seed=3"),
    (("test size=3",), "test size", "not the name of a key"),
    (("features.category=A,B",), "features.category", "several values, which make a sweep"),
    (("seed=range(1,4)",), "seed", "several values, which make a sweep"),
    (("hydra.run.dir=x",), "hydra.run.dir", "a setting of Hydra's; use the plain Hydra application"),
    (("~seed",), "seed", "which cannot be removed; give it another value"),
    (("~features.brnads",), "features.brnads", "nothing to remove; did you mean `brands`?"),
    # Values of the engine's own keys
    (("seed=-1",), "seed", "a whole number of at least 0"),
    (("seed=abc",), "seed", "a whole number of at least 0"),
    (("seed=1.5",), "seed", "a whole number of at least 0"),
    (("threads=0",), "threads", "a whole number of at least 1"),
    (("threads=true",), "threads", "a whole number of at least 1"),
    (("evaluation.resamples=10",), "evaluation.resamples", "a whole number of at least 100"),
    (("evaluation=500",), "evaluation", "a mapping with the keys resamples"),
    (("tracking.level=ful",), "tracking.level", "one of: full, child; did you mean `full`?"),
    (("cache.enabled=maybe",), "cache.enabled", "true or false"),
    (("cache.dir=",), "cache.dir", "text that is not empty"),
    (("name=",), "name", "text that is not empty or null"),
    (("privacy.pseudonymise=true",), "privacy.key", "pseudonyms need a key; set it: privacy.key=${oc.env:"),
    (("privacy.key=abc",), "privacy.key", "a secret, which is never written down"),
    (("targets.allow=mypackage",), "targets.allow", "a list; each item: text"),
    (("targets.allow=[os]",), "targets.allow.0", "Python's own library holds no components"),
    # Values of components
    (("features.brands=-2",), "features.brands", "a whole number of at least 2"),
    (("features.brands=four",), "features.brands", "a whole number of at least 2"),
    (("features.brands=2.5",), "features.brands", "a whole number of at least 2"),
    (("features.category=3",), "features.category", "text"),
    (("split.test_size=1.7",), "split.test_size", "a share between 0 and 1"),
    (("task.points=2",), "task.points", "a whole number of at least 3"),
    (("task.refits=1",), "task.refits", "a whole number of at least 2"),
    ((SEGMENTATION, "task.resamples=1"), "task.resamples", "a whole number of at least 2"),
    ((SEGMENTATION, "task.placebos=5"), "task.placebos", "a whole number of at least 19"),
    ((SEGMENTATION, "model.n_clusters=1"), "model.n_clusters", "a whole number of at least 2"),
    ((SEGMENTATION, "model.n_clusters=four"), "model.n_clusters", "auto"),
    ((SEGMENTATION, "model.choose_by=bic"), "model.choose_by", "one of: silhouette, elbow"),
    (("model.on_separation=ignore",), "model.on_separation", "one of: raise, warn"),
    (("split.test_size=0",), "split.test_size", "a share between 0 and 1, 0 not included"),
    (("split=customer_folds", "split.folds=1"), "split.folds", "a whole number of at least 2"),
    (("task.cluster=perhaps",), "task.cluster", "true or false"),
    (("data.tables.products.path=3",), "data.tables.products.path", "text"),
    (("data.tables.sales={columns: {}}",), "data.tables.sales.path", "has to be given"),
    (("data.tables=none",), "data.tables", "a mapping"),
    ((*CSV, "data.header=perhaps"), "data.header", "true or false"),
    (("data=csv",), "data.path", "has to be given; set it: data.path=…"),
    (("~features.category",), "features.category", "has to be given: text"),
    (("model=logit_penalised", "model.C=-1"), "model.C", "a number"),
    (("model=logit_penalised", "model.solver=newton"), "model.solver", "one of: lbfgs, liblinear"),
    (("model=random_forest", "model.n_estimators=0"), "model.n_estimators", "a whole number of at least 1"),
    (("model=random_forest", "model.criterion=ginni"), "model.criterion", "did you mean `gini`?"),
    (("model=gradient_boosting", "model.max_iter=many"), "model.max_iter", "a whole number of at least 1"),
    (("model=xgboost", "model.max_depth=deep"), "model.max_depth", "a whole number or null"),
    (("model=xgboost", "model.learning_rate=fast"), "model.learning_rate", "a number or null"),
    # Classes
    (("model._target_=os.system",), "model._target_", "package `os` is not among the trusted ones"),
    (("model._target_=pandas.read_pickle",), "model._target_", "if you trust it: targets.allow=[pandas]"),
    (
        ("model._target_=sklearn.svm.LinearSV",),
        "model._target_",
        "has no class `LinearSV`; did you mean `LinearSV",
    ),
    (("model._target_=sklearn.svn.SVC",), "model._target_", "there is no module `sklearn.svn`; did you mean `svm`?"),
    (("model._target_=SVC",), "model._target_", "the dotted path of a class"),
    (("model._target_=sklearn.utils.Bunch",), "model._target_", "not a scikit-learn estimator"),
    (("task._target_=sklearn.svm.SVC",), "task._target_", "not a task"),
    (("data._target_=cxai_runner.data.os.system",), "data._target_", "there is no module `cxai_runner.data.os`"),
    (("split._target_=cxai_runner.evaluation.splits.Split",), "split._target_", "only a base of others"),
    (("features._target_=tasks.segmentatoin.Features",), "features._target_", "did you mean `segmentation`?"),
    (("features.transformers=[scale]",), "features.transformers.0", "a scikit-learn transformer, as a mapping"),
    (
        ("features.transformers=[{_target_: sklearn.preprocessing.StandardScalar}]",),
        "features.transformers.0._target_",
        "did you mean `StandardScaler`?",
    ),
    (
        ("features.transformers=[{_target_: sklearn.preprocessing.StandardScaler, with_men: true}]",),
        "features.transformers.0.with_men",
        "not an argument of StandardScaler; did you mean `with_mean`?",
    ),
    (("model._partial_=true",), "model._partial_", "a word of Hydra's that components do not take; remove it"),
    (("~model._target_",), "model", "a scikit-learn estimator, as a mapping with a `_target_`"),
    # References
    (("features.category=${oc.env:CXAI_NOWHERE}",), "features.category", "variable `CXAI_NOWHERE`, which is not set"),
    (("name=${sede}",), "name", "refers to `sede`, which is no key; did you mean `seed`?"),
    (("seed=${threads}", "threads=${seed}"), "seed", "refers to itself in a circle"),
    (("name=${oc.evn:USER}",), "name", "no resolver `oc.evn`; did you mean `oc.env`?"),
    (("name='${oops'",), "name", "the reference cannot be read; write ${KEY} or ${oc.env:NAME}"),
    (("features.category=???",), "features.category", "has to be given; set it: features.category=…"),
]

# A user's files → what is chosen of them → the key that is told → a fragment → where it was set.
FILED: list[tuple[dict[str, str], tuple[str, ...], str, str, str]] = [
    ({"data/my.yaml": "a: [1\n"}, ("data=my",), "mine/data/my.yaml", "not valid YAML", "mine/data/my.yaml:2"),
    (
        {"data/my.yaml": "a: 1\na: 2\n"},
        ("data=my",),
        "mine/data/my.yaml",
        "found duplicate key a",
        "mine/data/my.yaml:2",
    ),
    ({"data/my.yaml": "- a\n- b\n"}, ("data=my",), "mine/data/my.yaml", "not a mapping", "mine/data/my.yaml:1"),
    (
        {"data/my.yaml": "a: 1\nnote: ${oops\n"},
        ("data=my",),
        "note",
        "the reference cannot be read",
        "mine/data/my.yaml:2",
    ),
    (
        {"data/my.yaml": "# my shop\n_target_: cxai_runner.data.FileSorce\n"},
        ("data=my",),
        "data._target_",
        "has no class `FileSorce`; did you mean `FileSource`?",
        "mine/data/my.yaml:2",
    ),
    (
        {"data/my.yaml": "_target_: cxai_runner.data.FileSource\n\ntables:\n  transactions: {paht: x.csv}\n"},
        ("data=my",),
        "data.tables.transactions.paht",
        "no such key; did you mean `path`?",
        "mine/data/my.yaml:4",
    ),
    (
        {"data/my.yaml": "_target_: cxai_runner.data.FileSource\nroot: ${oc.env:CXAI_NOWHERE}\n"},
        ("data=my",),
        "data.root",
        "needs the environment variable `CXAI_NOWHERE`, which is not set; export CXAI_NOWHERE=…",
        "mine/data/my.yaml:2",
    ),
    (
        {"data/complete_journey.yaml": "a: 1\n"},
        (),
        "data/complete_journey",
        "mine/data/complete_journey.yaml would never be read; give yours a name of its own",
        "mine/data/complete_journey.yaml:1",
    ),
    (
        {"experiment/e.yaml": "# @package _global_\nsede: 3\n"},
        ("experiment=e",),
        "sede",
        "no such key; did you mean `seed`?",
        "mine/experiment/e.yaml:2",
    ),
    (
        {"experiment/e.yaml": "# @package _global_\nname: a\nseed: abc\n"},
        ("experiment=e",),
        "seed",
        "a whole number of at least 0",
        "mine/experiment/e.yaml:3",
    ),
    (
        {"experiment/e.yaml": "seed: 3\n"},
        ("experiment=e",),
        "experiment/e",
        "sets keys of the top level; begin it with: # @package _global_",
        "mine/experiment/e.yaml:1",
    ),
    (
        {"experiment/e.yaml": "# @package _globl_\nseed: 3\n"},
        ("experiment=e",),
        "experiment/e",
        "begin it with: # @package _global_",
        "mine/experiment/e.yaml:1",
    ),
    (
        {"experiment/e.yaml": "# @package\nseed: 3\n"},
        ("experiment=e",),
        "experiment/e",
        "its header names no package",
        "mine/experiment/e.yaml:1",
    ),
    (
        {"experiment/e.yaml": "# @package _global_\ndefaults:\n  - override /model: segmentation/kmean\n"},
        ("experiment=e",),
        "model",
        "no such model: `segmentation/kmean`; did you mean `segmentation/kmeans`?",
        "mine/experiment/e.yaml:3",
    ),
    (
        {"experiment/e.yaml": "# @package _global_\ndefaults:\n  - override /modl: segmentation/kmeans\n"},
        ("experiment=e",),
        "modl",
        "no defaults list chooses this; did you mean `model`?",
        "mine/experiment/e.yaml:3",
    ),
    (
        {"task/mine.yaml": "defaults:\n  - /features: table\ntask:\n  _target_: x.Y\n"},
        ("task=mine",),
        "task/mine",
        "begin it with: # @package _global_",
        "mine/task/mine.yaml:1",
    ),
    (
        {"task/mine.yaml": "# @package _global_\ndefaults:\n  - /features: tabel\ntask:\n  _target_: x.Y\n"},
        ("task=mine",),
        "features",
        "no such features: `tabel`; did you mean `table`?",
        "mine/task/mine.yaml:3",
    ),
    (
        {"task/mine.yaml": "# @package _global_\ntask:\n  _target_: mypackage.Question\n"},
        ("task=mine",),
        "task._target_",
        "package `mypackage` is not among the trusted ones; if you trust it: targets.allow=[mypackage]",
        "mine/task/mine.yaml:3",
    ),
    (
        {"model/purchase_incidence/deep.yaml": "_target_: sklearn.neural_network.MLPClassifier\nalpha: -1\n"},
        ("model=deep",),
        "model.alpha",
        "a number of at least 0",
        "mine/model/purchase_incidence/deep.yaml:2",
    ),
    (
        {"features/mine.yaml": "# @package features.inner\n_target_: a.B\n"},
        ("features=mine",),
        "features/mine",
        "write # @package features, or no header",
        "mine/features/mine.yaml:1",
    ),
]


def _says(problem: Problem) -> str:
    return "; ".join(part for part in (problem.message, problem.remedy) if part)


def test_the_catalogue_is_large() -> None:
    assert len(TYPED) + len(FILED) >= 60


@pytest.mark.parametrize(
    ("lines", "key", "fragment"), TYPED, ids=lambda part: " ".join(part) if isinstance(part, tuple) else None
)
def test_what_was_typed_wrong_is_caught(
    lines: tuple[str, ...], key: str, fragment: str, problems_of: ProblemsOf
) -> None:
    told = {problem.key: problem for problem in problems_of(*lines)}
    assert key in told
    assert fragment in _says(told[key])
    assert told[key].origin
    assert re.search(re.escape(key), render([told[key]]))


@pytest.mark.parametrize(("files", "lines", "key", "fragment", "origin"), FILED)
def test_what_a_file_has_wrong_is_caught_with_its_line(
    files: dict[str, str],
    lines: tuple[str, ...],
    key: str,
    fragment: str,
    origin: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    problems_of: ProblemsOf,
) -> None:
    for name, text in files.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    told = {problem.key: problem for problem in problems_of(*lines, dirs=(Path("mine"),))}
    assert key in told
    assert fragment in _says(told[key])
    assert told[key].origin == origin


@pytest.mark.parametrize(("folder", "said"), [("nowhere", "no such folder"), ("file.yaml", "is a file, not a folder")])
def test_a_config_folder_that_is_not_there(
    folder: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problems_of: ProblemsOf
) -> None:
    (tmp_path / "file.yaml").write_text("a: 1\n")
    monkeypatch.chdir(tmp_path)
    (problem,) = problems_of(dirs=(Path(folder),))
    assert (problem.key, problem.value, problem.message) == ("--config-dir", folder, said)


def test_all_mistakes_are_told_at_once_in_the_order_they_were_typed(problems_of: ProblemsOf) -> None:
    told = problems_of("modl=xgboost", "features.brands=-2", "split.test_size=1.7", "data.path=sales.csv", "seed=x")
    assert [problem.key for problem in told] == ["modl", "features.brands", "split.test_size", "data.path", "seed"]


def test_nothing_is_said_of_what_a_wrong_choice_leaves_open(problems_of: ProblemsOf) -> None:
    told = problems_of("task=segmentaton", "model.n_clusters=4", "seed=-1", "data.pth=x")
    assert [problem.key for problem in told] == ["task", "seed", "data.pth"]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("model=xgboost",),
        ("model=logit_penalised", "features.category=YOGURT", "features.brands=3"),
        (SEGMENTATION,),
        (SEGMENTATION, "model=kmeans", "model.n_clusters=4", "seed=7"),
        (*CSV, "data.columns.customer_id=client"),
        ("split=time",),
        ("split=customer_folds", "split.folds=3"),
        ("features=table", "features.table=panel"),
        ("privacy.pseudonymise=true", "privacy.key=${oc.env:HOME}"),
        ("threads=2", "evaluation.resamples=200", "tracking.level=child", "name=first"),
    ],
)
def test_what_is_right_gets_no_word(lines: tuple[str, ...], problems_of: ProblemsOf) -> None:
    assert problems_of(*lines) == []

"""Each way round the rules of `_target_`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cxai_runner.config.classes import TRUSTED, RefusedError, find, never_trusted, shadowed, trusted
from cxai_runner.config.compose import compose
from cxai_runner.config.problems import Problem
from cxai_runner.config.targets import ESTIMATOR, TRANSFORMER, build

ProblemsOf = Callable[..., list[Problem]]

ROOTS = frozenset({*TRUSTED, "madeup", "broken", "quitter"})


def refused(target: object) -> str:
    with pytest.raises(RefusedError) as caught:
        find(target, (ESTIMATOR,), ROOTS, "model._target_")
    problem = caught.value.problem
    assert problem.key == "model._target_"
    assert problem.value == target
    return "; ".join(part for part in (problem.message, problem.remedy) if part)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("os.system", "package `os` is not among the trusted ones"),
        ("subprocess.Popen", "package `subprocess` is not among the trusted ones"),
        ("builtins.eval", "package `builtins` is not among the trusted ones"),
        ("importlib.import_module", "package `importlib` is not among"),
        (
            "pandas.read_pickle",
            "package `pandas` is not among the trusted ones; if you trust it: targets.allow=[pandas]",
        ),
        ("numpy.load", "package `numpy` is not among the trusted ones"),
        ("evil.Estimator", "package `evil` is not among the trusted ones; if you trust it: targets.allow=[evil]"),
        ("joblib.load", "package `joblib` is not among"),
        ("sklaern.cluster.KMeans", "package `sklaern` is not among the trusted ones; did you mean `sklearn`?"),
        ("sklearn.clusters.KMeans", "there is no module `sklearn.clusters`; did you mean `cluster`?"),
        ("sklearn.cluster.Kmeans", "`sklearn.cluster` has no class `Kmeans`; did you mean `KMeans`?"),
        ("sklearn.cluster.k_means", "a function; only classes can be named"),
        ("sklearn.cluster", "a module; only classes can be named"),
        ("sklearn.base.BaseEstimator", "not a scikit-learn estimator: it has no fit"),
        ("sklearn.base.BaseEstimator.__init__.__globals__", "only public classes can be named"),
        ("sklearn.base.BaseEstimator.get_params", "there is no module `sklearn.base.BaseEstimator`"),
        ("sklearn.cluster._kmeans._BaseKMeans", "only public classes can be named"),
        ("sklearn.utils.fixes.np.load", "there is no module `sklearn.utils.fixes.np`"),
        ("sklearn.externals.array_api_compat.numpy.load", "a function; only classes can be named"),
        ("sklearn.externals.array_api_compat.numpy.ndarray", "belongs to numpy, not to sklearn"),
        ("sklearn.utils.parallel.Parallel", "not a scikit-learn estimator"),
        ("sklearn.datasets.load_svmlight_file", "a function; only classes can be named"),
        ("sklearn.utils.Bunch", "not a scikit-learn estimator"),
        ("xgboost.Booster", "not a scikit-learn estimator"),
        ("cxai_runner.data.os.system", "there is no module `cxai_runner.data.os`"),
        ("cxai_runner.__main__.main", "only public classes can be named"),
        ("cxai_runner.task.Task", "not a scikit-learn estimator"),
        ("madeup.pd.read_pickle", "there is no module `madeup.pd`"),
        ("madeup.pd", "a module; only classes can be named"),
        ("madeup.os.system", "there is no module `madeup.os`"),
        ("madeup.function", "a function; only classes can be named"),
        ("madeup.NoEstimator", "not a scikit-learn estimator"),
        ("madeup.Fitless", "it has no fit"),
        ("madeup.BaseEstimator", "belongs to sklearn.base, not to madeup; name it where it is defined"),
        ("KMeans", "the dotted path of a class; such as sklearn.cluster.KMeans"),
        ("", "the dotted path of a class"),
        ("sklearn..KMeans", "the dotted path of a class"),
        ("sklearn.cluster.KMeans()", "the dotted path of a class"),
        ("sklearn.cluster KMeans", "the dotted path of a class"),
        ("sklearn.cluster.KMeans\n", "the dotted path of a class"),
        ("ｓklearn.cluster.KMeans", "the dotted path of a class"),
        (None, "the dotted path of a class"),
        (3, "the dotted path of a class"),
    ],
)
@pytest.mark.usefixtures("madeup")
def test_what_may_not_be_named_is_refused(target: object, said: str) -> None:
    assert said in refused(target)


def test_nothing_outside_the_list_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "`evil` is not among" in refused("evil.Estimator")
    assert "evil" not in sys.modules


def test_a_module_of_the_users_that_fails_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("x = 1\ny = x.nothing\n")
    (tmp_path / "quitter.py").write_text("raise SystemExit('bye')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    said = refused("broken.Model")
    assert said == "its module fails: AttributeError: 'int' object has no attribute 'nothing'; see broken.py:2"
    assert "its module fails: SystemExit: bye" in refused("quitter.Model")


def test_a_module_that_needs_a_package_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.py").write_text("import not_installed_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("broken", None)
    assert refused("broken.Model") == "needs the package `not_installed_at_all`, which is not installed"


def test_a_syntax_error_is_told_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.py").write_text("x = 1\ndef f(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("broken", None)
    assert "see broken.py:2" in refused("broken.Model")


def test_a_package_that_declares_itself_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "friendly-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: friendly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cxai.targets]\nfriendly = friendly.models\n")
    assert "friendly" not in trusted()
    monkeypatch.syspath_prepend(tmp_path)
    assert "friendly" in trusted()


def test_pythons_own_library_cannot_be_trusted() -> None:
    told = {(p.key, p.message) for p in never_trusted(["os", "fine", "a.b", 3])}
    assert told == {
        ("targets.allow.0", "Python's own library holds no components"),
        ("targets.allow.2", "the name of one package, without dots"),
        ("targets.allow.3", "the name of one package, without dots"),
    }


def test_a_transformer_has_to_transform() -> None:
    with pytest.raises(RefusedError, match="not a scikit-learn transformer: it has no transform"):
        find("sklearn.svm.SVC", (TRANSFORMER,), ROOTS, "features.transformers.0._target_")


@pytest.mark.parametrize("key", ["_partial_=true", "_args_=[1]", "_recursive_=false", "_convert_=all", "_call_=x"])
@pytest.mark.usefixtures("ours")
def test_hydras_own_words_are_refused(key: str, problems_of: ProblemsOf) -> None:
    (problem,) = problems_of(f"model.{key}")
    assert problem.message == "a word of Hydra's that components do not take"
    assert problem.remedy == "remove it"


@pytest.mark.usefixtures("ours")
def test_a_target_is_never_a_reference(problems_of: ProblemsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHAT", "sklearn.cluster.KMeans")
    (problem,) = problems_of("model._target_=${oc.env:WHAT}")
    assert problem.key == "model._target_"
    assert problem.message == "a class is named in full, not by a reference"


@pytest.mark.usefixtures("ours")
def test_components_stand_only_where_their_place_allows(problems_of: ProblemsOf) -> None:
    lines = (
        "data.delimiter={_target_: sklearn.cluster.KMeans}",
        "split.test_size={_target_: sklearn.cluster.KMeans}",
        "tracking.uri={_target_: os.system}",
        "features.transformers=[{_target_: sklearn.cluster.DBSCAN},scale]",
    )
    told = {p.key: p.message for p in problems_of(*lines)}
    assert told == {
        "data.delimiter._target_": "no component can stand here",
        "split.test_size._target_": "no component can stand here",
        "tracking.uri": "text that is not empty or null",
        "features.transformers.0._target_": "not a scikit-learn transformer: it has no transform",
        "features.transformers.1": "a scikit-learn transformer, as a mapping with a `_target_`",
    }


@pytest.mark.usefixtures("ours")
def test_components_within_models_are_held_to_the_same_rules(problems_of: ProblemsOf) -> None:
    func = "model._target_=sklearn.preprocessing.FunctionTransformer"
    (problem,) = problems_of(func, "model.func={_target_: os.system, command: ls}")
    assert problem.key == "model.func._target_"
    assert "package `os` is not among the trusted ones" in problem.message
    (problem,) = problems_of(func, "model.func=os.system")
    assert (problem.key, problem.message) == ("model.func", "null")


@pytest.mark.usefixtures("ours")
def test_folders_of_pickles_are_refused(problems_of: ProblemsOf) -> None:
    (problem,) = problems_of("model._target_=sklearn.cluster.FeatureAgglomeration", "model.memory=/tmp/somewhere")
    assert problem.key == "model.memory"
    assert problem.message == "a folder of pickles, which run code when read"


@pytest.mark.usefixtures("ours")
def test_nested_components_are_built() -> None:
    composed = compose(
        [
            "features.transformers=[{_target_: sklearn.preprocessing.StandardScaler, with_mean: false}]",
            "model._target_=madeup.Own",
            "model.depth=3",
            "model.inner={_target_: sklearn.pipeline.Pipeline, steps: [[k, {_target_: sklearn.cluster.KMeans}]]}",
        ]
    )
    (scaler,) = build(composed.resolved()["features"], "features", composed).transformers
    model = build(composed.resolved()["model"], "model", composed)
    assert type(scaler).__name__ == "StandardScaler"
    assert scaler.with_mean is False
    assert model.depth == 3
    assert type(model.inner.named_steps["k"]).__name__ == "KMeans"


def test_our_own_tasks_are_found() -> None:
    assert shadowed() is None


def test_a_file_that_shadows_our_tasks_is_named(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("raise SystemExit('imported')\n")
    code = "from cxai_runner.config.classes import shadowed; p = shadowed(); print(p.message, '|', p.remedy)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    said = done.stdout.strip()
    assert said == "Python finds tasks.py where it should find ours | rename it, or run from another folder"

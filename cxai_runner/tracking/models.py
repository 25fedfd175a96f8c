"""A fitted model that anybody can load: with plain MLflow, in another folder, years later, without this package.

So it carries its requirements, pinned, and the code that no package index has. It is saved in a format that runs no
code when it is loaded: skops with the classes it may hold named, or XGBoost's and Keras's own. Only where none of them
can hold it, it is pickled, and the run says so in a tag.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.tracking import seal
from cxai_runner.tracking.pseudonyms import Privacy
from cxai_runner.tracking.quiet import import_mlflow
from cxai_runner.tracking.requirements import OURS, needed, requirements_for, source_of

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run

    from cxai_runner.task import SavedModel
    from cxai_runner.tracking.store import Store

TRUSTED: Final = frozenset({"sklearn", "numpy", "scipy", "pandas", "xgboost", *OURS})
"""Root packages whose classes a model may hold without being pickled."""
_LEFT_OUT: Final = shutil.ignore_patterns("tests", "__pycache__", "*.py[co]", ".*")


@dataclass(frozen=True)
class Format:
    """How a model is written: MLflow's flavour, and what that flavour's ``save_model`` is told."""

    flavour: str
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    requires: tuple[str, ...] = ()

    @property
    def runs_code(self) -> bool:
        """Whether loading it runs code of the file's own."""
        return self.name == "pickle"


@dataclass(frozen=True)
class Logged:
    """A model in the store."""

    name: str
    model_id: str
    uri: str
    format: str


def log_model(
    store: Store, run: Run, name: str, saved: SavedModel, privacy: Privacy | None = None, trusted: Iterable[str] = ()
) -> Logged:
    """Save a model and show it on its run's page.

    Logged: a LoggedModel ``name`` of the run, so that ``runs:/<run id>/<name>`` loads and registers it, with
    signature, input example, pinned requirements and code, under a seal; ready only once all of its files are there.

    Parameters
    ----------
    store, run
        Where, and the run that made it.
    name
        ``model`` for the one that predicts.
    saved
        The fitted estimator, a few rows as it takes them, and the method that predicts.
    privacy
        Decides whether the input example is made of real rows.
    trusted
        Further root packages whose classes need no pickle.
    """
    import_mlflow()
    from mlflow.entities import LoggedModelOutput
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    client, info = store.client, run.info
    form = format_of(saved, trusted)
    with tempfile.TemporaryDirectory(prefix="cxai-model-") as folder:
        logged = store.retry(
            client.create_logged_model,
            info.experiment_id,
            name=name,
            source_run_id=info.run_id,
            tags={"cxai.format": form.name},
            model_type=type(saved.estimator).__name__,
        )
        identity = Model(
            artifact_path=logged.artifact_location,
            run_id=info.run_id,
            model_uuid=logged.model_id,
            model_id=logged.model_id,
        )
        try:
            save(saved, Path(folder) / "model", form=form, privacy=privacy, identity=identity)
            seal.put(Path(folder) / "model")
            store.retry(client.log_model_artifacts, logged.model_id, str(Path(folder) / "model"))
        except BaseException:
            with suppress(MlflowException):  # what went wrong first is what the user must see
                store.retry(client.finalize_logged_model, logged.model_id, "FAILED")
            raise
    store.retry(client.finalize_logged_model, logged.model_id, "READY")
    store.retry(client.log_outputs, info.run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return Logged(name, logged.model_id, f"runs:/{info.run_id}/{name}", form.name)


def save(
    saved: SavedModel, path: Path, *, form: Format | None = None, privacy: Privacy | None = None, identity: Any = None
) -> None:
    """Save a model to a folder that ``mlflow.pyfunc.load_model`` takes.

    Parameters
    ----------
    saved
        The fitted estimator, its example and the method that predicts.
    path
        A folder that does not exist yet.
    form
        From `format_of`, by default found here.
    privacy
        Decides whether the input example is made of real rows.
    identity
        The ``mlflow.models.Model`` to write into, if the model belongs to a run.
    """
    import_mlflow()
    form = form or format_of(saved)
    flavour = import_module(f"mlflow.{form.flavour}")
    example = _example(saved, privacy or Privacy())
    with tempfile.TemporaryDirectory(prefix="cxai-code-") as folder, _known_packages():
        options = dict(form.options)
        if code := _code(saved.estimator, Path(folder)):
            options["code_paths"] = code
        flavour.save_model(
            saved.estimator,
            str(path),
            mlflow_model=identity,
            signature=_signature(saved, example),
            input_example=example,
            pip_requirements=requirements_for(saved.estimator, form.requires),
            **options,
        )


def format_of(saved: SavedModel, trusted: Iterable[str] = ()) -> Format:
    """Choose the format: native where the estimator itself is XGBoost's or Keras's, else skops, else pickle."""
    import_mlflow()
    ancestors = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(saved.estimator).__mro__}
    if "keras.Model" in ancestors:
        return Format("keras", "keras", requires=("keras",))
    # XGBoost's flavour predicts with `predict` and nothing else.
    if ancestors & {"xgboost.XGBModel", "xgboost.Booster"} and saved.method == "predict":
        return Format("xgboost", "xgboost", requires=("xgboost",))
    types = _skops_types(saved.estimator, {*TRUSTED, *trusted})
    if types is not None:
        options = {"serialization_format": "skops", "skops_trusted_types": types, "pyfunc_predict_fn": saved.method}
        return Format("sklearn", "skops", options, ("sklearn", "skops"))
    options = {"serialization_format": "cloudpickle", "pyfunc_predict_fn": saved.method}
    return Format("sklearn", "pickle", options, ("sklearn", "cloudpickle"))


def _skops_types(estimator: Any, trusted: set[str]) -> list[str] | None:
    """The types that a skops file of ``estimator`` needs trusted; None where skops cannot or must not hold it."""
    import skops.io
    from skops.io.exceptions import UnsupportedTypeException, UntrustedTypesFoundException

    refusals = (UnsupportedTypeException, UntrustedTypesFoundException)

    try:
        data = skops.io.dumps(estimator)
        types = skops.io.get_untrusted_types(data=data)
        if not all(is_trusted(name, trusted) for name in types):
            return None
        skops.io.loads(data, trusted=types)
    except (*refusals, TypeError, ValueError, AttributeError, ImportError, RecursionError):
        return None  # each object that skops cannot hold fails in its own way; the pickle is named in the run
    return list(types)


def is_trusted(name: str, trusted: set[str]) -> bool:
    """Whether a name in a skops file is a class, or a NumPy ufunc, of a trusted package; no function that could act."""
    module, _, attribute = name.rpartition(".")
    if module.partition(".")[0] not in trusted:
        return False
    found = getattr(import_module(module), attribute, None)
    return isinstance(found, type) or type(found).__name__ == "ufunc"


def _example(saved: SavedModel, privacy: Privacy) -> pd.DataFrame:
    """A few rows, without categories: MLflow's schemas know texts only."""
    example = privacy.example(saved.example).reset_index(drop=True)
    categories = example.select_dtypes("category").columns
    return example.astype({name: example[name].cat.categories.dtype for name in categories})


def _signature(saved: SavedModel, example: pd.DataFrame) -> Any:
    from mlflow.models import infer_signature

    predict = getattr(saved.estimator, saved.method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # integer columns: a model that takes whole numbers says so on purpose
        return infer_signature(example, predict(example))


def _code(estimator: Any, folder: Path) -> list[str]:
    """Copy the packages and modules that no index has, without tests, and return their paths.

    Of a user's package everything goes, since nobody knows what it opens; of ours the modules that can be imported, a
    dozen out of hundreds: a sweep keeps as many models as points.
    """
    paths, found = [], needed(estimator)
    for root in sorted(found.code):
        source = source_of(root)
        if source is None:
            continue
        if root in OURS:
            paths.append(str(_ours(root, found.modules, folder)))
        elif source.name == "__init__.py":
            paths.append(str(shutil.copytree(source.parent, folder / root, ignore=_LEFT_OUT)))
        else:
            paths.append(str(shutil.copy2(source, folder / source.name)))
    return paths


def _ours(root: str, modules: Iterable[str], folder: Path) -> Path:
    """Copy the modules of a package of ours."""
    source = source_of(root)
    assert source is not None
    home = source.parent
    for module in modules:
        if module.partition(".")[0] == root and (path := source_of(module)) is not None:
            place = folder / root / path.relative_to(home)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    return folder / root


@contextmanager
def _known_packages() -> Iterator[None]:
    """Spare MLflow its listing of every installed file (half a second), made to compare requirements that we pinned."""
    from mlflow.utils import requirements_utils

    if getattr(requirements_utils, "_MODULES_TO_PACKAGES", {}) is not None:
        yield
        return
    requirements_utils._MODULES_TO_PACKAGES = {"sklearn": ["scikit-learn"]}
    try:
        yield
    finally:
        requirements_utils._MODULES_TO_PACKAGES = None
        requirements_utils._PACKAGES_TO_MODULES = None

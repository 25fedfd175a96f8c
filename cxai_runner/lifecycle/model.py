"""A model taken out of its run, with no more trust than it needs.

What lies in a store was written by somebody, and loading a model can run what they wrote: a pickle always, and MLflow
also imports the code that lies beside a model and whatever classes its `MLmodel` names. So without a word of trust a
model is loaded only from a format that holds data (skops, XGBoost's own), only with classes of packages that are
trusted here, and with the code that is installed here instead of the run's.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, UserError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.pyfunc import PyFuncModel

    from cxai_runner.lifecycle.kept import Kept

_REMEDY = "if you trust whoever wrote this run: cxai_runner.load(…, trust=True)"


def load_model(kept: Kept, *, trust: bool = False, name: str = "model") -> PyFuncModel:
    """Load a run's model.

    Parameters
    ----------
    kept
        The run.
    trust
        Whether code that lies in the run may be run: a pickle, or the modules saved with the model.
    name
        Which of its models.

    Raises
    ------
    UserError
        The run has no such model, or it cannot be loaded without trust.
    """
    from cxai_runner.tracking.quiet import import_mlflow

    mlflow = import_mlflow()
    source = _folder_of(kept, name)
    if trust:
        return mlflow.pyfunc.load_model(str(source))
    problems = list(_untrusted(_described(source), kept.run_id[:8]))
    if problems:
        raise UserError(problems)
    with tempfile.TemporaryDirectory(prefix="cxai-model-") as folder:
        return mlflow.pyfunc.load_model(str(_without_code(source, Path(folder) / "model")))


def predictions(model: PyFuncModel, frame: Any) -> pd.Series | pd.DataFrame:
    """Predict for the rows of a data frame of any kind.

    Returns
    -------
    predictions
        On the frame's index: a series, or a column per class.

    Raises
    ------
    UserError
        With every column that the model takes and that is missing, or is of another type.
    """
    import pandas as pd
    from mlflow.exceptions import MlflowException

    rows = _columns_for(model, _as_pandas(frame))
    try:
        found = model.predict(rows)
    except MlflowException as error:  # a column of another type than the model takes
        raise UserError([Problem("frame", str(error).splitlines()[0].rstrip("."))]) from None
    if getattr(found, "ndim", 1) == 1:
        return pd.Series(found, index=rows.index, name="prediction")
    classes = getattr(model.get_raw_model(), "classes_", range(found.shape[1]))
    return pd.DataFrame(found, index=rows.index).set_axis(list(classes), axis=1)


def _as_pandas(frame: Any) -> pd.DataFrame:
    import pandas as pd

    from cxai_runner.data.sources.arrow import as_arrow

    return frame if isinstance(frame, pd.DataFrame) else as_arrow(frame, "frame").to_pandas()


def _columns_for(model: PyFuncModel, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that the model takes, or every one that is missing."""
    signature = model.metadata.signature
    wanted = signature.inputs.input_names() if signature is not None else list(frame.columns)
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        have = [str(column) for column in frame.columns]
        remedy = "the model takes " + ", ".join(wanted)
        raise UserError(
            Problem(f"frame.{column}", "is missing", remedy=_nearest(column, have) or remedy) for column in missing
        )
    return frame[wanted]


def _nearest(column: str, have: list[str]) -> str:
    found = did_you_mean(column, have)
    return found if found.startswith("did you mean") else ""


def _folder_of(kept: Kept, name: str) -> Path:
    """The model's files, here or downloaded."""
    from cxai_runner.tracking.quiet import import_mlflow

    mlflow = import_mlflow()
    outputs = kept.run.outputs.model_outputs if kept.run.outputs else []
    client = kept.store.client
    models = [kept.store.retry(client.get_logged_model, output.model_id) for output in outputs]
    found = next((model for model in models if model.name == name), None)
    if found is None:
        status = kept.facts["status"]
        remedy = "only a FINISHED run holds one" if status != "FINISHED" else ""
        raise UserError([Problem("RUN", f"this run holds no model `{name}`", kept.run_id[:8], remedy)])
    local = mlflow.artifacts.download_artifacts(
        artifact_uri=found.artifact_location, tracking_uri=kept.store.uri, registry_uri=kept.store.uri
    )
    return Path(local)


def _described(folder: Path) -> dict[str, Any]:
    import yaml

    found = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _untrusted(described: Mapping[str, Any], run: str) -> Iterator[Problem]:
    """Yield why a model cannot be loaded without running what lies beside it."""
    from cxai_runner.config.classes import trusted
    from cxai_runner.tracking.models import TRUSTED, is_trusted

    flavours = described.get("flavors") or {}
    loader = (flavours.get("python_function") or {}).get("loader_module")
    if loader == "mlflow.sklearn":
        flavour = flavours.get("sklearn") or {}
        if flavour.get("serialization_format") != "skops":
            yield Problem("model", "is kept as a pickle, which runs code when it is loaded", run, _REMEDY)
            return
        classes = flavour.get("skops_trusted_types") or []
    elif loader == "mlflow.xgboost":
        classes = [(flavours.get("xgboost") or {}).get("model_class", "xgboost.core.Booster")]
    else:
        yield Problem("model", f"is loaded by {loader}, which can run code that lies in the run", run, _REMEDY)
        return
    roots = {*TRUSTED, *trusted()}
    foreign = sorted(name for name in map(str, classes) if not is_trusted(name, roots))
    if foreign:
        yield Problem("model", f"holds what is not trusted here: {', '.join(foreign)}", run, _REMEDY)


def _without_code(source: Path, copy: Path) -> Path:
    """Copy a model's files without the modules that were saved with it."""
    import yaml

    shutil.copytree(source, copy, ignore=lambda folder, names: {"code"} & set(names) if Path(folder) == source else ())
    described = _described(copy)
    for flavour in described["flavors"].values():
        flavour.pop("code", None)
    (copy / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
    return copy

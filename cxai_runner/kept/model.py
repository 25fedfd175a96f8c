"""A model taken out of its run, with no more trust than it needs.

What lies in a store was written by somebody, and loading a model can run what they wrote: a pickle always, and MLflow
also imports the code that lies beside a model and whatever classes its `MLmodel` names. So without a word of trust a
model is loaded only from a format that holds data (skops, XGBoost's own), only with classes of packages that are
trusted here, and with the code that is installed here instead of the run's.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.kept.trust import described, untrusted_format

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.pyfunc import PyFuncModel

    from cxai_runner.kept.run import Kept

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
    problems = list(untrusted_format(described(source, kept.run_id[:8]), kept.run_id[:8], _REMEDY))
    if problems:
        raise UserError(problems)
    with tempfile.TemporaryDirectory(prefix="cxai-model-") as folder:
        return mlflow.pyfunc.load_model(str(_without_code(source, Path(folder) / "model")))


def predictions(model: PyFuncModel, frame: Any) -> pd.Series | pd.DataFrame:
    """Predict for the rows of a data frame of any kind.

    Returns
    -------
    predictions
        On the frame's index: a series, a column per class, or the columns that the model names.

    Raises
    ------
    UserError
        With every column that the model takes and that is missing, or is of another type.
    """
    import pandas as pd
    from mlflow.exceptions import MlflowException

    rows, signature = as_pandas(frame), model.metadata.signature
    rows = rows if signature is None else columns_for(signature.inputs.input_names(), rows)
    try:
        found = model.predict(rows)
    except MlflowException as error:  # a column of another type than the model takes
        raise UserError([Problem("frame", str(error).splitlines()[0].rstrip("."))]) from None
    if getattr(found, "ndim", 1) == 1:
        return pd.Series(found, index=rows.index, name="prediction")
    if isinstance(found, pd.DataFrame):  # what has names of its own keeps them
        return found.set_axis(rows.index)
    classes = getattr(model.get_raw_model(), "classes_", range(found.shape[1]))
    return pd.DataFrame(found, index=rows.index).set_axis(list(classes), axis=1)


def as_pandas(frame: Any) -> pd.DataFrame:
    """Return a data frame of any kind as one of pandas'."""
    import pandas as pd

    from cxai_runner.data.sources.arrow import as_arrow

    return frame if isinstance(frame, pd.DataFrame) else as_arrow(frame, "frame").to_pandas()


def columns_for(wanted: Sequence[str], frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that a model takes; raises `UserError` with every one that is missing."""
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        have = [str(column) for column in frame.columns]
        remedy = "the model takes " + ", ".join(wanted)
        raise UserError(
            Problem(f"frame.{column}", "is missing", remedy=_nearest(column, have) or remedy) for column in missing
        )
    return frame[list(wanted)]


def _nearest(column: str, have: list[str]) -> str:
    found = did_you_mean(column, have)
    return found if found.startswith("did you mean") else ""


def _folder_of(kept: Kept, name: str) -> Path:
    """The model's files, here or downloaded."""
    from cxai_runner.kept.named import place_of
    from cxai_runner.tracking.quiet import import_mlflow

    mlflow = import_mlflow()
    local = mlflow.artifacts.download_artifacts(
        artifact_uri=place_of(kept, name), tracking_uri=kept.store.uri, registry_uri=kept.store.uri
    )
    return Path(local)


def _without_code(source: Path, copy: Path) -> Path:
    """Copy a model's files without the modules that were saved with it."""
    import yaml

    shutil.copytree(source, copy, ignore=lambda folder, names: {"code"} & set(names) if Path(folder) == source else ())
    said = described(copy, copy.name)
    for flavour in said["flavors"].values():
        flavour.pop("code", None)
    (copy / "MLmodel").write_text(yaml.safe_dump(said), encoding="utf-8")
    return copy

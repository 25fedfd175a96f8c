"""Models: what is kept of a fit predicts what was scored, here, after pickling, and as loaded by plain MLflow."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from cxai_runner.task import SavedModel
from cxai_runner.task_checks._case import Case, check, close, identical, predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray


@check(model=True)
def a_model_is_kept(case: Case) -> None:
    """There is one named ``model``, and it predicts its own example."""
    saved = _saved(case)
    assert len(saved.example), "the example has rows"
    assert len(_answer(saved, saved.example)) == len(saved.example), "one prediction per row of the example"


@check(model=True)
def the_model_predicts_what_was_scored(case: Case) -> None:
    """Given the held-out rows' columns, it returns a column of the scores; of a frame, each that both have by name."""
    import numpy as np
    import pandas as pd

    saved = _saved(case)
    frame = case.held_out.frame[list(saved.example.columns)]
    answers, given = predictions(case.score(), case.task), _answer(saved, frame)
    shared = [name for name in given if name in answers] if isinstance(given, pd.DataFrame) else []
    if shared:
        close(given[shared].reset_index(drop=True), answers[shared], "the saved model predicts what was scored")
        return
    predicted, labels = _predict(saved, frame), np.asarray(given).astype(str)
    texts, numbers = answers.select_dtypes(exclude=["number", "datetime"]), answers.select_dtypes("number")
    matches = [name for name in texts if np.array_equal(texts[name].astype(str), labels)]
    if predicted.dtype.kind == "f":
        matches += [name for name in numbers if np.allclose(numbers[name], predicted, rtol=1e-9, atol=1e-12)]
    assert matches, f"the saved model predicts none of the scored columns {list(answers.columns)}"


@check(model=True)
def the_models_own_predictions_change_no_score(case: Case) -> None:
    """Put in place of themselves they give the scores that were there, where the task takes predictions at all."""
    import numpy as np
    import pandas as pd

    saved, scores = _saved(case), case.score()
    frame = case.held_out.frame[list(saved.example.columns)]
    given = getattr(saved.estimator, saved.method)(frame)
    made = pd.Series(given) if given.ndim == 1 else pd.DataFrame(given).reset_index(drop=True)
    again = case.task.predicted(scores, made)
    if again is None:
        return
    close(again, scores, "a model's own predictions, put in place of themselves, give its own scores")
    others = made.iloc[::-1].reset_index(drop=True)
    other = case.task.predicted(scores, others)
    assert other is not None, "a task takes all predictions of a kind, or none"
    alike = np.array_equal(np.asarray(others), np.asarray(made))  # the same for everybody
    assert alike or not other.equals(scores), "other predictions give other scores"
    kept = [name for name in scores if name not in predictions(scores, case.task)]
    identical(other[kept], scores[kept], "what was observed, and the baseline, stay")


@check(model=True)
def the_model_survives_pickling(case: Case) -> None:
    """It travels to another process."""
    import numpy as np

    saved = _saved(case)
    again = pickle.loads(pickle.dumps(saved.estimator))  # noqa: S301 - our own bytes
    other = SavedModel(again, saved.example, saved.method)
    changed = not np.array_equal(np.asarray(_answer(other, saved.example)), np.asarray(_answer(saved, saved.example)))
    assert not changed, "predictions changed"


@check(model=True)
def the_model_can_be_cloned(case: Case) -> None:
    """It follows scikit-learn's conventions: a clone has the same parameters."""
    from sklearn.base import clone

    estimator = _saved(case).estimator
    assert repr(clone(estimator)) == repr(estimator), "a clone has other parameters"


@check(model=True)
def the_model_survives_mlflow(case: Case) -> None:
    """Saved without a pickle, loaded by plain MLflow, it predicts the same from a pandas frame."""
    import tempfile
    from pathlib import Path

    import mlflow.pyfunc
    import mlflow.sklearn
    import numpy as np
    import skops.io
    from mlflow.models import infer_signature

    saved = _saved(case)
    given = _answer(saved, saved.example)
    expected = np.asarray(given)
    trusted = skops.io.get_untrusted_types(data=skops.io.dumps(saved.estimator))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        mlflow.sklearn.save_model(
            saved.estimator,
            path,
            serialization_format="skops",
            skops_trusted_types=trusted,
            signature=infer_signature(saved.example, given if hasattr(given, "columns") else expected),
            pyfunc_predict_fn=saved.method,
            pip_requirements=["scikit-learn"],
        )
        loaded = mlflow.pyfunc.load_model(str(path))
        assert np.array_equal(np.asarray(loaded.predict(saved.example)), expected), "MLflow's predictions differ"


def _saved(case: Case) -> SavedModel:
    models = case.task.models(case.fitted, case.train)
    assert "model" in models, f"no model named `model` among {sorted(models)}"
    return models["model"]


def _answer(saved: SavedModel, frame: Any) -> Any:
    """What the model says: an array, or a frame with a column for each thing that it says."""
    return getattr(saved.estimator, saved.method)(frame)


def _predict(saved: SavedModel, frame: Any) -> NDArray[Any]:
    """One number or name per row: of probabilities, that of the last class."""
    import numpy as np

    found = np.asarray(_answer(saved, frame))
    result = found.astype(str) if found.dtype.kind in "OU" else found.astype(np.float64)
    return result[:, -1] if result.ndim == 2 else result

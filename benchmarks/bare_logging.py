"""What one run holds, written with MLflow's own calls by hand: no more calls than it takes.

Run as a script with a payload, a tracking URI and a number: logs that many runs, and prints the seconds of each.
"""

from __future__ import annotations

import json
import pickle
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from cxai_runner.tracking.courier import Parcel

TRUSTED = [
    "cxai_runner.methods.logit.BinomialLogit",
    "cxai_runner.methods.terms.PanelTerms",
    "cxai_runner.methods.unnamed.Unnamed",
]


def read(path: Path) -> Parcel:
    """Read a payload that the benchmark made."""
    parcel: Parcel = pickle.loads(path.read_bytes())
    return parcel


@cache
def _client(uri: str) -> tuple[Any, str]:
    import mlflow

    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient(uri)
    found = client.get_experiment_by_name("bare")
    return client, found.experiment_id if found else client.create_experiment("bare")


def log(parcel: Parcel, uri: str) -> None:
    """Log one run with everything that the parcel holds."""
    import mlflow
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

    client, experiment = _client(uri)
    record = parcel.record
    assert record is not None
    run = client.create_run(experiment, run_name=parcel.name)
    now = int(time.time() * 1000)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in record.texts.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name, frame in record.tables.items():
            path = Path(folder) / "tables" / f"{name}.csv"
            path.parent.mkdir(exist_ok=True)
            frame.to_csv(path, index=False)
        for part, frame in record.scores.items():
            path = Path(folder) / "scores" / f"{part}.parquet"
            path.parent.mkdir(exist_ok=True)
            frame.to_parquet(path, index=False)
        client.log_artifacts(run.info.run_id, folder)
    inputs = [
        DatasetInput(
            Dataset(one.name, one.digest[:36], "local", json.dumps({"uri": one.source})),
            [InputTag("mlflow.data.context", one.context)],
        )
        for one in record.datasets
    ]
    client.log_inputs(run.info.run_id, datasets=inputs)
    for saved in record.models.values():
        _save(mlflow, saved, run.info.run_id)
    metrics = [Metric(name, float(value), now, 0) for name, value in record.metrics.items() if value == value]  # noqa: PLR0124
    params = [Param(name, str(value)[:6000]) for name, value in record.params.items()]
    tags = [RunTag(name, str(value)) for name, value in record.tags.items()]
    client.log_batch(run.info.run_id, metrics=metrics, params=params[:100], tags=tags)
    client.set_terminated(run.info.run_id)


def _save(mlflow: Any, saved: Any, run_id: str) -> None:
    """Log the model as a run's own, in the same format as ours."""
    with mlflow.start_run(run_id=run_id):
        mlflow.sklearn.log_model(
            saved.estimator,
            name="model",
            signature=mlflow.models.infer_signature(saved.example, saved.estimator.predict(saved.example)),
            input_example=saved.example,
            pip_requirements=["scikit-learn"],
            serialization_format="skops",
            skops_trusted_types=TRUSTED,
        )


if __name__ == "__main__":
    payload = read(Path(sys.argv[1]))
    log(payload, sys.argv[2])  # creates the store, and imports what logging needs
    begun = time.perf_counter()
    for _ in range(int(sys.argv[3])):
        log(payload, sys.argv[2])
    print((time.perf_counter() - begun) / int(sys.argv[3]))

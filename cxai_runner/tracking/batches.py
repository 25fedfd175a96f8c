"""The values of a run, written in as few calls as MLflow allows: each call costs as much as a hundred values."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from math import isfinite
from typing import TYPE_CHECKING, Final, TypeVar

from cxai_runner.tracking.masking import Masker
from cxai_runner.tracking.quiet import import_mlflow
from cxai_runner.tracking.record import DatasetRecord, Fed, metric_key, short_digest
from cxai_runner.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

T = TypeVar("T")

METRICS_PER_BATCH: Final = 700
PARAMS_PER_BATCH: Final = 100
TAGS_PER_BATCH: Final = 100
DATASET_NAME_LENGTH: Final = 500


def log_values(
    store: Store,
    run_id: str,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    steps: Iterable[tuple[str, float, int]] = (),
) -> None:
    """Write params, tags, metrics and points of learning curves; all have passed the masker."""
    import_mlflow()
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    points = [Metric(metric_key(name), value, now, 0) for name, value in metrics.items()]
    points += [Metric(metric_key(name), float(value), now, step) for name, value, step in steps if isfinite(value)]
    batches = zip_longest(
        _chunks([Param(key, text) for key, text in params.items()], PARAMS_PER_BATCH),
        _chunks([RunTag(key, text) for key, text in tags.items()], TAGS_PER_BATCH),
        _chunks(points, METRICS_PER_BATCH),
        fillvalue=(),
    )
    for some_params, some_tags, some_metrics in batches:
        log = store.client.log_batch
        store.retry(log, run_id, metrics=some_metrics, params=some_params, tags=some_tags, synchronous=True)


def log_datasets(store: Store, run_id: str, datasets: Sequence[DatasetRecord], masker: Masker) -> None:
    """Write the datasets that a run read, in one call."""
    if datasets:
        inputs = [_dataset_input(dataset, masker) for dataset in datasets]
        store.retry(store.client.log_inputs, run_id, datasets=inputs)


def log_fed(store: Store, run_id: str, models: Sequence[Fed]) -> None:
    """Write which registered models a run's rows were made with, on the run and on the runs that made them."""
    import_mlflow()
    from mlflow.entities import LoggedModelInput

    if known := list(dict.fromkeys(fed.model_id for fed in models if fed.model_id)):
        store.retry(store.client.log_inputs, run_id, models=[LoggedModelInput(one) for one in known])
    for fed in models:
        store.retry(store.client.set_tag, run_id, f"cxai.fed.{fed.column}", f"{fed.uri}, run {fed.run_id}")
        # A tag for each reader, so that two of them at once lose nothing.
        store.retry(store.client.set_tag, fed.run_id, f"cxai.feeds.{run_id[:8]}", f"{fed.column} of run {run_id}")


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _dataset_input(record: DatasetRecord, masker: Masker) -> DatasetInput:
    import_mlflow()
    from mlflow.entities import Dataset, DatasetInput, InputTag

    profile = {"num_rows": sum(record.rows.values()), "rows": dict(record.rows), "digest": record.digest}
    columns = [{"name": name, "type": kind, "required": True} for name, kind in record.schema.items()]
    dataset = Dataset(
        name=masker.mask(record.name)[:DATASET_NAME_LENGTH],
        digest=short_digest(record.digest),
        source_type="local" if "://" not in record.source else record.source.split("://")[0],
        source=json.dumps({"uri": masker.mask(record.source)}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", record.context)])

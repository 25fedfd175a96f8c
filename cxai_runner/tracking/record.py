"""Everything that one run holds, as plain data, and how it is put into MLflow's terms.

MLflow has limits: 6,000 characters a param, 8,000 a tag, 250 a key, some characters only. It cuts what is longer, and
two different configs then look equal. So nothing here is cut: what is too long is replaced by its hash and the name of
the artifact that holds it in full, and a key that had to change carries a hash of what it was.
"""

from __future__ import annotations

import hashlib
import json
import math
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.evaluation.results import Estimate, Interval, Metric
    from cxai_runner.task import SavedModel

Level = Literal["full", "child", "sweep"]

PARAM_LENGTH: Final = 6000
TAG_LENGTH: Final = 8000
KEY_LENGTH: Final = 250
DIGEST_LENGTH: Final = 36
UNDEFINED: Final = "cxai.undefined_metrics"
LONG_TAGS: Final = "long_tags.json"
CONFIG: Final = "config.yaml"
OVERRIDES: Final = "overrides.yaml"
CHOICES: Final = "choices.json"
LEARNED: Final = "learned.json"
REFIT: Final = "cxai.refit"
"""The tag that says which rows the kept model was fitted on: ``train`` or ``all``."""
KEYS: Final = "keys.json"
FINGERPRINT: Final = "fingerprint.json"
"""How the rows that a model was trained on, and its scores of them, are spread: what drift is told against."""
UNSEEDED: Final = "cxai.key.unseeded"
"""The tag that runs of one experiment share that differ in their seed alone."""
_CHILD: Final = (CONFIG, OVERRIDES, "environment.txt", "report.json")
REQUIRED: Final[Mapping[Level, tuple[str, ...]]] = {
    "child": _CHILD,
    "full": (*_CHILD, "report.html"),
    "sweep": ("sweep.yaml", "environment.txt", "report.json", "report.html"),
}
"""Texts without which no run of a level is finished."""


@dataclass(frozen=True)
class DatasetRecord:
    """One dataset that a run read.

    Parameters
    ----------
    name
        As the config names it.
    digest
        What tells its content from any other's.
    source
        Where it lies, as a path or URI; it is masked before it is written.
    schema
        Type by column.
    rows
        Number of rows by table or part.
    context
        What it was used for: ``train``, ``held_out``, ``source``.
    """

    name: str
    digest: str
    source: str
    schema: Mapping[str, str]
    rows: Mapping[str, int]
    context: str


@dataclass(frozen=True)
class Fed:
    """A registered model whose answers are a column of a run's rows.

    Parameters
    ----------
    column
        The column.
    model, uri
        As a reader knows it, and what says it for good: ``segmentation v3``, ``models:/segmentation/3``.
    run_id, model_id
        The run that made it, and its LoggedModel; the latter empty where the registry knows none.
    """

    column: str
    model: str
    uri: str
    run_id: str
    model_id: str


@dataclass(frozen=True, eq=False)
class Record:
    """Everything that one run holds.

    Parameters
    ----------
    params
        The flattened config.
    tags
        Identity, keys of the stages, commit, versions.
    metrics
        As `flatten_metrics` names them. One that is not finite is left out and named in ``cxai.undefined_metrics``.
    steps
        Points of learning curves: name, value, step.
    datasets
        Logged as MLflow dataset inputs.
    fed
        Logged as the run's model inputs, as tags ``cxai.fed.<column>``, and as a tag of the run that made each.
    texts
        Artifacts by path: ``config.yaml``, ``overrides.yaml``, ``choices.json``, ``learned.json``, ``keys.json``,
        ``environment.txt``, ``uncommitted.diff``, ``report.json`` …
    tables
        By name without ending; CSV under ``tables/``.
    scores
        By part; Parquet under ``scores/``.
    models
        By name; the one named ``model`` predicts.
    html
        The report, ``report.html``.
    figures
        PNG by name without ending, under ``figures/``.
    note
        Markdown at the top of the run's page.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    steps: Sequence[tuple[str, float, int]] = ()
    datasets: Sequence[DatasetRecord] = ()
    fed: Sequence[Fed] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    scores: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    models: Mapping[str, SavedModel] = field(default_factory=dict)
    html: str | None = None
    figures: Mapping[str, bytes] = field(default_factory=dict)
    note: str = ""

    def missing(self, level: Level) -> list[str]:
        """What ``level`` names and this record has not."""
        held = {*self.texts, *(["report.html"] if self.html is not None else [])}
        return [name for name in REQUIRED[level] if name not in held]


def flatten_metrics(
    metrics: Mapping[str, Iterable[Metric]],
    estimates: Iterable[Estimate] = (),
    seconds: Mapping[str, float] | None = None,
    peak_memory_mb: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Name everything that was measured as MLflow's metrics.

    Parameters
    ----------
    metrics
        By part: ``train``, ``held_out``, ``challenge``.
    estimates
        Quantities of the question itself.
    seconds, peak_memory_mb
        By stage.

    Returns
    -------
    flat
        ``held_out/log_loss`` with ``…_low`` and ``…_high``; for held-out rows also ``baseline/log_loss`` and
        ``difference/log_loss`` (of other parts ``train/baseline/log_loss``); ``estimate/<name>``;
        ``seconds/<stage>`` and ``peak_memory_mb/<stage>``.
    """
    flat: dict[str, float] = {}
    # MLflow's page of compared runs draws the one that was written first.
    for part, measured in sorted(metrics.items(), key=lambda item: item[0] != "held_out"):
        beside = "" if part == "held_out" else f"{part}/"
        for metric in measured:
            _put(flat, f"{part}/{metric.name}", metric.value)
            _put(flat, f"{beside}baseline/{metric.name}", metric.baseline)
            _put(flat, f"{beside}difference/{metric.name}", metric.difference)
    for estimate in estimates:
        _put(flat, f"estimate/{estimate.name}", estimate.value)
    flat |= {f"seconds/{stage}": value for stage, value in (seconds or {}).items()}
    flat |= {f"peak_memory_mb/{stage}": value for stage, value in (peak_memory_mb or {}).items()}
    return flat


def _put(flat: dict[str, float], name: str, interval: Interval | None) -> None:
    if interval is None:
        return
    flat[name] = interval.value
    # An interval that cannot be had is no undefined metric: its caveat is in the report.
    flat |= {f"{name}_{end}": v for end, v in (("low", interval.low), ("high", interval.high)) if not math.isnan(v)}


def finite(metrics: Mapping[str, float]) -> tuple[dict[str, float], list[str]]:
    """Divide metrics into finite ones and the names of the others.

    MLflow's databases keep NaN as 0 with a flag and infinity as the largest float; charts and searches then lie.
    """
    values = {name: float(value) for name, value in metrics.items()}
    return {k: v for k, v in values.items() if math.isfinite(v)}, [k for k, v in values.items() if not math.isfinite(v)]


def param_texts(params: Mapping[str, Any], artifact: str = CONFIG) -> dict[str, str]:
    """Write values as they read in YAML, by keys that MLflow takes; one past the limit as its hash."""
    texts = {key: _readable(value) for key, value in params.items()}
    return _keyed({k: _within(text, PARAM_LENGTH, artifact) for k, text in texts.items()})


def tag_texts(tags: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Write tags as MLflow takes them; the second mapping holds those too long for it, in full."""
    texts = {key: str(value) for key, value in tags.items()}
    long = {key: text for key, text in texts.items() if len(text) > TAG_LENGTH}
    return _keyed({key: _within(text, TAG_LENGTH, LONG_TAGS) for key, text in texts.items()}), long


def metric_key(name: str) -> str:
    """The name of a metric as MLflow takes it."""
    return _key(name)


def short_digest(digest: str) -> str:
    """A digest that MLflow's 36 characters hold: itself, or its hash."""
    return digest if len(digest) <= DIGEST_LENGTH else hashlib.blake2b(digest.encode(), digest_size=16).hexdigest()


def _readable(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value or "''"
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _within(text: str, limit: int, artifact: str) -> str:
    if len(text) <= limit:
        return text
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()} (see {artifact})"


def _keyed(texts: Mapping[str, str]) -> dict[str, str]:
    keyed: dict[str, str] = {}
    for name, text in texts.items():
        key = _key(name)
        keyed[_hashed(key, name) if key in keyed else key] = text
    return keyed


def _key(name: str) -> str:
    """A key of the characters that MLflow takes on every system, and a path that is its own shortest form."""
    key = posixpath.normpath(re.sub(r"[^\w.\- /]", "_", name).strip("/ ") or "_")
    key = "_" if key == "." else re.sub(r"^\.\.(?=/|$)", "__", key)
    if len(key) > KEY_LENGTH:
        return _hashed(key, name)
    return key


def _hashed(key: str, name: str) -> str:
    return f"{key[: KEY_LENGTH - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

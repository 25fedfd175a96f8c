"""The engine's own keys, typed: everything else in a config belongs to the component it configures.

Hydra keeps this schema in its ConfigStore, so that `--cfg job` shows every key with its default. What a value must be
beyond its type stands in the field's metadata, in `annotated_types`' words, so that one generator words both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args, get_type_hints

from annotated_types import Ge, Gt, MinLen

SLOTS = ("data", "features", "task", "model", "split")
"""The keys under which components stand: each names its class by ``_target_``."""

REFITS = ("train", "all")
"""What the kept model is fitted on: what it was judged with, or every row once it was judged."""

LEVELS = ("full", "child")
"""How much is written of a run: all that can be shown, or what a run within a sweep needs."""


def _constrained(*constraints: Any, **kwargs: Any) -> Any:
    return field(metadata={"constraints": constraints}, **kwargs)


@dataclass
class EvaluationConfig:
    """How results are judged.

    Parameters
    ----------
    resamples
        How many bootstrap resamples stand behind every interval.
    """

    resamples: int = _constrained(Ge(100), default=1000)


@dataclass
class TrackingConfig:
    """Where runs are kept, and how much of them.

    Parameters
    ----------
    uri
        MLflow's tracking URI; where none is given, ``MLFLOW_TRACKING_URI``, or ``mlruns`` in the working folder.
    experiment
        The MLflow experiment; named after the task where none is given.
    level
        ``full``, or ``child``: no pictures and no HTML, as a run within a sweep needs none.
    """

    uri: str | None = _constrained(MinLen(1), default=None)
    experiment: str | None = _constrained(MinLen(1), default=None)
    level: str = field(default="full", metadata={"options": LEVELS})


@dataclass
class CacheConfig:
    """What is kept to be found again.

    Parameters
    ----------
    enabled
        Whether built features and digests of files are kept.
    dir
        The folder that they are kept in.
    """

    enabled: bool = True
    dir: str = _constrained(MinLen(1), default="mlruns/cache")


@dataclass
class PrivacyConfig:
    """What of the customers reaches the store.

    Parameters
    ----------
    pseudonymise
        Whether customer ids are written as keyed hashes only.
    key
        The key of those hashes; from the environment only: ``${oc.env:NAME}``.
    """

    pseudonymise: bool = False
    key: str | None = _constrained(MinLen(1), default=None)


@dataclass
class DriftConfig:
    """When rows to predict are told to be other than those that a model was trained on.

    Parameters
    ----------
    warn, alarm
        The population stability index from which an input or the score counts as moved, and as shifted.
    """

    warn: float = _constrained(Gt(0), default=0.1)
    alarm: float = _constrained(Gt(0), default=0.25)


@dataclass
class TargetsConfig:
    """Which classes a config may name.

    Parameters
    ----------
    allow
        Packages, beyond ours, scikit-learn and xgboost, whose classes a ``_target_`` may name.
    """

    allow: list[str] = field(default_factory=list)


@dataclass
class Schema:
    """The top level of a config.

    ``data``, ``features``, ``task``, ``model`` and ``split`` are components: what may stand below them is decided by
    the class that each names.

    Parameters
    ----------
    name
        The run's name; the chosen model's where none is given.
    seed
        What every random draw derives from.
    threads
        How many threads the run is held to; another number can change the last bits of a fit.
    data
        Where the tables come from.
    features
        What is made of the tables.
    task
        The question that is asked.
    model
        What is fitted.
    split
        What is held out.
    refit
        Which rows the kept model is fitted on: those that it was judged with (``train``), or once more on ``all``. The
        evidence stays that of the fit which left rows out.
    evaluation, tracking, cache, privacy, drift, targets
        Settings of the engine, each with keys of its own.
    """

    name: str | None = _constrained(MinLen(1), default=None)
    seed: int = _constrained(Ge(0), default=0)
    threads: int = _constrained(Ge(1), default=1)
    data: Any = None
    features: Any = None
    task: Any = None
    model: Any = None
    split: Any = None
    refit: str = field(default="train", metadata={"options": REFITS})
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    privacy: PrivacyConfig = field(default_factory=PrivacyConfig)
    drift: DriftConfig = field(default_factory=DriftConfig)
    targets: TargetsConfig = field(default_factory=TargetsConfig)


def register() -> None:
    """Put the schema into Hydra's ConfigStore, where ``conf/config.yaml`` finds it as ``schema``."""
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name="schema", node=Schema, provider="cxai")


@lru_cache(maxsize=8)
def own_leaves(schema: type = Schema, prefix: str = "") -> dict[str, Any]:
    """Return the annotation, constraints included, of every key of the engine's own; shared, so not to be changed."""
    hints = get_type_hints(schema)
    leaves: dict[str, Any] = {}
    for entry in fields(schema):
        if not prefix and entry.name in SLOTS:
            continue
        key, annotation = f"{prefix}{entry.name}", hints[entry.name]
        if is_dataclass(annotation):
            leaves.update(own_leaves(annotation, f"{key}."))  # type: ignore[arg-type]
            continue
        if "options" in entry.metadata:
            annotation = Literal[entry.metadata["options"]]
        optional = type(None) in get_args(annotation)
        for constraint in entry.metadata.get("constraints", ()):
            annotation = Annotated[get_args(annotation)[0] if optional else annotation, constraint]
        leaves[key] = annotation | None if optional else annotation
    return leaves


def defaults(schema: type = Schema) -> dict[str, Any]:
    """Return the schema's default values as a plain mapping."""
    plain: dict[str, Any] = {}
    for name, value in vars(schema()).items():
        plain[name] = defaults(type(value)) if is_dataclass(value) else value
    return plain

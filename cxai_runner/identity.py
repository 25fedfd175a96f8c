"""The keys of an experiment's stages, and the identity of its run.

Two runs have one identity when the same code, configs, data, seed and threads went into features, fit and evaluation.
Whatever only tells or keeps the result (report, tracking, command line) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxai_runner.data.keys import SourceKey
    from cxai_runner.preflight import Ready


@dataclass(frozen=True, eq=False)
class Made:
    """What the key of one stage is made of, beside the keys of what it reads.

    Parameters
    ----------
    key
        The key.
    settings
        Its config, by part.
    source
        The code behind it.
    """

    key: str
    settings: Mapping[str, Any]
    source: SourceKey


@dataclass(frozen=True)
class Keys:
    """Content keys of one experiment.

    Parameters
    ----------
    data
        Digest of each table that is read, by name.
    features, fit, evaluate
        Keys of the stages, each made from the one before.
    identity
        The run's identity.
    unseeded
        What the identity would be without the seed: the same for runs that differ in it alone.
    unreadable
        Callables whose source could not be found: nothing that depends on them is cached.
    columns
        The columns that each digest in ``data`` is of.
    stages
        What the keys are made of, so that two that differ can be held against each other part by part.
    """

    data: dict[str, str]
    features: str
    fit: str
    evaluate: str
    identity: str
    unseeded: str
    unreadable: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    stages: Mapping[str, Made] = field(default_factory=dict, compare=False, repr=False)


def keys(ready: Ready) -> Keys:
    """Compute the keys of a preflighted experiment."""
    from cxai_runner.data.keys import source_key

    known = ready.known

    experiment, tables = ready.experiment, ready.tables
    settings, task = experiment.settings, experiment.task
    needs = experiment.features.needs()
    columns = {
        name: tuple(needs.wanted(name, tables.columns(name))) for name in needs.tables() if name in tables.mapped
    }
    data = {}
    for name, wanted in columns.items():
        data[name] = _once(known, ("digest", name, wanted), lambda: tables.digest(name, wanted))  # noqa: B023
    builders = (*experiment.features.kinds(), type(experiment.split))
    fitters = (type(task), *_classes_of(experiment.model))
    building = _once(known, builders, lambda: source_key(builders))
    fitting = _once(known, fitters, lambda: source_key(fitters))

    asked = settings | {"features": dict(settings["features"])}
    asked["features"].pop("models", None)
    if fed := dict(experiment.features.inputs()):  # known by their versions, whatever an alias stands for tomorrow
        asked["features"]["models"] = fed
    stages, identity = _of_stages(asked, data, building, fitting)
    _, unseeded = _of_stages(asked | {"seed": None}, data, building, fitting)
    return Keys(
        data,
        **{name: made.key for name, made in stages.items()},
        identity=identity,
        unseeded=unseeded,
        unreadable=(*building.unreadable, *fitting.unreadable),
        columns=columns,
        stages=stages,
    )


def _of_stages(
    settings: Mapping[str, Any], data: Mapping[str, str], building: SourceKey, fitting: SourceKey
) -> tuple[dict[str, Made], str]:
    """What features, fit and evaluate are made of, each from the one before, and the identity of them together."""
    from cxai_runner.data.keys import stage_key

    # Transformers are fitted with the model; the features do not change with them.
    subtree = {name: value for name, value in settings["features"].items() if name != "transformers"}
    build = {"features": subtree, "split": settings["split"], "seed": settings["seed"]}
    features = stage_key("features", build, data, building)
    fitted = {
        "task": settings["task"],
        "model": settings["model"],
        "transformers": settings["features"].get("transformers"),
        "seed": settings["seed"],
        "threads": settings["threads"],
    }
    if settings["refit"] != "train":  # a run that is not fitted twice has the key that it had before there was a choice
        fitted["refit"] = settings["refit"]
    fit = stage_key("fit", fitted, {"features": features}, fitting)
    evaluate = stage_key("evaluate", settings["evaluation"], {"fit": fit}, fitting)
    identity = stage_key("identity", {}, {"features": features, "fit": fit, "evaluate": evaluate}, None)
    stages = {
        "features": Made(features, build, building),
        "fit": Made(fit, fitted, fitting),
        "evaluate": Made(evaluate, {"evaluation": settings["evaluation"]}, fitting),
    }
    return stages, identity


def _once(known: dict[Any, Any], question: Any, answer: Callable[[], Any]) -> Any:
    if question not in known:
        known[question] = answer()
    return known[question]


def _classes_of(estimator: Any) -> list[type]:
    """The classes of an estimator and of everything nested in it."""
    if estimator is None:
        return []
    nested = [value for value in estimator.get_params(deep=True).values() if hasattr(value, "get_params")]
    return list(dict.fromkeys([type(estimator), *(type(value) for value in nested)]))

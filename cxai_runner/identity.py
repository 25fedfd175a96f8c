"""The keys of an experiment's stages, and the identity of its run.

Two runs have one identity when the same code, configs, data, seed and threads went into features, fit and evaluation.
Whatever only tells or keeps the result (report, tracking, command line) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxai_runner.data.keys import SourceKey
    from cxai_runner.preflight import Ready


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
    """

    data: dict[str, str]
    features: str
    fit: str
    evaluate: str
    identity: str
    unseeded: str
    unreadable: tuple[str, ...] = ()


def keys(ready: Ready) -> Keys:
    """Compute the keys of a preflighted experiment."""
    from cxai_runner.data.keys import source_key

    known = ready.known

    experiment, tables = ready.experiment, ready.tables
    settings, task = experiment.settings, experiment.task
    needs = experiment.features.needs()
    data = {}
    for name in needs.tables():
        if name in tables.mapped:
            wanted = tuple(needs.wanted(name, tables.columns(name)))
            data[name] = _once(known, ("digest", name, wanted), lambda: tables.digest(name, wanted))  # noqa: B023
    builders = (type(experiment.features), type(experiment.split))
    fitters = (type(task), *_classes_of(experiment.model))
    building = _once(known, builders, lambda: source_key(builders))
    fitting = _once(known, fitters, lambda: source_key(fitters))

    features, fit, evaluate, identity = _of_stages(settings, data, building, fitting)
    unseeded = _of_stages(settings | {"seed": None}, data, building, fitting)[-1]
    unreadable = (*building.unreadable, *fitting.unreadable)
    return Keys(data, features, fit, evaluate, identity, unseeded, unreadable)


def _of_stages(
    settings: Mapping[str, Any], data: Mapping[str, str], building: SourceKey, fitting: SourceKey
) -> tuple[str, str, str, str]:
    """Key of features, fit and evaluate, each made from the one before, and the identity of them together."""
    from cxai_runner.data.keys import stage_key

    # Transformers are fitted with the model; the features do not change with them.
    subtree = {name: value for name, value in settings["features"].items() if name != "transformers"}
    features = stage_key(
        "features", {"features": subtree, "split": settings["split"], "seed": settings["seed"]}, data, building
    )
    fit = stage_key(
        "fit",
        {
            "task": settings["task"],
            "model": settings["model"],
            "transformers": settings["features"].get("transformers"),
            "seed": settings["seed"],
            "threads": settings["threads"],
        },
        {"features": features},
        fitting,
    )
    evaluate = stage_key("evaluate", settings["evaluation"], {"fit": fit}, fitting)
    return (
        features,
        fit,
        evaluate,
        stage_key("identity", {}, {"features": features, "fit": fit, "evaluate": evaluate}, None),
    )


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

"""Registered models that answer as a column of another experiment's rows: found, and made ready to answer.

An alias is looked up once, when the experiment is put together; from then on the version that it stood for is what the
experiment is made of, and what its run says that it was fed with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError, did_you_mean
from cxai_runner.features.fed import FedFeatures, Feed
from cxai_runner.tracking.record import CHOICES, CONFIG, LEARNED, OVERRIDES, Fed

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities.model_registry import ModelVersion

    from cxai_runner.config.compose import Composed
    from cxai_runner.features.base import Features
    from cxai_runner.tracking.store import Store

_SCHEME: Final = "models:/"
_ONE_ROW_EACH: Final = "customers"


def with_models(features: Features, composed: Composed, key: str = "features") -> Features:
    """Return the builder, fed by the models that its config names.

    Parameters
    ----------
    features
        The builder.
    composed
        The config that it is part of: it says where the registry is.
    key
        Where the builder stands in it.

    Raises
    ------
    UserError
        With every model that is not there, or makes no rows of customers.
    """
    if not features.models:
        return features
    from cxai_runner.tracking.store import Store

    store = Store.open(composed.plain["tracking"]["uri"], Path.cwd(), create=False)
    feeds: list[Feed] = []
    problems: list[Problem] = []
    for column, uri in features.models.items():
        try:
            feeds.append(_feed(store, column, uri, f"{key}.models.{column}"))
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(composed.located(problems))
    return FedFeatures(of=features, feeds=tuple(feeds))


def fed_with(features: Features) -> tuple[Fed, ...]:
    """What a builder is fed with, as its run keeps it."""
    feeds = features.feeds if isinstance(features, FedFeatures) else ()
    return tuple(feed.answer.fed for feed in feeds if isinstance(feed.answer, _Published))


@dataclass(frozen=True, eq=False)
class _Published:
    """A version of a registered model, which answers from a process of its own."""

    store: Store
    fed: Fed
    place: str

    def __call__(self, rows: pd.DataFrame) -> Any:
        from cxai_runner.tracking.apart import ModelApart

        with ModelApart.of(self.place, self.store) as model:
            return model.predict(rows)


def _feed(store: Store, column: str, uri: str, key: str) -> Feed:
    """Find a model, and put together what makes its rows."""
    if not column.isidentifier():
        raise UserError([Problem(key, "the name of a column: letters, digits and _", column)])
    version = _version(store, uri, key)
    name = f"{version.name} v{version.version}"
    features, learned = _maker(store, version, key)
    if features.makes != _ONE_ROW_EACH:
        told = f"{name} answers for a {features.makes}, not for each customer"
        raise UserError([Problem(key, told, uri, "name a model of customers, such as a segmentation")])
    model_id = str(getattr(version, "model_id", "") or "")
    fed = Fed(column, version.name, str(version.version), version.run_id, model_id)
    identity = json.dumps([version.run_id, model_id or version.source])
    return Feed(
        column, name, identity, features, learned, _Published(store, fed, f"{_SCHEME}{version.name}/{version.version}")
    )


def _version(store: Store, uri: str, key: str) -> ModelVersion:
    """The version that ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION`` names."""
    from cxai_runner.tracking.quiet import import_mlflow

    import_mlflow()
    from mlflow.exceptions import MlflowException

    written = f"{_SCHEME}NAME@champion or {_SCHEME}NAME/3"
    if not uri.startswith(_SCHEME):
        raise UserError([Problem(key, "a registered model", uri, f"written {written}")])
    named, at, alias = uri.removeprefix(_SCHEME).partition("@")
    name, _, number = (named, "", "") if at else named.rpartition("/")
    if not name or not (alias or number.isdecimal()):
        raise UserError([Problem(key, "a version of a registered model", uri, f"written {written}")])
    try:
        if at:
            return store.retry(store.client.get_model_version_by_alias, name, alias)
        return store.retry(store.client.get_model_version, name, number)
    except MlflowException:
        known = [one.name for one in store.retry(store.client.search_registered_models)]
        remedy = did_you_mean(name, known) if name not in known else f"see: cxai history {name}"
        raise UserError([Problem(key, "no such model", uri, remedy or "register one: cxai promote RUN")]) from None


def _maker(store: Store, version: ModelVersion, key: str) -> tuple[Features, Mapping[str, Any]]:
    """The builder of a model's rows, from what its run kept, and what it had learned."""
    import yaml

    from cxai_runner.config.again import recomposed
    from cxai_runner.config.targets import build
    from cxai_runner.tracking.read import artifact

    try:
        run = store.retry(store.client.get_run, version.run_id)
        texts = {path: artifact(store, run, path) for path in (CONFIG, OVERRIDES, CHOICES, LEARNED)}
    except UserError as error:
        told = f"{version.name} v{version.version} was not made by a run of cxai that keeps how its rows are made"
        raise UserError([Problem(key, told, remedy=error.problems[0].message)]) from None
    # Only its features are made here: where its rows came from, and who fitted it, is nobody's matter.
    raw = yaml.safe_load(texts[CONFIG]) | dict.fromkeys(("data", "task", "model", "split"))
    told = f"config.yaml of run {version.run_id[:8]}"
    composed = recomposed(raw, yaml.safe_load(texts[OVERRIDES]) or [], json.loads(texts[CHOICES]), told=told)
    features = build(composed.plain["features"], "features", composed)
    return with_models(features, composed), json.loads(texts[LEARNED])


def lineage(features: Features) -> Iterator[str]:
    """Yield in words what a builder is fed with."""
    for fed in fed_with(features):
        yield f"{fed.column}: {fed.model} v{fed.version}, run {fed.run_id[:8]}"

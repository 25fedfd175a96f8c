"""Registered models that answer as a column of another experiment's rows: found, and made ready to answer.

An alias is looked up once, when the experiment is put together; from then on the version that it stood for is what the
experiment is made of, and what its run says that it was fed with.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.features.choices import COLUMN, KEY, ChoiceFeed
from cxai_runner.features.fed import FedFeatures, Feed
from cxai_runner.features.histories import CustomerHistories
from cxai_runner.features.purchase_panel import PurchasePanel
from cxai_runner.tracking.record import CHOICES, CONFIG, LEARNED, OVERRIDES, Fed

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.config.compose import Composed
    from cxai_runner.features.base import Features
    from cxai_runner.kept.apart import ModelApart
    from cxai_runner.kept.named import Named
    from cxai_runner.tracking.store import Store

_ONE_ROW_EACH: Final = "customers"


def with_models(features: Features, composed: Composed, store: Store | None = None) -> Features:
    """Return the builder, fed by the models that its config names.

    Parameters
    ----------
    features
        The builder.
    composed
        The config that it is part of.
    store
        Whose registry has them; by default the one that the config names.

    Raises
    ------
    UserError
        With every model that is not there, or says nothing of customers.
    """
    if not features.models:
        if isinstance(features, CustomerHistories) and features.offered:
            told = "nobody is asked what an offer changes: no model of brand choice is named"
            remedy = f"write {KEY}=models:/NAME@champion"
            raise UserError(composed.located([Problem("features.offered", told, remedy=remedy)]))
        return features
    from cxai_runner.tracking.store import Store

    store = store or Store.open(composed.plain["tracking"]["uri"], Path.cwd(), create=False)
    feeds: list[Feed] = []
    problems: list[Problem] = []
    for column, uri in features.models.items():
        try:
            feeds.append(_feed(store, column, uri, features))
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(composed.located(problems))
    choice = next((feed for feed in feeds if isinstance(feed, ChoiceFeed)), None)
    return FedFeatures(of=features, feeds=tuple(feed for feed in feeds if feed is not choice), choice=choice)


def fed_with(features: Features) -> tuple[Fed, ...]:
    """What a builder is fed with, as its run keeps it."""
    feeds = features.every if isinstance(features, FedFeatures) else ()
    return tuple(feed.answer.fed for feed in feeds if isinstance(feed.answer, _Published))


@dataclass(frozen=True, eq=False)
class _Published:
    """A version of a registered model, which answers from a process of its own: one, for as long as anybody may ask."""

    store: Store
    fed: Fed

    def __call__(self, rows: pd.DataFrame) -> Any:
        return self._model.predict(rows)

    @cached_property
    def _model(self) -> ModelApart:
        from cxai_runner.kept.apart import ModelApart

        lasting = ExitStack()
        model = lasting.enter_context(ModelApart.of(self.fed.uri, self.store))
        weakref.finalize(self, lasting.close)  # with whoever asks, or with this process
        return model


def _feed(store: Store, column: str, uri: str, of: Features) -> Feed:
    """Find a model for a builder's column, and put together what makes the rows that it takes."""
    from cxai_runner.kept.named import named

    key = f"features.models.{column}"
    if not column.isidentifier():
        raise UserError([Problem(key, "the name of a column: letters, digits and _", column)])
    try:
        found = named(store, uri)
    except UserError as error:
        raise UserError(replace(problem, key=key) for problem in error.problems) from None
    features, learned = _maker(store, found, key)
    fed = Fed(column, str(found), found.uri, found.run_id, found.model_id)
    identity = json.dumps([found.run_id, found.model_id or found.place])
    known = (column, str(found), found.uri, identity, features, learned, _Published(store, fed))
    if features.makes == _ONE_ROW_EACH:
        if isinstance(of, CustomerHistories) and column == COLUMN:
            told = f"{found} answers for each customer, and not which brand is chosen next"
            raise UserError(
                [Problem(key, told, uri, "name a model of task=brand_choice, or call the column otherwise")]
            )
        return Feed(*known)
    if not isinstance(of, CustomerHistories):
        told = f"{found} answers for a {features.makes}, not for each customer"
        raise UserError([Problem(key, told, uri, "name a model of customers, such as a segmentation")])
    panel, knew = features, learned
    while isinstance(panel, FedFeatures):
        panel, knew = panel.of, knew["rows"]
    if not isinstance(panel, PurchasePanel):
        told = f"{found} was fitted to a ready-made {features.makes}: nothing tells what a customer meets next"
        raise UserError([Problem(key, told, uri, "fit it with features=purchase_panel_choices, from transactions")])
    if _target(store, found) != "brand":
        told = f"{found} does not say which brand is chosen"
        raise UserError([Problem(key, told, uri, "name a model of task=brand_choice")])
    if column != COLUMN:
        told = "what a model of brand choice says is called otherwise, so that recommenders know it"
        raise UserError([Problem(key, told, column, f"write {KEY}={uri}")])
    return ChoiceFeed(*known, panel=panel, knew=knew, offered=of.offered, earlier=of.earlier)


def _target(store: Store, found: Named) -> str | None:
    """What a model's run asked about."""
    from cxai_runner.kept.again import task_of
    from cxai_runner.kept.run import Kept

    return task_of(Kept(store, found.run_id)).target


def _maker(store: Store, found: Named, key: str) -> tuple[Features, Mapping[str, Any]]:
    """The builder of a model's rows, from what its run kept, and what it had learned."""
    import yaml

    from cxai_runner.config.again import recomposed
    from cxai_runner.config.targets import build
    from cxai_runner.tracking.read import artifact

    try:
        run = store.retry(store.client.get_run, found.run_id)
        texts = {path: artifact(store, run, path) for path in (CONFIG, OVERRIDES, CHOICES, LEARNED)}
    except UserError as error:
        told = f"{found} was not made by a run of cxai that keeps how its rows are made"
        raise UserError([Problem(key, told, remedy=error.problems[0].message)]) from None
    # Only its features are made here: where its rows came from, and who fitted it, is nobody's matter.
    raw = yaml.safe_load(texts[CONFIG]) | dict.fromkeys(("data", "task", "model", "split"))
    told = f"config.yaml of run {found.run_id[:8]}"
    composed = recomposed(raw, yaml.safe_load(texts[OVERRIDES]) or [], json.loads(texts[CHOICES]), told=told)
    features = build(composed.plain["features"], "features", composed)
    return with_models(features.per_customer(), composed, store), json.loads(texts[LEARNED])


def lineage(features: Features) -> Iterator[str]:
    """Yield in words what a builder is fed with."""
    for fed in fed_with(features):
        yield f"{fed.column}: {fed.model}, run {fed.run_id[:8]}"

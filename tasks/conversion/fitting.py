"""One model of conversion fitted as all of them are: the same rows, the same preparation, the same validation part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.methods.conversion.balance import How, balanced, corrected
from cxai_runner.methods.conversion.calibration import Calibration
from cxai_runner.methods.conversion.calibration import How as CalibrationHow
from cxai_runner.methods.conversion.network import NetworkClassifier
from cxai_runner.methods.conversion.preparation import Preparation
from cxai_runner.methods.conversion.served import ConversionModel
from cxai_runner.task import Context

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Training rows in an order of their own, divided once for all models.

    Parameters
    ----------
    frame
        The inputs.
    converted
        Shape (n,), 0 or 1.
    customers
        Who each row is of.
    learned, validation
        The numbers of the rows that models learn from, and of those that decide when a network stops, how
        probabilities are calibrated, and which inputs matter.
    """

    frame: pd.DataFrame
    converted: Ints
    customers: NDArray[Any]
    learned: NDArray[np.intp]
    validation: NDArray[np.intp]
    prepared: dict[str, tuple[Preparation, Floats]] = field(default_factory=dict)

    @property
    def base_rate(self) -> float:
        """The share of conversions among all training rows."""
        return float(self.converted.mean())

    def numbers(self, preparation: Preparation, encode: str) -> tuple[Preparation, Floats]:
        """The preparation as fitted to the rows that models learn from, and all rows as it makes them."""
        if encode not in self.prepared:
            fitted = clone(preparation).set_params(encode=encode)
            try:
                fitted.fit(self.frame.iloc[self.learned])
            except ValueError as error:
                told = f"no input can be learned from: {error}"
                raise UserError([Problem("features", told, remedy="bring other columns")], "data") from error
            self.prepared[encode] = (fitted, fitted.transform(self.frame))
        return self.prepared[encode]


@dataclass(frozen=True, eq=False)
class Trained:
    """One fitted model, and how it came to it.

    Parameters
    ----------
    model
        From columns to probabilities.
    curve, best_epoch
        Training and validation loss by epoch of a network, and the epoch that was kept.
    """

    model: ConversionModel
    curve: Floats | None = None
    best_epoch: int = 0


@dataclass(frozen=True)
class Recipe:
    """How models are fitted: what balances their classes, and what calibrates them."""

    preparation: Preparation
    balance: How
    calibration: CalibrationHow


def in_own_order(frame: pd.DataFrame, columns: list[str], outcome: str) -> pd.DataFrame:
    """Sort rows by what they hold, so that a fit depends on no order of the file."""
    return frame.sort_values([*columns, outcome], kind="stable", key=_sortable)


def divided(converted: Ints, customers: NDArray[Any], share: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """Divide training rows: a share of the customers apart for validation, of those who converted and of the others.

    Returns
    -------
    learned, validation
        Numbers of rows.
    """
    codes, ids = pd.factorize(customers)
    ever = np.zeros(len(ids), dtype=bool)
    ever[codes[converted == 1]] = True
    apart = np.zeros(len(ids), dtype=bool)
    for kind in (ever, ~ever):
        mine = rng.permutation(np.flatnonzero(kind))
        apart[mine[: round(share * len(mine))]] = True
    return np.flatnonzero(~apart[codes]), np.flatnonzero(apart[codes])


def trained(model: Any, rows: Rows, how: Recipe, context: Context, purpose: str, *, watched: bool = False) -> Trained:
    """Fit one model.

    Parameters
    ----------
    model
        Unfitted: a classifier, or a pipeline of transformers and one. A ``random_state`` or a number of threads that it
        leaves open is set from the context.
    rows, how
        What all models share.
    purpose
        What is drawn for it: two purposes are two seeds.
    watched
        Whether its learning curve is told to the context, and the context asked whether to go on.
    """
    steps = [clone(step) for _, step in model.steps] if isinstance(model, Pipeline) else [clone(model)]
    transformers, final = steps[:-1], _held(steps[-1], context, purpose)
    network = isinstance(final, NetworkClassifier)
    preparation, numbers = rows.numbers(how.preparation, "codes" if network and not transformers else "one_hot")
    learned = numbers[rows.learned]
    for step in transformers:
        learned = step.fit_transform(learned, rows.converted[rows.learned])
    part = balanced(rows.converted[rows.learned], how.balance, context.rng(f"balance {purpose}"))
    fit: dict[str, Any] = {"sample_weight": part.weights} if part.weights is not None else {}
    if fit and not has_fit_parameter(final, "sample_weight"):
        told = f"{type(final).__name__} takes no weights"
        raise UserError([Problem("task.balance", told, "weights", "undersample or oversample instead")])
    served = ConversionModel(preparation, final, part.share, rows.base_rate, None, transformers)
    held = rows.frame.iloc[rows.validation]
    if network:
        fit |= {"cardinalities": preparation.cardinalities_ if not transformers else ()}
        if len(held):
            fit |= {"validation": (served.numbers(held), rows.converted[rows.validation])}
        if watched:
            fit |= {"step": context.step, "should_stop": context.should_stop}
        fit |= {"watched_as": lambda p: corrected(p, part.share, rows.base_rate)}
    final.fit(np.asarray(learned)[part.rows], rows.converted[rows.learned][part.rows], **fit)
    curve, best = None, 0
    if network:
        curve, best = final.curve_, final.best_epoch_
        served.classifier = final.network_  # it predicts without what trained it
    if len(held) and how.calibration != "none":
        calibration = Calibration(how.calibration)
        calibration.fit(served.uncalibrated(held), rows.converted[rows.validation], context.rng(f"folds {purpose}"))
        served.calibration = calibration
    return Trained(served, curve, best)


def is_random(model: Any) -> bool:
    """Whether fits of a model differ by their seed."""
    known = model.get_params()
    name = type(model).__name__
    if "random_state" not in known or name in ("LogisticRegression", "HistGradientBoostingClassifier"):
        return False
    sampled = ("subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode")
    return name != "XGBClassifier" or any(known.get(one) not in (None, 1, 1.0) for one in sampled)


def classifier_of(model: Any) -> Any:
    """The classifier itself, behind whatever transforms its inputs."""
    return model.steps[-1][1] if isinstance(model, Pipeline) else model


def same(one: Any, other: Any) -> bool:
    """Whether two models are of one class with the same parameters, but for seed and threads."""
    ignored = ("random_state", "n_jobs", "nthread")

    def told(model: Any) -> Mapping[str, str]:
        return {key: repr(value) for key, value in model.get_params().items() if key not in ignored}

    return type(one) is type(other) and told(one) == told(other)


def _held(final: Any, context: Context, purpose: str) -> Any:
    """The classifier, seeded for a purpose and held to the threads of the run."""
    known = final.get_params()
    given: dict[str, Any] = {}
    if purpose and "random_state" in known:
        given["random_state"] = context.integer_seed(f"model {purpose}")
    given |= {name: context.threads for name in ("n_jobs", "nthread") if name in known and known[name] is None}
    if "LogisticRegression" in type(final).__name__:  # it takes a number of threads, and warns
        given.pop("n_jobs", None)
    return final.set_params(**given)


def _sortable(column: pd.Series) -> pd.Series:
    return column.map(str) if column.dtype == object or str(column.dtype) == "category" else column

"""Who buys an audiobook again, among 14,084 customers: the published numbers of three models, and a network.

Stratified five folds, shuffled with seed 0; ten inputs standardised, no id, no weights; balanced accuracy at the
training share of buyers. Means over the folds, each within .005.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.model_selection import StratifiedKFold

import cxai_runner
from cxai_runner.config.classes import TRUSTED
from cxai_runner.data.dataset import Dataset, Roles
from cxai_runner.methods.conversion.preparation import Preparation
from cxai_runner.task import Context
from tasks.conversion import Conversion

pytestmark = pytest.mark.reference
ROOT = Path(cxai_runner.__file__).parents[1]
NAMES = [
    "length_overall", "length_average", "price_overall", "price_average", "review", "review_score", "minutes_listened",
    "completion", "support_requests", "days_between_visits",
]  # fmt: skip
MEASURED = ("balanced_accuracy", "roc_auc", "average_precision", "log_loss")
PUBLISHED = {
    "logistic": (0.7961, 0.9008, 0.7281, 0.2478),
    "hist_gradient_boosting": (0.8166, 0.9133, 0.7675, 0.2193),
    "xgboost": (0.8131, 0.9115, 0.7654, 0.2249),
}
CONTEXT = Context(seed=0, resamples=2)
ALIKE = Conversion(preparation=Preparation(skewed="keep"), validation=0.0, calibration="none", slices=[])


@pytest.fixture(scope="module")
def customers(shared_data):
    path = shared_data("audiobooks") / "audiobooks.csv"
    return pd.read_csv(path, header=None, names=["customer_id", *NAMES, "converted"])


def model(name: str):
    """The model of the config, on one thread."""
    from importlib import import_module

    given = yaml.safe_load((ROOT / f"conf/model/conversion/{name}.yaml").read_text(encoding="utf-8"))
    module, _, kind = given.pop("_target_").rpartition(".")
    assert module.partition(".")[0] in TRUSTED
    return getattr(import_module(module), kind)(**given)


def folds(customers, task, name, most=5):
    """Each metric's mean over the folds, or over the first so many."""
    found = []
    divided = StratifiedKFold(5, shuffle=True, random_state=0).split(customers, customers["converted"])
    for kept, apart in islice(divided, most):
        train, held_out = (
            Dataset("customers", customers.iloc[rows].reset_index(drop=True), Roles(inputs=tuple(NAMES)))
            for rows in (kept, apart)
        )
        fitted = task.fit(model(name), train, CONTEXT)
        measured = {one.name: one.value.value for one in task.measure(task.score(fitted, held_out, CONTEXT), CONTEXT)}
        found.append([measured[one] for one in MEASURED])
    return np.mean(found, axis=0)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers(customers, name):
    assert folds(customers, ALIKE, name) == pytest.approx(PUBLISHED[name], abs=0.005)


@pytest.mark.slow
def test_a_network_ranks_buyers_no_worse_than_logistic_regression(customers):
    """With the config as it is, on two of the folds; what it comes to beside boosting is said, not wished for."""
    found, line, trees = (
        dict(zip(MEASURED, folds(customers, task, name, 2), strict=True))
        for task, name in (
            (Conversion(slices=[]), "network"),
            (ALIKE, "logistic"),
            (ALIKE, "hist_gradient_boosting"),
        )
    )
    assert found["average_precision"] >= line["average_precision"]
    assert found["log_loss"] < line["log_loss"]
    assert found["roc_auc"] == pytest.approx(trees["roc_auc"], abs=0.01)

"""What an analyst reads about purchase quantity beside its answer to price: verdict, coefficients, distribution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation import evidence
from cxai_runner.evaluation.intervals import Floats, bootstrap, percentile
from cxai_runner.evaluation.metrics import MeanOf, calibration_table, codes_of
from cxai_runner.evaluation.results import Content, Figure, Finding, Interval, Metric, Table
from cxai_runner.evaluation.wording import number
from cxai_runner.methods.quantity import (
    DispersionTest,
    EmpiricalCounts,
    Forecast,
    LinearQuantity,
    LogLinearQuantity,
    PoissonQuantity,
    QuantityError,
    QuantityModel,
    TruncatedPoissonQuantity,
    cameron_trivedi,
    truncated_score,
)
from cxai_runner.methods.quantity.model import DISPERSION
from cxai_runner.task import Context
from tasks.purchase_quantity.price import sentence

if TYPE_CHECKING:
    from tasks.purchase_quantity.task import Fitted

MOST = 9
"""The largest count that a picture of the distribution shows by itself."""
TAIL = 0.01


def verdict(
    scores: Mapping[str, pd.DataFrame], metrics: Mapping[str, Metric], at_observed: Interval
) -> Iterator[Content]:
    """How much is bought, how price moves it, and whether the model knows more than the training distribution."""
    held_out = "held_out" in scores
    rows = scores["held_out" if held_out else "train"]
    told = evidence.verdict(metrics["log_loss"], "predicts quantities", "the training distribution", held_out=held_out)
    average = number(scores["train"]["quantity"].mean(), 2)
    yield Finding(f"A purchase has {average} units on average, and {sentence(at_observed)}. {told}", "headline")
    yield Finding(
        f"{len(rows):,} purchases of {rows['customer_id'].nunique():,} customers were scored; half of them had "
        f"{number(rows['quantity'].median(), 0)} units or fewer, the largest {int(rows['quantity'].max()):,}."
    )


def coefficients(fitted: Fitted) -> Iterator[Content]:
    """Coefficients with their uncertainty; nothing for a model that has none."""
    final = fitted.pipeline[-1]
    if not isinstance(final, QuantityModel):
        return
    names = [str(name) for name in fitted.pipeline[:-1].get_feature_names_out()]
    table = final.summary_frame()
    table = table.set_axis(["intercept", *names, *table.index[len(names) + 1 :]]).rename_axis("term").reset_index()
    straight = not isinstance(final, LogLinearQuantity) and isinstance(final, LinearQuantity)
    per_unit = "Change of the expected units" if straight else "Change of the logarithm of the units' mean"
    if isinstance(final, LogLinearQuantity):
        per_unit = "Change of the mean logarithm of the units"
    elif isinstance(final, PoissonQuantity) and final.truncated:
        per_unit = "Change of the logarithm of the rate, from which a purchase of zero units is left out,"
    if not straight:
        for column, source in (("ratio", "coefficient"), ("ratio_low", "low"), ("ratio_high", "high")):
            table[column] = np.exp(table[source]).where(table["term"] != DISPERSION)
    kind = evidence.COVARIANCE[final.covariance_type_]
    caption = f"{per_unit} per unit of each term, as the model sees it; 95 % intervals, standard errors {kind}."
    title = f"Coefficients ({final.form})"
    yield Table("coefficients", title, table, caption)
    shown = table[~table["term"].isin(["intercept", DISPERSION])].reset_index(drop=True)
    yield evidence.coefficients(shown, title, caption)
    if isinstance(final, LogLinearQuantity):
        yield Finding(
            "The form is of the logarithm of units. Its expectation is told in units by smearing: exp of the expected "
            f"logarithm times {number(final.smearing_)}, the mean of the exponentiated residuals; that supposes the "
            "same spread of the logarithm everywhere."
        )


def fit_statistics(fitted: Fitted, train: pd.DataFrame) -> Iterator[Content]:
    """What the form came to on the training rows."""
    final = fitted.pipeline[-1]
    kind = final.form if isinstance(final, QuantityModel) else type(final).__name__
    rows = [("form", kind), ("rows", f"{len(train):,}"), ("customers", f"{train['customer_id'].nunique():,}")]
    if isinstance(final, QuantityModel):
        rows += [("log-likelihood of the form", number(final.log_likelihood_))]
        rows += [("parameters", str(len(final.covariance_) + isinstance(final, LinearQuantity)))]
    for name, label in (
        ("r2_", "R²"),
        ("smearing_", "smearing factor"),
        ("dispersion_", "dispersion α"),
    ):
        if hasattr(final, name):
            rows.append((label, number(getattr(final, name), 5)))
    if isinstance(final, LinearQuantity):
        rows.append(("standard deviation of the residuals", number(final.shape_, 5)))
    frame = pd.DataFrame(rows, columns=["statistic", "value"])
    told = (
        "Forms are compared by log loss, not by the likelihood of the form: the linear ones have densities, not counts."
    )
    yield Table("fit_statistics", "Fit on the training rows", frame, told)
    low = int((train["expected"] < 1).sum())
    if low:
        yield Finding(f"{low:,} of {len(train):,} purchases are expected to have less than one unit.", "caveat")


def dispersion(fitted: Fitted, train: Dataset) -> Iterator[Content]:
    """Whether quantities vary as a Poisson's do, given the same terms."""
    seen = fitted.pipeline[:-1].transform(train.frame[fitted.columns])
    y, groups = train.frame["quantity"].to_numpy(dtype=np.float64), train.frame[train.roles.id].to_numpy()
    try:
        mean = PoissonQuantity().fit(seen, y).predict(seen)
        truncated = TruncatedPoissonQuantity().fit(seen, y)
    except (QuantityError, ValueError) as error:
        yield Finding(
            f"Dispersion could not be tested, because the Poisson has no fit on these terms: {error}.", "caveat"
        )
        return
    linear = np.log(truncated.location(seen))
    tests = [
        cameron_trivedi(y, mean, groups=groups),
        cameron_trivedi(y, mean, variance="NB1", groups=groups),
        truncated_score(y, linear, np.asarray(seen, dtype=np.float64), groups=groups),
    ]
    columns = {"test": "name", "variance": "alternative", "alpha": "alpha", "z": "z", "p": "p"}
    frame = pd.DataFrame({label: [getattr(one, name) for one in tests] for label, name in columns.items()})
    caption = (
        "Above 0: more varied than a Poisson with the same terms; two-sided p, standard errors clustered by customer. "
        "A score test has no estimate of α."
    )
    yield Table("dispersion", "Dispersion of the quantities", frame, caption)
    yield Finding(_dispersed(tests[-1]))


def _dispersed(test: DispersionTest) -> str:
    p = "p < 0.001" if test.p < 0.001 else f"p = {number(test.p)}"
    told = {
        "more": "Quantities vary more than a zero-truncated Poisson's with the same terms",
        "less": "Quantities vary less than a zero-truncated Poisson's with the same terms",
    }.get(test.verdict, "Quantities cannot be told from a zero-truncated Poisson's by how much they vary")
    advice = {
        "more": ": prefer a negative binomial, and do not use classical standard errors of a Poisson",
        "less": ": classical standard errors of a Poisson are too wide, and a negative binomial would not help",
    }.get(test.verdict, "")
    return f"{told} (score test, z = {number(test.z, 2)}, {p}){advice}."


def distribution(law: Forecast, training: EmpiricalCounts, scores: pd.DataFrame, context: Context) -> Iterator[Content]:
    """The share of each quantity, observed and predicted."""
    quantity = scores["quantity"].to_numpy(dtype=np.float64)
    most = int(min(MOST, max(2, np.quantile(quantity, 1 - TAIL))))
    codes, count = codes_of(scores["customer_id"])
    shares = [MeanOf(quantity == q, codes, count) for q in range(1, most)] + [MeanOf(quantity >= most, codes, count)]
    found = bootstrap(shares, count, context.resamples, context.rng("distribution"))
    observed = [percentile(float(value[0]), draws[0]) for value, draws in found]
    labels = [*(str(q) for q in range(1, most)), f"{most} +"]
    below = np.arange(1, most)
    parts = {
        "observed": np.array([one.value for one in observed]),
        "model": _closed(law.probabilities(most)[:-1]),
        "training distribution": _closed(np.exp(training.log_probability(below))),
    }
    table = pd.DataFrame({"units": labels, **parts})
    table["observed_low"], table["observed_high"] = [one.low for one in observed], [one.high for one in observed]
    title = "Quantities, observed and predicted"
    caption = "Share of purchases with so many units; the model's is the mean of its probabilities over the same rows."
    yield Table("quantity_distribution", title, table, f"{caption} 95 % intervals resample customers.")
    several = []
    for name, values in parts.items():
        one = pd.DataFrame({"units": labels, "share": values, "whose": name})
        one["low"] = table["observed_low"] if name == "observed" else values
        one["high"] = table["observed_high"] if name == "observed" else values
        several.append(one)
    yield Figure(
        "quantity_distribution",
        title,
        pd.concat(several, ignore_index=True),
        "bar",
        "units",
        "share",
        caption,
        by="whose",
        low="low",
        high="high",
        x_label="units of a purchase",
        y_label="share of purchases",
    )


def _closed(below: Floats) -> Floats:
    """Probabilities of 1, 2, … and of all beyond."""
    return np.append(below, max(0.0, 1.0 - below.sum()))


def calibration(scores: pd.DataFrame, context: Context) -> Iterator[Content]:
    """Whether expected units come true."""
    table = calibration_table(
        scores["quantity"],
        scores["expected"],
        scores["customer_id"],
        context.resamples,
        context.rng("calibration"),
    )
    caption = "Tenths of the purchases by expected units; on the diagonal, what was expected came true."
    yield from evidence.calibration(
        table, caption, predicted="expected units", observed="observed mean units", title="Calibration of the mean"
    )

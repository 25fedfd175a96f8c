"""Conditional logit on five choice panels of the R packages mlogit and Ecdat: numbers of mlogit, recomputed.

The panels and their numbers are those of Croissant (2020), Estimation of random utility models in R: the mlogit
package, Journal of Statistical Software 95(11), and of the examples of Ecdat. All to the digits printed there.
"""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

from cxai_runner.methods.choice import ChoiceData, ConditionalLogit

pytestmark = pytest.mark.reference

GUILDER = 2.20371  # as the vignette turns guilders into its euros
TRAIN = "price + time + change + comfort | 0"


def four_steps(train):
    """Return the fit where mlogit's own Newton method stopped: one step before the last digits."""
    with pytest.warns(ConvergenceWarning, match="after 4 steps"):
        return ConditionalLogit(TRAIN, max_iter=4).fit(train, train["choice"])


@pytest.fixture(scope="module")
def panel(shared_data):
    return lambda name: pd.read_csv(shared_data("choice_panels") / f"{name}.csv")


@pytest.fixture(scope="module")
def models(panel):
    heating, train, catsup, tuna = (panel(name) for name in ("heating", "train", "catsup", "tuna"))
    for option in "AB":
        train[f"price_{option}"] *= GUILDER / 100
        train[f"time_{option}"] /= 60
    travel = panel("mode_canada").assign(time=lambda trips: trips["ivt"] + trips["ovt"])
    trips = ChoiceData.from_long(travel[travel["noalt"] == 4], occasion="case", alternative="alt", choice="choice")
    three = trips.only(["car", "train", "air"])
    on_heating = {"reference": "hp", "separator": "."}
    return {
        "heating": ConditionalLogit("ic + oc", **on_heating).fit(heating, heating["depvar"]),
        "heating, no constants": ConditionalLogit("ic + oc | 0", **on_heating).fit(heating, heating["depvar"]),
        "mode_canada": ConditionalLogit("cost + freq | income | time", reference="car").fit(three),
        "mode_canada, ivt": ConditionalLogit("cost + freq | income | ivt", reference="car").fit(three),
        "train": ConditionalLogit(TRAIN).fit(train, train["choice"]),
        "train, four steps": four_steps(train),
        "catsup": ConditionalLogit("disp + feat + price", reference="heinz41", separator=".").fit(
            catsup, catsup["choice"]
        ),
        "tuna": ConditionalLogit({"price": "generic"}, separator=".").fit(tuna, tuna["Tuna.choice"]),
    }


@pytest.mark.parametrize(
    ("model", "term", "published", "digits"),
    [
        ("heating", "constant[ec]", 1.658846, 6),
        ("heating", "constant[er]", 1.853437, 6),
        ("heating", "constant[gc]", 1.710979, 6),
        ("heating", "constant[gr]", 0.308263, 6),
        ("heating", "ic", -0.0015332, 7),
        ("heating", "oc", -0.0069964, 7),
        ("heating, no constants", "ic", -0.0062319, 7),
        ("heating, no constants", "oc", -0.0045801, 7),
        ("mode_canada", "cost", -0.02849715, 8),
        ("mode_canada", "freq", 0.07402902, 8),
        ("train, four steps", "price", -0.0673580, 7),
        ("train, four steps", "time", -1.7205514, 7),
        ("train, four steps", "change", -0.3263409, 7),
        ("train, four steps", "comfort", -0.9457256, 7),
        ("catsup", "disp", 0.875593, 6),
        ("catsup", "feat", 0.908560, 6),
        ("catsup", "price", -1.402407, 6),
        ("tuna", "price", -6.357792, 6),
    ],
)
def test_coefficients(models, model, term, published, digits):
    """Maximum-likelihood coefficients; the time of `mode_canada` is that in the vehicle and out of it together."""
    found = models[model].summary_frame().loc[term, "coefficient"]
    assert found == pytest.approx(published, abs=0.5001 * 10**-digits)


@pytest.mark.parametrize(
    ("model", "term", "published", "digits"),
    [
        ("heating, no constants", "ic", 0.0003528, 7),
        ("heating, no constants", "oc", 0.0003222, 7),
        ("catsup", "price", 0.0580, 4),
    ],
)
def test_standard_errors(models, model, term, published, digits):
    """Classical standard errors."""
    found = models[model].summary_frame().loc[term, "standard_error"]
    assert found == pytest.approx(published, abs=0.5001 * 10**-digits)


@pytest.mark.parametrize(
    ("model", "published", "digits"),
    [
        ("heating", -1008.2287, 4),
        ("heating, no constants", -1095.24, 2),
        ("mode_canada", -1951.3437, 4),
        ("train", -1724.150, 3),
        ("catsup", -2517.8772, 4),
        ("tuna", -16278.2191, 4),
    ],
)
def test_log_likelihoods(models, model, published, digits):
    """Log-likelihood at the maximum."""
    assert models[model].log_likelihood_ == pytest.approx(published, abs=0.5001 * 10**-digits)


def test_train_at_the_exact_optimum(models):
    """The printed coefficients are a Newton step from the maximum, at which ours end: 4e-7 apart."""
    found = models["train"].coef_
    assert found == pytest.approx(models["train, four steps"].coef_, abs=4e-7)
    assert models["train"].log_likelihood_ >= models["train, four steps"].log_likelihood_
    assert models["train"].n_iter_ == 5


def test_the_time_of_mode_canada(models):
    """Which column is time: −1951.3437 is that of `ivt + ovt`, in the vehicle and out of it together.

    The published numbers are sometimes told of `ivt`, in the vehicle alone, of the same 2,769 trips: its log-likelihood
    and its coefficients are others, recomputed here.
    """
    both, vehicle = models["mode_canada"], models["mode_canada, ivt"]
    assert both.n_occasions_ == vehicle.n_occasions_ == 2769
    assert both.log_likelihood_ == pytest.approx(-1951.3437, abs=5e-5)
    assert vehicle.log_likelihood_ == pytest.approx(-1924.3314, abs=5e-5)
    assert abs(vehicle.summary_frame().loc["cost", "coefficient"] - -0.02849715) > 1e-3

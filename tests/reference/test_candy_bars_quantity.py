"""Purchase quantity on the 14,638 purchases of 500 candy bar customers: published and recomputed numbers.

The course's model is least squares of the units on price and promotion of the brand bought; its numbers are met to the
digits printed. What it does not have is recomputed with statsmodels on the same purchases.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sklearn.pipeline import make_pipeline

from cxai_runner.methods.quantity import PriceResponse
from cxai_runner.task import Context
from tasks.purchase_quantity import PurchaseQuantity

pytestmark = pytest.mark.reference

CONF = "conf/model/purchase_quantity"


@pytest.fixture(scope="module")
def purchases(candy_panel):
    bought = candy_panel.frame[candy_panel.frame["incidence"] == 1].reset_index(drop=True)
    return replace(candy_panel, frame=bought)


@pytest.fixture(scope="module")
def fit(purchases, request):
    """Fit through the task with a model of the shipped configs."""

    def one(model, cluster=False):
        estimator = instantiate(OmegaConf.load(request.config.rootpath / CONF / f"{model}.yaml"))
        return PurchaseQuantity(cluster=cluster).fit(make_pipeline(estimator), purchases, Context()).pipeline

    return one


def test_the_number_of_purchases(purchases):
    """Occasions with a purchase; published."""
    assert len(purchases.frame) == 14_638


@pytest.mark.parametrize(
    ("term", "published", "digits"),
    [("price", -0.8173651, 7), ("promotion", -0.1050467, 7), ("intercept", 4.514272, 6)],
)
def test_least_squares(fit, term, published, digits):
    """Coefficients of the course's least squares, published to seven digits."""
    table = fit("linear")[-1].summary_frame()
    assert table.loc[term, "coefficient"] == pytest.approx(published, abs=0.5 * 10**-digits)


def test_least_squares_explains(fit):
    """R², published."""
    assert fit("linear")[-1].r2_ == pytest.approx(0.041479, abs=5e-7)


@pytest.mark.parametrize("price", [1.0, 1.5, 2.5])
@pytest.mark.parametrize("promotion", [0.0, 1.0])
def test_the_courses_elasticity_of_quantity(fit, purchases, price, promotion):
    """b·p / (a + b·p + c·promotion) at the published coefficients, with promotion at 1 and at 0."""
    found = PriceResponse(fit("linear"), np.random.default_rng(0)).over(purchases.frame, [price], promotion)
    units = 4.514272 - 0.8173651 * price - 0.1050467 * promotion
    assert found.elasticity[0] == pytest.approx(-0.8173651 * price / units, abs=5e-7)


@pytest.mark.parametrize(
    "model",
    ["linear", "log_linear", "poisson", "negative_binomial", "truncated_poisson", "truncated_negative_binomial"],
)
@pytest.mark.parametrize("cluster", [False, True])
def test_agrees_with_statsmodels(fit, purchases, model, cluster):
    """Every form's coefficients, dispersion and standard errors, classical and clustered by customer, to 1e-6.

    statsmodels takes the Hessian of the truncated forms by numerical differences, which leaves theirs five digits.
    """
    import statsmodels.api as sm
    from statsmodels.discrete.truncated_model import TruncatedLFNegativeBinomialP, TruncatedLFPoisson

    pipeline = fit(model, cluster)
    table, frame = pipeline[-1].summary_frame(), purchases.frame
    design = sm.add_constant(pipeline[:-1].transform(frame))
    kinds = {
        "linear": sm.OLS,
        "log_linear": sm.OLS,
        "poisson": sm.Poisson,
        "negative_binomial": sm.NegativeBinomial,
        "truncated_poisson": TruncatedLFPoisson,
        "truncated_negative_binomial": TruncatedLFNegativeBinomialP,
    }
    other = kinds[model](np.log(frame["quantity"]) if model == "log_linear" else frame["quantity"], design)
    options = {"cov_type": "cluster", "cov_kwds": {"groups": frame["customer_id"]}} if cluster else {}
    if not model.endswith("linear"):
        near = {"start_params": table["coefficient"].to_numpy() * 1.01}
        options |= {**near, "disp": 0, "method": "bfgs", "maxiter": 500, "gtol": 1e-8}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of BFGS, that no further step helps at the maximum
        theirs = other.fit(**options)
    np.testing.assert_allclose(table["coefficient"], theirs.params, rtol=1e-6)
    digits = 1e-5 if model.startswith("truncated") else 1e-6
    np.testing.assert_allclose(table["standard_error"], theirs.bse, rtol=digits)

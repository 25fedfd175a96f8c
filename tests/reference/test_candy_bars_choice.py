"""Brand choice at 14,638 purchases of candy bars: the fit of a well-known course, and its true elasticities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from cxai_runner.methods.choice import ConditionalLogit, multinomial_elasticities, share_elasticities

pytestmark = pytest.mark.reference

PRICES = [f"Price_{brand}" for brand in range(1, 6)]


@pytest.fixture(scope="module")
def purchases(shared_data):
    frame = pd.read_csv(shared_data("candy_bars") / "purchases.csv")
    return frame[frame["Incidence"] == 1].reset_index(drop=True)


@pytest.fixture(scope="module")
def course(purchases):
    return LogisticRegression(solver="sag", random_state=0).fit(purchases[PRICES], purchases["Brand"])


def test_purchases(purchases):
    """Revenue by brand: the chosen brand's price times quantity."""
    price = purchases[PRICES].to_numpy()[np.arange(len(purchases)), purchases["Brand"] - 1]
    revenue = (price * purchases["Quantity"]).groupby(purchases["Brand"]).sum()
    np.testing.assert_allclose(revenue, [6305.65, 21768.31, 6021.52, 19040.10, 29621.00], atol=5e-3)


def test_coefficients_of_the_course(course):
    """Each brand on its own price, multinomial logit with scikit-learn's default L2 penalty (C = 1)."""
    assert list(np.diag(course.coef_).round(2)) == [-3.92, -1.88, 0.50, -1.25, -1.09]


def test_the_exact_optimum_is_near(course, purchases):
    """The course's solver, stochastic average gradient, stops a little before it: the third is .5057 there."""
    exact = LogisticRegression(solver="newton-cholesky", tol=1e-10).fit(purchases[PRICES], purchases["Brand"])
    np.testing.assert_allclose(np.diag(exact.coef_), [-3.9165, -1.8799, 0.5057, -1.2464, -1.0881], atol=5e-5)
    np.testing.assert_allclose(np.diag(course.coef_), np.diag(exact.coef_), atol=6e-3)


def test_true_elasticities_are_derivatives_of_predicted_shares(course, purchases):
    """p_k·(b_jk − Σ_m P_m·b_mk), weighted by probability, against central differences."""
    X, h = purchases[PRICES], 1e-5
    found = multinomial_elasticities(course, X, PRICES).matrix().to_numpy()
    for k, name in enumerate(PRICES):
        up, down = (course.predict_proba(X.assign(**{name: X[name] * f})).mean(axis=0) for f in (1 + h, 1 - h))
        np.testing.assert_allclose(found[:, k], (np.log(up) - np.log(down)) / (2 * h), atol=1e-6)


def test_conditional_logit_elasticities_are_derivatives_of_predicted_shares(purchases):
    """One price and one promotion coefficient for the five brands, as the tables of a report show them."""
    model = ConditionalLogit("Price + Promotion").fit(purchases, purchases["Brand"], groups=purchases["ID"])
    assert list(model.classes_) == [1, 2, 3, 4, 5]
    found, h = share_elasticities(model, purchases, "Price").matrix().to_numpy(), 1e-5
    for k, name in enumerate(PRICES):
        moved = (purchases.assign(**{name: purchases[name] * f}) for f in (1 + h, 1 - h))
        up, down = (model.predict_proba(panel).mean(axis=0) for panel in moved)
        np.testing.assert_allclose(found[:, k], (np.log(up) - np.log(down)) / (2 * h), atol=1e-6)

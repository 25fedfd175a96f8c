"""Purchase incidence on 58,693 occasions of 500 candy bar customers: published and recomputed numbers.

Maximum likelihood was recomputed with an independent package; the penalised fits are those of the well-known course,
scikit-learn's default L2 penalty (C = 1), converged. All to the digits printed there.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sklearn.pipeline import make_pipeline

from cxai_runner.methods.elasticity import price_elasticity
from cxai_runner.methods.terms import PanelTerms
from cxai_runner.task import Context
from tasks.purchase_incidence import PurchaseIncidence

pytestmark = pytest.mark.reference

CONF = "conf/model/purchase_incidence"


def fit(panel, model, terms, repository):
    """Fit through the task with a model of the shipped configs."""
    estimator = instantiate(OmegaConf.load(repository / CONF / f"{model}.yaml"))
    task = PurchaseIncidence(terms=terms, cluster=False)
    return task.fit(make_pipeline(estimator), panel, Context()).pipeline


@pytest.fixture(scope="module")
def repository(request):
    return request.config.rootpath


@pytest.fixture(scope="module")
def likelihood(candy_panel, repository):
    return fit(candy_panel, "logit", ["mean_price"], repository)[-1]


@pytest.fixture(scope="module")
def likelihood_with_promotion(candy_panel, repository):
    return fit(candy_panel, "logit", ["mean_price", "mean_promotion"], repository)[-1]


@pytest.fixture(scope="module")
def penalised(candy_panel, repository):
    return fit(candy_panel, "logit_penalised", ["mean_price"], repository)


@pytest.fixture(scope="module")
def penalised_with_promotion(candy_panel, repository):
    return fit(candy_panel, "logit_penalised", ["mean_price", "mean_promotion"], repository)


@pytest.mark.parametrize(
    ("term", "column", "published", "digits"),
    [
        ("mean_price", "coefficient", -2.426191, 6),
        ("mean_price", "standard_error", 0.18240, 5),
        ("intercept", "coefficient", 3.744025, 6),
    ],
)
def test_maximum_likelihood(likelihood, term, column, published, digits):
    """Logit on the mean of the five prices; recomputed with an independent package."""
    assert likelihood.summary_frame().loc[term, column] == pytest.approx(published, abs=0.5 * 10**-digits)


def test_maximum_likelihood_log_likelihood(likelihood):
    """Log-likelihood at the maximum, mean price only; recomputed with an independent package."""
    assert likelihood.log_likelihood_ == pytest.approx(-32878.384, abs=5e-4)


@pytest.mark.parametrize(
    ("term", "column", "published", "digits"),
    [
        ("mean_price", "coefficient", -1.55557, 5),
        ("mean_price", "standard_error", 0.20902, 5),
        ("mean_promotion", "coefficient", 0.55400, 5),
        ("mean_promotion", "standard_error", 0.06460, 5),
        ("intercept", "coefficient", 1.90731, 5),
    ],
)
def test_maximum_likelihood_with_promotion(likelihood_with_promotion, term, column, published, digits):
    """Logit on mean price and mean promotion; recomputed with an independent package."""
    table = likelihood_with_promotion.summary_frame()
    assert table.loc[term, column] == pytest.approx(published, abs=0.5 * 10**-digits)


def test_maximum_likelihood_with_promotion_log_likelihood(likelihood_with_promotion):
    """Log-likelihood at the maximum, mean price and promotion; recomputed with an independent package."""
    assert likelihood_with_promotion.log_likelihood_ == pytest.approx(-32841.775, abs=5e-4)


def test_penalised(penalised):
    """The course's fit: scikit-learn's L2 penalty, C = 1, converged, mean price only."""
    assert penalised[-1].coef_[0, 0] == pytest.approx(-2.348055, abs=5e-7)
    assert penalised[-1].intercept_[0] == pytest.approx(3.588087, abs=5e-7)


def test_penalised_with_promotion(penalised_with_promotion):
    """The course's fit: scikit-learn's L2 penalty, C = 1, converged, mean price and mean promotion."""
    assert penalised_with_promotion[-1].coef_[0] == pytest.approx([-1.493988, 0.561517], abs=5e-7)
    assert penalised_with_promotion[-1].intercept_[0] == pytest.approx(1.783045, abs=5e-7)


@pytest.fixture(scope="module")
def curve(penalised, candy_panel):
    prices = [name for name in candy_panel.frame if name.startswith("price_")]
    grid = np.round(np.arange(0.5, 3.51, 0.01), 2)
    X = candy_panel.frame[list(penalised[0].feature_names_in_)]
    return price_elasticity(
        penalised, X, prices, np.random.default_rng(0), grid=grid, y=candy_panel.frame["incidence"], refits=2
    )


@pytest.mark.parametrize(("price", "published"), [(1.00, -0.5271), (1.50, -1.7031), (2.50, -5.3261)])
def test_elasticities(curve, price, published):
    """b·p·(1 − P) of the course's penalised fit, at three prices of its grid from 0.50 to 3.50."""
    found = curve.elasticity[np.isclose(curve.price, price)].item()
    assert found == pytest.approx(published, abs=5e-5)


def test_where_purchases_become_elastic(curve):
    """The course's elasticity passes −1 at about 1.25, outside the prices that were observed."""
    price, _, _ = curve.crossing(observed_only=False)
    assert round(price, 2) == pytest.approx(1.25, abs=0.011)
    assert curve.crossing() is None


def test_maximum_likelihood_agrees_with_statsmodels_clustered(candy_panel):
    """Standard errors clustered by customer, as statsmodels computes them on the same occasions."""
    import statsmodels.api as sm

    frame = candy_panel.frame
    terms = PanelTerms().fit_transform(frame)
    theirs = sm.Logit(frame["incidence"], sm.add_constant(terms)).fit(
        disp=0, cov_type="cluster", cov_kwds={"groups": frame["customer_id"]}
    )
    ours = PurchaseIncidence().fit(make_pipeline(_logit()), candy_panel, Context()).pipeline[-1]
    assert ours.covariance_type_ == "clustered"
    pd.testing.assert_series_equal(
        ours.summary_frame()["standard_error"].rename({"intercept": "const"}),
        theirs.bse,
        check_names=False,
        rtol=1e-6,
    )


def _logit():
    from cxai_runner.methods.logit import BinomialLogit

    return BinomialLogit()

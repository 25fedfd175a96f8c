"""The chain as an estimator: what it multiplies, what it sees, what it refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

from cxai_runner.methods.choice import ConditionalLogit, LatentClassLogit, NestedLogit
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.quantity import LinearQuantity, TruncatedPoissonQuantity, laws
from cxai_runner.methods.response import OccasionForecast, ResponseError

from .conftest import BRANDS, chain


def test_the_parts_are_the_models_fitted_alone(rows, fitted):
    X, y, groups = rows
    mine = (y["incidence"] == 1).to_numpy()
    means = pd.DataFrame(
        {
            "mean_price": X[[f"price_{name}" for name in BRANDS]].mean(axis=1),
            "mean_promotion": X[[f"promotion_{name}" for name in BRANDS]].mean(axis=1),
        }
    )
    alone = BinomialLogit().fit(means, y["incidence"], groups=groups)
    np.testing.assert_allclose(fitted.incidence_.coef_, alone.coef_)
    np.testing.assert_allclose(fitted.incidence_.standard_errors_, alone.standard_errors_)
    terms = {"price": "generic", "promotion": "generic", "constants": True}
    alone = ConditionalLogit(terms).fit(X[mine], y["brand"][mine], groups=groups[mine])
    np.testing.assert_allclose(fitted.choice_.coef_, alone.coef_)
    assert fitted.choice_.covariance_type_ == "clustered"
    bought = y["brand"][mine]
    columns = [
        np.choose(bought.map(BRANDS.index), [X[f"{kind}_{b}"][mine] for b in BRANDS]) for kind in ("price", "promotion")
    ]
    most = bought.value_counts().index[0]
    columns += [(bought == name).to_numpy(float) for name in bought.value_counts().index if name != most]
    alone = TruncatedPoissonQuantity().fit(np.column_stack(columns), y["quantity"][mine], groups=groups[mine])
    np.testing.assert_allclose(fitted.quantity_.coef_, alone.coef_, rtol=1e-6)


def test_what_is_said_of_customers_is_a_term_of_every_part(rows):
    """With a coefficient for each brand in the choice; what never changes is no term, and is read nowhere."""
    X, y, groups = rows
    X = X.assign(keen=(groups % 2).astype(float), still=1.0)
    fitted = chain(customer_terms=["keen", "still"]).fit(X, y, groups=groups)
    assert "keen" in fitted.incidence_terms_.get_feature_names_out()
    assert "keen" in fitted.quantity_terms_.get_feature_names_out()
    assert [name for name in fitted.choice_.parameter_names_ if "keen" in name] == [f"keen[{b}]" for b in BRANDS[1:]]
    assert "still" not in fitted.feature_names_in_
    said = chain(customer_terms=["keen"], incidence_terms=["mean_price"], quantity_terms=["price"]).fit(X, y)
    assert "keen" not in said.incidence_terms_.get_feature_names_out()
    with pytest.raises(ResponseError, match="columns missing: kean") as refused:
        chain(customer_terms=["kean"]).fit(X, y)
    assert refused.value.part == "customer_terms"


def test_units_are_a_product(rows, fitted):
    X = rows[0].head(7)
    found = fitted.predict(X)
    law = fitted.forecast(X)
    for name in BRANDS:
        rate = found[f"poisson_location_{name}"]
        expected = found["purchase_probability"] * found[f"share_{name}"] * rate / (1 - np.exp(-rate))
        np.testing.assert_allclose(found[f"units_{name}"], expected, rtol=1e-12)
        np.testing.assert_allclose(found[f"revenue_{name}"], expected * X[f"price_{name}"], rtol=1e-12)
    np.testing.assert_allclose(found["units"], law.units.sum(axis=1))
    assert list(found.columns)[-1] == "units"
    assert list(found.index) == list(X.index)


def test_the_probabilities_of_all_outcomes_add_up_to_one(rows, fitted):
    X = rows[0].head(3)
    total = np.exp(
        fitted.log_probability(X, pd.DataFrame({"incidence": [0] * 3, "brand": "none", "quantity": 0}))
    ).prod(axis=1)
    for name in BRANDS:
        for units in range(1, 60):
            y = pd.DataFrame({"incidence": [1] * 3, "brand": name, "quantity": units})
            total += np.exp(fitted.log_probability(X, y).sum(axis=1))
    np.testing.assert_allclose(total, 1, rtol=1e-12)


def test_the_score_is_the_log_likelihood_of_the_three(rows, fitted):
    X, y, _ = rows
    mine = (y["incidence"] == 1).to_numpy()
    seen = fitted.quantity_terms_.transform(X[mine].assign(brand=y["brand"][mine]))
    units = laws.log_probability("poisson", y["quantity"][mine], fitted.quantity_.location(seen), 0.0).sum()
    parts = fitted.incidence_.log_likelihood_ + fitted.choice_.log_likelihood_ + units
    assert fitted.score(X, y) * len(X) == pytest.approx(parts, rel=1e-10)


def test_a_forecast_is_read_back_from_its_frame(rows, fitted):
    X, y, _ = rows
    again = OccasionForecast.of(fitted.predict(X))
    np.testing.assert_array_equal(again.log_probability(y), fitted.log_probability(X, y))
    assert OccasionForecast.of(X) is None
    with pytest.raises(ValueError, match="none of the alternatives: d"):
        again.log_probability(y.assign(incidence=1, brand="d", quantity=1))


@pytest.mark.parametrize("choice", [ConditionalLogit("auto"), NestedLogit("auto", nests={"ab": ["a", "b"]})])
@pytest.mark.filterwarnings("ignore:nest")
def test_the_inclusive_value_is_the_expected_best_utility(rows, choice):
    """Its change with the utility of a brand is the probability of that brand, whatever the model."""
    X, y, _ = rows
    model = chain(choice=choice, incidence_terms=["inclusive_value"]).fit(X, y)
    coefficient = model.choice_.coef_[list(model.choice_.parameter_names_[: len(model.choice_.coef_)]).index("price")]
    step = 1e-5
    up, down = (model.inclusive_value(X.assign(price_b=X["price_b"] + s)) for s in (step, -step))
    share = model.choice_.predict_proba(X)[:, 1]
    np.testing.assert_allclose((up - down) / (2 * step), coefficient * share, rtol=1e-6)
    assert list(model.incidence_.feature_names_in_) == ["inclusive_value"]


def test_the_inclusive_value_of_a_conditional_logit(rows):
    X, y, _ = rows
    model = chain(incidence_terms=["inclusive_value", "mean_price"]).fit(X, y)
    theta = dict(zip(model.choice_.parameter_names_, model.choice_.coef_, strict=True))
    utility = [
        theta.get(f"constant[{name}]", 0.0)
        + theta["price"] * X[f"price_{name}"]
        + theta["promotion"] * X[f"promotion_{name}"]
        for name in BRANDS
    ]
    np.testing.assert_allclose(model.inclusive_value(X), np.log(np.exp(utility).sum(axis=0)), rtol=1e-12)
    assert list(model.incidence_.feature_names_in_) == ["mean_price", "inclusive_value"]


def test_it_keeps_scikit_learns_conventions(rows, fitted):
    X, y, _ = rows
    model = chain()
    assert repr(clone(model)) == repr(model)
    model.set_params(incidence__max_iter=7, choice__terms=["price"], quantity_terms=["price"])
    assert model.incidence.max_iter == 7
    model.fit(X, y)
    assert not hasattr(model.incidence, "coef_")
    assert model.choice.terms == ["price"]
    again = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(again.predict(X), fitted.predict(X))
    # Columns in any order, and more of them.
    other = X[list(X.columns[::-1])].assign(more="x")
    pd.testing.assert_frame_equal(fitted.predict(other), fitted.predict(X))


def test_without_promotions(rows):
    X, y, _ = rows
    bare = X[[f"price_{name}" for name in BRANDS]]
    model = chain().fit(bare, y)
    assert list(model.incidence_.feature_names_in_) == ["mean_price"]
    assert "promotion" not in model.choice_.parameter_names_
    assert list(model.feature_names_in_) == list(bare.columns)


def test_brands_may_be_numbers(rows):
    X, y, _ = rows
    number = dict(zip(BRANDS, "123", strict=True))
    other = X.rename(columns={name: f"{name[:-1]}{number[name[-1]]}" for name in X})
    brand = y["brand"].map(number).astype(float)
    found = chain().fit(other, y.assign(brand=brand)).predict(other)
    usual = chain().fit(X, y).predict(X)
    np.testing.assert_allclose(found["units_2"], usual["units_b"])


def test_any_classifier_and_any_regressor_with_a_law(rows):
    X, y, _ = rows
    trees = HistGradientBoostingClassifier(max_iter=5, random_state=0)
    model = chain(incidence=trees, quantity=LinearQuantity()).fit(X, y)
    assert np.isfinite(model.score(X, y))
    assert chain(incidence=LogisticRegression()).fit(X, y).score(X, y) > -2


@pytest.mark.parametrize(
    ("parts", "change", "part", "message"),
    [
        ({"choice": LogisticRegression()}, {}, "choice", "no model of choice that answers to each brand's price"),
        ({"quantity": Ridge()}, {}, "quantity", "Ridge predicts a number, and no probability of a count"),
        ({"incidence": LinearSVC()}, {}, "incidence", "LinearSVC predicts no probability of a purchase"),
        ({"incidence_terms": ["prise"]}, {}, "incidence", "the term prise has no column"),
        ({"quantity_terms": ["prise"]}, {}, "quantity", "the term prise has no column"),
        ({"choice": ConditionalLogit(["prise"])}, {}, "choice", "prise"),
        ({}, {"brand": "d"}, "", "bought, but without a column price_<brand>: d"),
        ({}, {"quantity": 1}, "quantity", "every quantity is 1"),
        ({}, {"incidence": 1, "brand": "a", "quantity": 2}, "choice", "never chosen"),
        ({"choice": ConditionalLogit("auto", alternatives=["c", "b", "a"])}, {}, "choice", "in another order"),
    ],
)
def test_what_is_refused_names_its_part(rows, parts, change, part, message):
    X, y, _ = rows
    with pytest.raises(ResponseError, match=message) as raised:
        chain(**parts).fit(X, y.assign(**change))
    assert raised.value.part == part
    assert raised.value.remedy
    assert pickle.loads(pickle.dumps(raised.value)).message == raised.value.message


def test_perfect_separation_is_told_as_the_parts_own(rows):
    X, y, _ = rows
    with pytest.raises(ResponseError, match="perfectly separated by tells") as raised:
        chain(incidence_terms=["mean_price", "tells"]).fit(X.assign(tells=y["incidence"] * 1.0), y)
    assert raised.value.part == "incidence"


@pytest.mark.filterwarnings("ignore:no customers are given")
def test_the_inclusive_value_needs_a_closed_form(rows):
    X, y, groups = rows
    latent = LatentClassLogit("auto", n_classes=2, n_init=1, random_state=0)
    with pytest.raises(ResponseError, match="the inclusive value of a LatentClassLogit is not at hand"):
        chain(choice=latent, incidence_terms=["inclusive_value"]).fit(X, y, groups=groups)


def test_columns_are_asked_for_by_name(rows, fitted):
    X, y, _ = rows
    with pytest.raises(ResponseError, match="columns missing: promotion_c"):
        fitted.predict(X.drop(columns="promotion_c"))
    with pytest.raises(TypeError, match="pass a pandas frame, not ndarray"):
        fitted.predict(X.to_numpy())
    with pytest.raises(TypeError, match="pass a pandas frame"):
        chain().fit(X.to_numpy(), y)

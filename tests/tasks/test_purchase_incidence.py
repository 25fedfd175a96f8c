"""Purchase incidence: what it refuses, what it finds in simulated panels, and what it says about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation.results import Estimate, Figure, Table
from cxai_runner.methods.logit import BinomialLogit
from tasks.purchase_incidence import PurchaseIncidence

from .conftest import make_panel
from .incidence_runs import CONTEXT, only, run, texts


@pytest.fixture(scope="module")
def result():
    return run(make_panel(customers=200), BinomialLogit(), held_out=make_panel(customers=100, seed=9))


def test_a_model_that_helps_is_said_to(result):
    _, metrics, contents = result
    assert metrics["log_loss"].verdict == "better"
    (headline,) = texts(contents, "headline")
    assert headline.startswith(
        "The model predicts purchases better than the base rate on rows it has not seen: log loss"
    )


def test_a_model_that_does_not_help_is_said_not_to():
    panel = make_panel(customers=200)
    rng = np.random.default_rng(0)
    frame = panel.frame.assign(incidence=rng.integers(0, 2, len(panel.frame)))
    other = panel.frame.assign(incidence=rng.integers(0, 2, len(panel.frame)))
    wild = DecisionTreeClassifier(min_samples_leaf=3, random_state=0)
    _, _, worse = run(replace(panel, frame=frame), wild, held_out=replace(panel, frame=other))
    assert texts(worse, "headline")[0].startswith("The model predicts purchases worse than the base rate")
    price_only = PurchaseIncidence(terms=["mean_price"], points=9)
    _, _, tie = run(replace(panel, frame=frame), BinomialLogit(), price_only, replace(panel, frame=other))
    assert texts(tie, "headline")[0].startswith("The model cannot be told from the base rate")
    assert any("do not tell whether purchases fall when prices rise" in text for text in texts(tie, "caveat"))


def test_rows_seen_are_said_to_be_seen():
    _, _, contents = run(make_panel(), BinomialLogit())
    assert "its own training rows (nothing was held out)" in texts(contents, "headline")[0]


def test_the_elasticity_holds_the_truth(result):
    """b·p·(1 − P) of the simulation, at the mean price of 2 and averaged over promotions and customers."""
    _, _, contents = result
    estimate = only(contents, Estimate, "elasticity_at_mean_price").value
    rng = np.random.default_rng(0)
    linear = 0.5 + 0.6 * (rng.integers(0, 2, (100_000, 3)).mean(axis=1) - 0.5) + rng.normal(0, 0.3, 100_000)
    P = 1 / (1 + np.exp(-linear))
    truth = 2 * (-1.5 * P * (1 - P)).mean() / P.mean()
    assert estimate.low < truth < estimate.high
    assert estimate.high < 0
    elastic = only(contents, Estimate, "elastic_above_price").value
    assert elastic.low < elastic.value < elastic.high


def test_the_elasticity_figure_shades_what_was_observed(result):
    _, _, contents = result
    figure = only(contents, Figure, "elasticity")
    prices = make_panel(customers=200).frame.filter(like="price_").mean(axis=1)
    assert figure.shade == pytest.approx((prices.min(), prices.max()))
    assert figure.data["price"].min() < figure.shade[0] < figure.shade[1] < figure.data["price"].max()
    assert figure.reference == {"y": -1.0}
    assert "clustered covariance" in figure.caption


def test_coefficients_have_their_uncertainty(result):
    fitted, _, contents = result
    table = only(contents, Table, "coefficients")
    assert table.title == "Coefficients (maximum likelihood)"
    assert "clustered by customer" in table.caption
    assert list(table.frame["term"]) == ["intercept", "mean_price", "mean_promotion"]
    np.testing.assert_allclose(table.frame["standard_error"], fitted.pipeline[-1].standard_errors_)
    np.testing.assert_allclose(table.frame["odds_ratio"], np.exp(table.frame["coefficient"]))


def test_the_fit_is_that_of_the_model(result):
    fitted, _, contents = result
    frame = only(contents, Table, "fit_statistics").frame.set_index("statistic")["value"]
    final = fitted.pipeline[-1]
    assert frame["McFadden R²"] == f"{final.mcfadden_r2_:.5f}"
    assert frame["log-likelihood"].replace("−", "-").replace(",", "") == f"{final.log_likelihood_:.3f}"
    assert frame["fitted by"] == "maximum likelihood"


def test_penalised_is_labelled_everywhere():
    _, _, contents = run(make_panel(), LogisticRegression(C=1.0, tol=1e-8, solver="newton-cholesky"))
    table = only(contents, Table, "coefficients")
    assert table.title == "Coefficients (penalised, C = 1)"
    assert "standard_error" not in table.frame
    assert any("penalised: shrunk towards zero" in text for text in texts(contents, "caveat"))
    frame = only(contents, Table, "fit_statistics").frame.set_index("statistic")["value"]
    assert frame["fitted by"] == "penalised likelihood"
    assert "3 refits on resampled customers" in only(contents, Figure, "elasticity").caption


def test_steps_are_labelled():
    _, _, contents = run(make_panel(), DecisionTreeClassifier(max_depth=3, random_state=0))
    assert any("arc elasticity" in text for text in texts(contents, "caveat"))
    assert not any(isinstance(one, Estimate) and one.name == "elastic_above_price" for one in contents)
    assert not any(isinstance(one, Table) and one.name == "coefficients" for one in contents)


def test_few_prices_are_told():
    panel = make_panel()
    frame = panel.frame.copy()
    for name in "abc":
        frame[f"price_{name}"] = np.where(frame["occasion"] % 2 == 0, 1.5, 2.5)
    _, _, contents = run(replace(panel, frame=frame), BinomialLogit())
    assert any("took 2 different values between 1.50 and 2.50: few" in text for text in texts(contents, "caveat"))


def test_price_is_causal_only_with_a_condition(result):
    assert any(text.startswith("The effect of price is causal only if") for text in texts(result[2], "caveat"))


def test_standard_errors_need_not_be_clustered(panel):
    task = PurchaseIncidence(cluster=False)
    fitted = task.fit(make_pipeline(BinomialLogit()), panel, CONTEXT)
    assert fitted.pipeline[-1].covariance_type_ == "classical"


def test_terms_without_promotions(panel):
    frame = panel.frame.drop(columns=[name for name in panel.frame if name.startswith("promotion_")])
    inputs = tuple(name for name in frame if name.startswith("price_"))
    bare = replace(panel, frame=frame, roles=replace(panel.roles, inputs=inputs))
    assert PurchaseIncidence().fit(BinomialLogit(), bare, CONTEXT).pipeline["terms"].terms == ("mean_price",)


def test_the_kept_model_asks_for_what_it_reads(panel):
    task = PurchaseIncidence(terms=["mean_price"])
    saved = task.models(task.fit(BinomialLogit(), panel, CONTEXT), panel)["model"]
    assert list(saved.example.columns) == ["price_a", "price_b", "price_c"]
    assert saved.method == "predict_proba"


@pytest.mark.parametrize(
    ("options", "key", "message", "remedy"),
    [
        ({"terms": ["mean_prise"]}, "terms", "no column for this term", "did you mean `mean_price`?"),
        ({"terms": ["incidence"]}, "terms", "what is predicted cannot be a term", "leave it out"),
        ({"terms": "mean_price"}, "terms", "`auto` or a list of terms", "write task.terms=[mean_price]"),
        ({"terms": []}, "terms", "at least one term", "write task.terms=auto"),
    ],
)
def test_config_mistakes(panel, options, key, message, remedy):
    (problem,) = PurchaseIncidence(**options).problems(panel.frame.columns)
    assert problem.key == key
    assert message in problem.message
    assert problem.remedy == remedy


def test_columns_known_by_pattern_only_are_enough():
    task = PurchaseIncidence(terms=["mean_price", "promotion"])
    assert not list(task.problems(("customer_id", "incidence", "price_*", "promotion_*")))


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        (lambda f: f.assign(incidence=1), "panel.incidence", "one value only"),
        (lambda f: f.assign(incidence=f["incidence"] * 2), "panel.incidence", "0 (no purchase) or 1 (a purchase)"),
        (lambda f: f.assign(incidence=f["incidence"].where(f.index > 3)), "panel.incidence", "4 missing values"),
        (lambda f: f.assign(price_a=2.0, price_b=2.0, price_c=2.0), "panel.price_*", "one mean price only"),
        (lambda f: f.assign(price_a=f["price_a"].where(f.index > 0, -1.0)), "panel.price_*", "a price of zero or less"),
        (lambda f: f.assign(promotion_b=f["promotion_b"].where(f.index > 1)), "panel.promotion_b", "2 missing values"),
    ],
)
def test_data_mistakes(panel, change, key, message):
    problems = list(PurchaseIncidence().inspect(replace(panel, frame=change(panel.frame))))
    assert any(problem.key == key and message in problem.message for problem in problems)
    assert all(problem.remedy for problem in problems)


def test_a_term_that_is_no_input_is_told(panel):
    data = replace(panel, frame=panel.frame.assign(income=1.0))
    (problem,) = PurchaseIncidence(terms=["mean_price", "income"]).inspect(data)
    assert problem.key == "panel.income"
    assert "features.columns=[price_*,promotion_*,income]" in problem.remedy


def test_inputs_without_a_price_are_told(panel):
    data = replace(panel, frame=panel.frame.assign(income=1.0), roles=replace(panel.roles, inputs=("income",)))
    with pytest.raises(UserError) as caught:
        PurchaseIncidence(terms=["income"]).fit(BinomialLogit(), data, CONTEXT)
    (problem,) = caught.value.problems
    assert (problem.key, problem.value) == ("features.columns", ["income"])
    assert problem.message == "no price among them: no elasticity can be estimated"
    assert problem.remedy == "add them: features.columns=[price_*,income]"


def with_gaps(panel):
    """The panel with an input that is missing before a customer's first purchase, say."""
    waited = panel.frame["occasion"].where(panel.frame["occasion"] > 2).astype(float)
    inputs = (*panel.roles.inputs, "waited")
    return replace(panel, frame=panel.frame.assign(waited=waited), roles=replace(panel.roles, inputs=inputs))


GAPPED = PurchaseIncidence(terms=["mean_price", "waited"])


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(SimpleImputer(), BinomialLogit()),
        make_pipeline(StandardScaler(), SimpleImputer(add_indicator=True), LogisticRegression()),
        HistGradientBoostingClassifier(max_iter=5),
    ],
)
def test_missing_values_that_are_filled_or_used_are_no_mistake(panel, model):
    data = with_gaps(panel)
    assert not list(GAPPED.inspect(data))
    scores = GAPPED.score(GAPPED.fit(model, data, CONTEXT), data, CONTEXT)
    assert scores["probability"].between(0, 1).all()


@pytest.mark.parametrize(
    ("model", "step"),
    [
        (BinomialLogit(), "BinomialLogit"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "LogisticRegression"),
        (make_pipeline(PCA(), SimpleImputer(), LogisticRegression()), "PCA"),
    ],
)
def test_missing_values_that_nothing_fills_are_told_with_what_would(panel, model, step):
    data = with_gaps(panel)
    with pytest.raises(UserError) as caught:
        GAPPED.fit(model, data, CONTEXT)
    (problem,) = caught.value.problems
    assert (problem.key, problem.value) == ("features.columns", "waited")
    assert problem.message == f"180 missing values, which {step} cannot use"
    assert problem.remedy == (
        "fill them, as with features.transformers=[{_target_: sklearn.impute.SimpleImputer}], or leave it out"
    )
    assert caught.value.stage == "data"


def test_missing_values_on_held_out_rows_alone_are_told_too(panel):
    data = with_gaps(panel)
    fitted = GAPPED.fit(BinomialLogit(), replace(data, frame=data.frame.fillna({"waited": 0.0})), CONTEXT)
    with pytest.raises(UserError, match="180 missing values, which BinomialLogit cannot use"):
        GAPPED.score(fitted, data, CONTEXT)


def test_a_model_without_probabilities_is_refused(panel):
    with pytest.raises(UserError, match="a classifier that predicts probabilities"):
        PurchaseIncidence().fit(LinearSVC(), panel, CONTEXT)


def test_the_model_is_cloned(panel):
    model = make_pipeline(BinomialLogit())
    PurchaseIncidence().fit(model, panel, CONTEXT)
    assert repr(model) == repr(clone(model))
    assert not hasattr(model[-1], "coef_")

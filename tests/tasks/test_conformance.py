"""All tasks keep what every task promises, with each kind of model they are configured with."""

from __future__ import annotations

import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from cxai_runner.methods.choice import ConditionalLogit, LatentClassLogit, MixedLogit, NestedLogit
from cxai_runner.methods.conversion.network import NetworkClassifier
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.managerial import RuleSegments
from cxai_runner.methods.monotone import FallingInPrice
from cxai_runner.methods.mundlak import MundlakLogit
from cxai_runner.methods.quantity import (
    LogLinearQuantity,
    TruncatedNegativeBinomialQuantity,
    TruncatedPoissonQuantity,
)
from cxai_runner.methods.random_intercept import RandomInterceptLogit
from cxai_runner.methods.recommend import (
    BPR,
    EASE,
    IALS,
    SLIM,
    ItemKNN,
    NextBasket,
    PersonalFrequency,
    Popularity,
    UserKNN,
)
from cxai_runner.methods.response import PurchaseChain
from cxai_runner.methods.segments import (
    ComponentSegments,
    DensitySegments,
    GaussianMixtureSegments,
    HierarchicalSegments,
    KMeansSegments,
    LatentClassSegments,
)
from cxai_runner.task import Evidence, check_task
from cxai_runner.task_checks import task_checks
from tasks.brand_choice import BrandChoice
from tasks.conversion import Conversion
from tasks.managerial_segments import ManagerialSegments
from tasks.price_response import PriceResponse
from tasks.purchase_incidence import PurchaseIncidence
from tasks.purchase_quantity import PurchaseQuantity
from tasks.recommendation import Recommendation
from tasks.segmentation import Segmentation

from .conftest import (
    RULES,
    make_choices,
    make_converters,
    make_customers,
    make_dated_customers,
    make_histories,
    make_occasions,
    make_panel,
    make_purchases,
)

INCIDENCE = PurchaseIncidence(points=7, refits=3)
QUANTITY = PurchaseQuantity(points=7, refits=2, by=["segment"])
CHOICE = BrandChoice(points=3, refits=5, by=["segment"])
RESPONSE = PriceResponse(points=5, refits=10, by=["segment"])
CHAIN = PurchaseChain(BinomialLogit(), ConditionalLogit("auto"), TruncatedPoissonQuantity())
SEGMENTS = Segmentation(resamples=3)
CONVERSION = Conversion(against={"trees": HistGradientBoostingClassifier(max_iter=5)}, repeats=1)
MANAGERIAL = ManagerialSegments()
RECOMMENDATION = Recommendation(k=4, against={"recent": Popularity(half_life=30)})


def promises(*cases):
    return [
        pytest.param(check, id=f"{label}-{name}")
        for label, task, model, data in cases
        for name, check in task_checks(task, model, data)
    ]


@pytest.mark.parametrize(
    "check",
    promises(
        ("logit", INCIDENCE, make_pipeline(StandardScaler(), BinomialLogit()), make_panel()),
        ("xgboost", INCIDENCE, XGBClassifier(n_estimators=10, max_depth=2, n_jobs=1, random_state=1), make_panel()),
        (
            "truncated_negative_binomial",
            QUANTITY,
            make_pipeline(StandardScaler(), TruncatedNegativeBinomialQuantity()),
            make_purchases(),
        ),
        ("rules", MANAGERIAL, RuleSegments(RULES, {"high": 30}), make_dated_customers()),
        ("conversion", CONVERSION, LogisticRegression(tol=1e-9, solver="newton-cholesky"), make_converters()),
        ("popularity", RECOMMENDATION, Popularity(by="region"), make_histories()),
        ("conditional_logit", CHOICE, make_pipeline(ConditionalLogit()), make_choices(seed=3)),
        ("chain", RESPONSE, CHAIN, make_occasions(customers=60)),
        (
            "kmeans",
            SEGMENTS,
            make_pipeline(StandardScaler(), KMeansSegments(random_state=0, k_max=4, n_init=2)),
            make_customers(),
        ),
    ),
)
def test_promise(check):
    check()


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(tol=1e-8, solver="newton-cholesky"),
        RandomInterceptLogit(points=7),
        MundlakLogit(),
        HistGradientBoostingClassifier(max_iter=10, random_state=0),
        FallingInPrice(HistGradientBoostingClassifier(max_iter=10, random_state=0)),
        RandomForestClassifier(5, min_samples_leaf=20, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_any_classifier_conforms(model, panel):
    assert check_task(INCIDENCE, model, panel) >= 40


@pytest.mark.parametrize(
    "model",
    [
        LogLinearQuantity(),
        HistGradientBoostingRegressor(loss="poisson", max_iter=5, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_models_of_quantity_conform(model, purchases):
    assert check_task(QUANTITY, model, purchases) >= 40


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(NestedLogit(nests={"ab": ["acme", "best"]}), marks=pytest.mark.slow),
        pytest.param(LatentClassLogit(n_classes=2, n_init=2, random_state=0), marks=pytest.mark.slow),
        pytest.param(MixedLogit(random={"price": "normal"}, n_draws=20), marks=pytest.mark.slow),
        make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cholesky", tol=1e-9)),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_models_of_choice_conform(model):
    assert check_task(CHOICE, model, make_choices(customers=60, occasions=10, seed=3)) >= 40


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        ComponentSegments(2, n_clusters=3, n_init=2, random_state=0),
        DensitySegments(0.1, random_state=0),
        GaussianMixtureSegments(3, n_init=1, random_state=0),
        HierarchicalSegments(3, random_state=0),
        LatentClassSegments(3, n_init=2, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_methods_of_segmentation_conform(model, customers):
    assert check_task(SEGMENTS, make_pipeline(StandardScaler(), model), customers) >= 38


@pytest.mark.parametrize(
    "model",
    [
        XGBClassifier(n_estimators=10, max_depth=2, n_jobs=1, random_state=1),
        pytest.param(MLPClassifier((8,), max_iter=20, random_state=1), marks=pytest.mark.slow),
        pytest.param(NetworkClassifier(layers=[8], epochs=3, random_state=1, n_jobs=1), marks=pytest.mark.slow),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_other_models_of_conversion_conform(model):
    assert check_task(CONVERSION, model, make_converters(300)) >= 40


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        PersonalFrequency(half_life=30),
        NextBasket(),
        ItemKNN(),
        UserKNN(),
        EASE(penalty=10),
        SLIM(),
        IALS(factors=4, random_state=0, n_jobs=1),
        BPR(factors=4, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_models_of_recommendation_conform(model):
    assert check_task(RECOMMENDATION, model, make_histories()) >= 40
    assert check_task(Recommendation(k=4, repeats=False, cold_items="left_out"), model, make_histories(cold=12)) >= 40


def test_any_clusterer_that_predicts_conforms(customers):
    assert check_task(SEGMENTS, make_pipeline(KMeans(3, n_init=2, random_state=0)), customers) >= 38


def test_scores_and_any_clusterer_at_dates_conform():
    scored = {
        "best": {"recency_score": {"ge": 4}},
        "rest": {"recency_score": {"le": 3}},
    }
    data = make_dated_customers()
    assert check_task(MANAGERIAL, RuleSegments(scored), data) >= 40
    assert check_task(MANAGERIAL, make_pipeline(StandardScaler(), KMeans(3, n_init=2, random_state=0)), data) >= 40


def test_a_panel_without_promotions_or_dates_conforms(panel):
    from dataclasses import replace

    frame = panel.frame.drop(columns=[name for name in panel.frame if name.startswith(("promotion", "occasion"))])
    roles = replace(panel.roles, time=None, inputs=tuple(name for name in frame if name.startswith("price_")))
    assert check_task(INCIDENCE, BinomialLogit(), replace(panel, frame=frame, roles=roles)) >= 40


def test_the_checks_follow_the_kind_of_evidence(panel, customers):
    held_out = {name for name, _ in task_checks(INCIDENCE, BinomialLogit(), panel)}
    resampling = {name for name, _ in task_checks(SEGMENTS, KMeansSegments(), customers)}
    assert {"the_target_does_not_leak", "a_shuffled_target_is_not_predicted"} <= held_out - resampling
    assert resampling - held_out == {"it_challenges_itself"}
    backtest = {name for name, _ in task_checks(MANAGERIAL, RuleSegments(RULES, {"high": 30}), make_dated_customers())}
    assert held_out - backtest == {"a_shuffled_target_is_not_predicted"}
    assert INCIDENCE.evidence is Evidence.HELD_OUT
    assert SEGMENTS.evidence is Evidence.RESAMPLING

"""Whether the truth is found again: panels made of known parameters, and the 95 % intervals that hold them, counted.

`python -m benchmarks.recovery` makes 1,000 panels for each model, 200 for the two that take long, and prints a row for
each parameter; names behind it choose models: `python -m benchmarks.recovery mixed nested`. The count has to lie
within the 99.9 % binomial interval around .95, Bonferroni over the parameters of the model. A shorter form is a slow
test.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from cxai_runner.methods import quantity
from cxai_runner.methods.choice import ConditionalLogit, LatentClassLogit, MixedLogit, NestedLogit
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.logit_model import Covariance
from cxai_runner.methods.mundlak import MundlakLogit
from cxai_runner.methods.random_intercept import RandomInterceptLogit

Floats = NDArray[np.float64]
Rng = np.random.Generator

BRANDS = "abc"
MANY, FEW = 1000, 200
LEVEL, SURE = 0.95, 0.999
SPREAD, BETWEEN = 1.0, 0.8
"""Of the customers' own log-odds; and of their mean prices on them, beyond what a price does."""


@dataclass(frozen=True)
class Study:
    """A model, the parameters that its panels are made of, and the fit to one panel: a table of coefficients.

    ``panels`` is how many the full form makes.
    """

    truth: Mapping[str, float]
    fit: Callable[[Rng], pd.DataFrame]
    panels: int = MANY

    def recovered(self, panels: int, seed: int = 0) -> pd.DataFrame:
        """Return one row per parameter: truth, mean and spread of the estimates, mean standard error, and the count.

        ``held`` of the intervals hold the truth; between ``least`` and ``most`` of them should.
        """
        rng = np.random.default_rng(seed)
        names, columns = list(self.truth), ["coefficient", "standard_error", "low", "high"]
        stacked = np.stack([self.fit(rng).loc[names, columns] for _ in range(panels)])
        truth = np.array([self.truth[name] for name in names])
        tail = (1 - SURE) / len(truth) / 2
        least, most = stats.binom.ppf([tail, 1 - tail], panels, LEVEL).astype(int)
        return pd.DataFrame(
            {
                "truth": truth,
                "mean": stacked[:, :, 0].mean(axis=0),
                "spread": stacked[:, :, 0].std(axis=0, ddof=1),
                "standard_error": stacked[:, :, 1].mean(axis=0),
                "held": ((stacked[:, :, 2] < truth) & (truth < stacked[:, :, 3])).sum(axis=0),
                "least": least,
                "most": most,
            },
            index=pd.Index(names, name="parameter"),
        )


def incidence(rng: Rng, *, customers: int | None = None) -> pd.DataFrame:
    """Binomial logit on price and promotion: 600 occasions, clustered by customer where there are some."""
    X = _price_and_promotion(rng, 600)
    chance = 1 / (1 + np.exp(-(0.4 - 1.2 * X["price"] + 0.7 * X["promotion"])))
    groups = None if customers is None else np.arange(600) % customers
    return BinomialLogit().fit(X, rng.uniform(size=600) < chance, groups).summary_frame()


def random_intercept(rng: Rng, *, covariance: Covariance) -> pd.DataFrame:
    """The same with an intercept for each of 120 customers of 10 occasions."""
    X, groups = _price_and_promotion(rng, 1200), np.arange(1200) % 120
    log_odds = 0.4 - 1.2 * X["price"] + 0.7 * X["promotion"] + SPREAD * rng.normal(size=120)[groups]
    bought = rng.uniform(size=1200) < 1 / (1 + np.exp(-log_odds))
    model = RandomInterceptLogit(covariance=covariance, points=9).fit(X, bought, groups)
    table = model.summary_frame()
    low, high = model.sigma_interval_
    table.loc["sigma", ["coefficient", "standard_error", "low", "high"]] = (
        model.sigma_,
        model.standard_errors_[-1],
        low,
        high,
    )
    return table


def mundlak(rng: Rng) -> pd.DataFrame:
    """The same where customers who meet higher prices buy more often: the effects within and between told apart."""
    X, groups = _price_and_promotion(rng, 1200), np.arange(1200) % 120
    X["price"] += rng.normal(0, 0.5, 120)[groups]
    level = X["price"].groupby(groups).transform("mean")
    log_odds = 0.4 - 1.2 * X["price"] + 0.7 * X["promotion"] + BETWEEN * level
    model = MundlakLogit(between=["price"]).fit(X, rng.uniform(size=1200) < 1 / (1 + np.exp(-log_odds)), groups)
    heads = {"difference": "coefficient", "difference_low": "low", "difference_high": "high"}
    apart = model.within_and_between()[[*heads]].rename(columns=heads)
    return pd.concat([model.summary_frame(), apart.set_axis(["mean of price"])])


def conditional(rng: Rng, *, covariance: str) -> pd.DataFrame:
    """One price and one feature coefficient for three brands, 500 occasions of 100 customers."""
    prices, features = _prices_and_features(rng, 500)
    utility = np.array([0, 0.6, -0.4]) - 1.2 * prices + 0.7 * features
    model = ConditionalLogit("price + feature", covariance=covariance)
    return model.fit(_wide(prices, features), _choices(utility, rng), groups=np.arange(500) // 5).summary_frame()


ON_ALL_PRICES = np.array([[0.4, 0.5, -1.5, 0.2], [-0.2, 0.4, 0.3, -1.2]])


def multinomial(rng: Rng) -> pd.DataFrame:
    """Every brand's utility has a coefficient for every price; 600 occasions."""
    prices, _ = _prices_and_features(rng, 600)
    utility = np.column_stack([np.zeros(600), ON_ALL_PRICES[:, 0] + prices @ ON_ALL_PRICES[:, 1:].T])
    terms = dict.fromkeys([f"price_{brand}" for brand in BRANDS], "alternative")
    return ConditionalLogit(terms, alternatives=BRANDS).fit(_wide(prices), _choices(utility, rng)).summary_frame()


def nested(rng: Rng) -> pd.DataFrame:
    """Four brands, the first two in a nest of dissimilarity .5; 1,000 occasions."""
    prices = rng.uniform(0.5, 2.5, (1000, 4))
    e = np.exp((-1.2 * prices + [0, 0.5, 0.2, -0.3]) / [0.5, 0.5, 1, 1])
    within = e[:, :2].sum(axis=1, keepdims=True)
    P = np.hstack([e[:, :2] * within ** (0.5 - 1), e[:, 2:]])
    chosen = ((P / P.sum(axis=1, keepdims=True)).cumsum(axis=1) < rng.uniform(size=(1000, 1))).sum(axis=1)
    frame = pd.DataFrame(prices, columns=[f"price_{brand}" for brand in "abcd"])
    return NestedLogit("price", nests={"first": "ab"}).fit(frame, np.array(list("abcd"))[chosen]).summary_frame()


# Constants of b and c, price and feature, of the larger class and of the smaller one, which a customer in three is of.
CLASSES = np.array([[0.5, -0.5, -2.5, 0.3], [-1.0, 0.8, -0.6, 1.5]])
SMALLER = 0.35


def latent(rng: Rng) -> pd.DataFrame:
    """Two classes; 150 customers of ten occasions."""
    who = np.repeat(np.arange(150), 10)
    own = CLASSES[(rng.uniform(size=150) < SMALLER).astype(int)][who]
    prices, features = _prices_and_features(rng, len(who))
    utility = np.column_stack([np.zeros(len(who)), own[:, :2]]) + own[:, 2:3] * prices + own[:, 3:] * features
    model = LatentClassLogit("price + feature", n_init=2, random_state=0)
    return model.fit(_wide(prices, features), _choices(utility, rng), groups=who).summary_frame()


def mixed(rng: Rng) -> pd.DataFrame:
    """A price coefficient that is normal over customers; 100 of them, eight occasions each."""
    who = np.repeat(np.arange(100), 8)
    price = rng.normal(-1.5, 1.0, 100)[who]
    prices, features = _prices_and_features(rng, len(who))
    utility = np.array([0, 0.6, -0.4]) + price[:, np.newaxis] * prices + 0.5 * features
    model = MixedLogit("price + feature", random={"price": "normal"}, n_draws=100)
    return model.fit(_wide(prices, features), _choices(utility, rng), groups=who).summary_frame()


UNITS = {"intercept": 1.2, "price": -0.6, "promotion": 0.3}
ALPHA, ERROR = 0.4, 0.8


def units(rng: Rng, *, form: str, clustered: bool) -> pd.DataFrame:
    """A form of quantity on price and promotion; 120 customers of five purchases."""
    X = _price_and_promotion(rng, 600)
    linear = np.asarray(UNITS["intercept"] + UNITS["price"] * X["price"] + UNITS["promotion"] * X["promotion"])
    y = linear + rng.normal(0, ERROR, 600) if "Linear" in form else _counts(rng, np.exp(linear), form)
    if form.startswith("LogLinear"):
        y = np.exp(y)
    groups = np.repeat(np.arange(120), 5) if clustered else None
    with warnings.catch_warnings():
        warnings.simplefilter("error", quantity.QuantityWarning)
        return getattr(quantity, form)().fit(X, y, groups=groups).summary_frame()


def _counts(rng: Rng, mean: Floats, form: str) -> Floats:
    def draw(mu: Floats) -> Floats:
        drawn = rng.poisson(mu) if "Poisson" in form else rng.negative_binomial(1 / ALPHA, 1 / (1 + ALPHA * mu))
        return drawn.astype(np.float64)

    y = draw(mean)
    if form.startswith("Truncated"):
        # Until nothing is no longer among them: exactly the distribution given a purchase.
        while (nothing := y == 0).any():
            y[nothing] = draw(mean[nothing])
    return y


def _price_and_promotion(rng: Rng, n: int) -> pd.DataFrame:
    return pd.DataFrame({"price": rng.uniform(0.5, 2.5, n), "promotion": rng.integers(0, 2, n).astype(float)})


def _prices_and_features(rng: Rng, n: int) -> tuple[Floats, Floats]:
    return rng.uniform(0.5, 2.5, (n, len(BRANDS))), rng.integers(0, 2, (n, len(BRANDS))).astype(float)


def _choices(utility: Floats, rng: Rng) -> NDArray[np.str_]:
    return np.array(list(BRANDS))[(utility + rng.gumbel(size=utility.shape)).argmax(axis=1)]


def _wide(prices: Floats, features: Floats | None = None) -> pd.DataFrame:
    named = {"price": prices} if features is None else {"price": prices, "feature": features}
    return pd.DataFrame({f"{n}_{brand}": values[:, j] for n, values in named.items() for j, brand in enumerate(BRANDS)})


def _of_brands(price: float, feature: float) -> dict[str, float]:
    return {"constant[b]": 0.6, "constant[c]": -0.4, "price": price, "feature": feature}


_CHOICE = ("constant[b]", "constant[c]", "price", "feature")
_BUYS = {"intercept": 0.4, "price": -1.2, "promotion": 0.7}
_ALL_PRICES = [f"{term}[{brand}]" for term in ("constant", *(f"price_{b}" for b in BRANDS)) for brand in "bc"]
_FORMS = ("Linear", "LogLinear", "Poisson", "NegativeBinomial", "TruncatedPoisson", "TruncatedNegativeBinomial")

_COVARIANCES: tuple[Covariance, ...] = ("classical", "clustered")

STUDIES: dict[str, Study] = {
    "incidence": Study(_BUYS, incidence),
    "incidence, clustered": Study(_BUYS, partial(incidence, customers=120)),
    **{
        f"random_intercept, {kind}": Study(_BUYS | {"sigma": SPREAD}, partial(random_intercept, covariance=kind))
        for kind in _COVARIANCES
    },
    "mundlak": Study({"price": -1.2, "promotion": 0.7, "mean of price": BETWEEN}, mundlak),
    **{
        f"conditional, {kind}": Study(_of_brands(-1.2, 0.7), partial(conditional, covariance=kind))
        for kind in ("classical", "robust", "clustered")
    },
    "multinomial": Study(dict(zip(_ALL_PRICES, ON_ALL_PRICES.T.ravel(), strict=True)), multinomial),
    "nested": Study(
        {"constant[b]": 0.5, "constant[c]": 0.2, "constant[d]": -0.3, "price": -1.2, "dissimilarity[first]": 0.5},
        nested,
    ),
    "latent": Study(
        {f"class {c + 1}: {name}": b for c in range(2) for name, b in zip(_CHOICE, CLASSES[c], strict=True)}
        | {"class 2: share, log-odds": np.log(SMALLER / (1 - SMALLER))},
        latent,
        FEW,
    ),
    "mixed": Study(_of_brands(-1.5, 0.5) | {"price: sd": 1.0}, mixed, FEW),
    **{
        f"{form}{', clustered' * clustered}": Study(
            UNITS | ({"dispersion": ALPHA} if "Binomial" in form else {}),
            partial(units, form=f"{form}Quantity", clustered=clustered),
        )
        for form in _FORMS
        for clustered in (False, True)
    },
}


def main(chosen: list[str]) -> int:
    """Print what was counted; 1 where a count is out of bounds."""
    wrong = 0
    for name, study in STUDIES.items():
        if chosen and name.split(",")[0] not in chosen:
            continue
        begun = time.perf_counter()
        table = study.recovered(study.panels)
        print(f"\n{name}: {study.panels:,} panels, {time.perf_counter() - begun:.0f} s")
        print(table.to_string(float_format="{:.4f}".format), flush=True)
        wrong += int((~table["held"].between(table["least"], table["most"])).sum())
    print(f"\n{wrong} counts out of bounds")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

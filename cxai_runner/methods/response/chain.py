"""Three models in a row: will a customer buy, which brand, how much.

The expected units of brand k on an occasion are P(purchase) · P(k | purchase) · E[units | k]. Each factor is a model of
its own, fitted to the occasions that it is about: incidence to all of them, choice and quantity to those with a
purchase. All units of an occasion count as the chosen brand's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from cxai_runner.methods.choice import ConditionalLogit, NestedLogit, is_told_apart
from cxai_runner.methods.choice.model import ChoiceModel
from cxai_runner.methods.levels import levels
from cxai_runner.methods.quantity import ChosenTerms, has_law
from cxai_runner.methods.quantity.terms import BRAND
from cxai_runner.methods.terms import PanelTerms, columns_of
from cxai_runner.methods.unnamed import seen_by

from .answers import forecast
from .errors import ResponseError
from .forecast import OccasionForecast
from .inclusive import inclusive_value

Floats = NDArray[np.float64]

PRICE, PROMOTION = "price_", "promotion_"
INCLUSIVE = "inclusive_value"
OUTCOME = ("incidence", BRAND, "quantity")


class PurchaseChain(BaseEstimator):
    """Purchase incidence, brand choice and purchase quantity as one estimator.

    Parameters
    ----------
    incidence
        A classifier that says how probable a purchase is.
    choice
        A model of choice, `ConditionalLogit` for example; where its ``terms`` are ``auto`` they are price, promotion
        (where the panel has it) and constants.
    quantity
        A regressor of the units of a purchase that says how probable a count is, `TruncatedPoissonQuantity` for
        example.
    incidence_terms : sequence of str or "auto"
        What the classifier sees, as in `PanelTerms`. Besides, ``inclusive_value``: the logarithm of Σ exp(utility) of
        the choice model, that is how attractive the category is at these prices [1]_. The price of a brand then moves
        purchases by as much as it matters to the choice. ``auto`` is the mean price and the mean promotion.
    quantity_terms : sequence of str or "auto"
        What the regressor sees, as in `ChosenTerms`; ``auto`` is price and promotion of the brand bought, and a
        constant for each brand.
    customer_terms : sequence of str
        Columns of numbers that say something of the customer, such as a segment's: where the terms of a part are
        ``auto`` they are among them, in the choice with a coefficient for each brand but the first. One that is the
        same on all rows of a part is none of its terms; nor, in the choice, one of 0 and 1 with hardly a choice of some
        brand where it is 1 (`is_told_apart`).

    Attributes
    ----------
    alternatives_ : tuple of str
        The J brands, in the order of their price columns.
    incidence_, choice_, quantity_
        The fitted models.
    incidence_terms_, quantity_terms_
        The fitted `PanelTerms` and `ChosenTerms` in front of them.
    feature_names_in_ : ndarray of str
        The columns that are read.

    References
    ----------
    .. [1] Ben-Akiva and Lerman (1985), Discrete Choice Analysis, section 10.3; for purchases of a category Bucklin and
       Lattin (1991), A two-state model of purchase incidence and brand choice, Marketing Science 10(1).
    """

    def __init__(
        self,
        incidence: Any,
        choice: Any,
        quantity: Any,
        *,
        incidence_terms: Sequence[str] | str = "auto",
        quantity_terms: Sequence[str] | str = "auto",
        customer_terms: Sequence[str] = (),
    ) -> None:
        self.incidence = incidence
        self.choice = choice
        self.quantity = quantity
        self.incidence_terms = incidence_terms
        self.quantity_terms = quantity_terms
        self.customer_terms = customer_terms

    def fit(self, X: pd.DataFrame, y: pd.DataFrame, groups: ArrayLike | None = None) -> PurchaseChain:
        """Fit the three models.

        Parameters
        ----------
        X : DataFrame of shape (n, columns)
            All occasions, with ``price_<alternative>`` and whatever the terms name.
        y : DataFrame of shape (n, 3)
            ``incidence`` (0 or 1), ``brand`` and ``quantity``; the last two matter where the first is 1.
        groups : array-like of shape (n,), optional
            The customer of each row, for standard errors that allow for the rows of a customer being alike.

        Returns
        -------
        PurchaseChain
            Itself.

        Raises
        ------
        ResponseError
            A brand without a price column, or whatever one of the models refuses, with the part that did.
        TypeError
            The input is not a pandas frame: terms are found by name.
        """
        frame = frame_of(X)
        bought = y["incidence"].to_numpy() == 1
        brand = levels(y[BRAND][bought]).to_numpy()
        self.alternatives_ = tuple(name.removeprefix(PRICE) for name in columns_of("price", map(str, frame.columns)))
        unknown = sorted(set(brand) - set(self.alternatives_))
        if unknown:
            told = f"bought, but without a column {PRICE}<brand>: {', '.join(unknown)}"
            raise ResponseError(told, "name the price's column after the brand, or leave these rows out")
        names = None if groups is None else np.asarray(groups)
        purchases, whose = frame[bought], None if names is None else names[bought]
        self._fit_choice(purchases, brand, whose)
        self._fit_quantity(purchases, brand, y["quantity"].to_numpy(dtype=np.float64)[bought], whose)
        self._fit_incidence(frame, bought.astype(np.int64), names)
        read = [
            *(f"{PRICE}{name}" for name in self.alternatives_),
            *self.incidence_terms_.feature_names_in_,
            *self.choice_.feature_names_in_,
            *self.quantity_terms_.feature_names_in_,
        ]
        self.feature_names_in_ = np.asarray([name for name in dict.fromkeys(read) if name != BRAND], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        return self

    def _fit_choice(self, X: pd.DataFrame, brand: NDArray[Any], groups: NDArray[Any] | None) -> None:
        if not isinstance(self.choice, ChoiceModel):
            told = f"{type(self.choice).__name__} is no model of choice that answers to each brand's price"
            raise ResponseError(told, "take one of cxai_runner.methods.choice, such as ConditionalLogit", "choice")
        model = clone(self.choice)
        if model.terms == "auto":
            promoted = {"promotion": "generic"} if self._promoted(X) else {}
            often = [name for name in self._of_customers(X) if is_told_apart(X[name], brand, self.alternatives_)]
            own = dict.fromkeys(often, "alternative")
            model.set_params(terms={"price": "generic", **promoted, **own, "constants": True})
        if model.alternatives is None:
            model.set_params(alternatives=list(self.alternatives_))
        self.choice_ = _refusing("choice", lambda: model.fit(X, brand, groups=groups))
        if self.choice_.alternatives_ != self.alternatives_:
            told = (
                f"chooses among {', '.join(self.choice_.alternatives_)}, but prices are of others or in another order"
            )
            raise ResponseError(told, "leave model.choice.alternatives out", "choice")

    def _fit_quantity(self, X: pd.DataFrame, brand: NDArray[Any], units: Floats, groups: NDArray[Any] | None) -> None:
        if not has_law(self.quantity):
            told = f"{type(self.quantity).__name__} predicts a number, and no probability of a count"
            remedy = "take one of cxai_runner.methods.quantity, or a regressor with a Poisson loss"
            raise ResponseError(told, remedy, "quantity")
        terms = self.quantity_terms
        if isinstance(terms, str):
            terms = ("price", *(("promotion",) if self._promoted(X) else ()))
            terms = (*terms, *((BRAND,) if len(set(brand)) > 1 else ()), *self._of_customers(X))
        rows = X.assign(**{BRAND: brand})
        self.quantity_terms_ = ChosenTerms(terms)
        seen = _refusing("quantity", lambda: self.quantity_terms_.fit(rows).transform(rows))
        given = seen_by(self.quantity, seen)
        self.quantity_ = _refusing("quantity", lambda: clone(self.quantity).fit(given, units, **_with(self, groups)))

    def _fit_incidence(self, X: pd.DataFrame, bought: NDArray[np.int64], groups: NDArray[Any] | None) -> None:
        if not hasattr(self.incidence, "predict_proba"):
            told = f"{type(self.incidence).__name__} predicts no probability of a purchase"
            raise ResponseError(told, "take a classifier that does, such as BinomialLogit", "incidence")
        terms = self.incidence_terms
        if isinstance(terms, str):
            terms = ("mean_price", *(("mean_promotion",) if self._promoted(X) else ()), *self._of_customers(X))
        self.inclusive_ = INCLUSIVE in terms
        if self.inclusive_ and not isinstance(self.choice_, ConditionalLogit | NestedLogit):
            told = f"the inclusive value of a {type(self.choice_).__name__} is not at hand"
            raise ResponseError(told, "take a conditional or nested logit, or leave inclusive_value out", "incidence")
        self.incidence_terms_ = PanelTerms([term for term in terms if term != INCLUSIVE])
        seen = _refusing("incidence", lambda: self.incidence_terms_.fit(X).transform(X))
        if self.inclusive_:
            seen = seen.assign(**{INCLUSIVE: self.inclusive_value(X)})
        given, extra = seen_by(self.incidence, seen), _with(self, groups, self.incidence)
        self.incidence_ = _refusing("incidence", lambda: clone(self.incidence).fit(given, bought, **extra))

    def _promoted(self, X: pd.DataFrame) -> bool:
        return is_promoted(X, self.alternatives_)

    def _of_customers(self, X: pd.DataFrame) -> tuple[str, ...]:
        absent = [name for name in self.customer_terms if name not in X]
        if absent:
            told = f"columns missing: {', '.join(absent)}"
            raise ResponseError(told, "bring them, or leave them out", "customer_terms")
        return tuple(name for name in self.customer_terms if X[name].nunique() > 1)

    def inclusive_value(self, X: pd.DataFrame) -> Floats:
        """Return the expected utility of the best brand on each occasion, but for a constant; shape (n,)."""
        data = self.choice_.read(frame_of(X))
        there = None if data.available is None else data.available.T
        return inclusive_value(self.choice_, self.choice_.layout(data).design(data), there)

    def forecast(self, X: pd.DataFrame) -> OccasionForecast:
        """Return how probable everything is that can happen on each occasion."""
        check_is_fitted(self, "feature_names_in_")
        frame = frame_of(X)
        absent = [name for name in self.feature_names_in_ if name not in frame]
        if absent:
            raise ResponseError(f"columns missing: {', '.join(absent)}", "bring them")
        return forecast(self, frame)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return what is expected of each occasion, as `OccasionForecast.frame`: units and revenue of each brand."""
        return self.forecast(X).frame().set_axis(X.index)

    def log_probability(self, X: pd.DataFrame, y: pd.DataFrame) -> Floats:
        """Return the logarithm of the probability of each outcome, by part, shape (n, 3)."""
        return self.forecast(X).log_probability(y)

    def score(self, X: pd.DataFrame, y: pd.DataFrame) -> float:
        """Return the mean logarithm of the probability of what happened."""
        return float(self.log_probability(X, y).sum(axis=1).mean())


def is_promoted(X: pd.DataFrame, alternatives: Sequence[str]) -> bool:
    """Whether each alternative has a promotion, and not all of them are the same on all rows."""
    names = [f"{PROMOTION}{name}" for name in alternatives]
    return all(name in X for name in names) and pd.unique(X[names].to_numpy().ravel()).size > 1


def frame_of(X: object) -> pd.DataFrame:
    """Return a frame as it is; raises TypeError for anything else."""
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"PurchaseChain finds columns by name: pass a pandas frame, not {type(X).__name__}")
    return X


def _with(chain: PurchaseChain, groups: NDArray[Any] | None, model: Any = None) -> dict[str, Any]:
    takes = has_fit_parameter(chain.quantity if model is None else model, "groups")
    return {"groups": groups} if takes and groups is not None else {}


def _refusing(part: str, call: Callable[[], Any]) -> Any:
    """Return what ``call`` returns; what it refuses is told as the part's."""
    try:
        return call()
    except ValueError as error:
        # Our models tell message and remedy apart, others say all in a line.
        message, _, remedy = str(error).partition("; ")
        message, remedy = getattr(error, "message", message), getattr(error, "remedy", remedy)
        raise ResponseError(message, remedy or "change its terms, or take another model", part) from error

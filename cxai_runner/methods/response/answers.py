"""What a fitted chain answers at given prices: units of each brand, and how each of its three parts moves them.

With U = I · P · Q for purchase, brand and quantity, all prices that move by the same share d log p change it by
dI·P·Q + I·dP·Q + I·P·dQ. For logits, whatever their form, and for the forms of `quantity` the three derivatives are
analytic in the terms; those of incidence and quantity enter by central differences of the terms (`STEP`), exact for
terms that are linear in price and else with a relative error of about STEP². A model of steps (trees) has no
derivative: its part is the arc elasticity between prices `ARC` lower and higher.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from cxai_runner.methods.choice.model import utilities
from cxai_runner.methods.logit_model import LogitModel, logistic
from cxai_runner.methods.quantity import QuantityModel
from cxai_runner.methods.quantity.terms import BRAND
from cxai_runner.methods.unnamed import seen_by

from .forecast import OccasionForecast
from .inclusive import inclusive_value

if TYPE_CHECKING:
    from .chain import PurchaseChain

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

STEP = 1e-4
ARC = 0.1
LOGITS = (LogitModel, LogisticRegression)


def smooth(chain: PurchaseChain) -> tuple[bool, bool]:
    """Whether incidence and quantity have a derivative by price."""
    return isinstance(chain.incidence_, LOGITS), isinstance(chain.quantity_, QuantityModel)


@dataclass(frozen=True, eq=False)
class Seen:
    """What the three models see of m occasions, at their prices and a little beside them.

    Parameters
    ----------
    frame
        The occasions as they are, m rows.
    price, moved
        Of each brand, shape (J, m); and what each price changes by per unit of log price: the price, or nothing.
    incidence
        Terms at lower, at these and at higher prices, shape (3, m, terms); without the inclusive value.
    quantity
        The same for a purchase of each brand, shape (3, J, m, terms).
    design, slopes, available
        Of the choice model, shapes (K, J, m), (K, J, m) and (J, m).
    """

    frame: pd.DataFrame
    price: Floats
    moved: Floats
    incidence: Floats
    quantity: Floats
    design: Floats
    slopes: Floats
    available: Flags | None


@dataclass(frozen=True, eq=False)
class Answer:
    """Expected units of each brand on each occasion, shape (J, m), and what moves them, shape (3, J, m).

    The parts are those of incidence, choice and quantity: changes of the units per unit of log price.
    """

    units: Floats
    parts: Floats


def see(chain: PurchaseChain, frame: pd.DataFrame, moving: Flags) -> Seen:
    """Return what the models see of occasions at which the prices of some brands move.

    Parameters
    ----------
    chain
        Fitted.
    frame
        Of m rows.
    moving
        Whose price moves, shape (J,).
    """
    names = [f"price_{name}" for name in chain.alternatives_]
    price = frame[names].to_numpy(dtype=np.float64).T

    def beside(share: float) -> pd.DataFrame:
        return frame.assign(**{names[j]: price[j] * (1 + share) for j in np.flatnonzero(moving)})

    by_incidence, by_quantity = (STEP if is_smooth else ARC for is_smooth in smooth(chain))
    incidence = [_terms(chain.incidence_terms_, rows) for rows in (beside(-by_incidence), frame, beside(by_incidence))]
    quantity = [_by_brand(chain, rows) for rows in (beside(-by_quantity), frame, beside(by_quantity))]
    data = chain.choice_.read(frame)
    layout = chain.choice_.layout(data)
    slopes = layout.slopes(data, "price") if "price" in data.attributes else np.zeros_like(layout.design(data))
    return Seen(
        frame,
        price,
        np.where(moving[:, np.newaxis], price, 0.0),
        np.stack(incidence),
        np.stack(quantity),
        layout.design(data),
        slopes,
        None if data.available is None else data.available.T,
    )


def answer(chain: PurchaseChain, seen: Seen) -> Answer:
    """Return what a chain answers to what it sees; another chain of the same terms may have seen it."""
    model = chain.choice_
    P, responses = model._responses(model.parameters_, seen.design, seen.slopes, seen.available)
    dP = np.einsum("kjm,jm->km", responses, seen.moved)
    extra = None
    if chain.inclusive_:
        by_price = utilities(model.parameters_[: len(seen.slopes)], seen.slopes)
        value = inclusive_value(model, seen.design, seen.available)
        extra = value, (P * by_price * seen.moved).sum(axis=0)
    I, dI = _incidence(chain, seen.incidence, extra)  # noqa: E741 - as in the formula above
    Q, dQ = _quantity(chain, seen.quantity)
    return Answer(I * P * Q, np.stack([dI * P * Q, I * dP * Q, I * P * dQ]))


def forecast(chain: PurchaseChain, frame: pd.DataFrame) -> OccasionForecast:
    """Return the law of each occasion's outcome, at its own prices."""
    share = chain.choice_.predict_proba(frame)
    seen = _terms(chain.incidence_terms_, frame)
    extra = (chain.inclusive_value(frame), np.zeros(len(frame))) if chain.inclusive_ else None
    probability, _ = _incidence(chain, np.stack([seen, seen, seen]), extra)
    final, terms = chain.quantity_, _by_brand(chain, frame)
    if isinstance(final, QuantityModel):
        location = np.asarray(final.location_of(final.intercept_ + terms @ final.coef_))
        law, shape, expected = final.law, float(final.shape_), final.mean(location, final.shape_)
    else:
        location = expected = _predicted(chain, terms)
        law, shape = "poisson", 0.0
    price = frame[[f"price_{name}" for name in chain.alternatives_]].to_numpy(dtype=np.float64)
    units = probability[:, np.newaxis] * share * expected.T
    return OccasionForecast(chain.alternatives_, probability, share, law, location.T, shape, units, units * price)


def _incidence(chain: PurchaseChain, seen: Floats, extra: tuple[Floats, Floats] | None) -> tuple[Floats, Floats]:
    """Probability of a purchase and its derivative, each of shape (m,)."""
    final = chain.incidence_
    below, here, above = seen
    if not isinstance(final, LOGITS):
        names = chain.incidence_terms_.get_feature_names_out()

        def predicted(terms: Floats) -> Floats:
            rows = seen_by(final, pd.DataFrame(terms, columns=names))
            return np.asarray(final.predict_proba(rows)[:, 1], dtype=np.float64)

        return predicted(here), _arc(predicted, below, here, above)
    move = (above - below) / (2 * STEP)
    if extra is not None:
        here, move = np.column_stack([here, extra[0]]), np.column_stack([move, extra[1]])
    coefficients = np.asarray(final.coef_)[0]
    log_odds = here @ coefficients + np.asarray(final.intercept_)[0]
    found = final.curvature(log_odds) if isinstance(final, LogitModel) else logistic(log_odds)
    return found.probability, found.first * (move @ coefficients)


def _quantity(chain: PurchaseChain, seen: Floats) -> tuple[Floats, Floats]:
    """Expected units of a purchase of each brand and their derivatives, each of shape (J, m)."""
    final = chain.quantity_
    below, here, above = seen
    if not isinstance(final, QuantityModel):

        def predicted(terms: Floats) -> Floats:
            return _predicted(chain, terms)

        return predicted(here), _arc(predicted, below, here, above)
    location = final.location_of(final.intercept_ + here @ final.coef_)
    move = ((above - below) / (2 * STEP)) @ final.coef_
    return final.mean(location, final.shape_), final.slope(location, final.shape_) * move


def _arc(predicted: Callable[[Floats], Floats], below: Floats, here: Floats, above: Floats) -> Floats:
    tiny = np.finfo(np.float64).tiny
    low, middle, high = (np.maximum(predicted(terms), tiny) for terms in (below, here, above))
    return np.asarray(middle * np.log(high / low) / np.log((1 + ARC) / (1 - ARC)))


def _predicted(chain: PurchaseChain, terms: Floats) -> Floats:
    names = chain.quantity_terms_.get_feature_names_out()
    flat = pd.DataFrame(terms.reshape(-1, terms.shape[-1]), columns=names)
    expected = chain.quantity_.predict(seen_by(chain.quantity_, flat))
    return np.asarray(expected, dtype=np.float64).reshape(terms.shape[:-1])


def _terms(transformer: Any, frame: pd.DataFrame) -> Floats:
    return np.asarray(transformer.transform(frame), dtype=np.float64)


def _by_brand(chain: PurchaseChain, frame: pd.DataFrame) -> Floats:
    """What the regressor sees of a purchase of each brand, shape (J, m, terms)."""
    J, m = len(chain.alternatives_), len(frame)
    read = [name for name in chain.quantity_terms_.feature_names_in_ if name != BRAND]
    stacked = frame[read].iloc[np.tile(np.arange(m), J)].reset_index(drop=True)
    stacked[BRAND] = np.repeat(np.asarray(chain.alternatives_, dtype=object), m)
    return _terms(chain.quantity_terms_, stacked).reshape(J, m, -1)

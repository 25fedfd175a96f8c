"""Units, revenue and elasticities of all brands over the prices of one, with what resampled customers say of them.

The elasticity of brand k's units to the price of brand b is Σ_n dU_nk / Σ_n U_nk: an occasion's answer, weighted by
the units of brand k that are expected of it. As dU is the sum of three parts, so is the elasticity.

The three parts are those of Gupta (1988) [1]_. That most of an elasticity comes by choice does not say that most units
are taken from other brands, since whoever comes to buy the category buys some of those too: where the units of a brand
come from is told in units [2]_, by `Response.diverted`.

At the observed prices every price of the brand moves by the same share. Over a grid, the brand has one price on all
occasions, and what else there is stays as observed; competitors' prices too, or they are *matched*: each moves by the
same share as the brand's.

References
----------
.. [1] Gupta (1988), Impact of sales promotions on when, what, and how much to buy, Journal of Marketing Research 25(4).
.. [2] van Heerde, Gupta and Wittink (2003), Is 75 % of the sales promotion bump due to brand switching? No, only 33 %
   is, Journal of Marketing Research 40(4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from .answers import Seen, answer, see
from .chain import PRICE, PROMOTION, PurchaseChain
from .forecast import PARTS

Floats = NDArray[np.float64]
Competitors = Literal["fixed", "matched"]

ALL = "all occasions"
NAMES = ("total", *PARTS)
CHUNK = 20_000


@dataclass(frozen=True)
class Scenario:
    """Whose price moves, what competitors do, and whether the brand is on promotion.

    Parameters
    ----------
    brand
        Whose price moves.
    competitors
        ``fixed``: their prices stay. ``matched``: they move by the same share.
    promotion
        Of the brand on all occasions, 0 … 1; as observed where it is None.
    """

    brand: str
    competitors: Competitors = "fixed"
    promotion: float | None = None

    def moving(self, alternatives: Sequence[str]) -> NDArray[np.bool_]:
        """Return whose price moves, shape (J,)."""
        return np.asarray([self.competitors == "matched" or name == self.brand for name in alternatives])

    def at(self, frame: pd.DataFrame, price: float | None = None) -> pd.DataFrame:
        """Return the occasions with the brand at a price, or at the observed ones where it is None."""
        own = f"{PRICE}{self.brand}"
        changed: dict[str, Any] = {}
        if price is not None:
            if self.competitors == "matched":
                share = price / frame[own]
                changed = {name: frame[name] * share for name in map(str, frame) if name.startswith(PRICE)}
            changed[own] = float(price)
        promotion = f"{PROMOTION}{self.brand}"
        if self.promotion is not None and promotion in frame:
            changed[promotion] = float(self.promotion)
        return frame.assign(**changed)


@dataclass(frozen=True, eq=False)
class Occasions:
    """The occasions over which is averaged, those that a chain sees alike counted together.

    Parameters
    ----------
    frame
        The R rows that differ.
    code
        Which of them each of the n occasions is, shape (n,).
    used
        Which of the n occasions are counted, shape (n,).
    groups
        Masks of the occasions by name, each of shape (n,); the first is `ALL`.
    """

    frame: pd.DataFrame
    code: NDArray[np.intp]
    used: NDArray[np.bool_]
    groups: Mapping[str, NDArray[np.bool_]]

    @classmethod
    def of(cls, X: pd.DataFrame, columns: Sequence[str], groups: Mapping[str, ArrayLike] | None = None) -> Occasions:
        """Count the rows of ``X`` that agree in ``columns`` together; the order of rows does not matter."""
        code = np.asarray(X.groupby(list(columns), sort=True, dropna=False).ngroup(), dtype=np.intp)
        first = np.unique(code, return_index=True)[1]
        everyone = np.ones(len(X), dtype=bool)
        masks = {ALL: everyone} | {name: np.asarray(mask, dtype=bool) for name, mask in (groups or {}).items()}
        return cls(X[list(columns)].iloc[first].reset_index(drop=True), code, everyone, masks)

    @property
    def count(self) -> int:
        """How many occasions are counted."""
        return int(self.used.sum())

    def together(self) -> Occasions:
        """Return the same occasions, all as one group."""
        return replace(self, groups={ALL: self.groups[ALL]})

    def sampled(self, rng: np.random.Generator, most: int) -> Occasions:
        """Return ``most`` occasions drawn at random, where more than so many rows differ."""
        if len(self.frame) <= most:
            return self
        used = np.zeros(len(self.code), dtype=bool)
        used[rng.choice(len(self.code), most, replace=False)] = True
        kept, code = np.unique(self.code[used], return_inverse=True)
        every = np.zeros(len(self.code), dtype=np.intp)
        every[used] = code
        return Occasions(self.frame.iloc[kept].reset_index(drop=True), every, used, self.groups)

    def weights(self, times: Floats) -> Floats:
        """Return how often each row counts in each group, shape (G, R), if each occasion counts so many times."""
        counted = [mask & self.used for mask in self.groups.values()]
        rows = [np.bincount(self.code[mask], times[mask], len(self.frame)) for mask in counted]
        return np.asarray(rows, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Draw:
    """A fitted chain, and how often each occasion counts for it, shape (n,)."""

    chain: PurchaseChain
    times: Floats


@dataclass(frozen=True, eq=False)
class Response:
    """What is expected of an occasion at A prices in G groups: the estimate first, then what D − 1 resamples say.

    Parameters
    ----------
    scenario, alternatives, groups
        What was asked: the scenario, the J brands, and the names of the groups.
    price
        Of the brand, shape (A,); its mean where each occasion has its own.
    units, revenue
        Of each brand, shape (D, A, G, J).
    parts
        Changes of the units per unit of log price, by part, shape (D, A, G, 3, J).
    """

    scenario: Scenario
    alternatives: tuple[str, ...]
    groups: tuple[str, ...]
    price: Floats
    units: Floats
    revenue: Floats
    parts: Floats

    @property
    def own(self) -> int:
        """The position of the brand whose price moves."""
        return self.alternatives.index(self.scenario.brand)

    def elasticity(self, brand: str | None = None) -> Floats:
        """Return total and three parts of an elasticity, shape (D, A, G, 4).

        Parameters
        ----------
        brand
            Whose units answer; those of all brands together where it is None.
        """
        which = slice(None) if brand is None else [self.alternatives.index(brand)]
        units = self.units[..., which].sum(axis=-1)[..., np.newaxis]
        parts = self.parts[..., which].sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):  # so far from what was observed that no unit is left
            return np.concatenate([parts.sum(axis=-1, keepdims=True), parts], axis=-1) / units

    def spread_as(self, other: Response) -> Response:
        """Return this estimate with the deviations of another's resamples from its own estimate."""

        def spread(mine: Floats, others: Floats) -> Floats:
            return np.concatenate([mine[:1], mine[:1] + others[1:] - others[:1]])

        return replace(
            self,
            units=spread(self.units, other.units),
            revenue=spread(self.revenue, other.revenue),
            parts=spread(self.parts, other.parts),
        )

    def diverted(self) -> Floats:
        """Return what becomes of a unit that the brand loses by a higher price, shape (D, A, G, J + 1).

        For each brand how much of it that one gains, 0 for the brand itself; last what the category loses.
        """
        change = self.parts.sum(axis=-2)
        lost = -change[..., [self.own]]
        gained = change / lost
        gained[..., self.own] = 0.0
        return np.concatenate([gained, -change.sum(axis=-1, keepdims=True) / lost], axis=-1)


def respond(draws: Sequence[Draw], occasions: Occasions, scenario: Scenario, grid: ArrayLike | None = None) -> Response:
    """Return units, revenue and what moves them, at the observed prices or with the brand's price on a grid.

    Parameters
    ----------
    draws
        The estimate first; all chains have the same terms.
    occasions
        Over which is averaged.
    scenario
        Whose price moves, and what else.
    grid
        Prices of the brand, shape (A,).
    """
    chain = draws[0].chain
    moving = scenario.moving(chain.alternatives_)
    weights = [occasions.weights(draw.times) for draw in draws]
    prices: list[float | None] = [None] if grid is None else [float(one) for one in np.asarray(grid)]
    shape = (len(draws), len(prices), len(occasions.groups), 2 + len(PARTS), len(chain.alternatives_))
    sums, R = np.zeros(shape), len(occasions.frame)
    # As many prices at once as make a block; of very many rows a block of them at each price.
    together = max(1, CHUNK // R)
    for first in range(0, len(prices), together):
        some = slice(first, first + together)
        for start in range(0, R, CHUNK):
            rows = slice(start, start + CHUNK)
            part = occasions.frame.iloc[rows]
            frame = pd.concat([scenario.at(part, price) for price in prices[some]], ignore_index=True)
            seen = see(chain, frame, moving)
            for d, draw in enumerate(draws):
                sums[d, some] += _sums(draw.chain, seen, weights[d][:, rows])
    per = np.stack([w.sum(axis=1) for w in weights])[:, np.newaxis, :, np.newaxis, np.newaxis]
    with np.errstate(invalid="ignore", divide="ignore"):  # a group that a resample has no occasion of
        sums = sums / per
    own = occasions.frame[f"{PRICE}{scenario.brand}"].to_numpy(dtype=np.float64)
    at = np.atleast_1d(np.average(own, weights=weights[0][0])) if grid is None else np.asarray(grid, dtype=np.float64)
    return Response(
        scenario, chain.alternatives_, tuple(occasions.groups), at, sums[..., 0, :], sums[..., 1, :], sums[..., 2:, :]
    )


def _sums(chain: PurchaseChain, seen: Seen, weights: Floats) -> Floats:
    """Units, revenue and three parts of each brand, summed over each group's rows, shape (A, G, 5, J).

    Of A prices at once, the price outermost; ``weights`` has shape (G, rows).
    """
    found = answer(chain, seen)
    numbers = np.stack([found.units, found.units * seen.price, *found.parts])
    by_price = numbers.reshape(*numbers.shape[:2], -1, weights.shape[1])
    return np.asarray(np.einsum("gm,njam->agnj", weights, by_price, optimize=True))


def interval(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Return estimate, and low and high end of its 95 % interval, over the first axis of D ≥ 3 draws.

    The estimate ± t · the standard deviation of the resamples, with t from Student's distribution; a resample in which
    the number does not exist is left out.
    """
    resamples = values[1:]
    known = np.isfinite(resamples)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, resamples, 0.0).sum(axis=0) / count
        spread = np.sqrt(np.where(known, (resamples - mean) ** 2, 0.0).sum(axis=0) / (count - 1))
    reach = stats.t.ppf(0.975, np.maximum(count - 1, 1)) * spread
    return values[0], values[0] - reach, values[0] + reach

"""How probable everything is that can happen on an occasion, and what is expected of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.methods.levels import levels
from cxai_runner.methods.quantity import laws
from cxai_runner.methods.quantity.terms import BRAND

Floats = NDArray[np.float64]

PROBABILITY, SHARE, UNITS, REVENUE = "purchase_probability", "share_", "units_", "revenue_"
LOCATION, SHAPE, TOTAL = "_location_", "_shape", "units"
PARTS = ("incidence", "choice", "quantity")


@dataclass(frozen=True, eq=False)
class OccasionForecast:
    """The law of an occasion's outcome.

    Parameters
    ----------
    alternatives
        Names of the J brands.
    probability
        Of a purchase, shape (n,).
    share
        Probability of each brand given a purchase, shape (n, J).
    law, location, shape
        Of the units given a purchase of each brand, as in `quantity.laws`: a name, shape (n, J), and a number.
    units
        Expected units of each brand, P(purchase) · share · E[units | brand], shape (n, J).
    revenue
        Those times the brand's price, shape (n, J).
    """

    alternatives: tuple[str, ...]
    probability: Floats
    share: Floats
    law: str
    location: Floats
    shape: float
    units: Floats
    revenue: Floats

    def log_probability(self, y: pd.DataFrame) -> Floats:
        """Return the logarithm of the probability of each outcome, shape (n, 3).

        The columns are those of `PARTS`; their sum is that of the whole outcome: log P(nothing), or
        log P(purchase) + log P(brand | purchase) + log P(quantity | brand).

        Parameters
        ----------
        y : DataFrame of shape (n, 3)
            ``incidence``, ``brand`` and ``quantity``.
        """
        bought = y["incidence"].to_numpy() == 1
        tiny = np.finfo(np.float64).eps
        inside = np.clip(self.probability, tiny, 1 - tiny)
        found = np.zeros((len(bought), 3))
        found[:, 0] = np.where(bought, np.log(inside), np.log1p(-inside))
        rows = np.flatnonzero(bought)
        names = levels(y[BRAND].iloc[rows])
        chosen = np.asarray(pd.Index(self.alternatives).get_indexer(pd.Index(names)))
        if (chosen < 0).any():
            raise ValueError(f"none of the alternatives: {', '.join(sorted(set(names[chosen < 0])))}")
        found[rows, 1] = np.log(np.maximum(self.share[rows, chosen], np.finfo(np.float64).tiny))
        count = y["quantity"].to_numpy(dtype=np.float64)[rows]
        found[rows, 2] = laws.log_probability(self.law, count, self.location[rows, chosen], self.shape)
        return found

    def frame(self) -> pd.DataFrame:
        """Return all of it as columns, the expected units of the whole category last."""
        columns = {PROBABILITY: self.probability}
        for prefix, values in (
            (SHARE, self.share),
            (f"{self.law}{LOCATION}", self.location),
            (UNITS, self.units),
            (REVENUE, self.revenue),
        ):
            columns |= {f"{prefix}{name}": values[:, j] for j, name in enumerate(self.alternatives)}
        columns[f"{self.law}{SHAPE}"] = np.full(len(self.probability), self.shape)
        return pd.DataFrame({**columns, TOTAL: self.units.sum(axis=1)})

    @classmethod
    def of(cls, frame: pd.DataFrame) -> OccasionForecast | None:
        """Read what `frame` returns; None for any other frame."""
        names = tuple(str(name).removeprefix(UNITS) for name in frame.columns if str(name).startswith(UNITS))
        for law in laws.LAWS:
            prefixes = (SHARE, f"{law}{LOCATION}", UNITS, REVENUE)
            wanted = [PROBABILITY, f"{law}{SHAPE}", *(f"{prefix}{name}" for prefix in prefixes for name in names)]
            if names and len(frame) and set(wanted) <= set(frame.columns):
                share, location, units, revenue = (
                    frame[[f"{prefix}{name}" for name in names]].to_numpy(dtype=np.float64) for prefix in prefixes
                )
                shape = float(frame[f"{law}{SHAPE}"].iloc[0])
                return cls(names, frame[PROBABILITY].to_numpy(float), share, law, location, shape, units, revenue)
        return None

"""How long customers stay: survival by Kaplan and Meier, the hazard over time, and the time that is left to them.

A customer is seen from their beginning to an end that happened (an event) or to the last day on which anybody looked
(censored). Nothing is assumed of the shape of survival; what lies beyond the longest observed time is not known, so
that every mean is restricted: it counts the time up to a limit that is stated with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_Z: Final = 1.959963984540054
"""Of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Restricted:
    """A mean time up to a limit.

    Parameters
    ----------
    value, low, high
        With its 95 % interval, in the unit of the durations.
    limit
        The time up to which it counts.
    """

    value: float
    low: float
    high: float
    limit: float


class Survival:
    """The survival function of one group of customers, estimated by Kaplan and Meier (1958).

    Parameters
    ----------
    durations : array of shape (n_customers,)
        How long each was seen, 0 or more.
    events : array of shape (n_customers,)
        Whether it ended then; otherwise nobody looked any longer.

    Raises
    ------
    ValueError
        Nobody is there, the two are not of one length, a duration is missing, infinite or below 0, or an event is
        neither 0 nor 1.
    """

    def __init__(self, durations: ArrayLike, events: ArrayLike) -> None:
        times, ended = np.asarray(durations, dtype=np.float64), np.asarray(events, dtype=np.float64)
        if times.ndim != 1 or times.shape != ended.shape or not len(times):
            raise ValueError(f"one duration and one event per customer, not {times.shape} and {ended.shape}")
        if not np.isfinite(times).all() or (times < 0).any():
            raise ValueError("a duration is a number of at least 0")
        if not np.isin(ended, (0.0, 1.0)).all():
            raise ValueError("an event is 0 or 1")
        self.durations, self.events = times, ended.astype(np.int64)

    @property
    def limit(self) -> float:
        """The longest time that anybody was seen."""
        return float(self.durations.max())

    @cached_property
    def curve(self) -> pd.DataFrame:
        """One row per time at which it ended for somebody.

        ``time``, ``survival``, ``low``, ``high``, ``at_risk`` and ``events``. The 95 % interval is that of log(−log S),
        which stays within 0 and 1 (Kalbfleisch and Prentice 2002, 1.4); the variance is Greenwood's.
        """
        if not self.events.any():
            names = ("time", "survival", "low", "high", "at_risk", "events")
            return pd.DataFrame({name: np.array([], dtype=float) for name in names})
        found = self._estimated
        survival = np.asarray(found.surv_prob, dtype=np.float64)
        low, high = _log_log(survival, np.asarray(found.surv_prob_se, dtype=np.float64))
        return pd.DataFrame(
            {
                "time": np.asarray(found.surv_times, dtype=np.float64),
                "survival": survival,
                "low": low,
                "high": high,
                "at_risk": np.asarray(found.n_risk).astype(np.int64),
                "events": np.asarray(found.n_events).astype(np.int64),
            }
        )

    def at(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return the share that is still there after each time; missing beyond the longest observed one."""
        asked = np.asarray(times, dtype=np.float64)
        steps = np.concatenate([[1.0], self.curve["survival"].to_numpy()])
        found = steps[np.searchsorted(self.curve["time"].to_numpy(), asked, side="right")]
        return np.where(asked <= self.limit, found, np.nan)

    def median(self) -> float | None:
        """Return the first time after which at most half are still there; None where that was not seen."""
        below = self.curve[self.curve["survival"] <= 0.5]
        return None if below.empty else float(below["time"].iloc[0])

    def hazard(self, edges: ArrayLike) -> pd.DataFrame:
        """Return events per customer and unit of time, for stretches of time.

        ``start``, ``end``, ``events``, ``exposure`` (time that customers spent in the stretch), ``hazard``, ``low`` and
        ``high``. Within a stretch the hazard is taken as constant, so that its estimate is events by exposure, and the
        logarithm of it has the variance 1/events (Holford 1980). Without an event there is no interval from below; the
        one from above is 3.69 events by exposure, the exact upper limit of a count of 0.

        Parameters
        ----------
        edges : array of shape (n_stretches + 1,)
            Where stretches begin and end: each is from its beginning on, before its end; the last one includes it.
        """
        bounds = np.asarray(edges, dtype=np.float64)
        rows = []
        for number, (start, end) in enumerate(pairwise(bounds.tolist())):
            last = number == len(bounds) - 2
            inside = (self.durations >= start) & ((self.durations <= end) if last else (self.durations < end))
            ended = int(self.events[inside].sum())
            exposure = float(np.clip(self.durations - start, 0, end - start).sum())
            rows.append((start, end, ended, exposure, *_rate(ended, exposure)))
        return pd.DataFrame(rows, columns=["start", "end", "events", "exposure", "hazard", "low", "high"])

    def mean(self, limit: float | None = None) -> Restricted:
        """Return the mean time up to ``limit``, the longest observed one where none is given; see `remaining`."""
        return self.remaining(0.0, limit)

    def remaining(self, since: float, limit: float | None = None) -> Restricted:
        """Return the mean time that is left to those who are still there after ``since``, up to ``limit``.

        It is ∫ S(t) dt from ``since`` to ``limit``, divided by S(``since``). Its variance is that of the restricted
        mean (Klein and Moeschberger 2003, 4.5) of the customers who are seen from ``since`` on.

        Raises
        ------
        ValueError
            ``since`` is not before ``limit``, or ``limit`` lies beyond the longest observed time.
        """
        until = self.limit if limit is None else float(limit)
        if not 0 <= since < until <= self.limit:
            raise ValueError(f"from {since:g} to {until:g}: customers were seen from 0 to {self.limit:g}")
        curve = self.curve
        times = curve["time"].to_numpy()
        steps = (times > since) & (times <= until)
        own, at_risk, ended = times[steps], curve["at_risk"].to_numpy()[steps], curve["events"].to_numpy()[steps]
        levels = np.concatenate([[1.0], np.cumprod(1 - ended / at_risk)]) if len(own) else np.ones(1)
        places = np.concatenate([[since], own, [until]])
        areas = levels * np.diff(places)
        value = float(areas.sum())
        left = areas[::-1].cumsum()[::-1][1:]
        rest = at_risk - ended
        terms = np.divide(left**2 * ended, at_risk * rest, out=np.zeros(len(own)), where=rest > 0)
        spread = _Z * float(np.sqrt(terms.sum()))
        return Restricted(value, max(value - spread, 0.0), min(value + spread, until - since), until)

    @cached_property
    def _estimated(self) -> Any:
        from statsmodels.duration.survfunc import SurvfuncRight

        return SurvfuncRight(self.durations, self.events)


def _log_log(survival: NDArray[np.float64], error: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """The interval of log(−log S); where S is 1 or 0, S itself."""
    inside = (survival > 0) & (survival < 1)
    safe = np.where(inside, survival, 0.5)
    spread = _Z * np.where(inside, error, 0.0) / np.abs(safe * np.log(safe))
    return tuple(np.where(inside, safe ** np.exp(sign * spread), survival) for sign in (1, -1))


def _rate(events: int, exposure: float) -> tuple[float, float, float]:
    """Events by exposure with its interval; missing without exposure."""
    if not exposure:
        return np.nan, np.nan, np.nan
    if not events:
        return 0.0, 0.0, 3.688879454113936 / exposure
    rate, spread = events / exposure, float(np.exp(_Z / np.sqrt(events)))
    return rate, rate / spread, rate * spread

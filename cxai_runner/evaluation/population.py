"""How a population is spread, taken down when a model is trained and compared with the rows that it meets later.

Each column is counted in bins: a number or a date between the tenths of the training rows, a text by its value, and
always what is missing. Two counts over the same bins give the population stability index

    PSI = Σ_b (p_b − q_b) · ln(p_b / q_b)

with p_b and q_b the shares of the new and of the training rows in bin b (Siddiqi (2006), Credit Risk Scorecards,
chapter 6; it is the symmetrised Kullback-Leibler divergence). Half a row is added to every bin, so that an empty one
gives a finite figure. By custom 0.1 is worth a look, and 0.25 a new model.

A list of any length, such as what a customer bought, comes but once: it is counted by a number that stands for it, how
much is in it or, where that is numbers, the last of them: what is newest.

Chance alone makes it larger the fewer rows there are: where nothing moved, PSI is distributed nearly as
(1/n + 1/m) · χ² with as many degrees of freedom as there are bins less one, n and m being the numbers of rows
(Yurdakul and Naranjo (2020), Statistical properties of the population stability index, Journal of Risk Model
Validation 14(4)). What is within the 95th percentile of that says nothing, and rows are too few where that percentile
is itself above the threshold. Rows are counted as if they were independent; many of one customer tell less.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from cxai_runner.evaluation.intervals import of_share
from cxai_runner.evaluation.results import Interval

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Hide = Callable[[pd.Series], pd.Series]

Listed = Literal["length", "last"]

BINS: Final = 10
TOLD: Final = 20
"""How many values of a text are bins of their own; the rest are one."""
KEPT: Final = 1000
"""How many values of a text are kept, so that one that was never seen is known."""
_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, eq=False)
class Spread:
    """How one column of the training rows is spread.

    Parameters
    ----------
    edges
        Of a number, or of a date as days since 1970: bin b holds what is above edge b−1 and not above edge b; the outer
        ones have no end.
    values
        Of a text: its commonest values, as many as are bins of their own.
    others
        Of a text: further values that were seen; None where there were too many to keep.
    counts
        Training rows in each bin; of a text, the last but one counts other values. The last counts what is missing.
    listed
        Of a list, the number that stands for it: its ``length``, or the ``last`` of its numbers.
    dates
        Whether it is a column of dates.
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...] | None = None
    values: tuple[str, ...] = ()
    others: frozenset[str] | None = frozenset()
    listed: Listed | None = None
    dates: bool = False

    @classmethod
    def of_lists(cls, column: pd.Series) -> Spread:
        """Take down how the numbers that stand for lists are spread."""
        listed: Listed = "last" if _are_numbers(column) else "length"
        return replace(cls.of(_standing_for(column, listed)), listed=listed)

    @classmethod
    def of(cls, column: pd.Series) -> Spread:
        """Take down how a column is spread."""
        if is_number(column) or _is_date(column):
            known = _sizes(column.dropna())
            inner = np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf") if len(known) else np.array([])
            # An edge at the largest value would leave a bin that nothing is in.
            edges = tuple(float(edge) for edge in np.unique(inner) if edge < known.max())
            empty = cls((), edges=edges, dates=_is_date(column))
        else:
            seen = column.dropna().astype(str).value_counts()
            ordered = sorted(seen.index, key=lambda value: (-seen[value], value))
            others = frozenset(ordered[TOLD:]) if len(ordered) <= KEPT else None
            empty = cls((), values=tuple(ordered[:TOLD]), others=others)
        counts = empty.count(column)
        return replace(empty, counts=tuple(int(count) for count in counts))

    def count(self, column: pd.Series) -> NDArray[np.int64]:
        """Count the rows of a column in each bin."""
        if self.listed is not None:
            column = _standing_for(column, self.listed)
        missing = column.isna()
        place: NDArray[np.integer[Any]]
        if self.edges is not None:
            known = _sizes(column[~missing])
            place = np.searchsorted(np.asarray(self.edges), known, side="left")
            size = len(self.edges) + 1
        else:
            places = {value: number for number, value in enumerate(self.values)}
            size = len(places) + 1
            seen = column[~missing].astype(str)
            place = seen.map(places).fillna(size - 1).to_numpy(dtype=np.int64)
        return np.append(np.bincount(place, minlength=size), int(missing.sum()))

    def unseen(self, column: pd.Series) -> pd.Series:
        """Whether each value of a text is one that no training row had; nowhere where too many were seen to keep."""
        import pandas as pd

        if self.edges is not None or self.others is None:
            return pd.Series(False, index=column.index)
        return column.notna() & ~column.astype(str).isin([*self.values, *self.others])

    def label(self, number: int) -> str:
        """What bin ``number`` holds, in words."""
        if number == len(self.counts) - 1:
            return "missing"
        if self.edges is None:
            return self.values[number] if number < len(self.values) else "other values"
        ends = [str(np.datetime64(int(one), "D")) if self.dates else f"{one:.4g}" for one in self.edges]
        low = f"{ends[number - 1]} < " if number else ""
        high = f" ≤ {ends[number]}" if number < len(ends) else ""
        word = self.listed or "value"
        return f"{low}{word}{high}" if low or high else f"any {word}"

    def plain(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        if self.edges is not None:
            listed = {} if self.listed is None else {"listed": self.listed}
            return {"edges": list(self.edges), "counts": list(self.counts), "dates": self.dates, **listed}
        others = None if self.others is None else sorted(self.others)
        return {"values": list(self.values), "others": others, "counts": list(self.counts)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Spread:
        """Return what `plain` gave."""
        counts, edges, others = tuple(plain["counts"]), plain.get("edges"), plain.get("others", ())
        return cls(
            counts,
            None if edges is None else tuple(edges),
            tuple(plain.get("values", ())),
            None if others is None else frozenset(others),
            plain.get("listed"),
            bool(plain.get("dates", False)),
        )


@dataclass(frozen=True)
class Moved:
    """How far one column moved.

    Parameters
    ----------
    name, part
        The column, and whether it is an ``input`` or a ``score``.
    psi
        The population stability index.
    chance
        What it stays below in 19 of 20 cases where nothing moved.
    verdict
        ``stable``, ``moved`` (above the first threshold), ``shifted`` (above the second), or ``too few rows``.
    rows
        The new rows.
    missing_before, missing
        Shares of rows without a value, in training and now.
    most
        The bin that moved most, with its shares in training and now.
    """

    name: str
    part: str
    psi: float
    chance: float
    verdict: str
    rows: int
    missing_before: float
    missing: float
    most: str


@dataclass(frozen=True)
class LabelShare:
    """How many of the rows have one of the labels that a model answers with: a segment, say.

    Parameters
    ----------
    name, label
        What the model answers, and one of its answers.
    rows_before, rows
        Training rows, and new rows, with this label.
    before, now
        Their shares with 95 % intervals.
    """

    name: str
    label: str
    rows_before: int
    rows: int
    before: Interval
    now: Interval

    @property
    def moved(self) -> str:
        """``more``, ``fewer``, or nothing where the two intervals overlap."""
        if self.now.low > self.before.high:
            return "more"
        return "fewer" if self.now.high < self.before.low else ""


@dataclass(eq=False)
class Comparison:
    """Counts the rows that a model meets in the bins of those that it was trained on."""

    spreads: Mapping[tuple[str, str], Spread]
    """By part and name of the column."""
    hide: Hide
    """Turns a column into what may be kept of it, as it was when the training rows were taken down."""
    _counts: dict[tuple[str, str], NDArray[np.int64]] = field(default_factory=dict)

    def take(self, part: str, rows: pd.DataFrame) -> None:
        """Count further rows."""
        for (of, name), spread in self.spreads.items():
            if of == part and name in rows:
                counts = spread.count(rows[name] if spread.listed else self.hide(rows[name]))
                self._counts[of, name] = self._counts.get((of, name), np.zeros_like(counts)) + counts

    def moved(self, warn: float, alarm: float) -> Iterator[Moved]:
        """Yield how far each column moved, inputs first."""
        for (part, name), counts in self._counts.items():
            spread = self.spreads[part, name]
            before = np.asarray(spread.counts)
            psi, chance, most = stability_index(before, counts)
            words = f"{spread.label(most)}: {_share(before, most)} → {_share(counts, most)}"
            yield Moved(
                name=name,
                part=part,
                psi=psi,
                chance=chance,
                verdict=_verdict(psi, chance, warn, alarm),
                rows=int(counts.sum()),
                missing_before=float(before[-1] / before.sum()),
                missing=float(counts[-1] / counts.sum()),
                most=words,
            )

    def shares(self) -> Iterator[LabelShare]:
        """Yield how many rows have each label, where a model answers with labels."""
        for (part, name), counts in self._counts.items():
            spread = self.spreads[part, name]
            if part != "score" or spread.edges is not None:
                continue
            before = np.asarray(spread.counts)
            for number in np.flatnonzero((before + counts) > 0).tolist():
                many = int(before[number]), int(counts[number])
                shares = (of_share(one, int(of.sum())) for one, of in zip(many, (before, counts), strict=True))
                yield LabelShare(name, spread.label(number), *many, *shares)


def stability_index(before: NDArray[np.int64], now: NDArray[np.int64]) -> tuple[float, float, int]:
    """Return the population stability index, its 95th percentile by chance alone, and the bin that moved most.

    Parameters
    ----------
    before, now
        Counts over the same bins, shape (bins,).
    """
    from scipy.stats import chi2

    used = np.flatnonzero((before + now) > 0)
    q, p = ((counts[used] + 0.5) / (counts.sum() + 0.5 * len(used)) for counts in (before, now))
    parts = (p - q) * np.log(p / q)
    freedom = max(len(used) - 1, 1)
    chance = float(chi2.ppf(_CONFIDENCE, freedom)) * (1 / before.sum() + 1 / now.sum())
    return float(parts.sum()), chance, int(used[parts.argmax()])


def is_number(column: pd.Series) -> bool:
    """Whether a column is counted between edges."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return is_numeric_dtype(column) or is_bool_dtype(column)


def _is_date(column: pd.Series) -> bool:
    from pandas.api.types import is_datetime64_any_dtype

    return is_datetime64_any_dtype(column)


def _sizes(known: pd.Series) -> NDArray[np.float64]:
    """The values of a column without gaps as numbers, dates as days since 1970."""
    if _is_date(known):
        return known.to_numpy(dtype="datetime64[us]").astype(np.int64) / 86_400e6
    return known.to_numpy(dtype=float)


def written(inputs: pd.DataFrame, scores: pd.DataFrame, hide: Hide, lists: Collection[str] = ()) -> dict[str, Any]:
    """Take down how training rows are spread, as plain JSON values: ``input`` and ``score`` by column.

    Parameters
    ----------
    inputs, scores
        The rows as the model takes them, and as it scores them.
    hide
        Turns a column into what may be kept of it.
    lists
        The inputs that are lists, as JSON texts.
    """
    of_lists = {name: Spread.of_lists(inputs[name]) for name in lists if name in inputs}
    of_inputs = {str(name): of_lists.get(str(name)) or Spread.of(hide(inputs[name])) for name in inputs}
    of_scores = {str(name): Spread.of(hide(scores[name])) for name in scores}
    parts = {"input": of_inputs, "score": of_scores}
    return {part: {name: one.plain() for name, one in spreads.items()} for part, spreads in parts.items()}


def read(plain: Mapping[str, Any]) -> dict[tuple[str, str], Spread]:
    """Return what `written` gave, by part and column."""
    return {(part, name): Spread.from_plain(one) for part, columns in plain.items() for name, one in columns.items()}


def _standing_for(column: pd.Series, listed: Listed) -> pd.Series:
    """The number that stands for each list; missing where there is none, or nothing in it."""
    import pandas as pd

    def number(text: Any) -> float:
        if not isinstance(text, str):
            return np.nan
        values = json.loads(text)
        if listed == "length":
            return float(len(values))
        return float(values[-1]) if values else np.nan

    return pd.Series([number(one) for one in column], index=column.index, dtype=float)


def _are_numbers(column: pd.Series) -> bool:
    """Whether what lists hold is numbers, told from the first that holds anything."""
    first: list[Any] = next((json.loads(one) for one in column if isinstance(one, str) and one != "[]"), [])
    return bool(first) and isinstance(first[0], int | float)


def _verdict(psi: float, chance: float, warn: float, alarm: float) -> str:
    if psi >= warn and psi > chance:
        return "shifted" if psi >= alarm else "moved"
    return "too few rows" if chance >= warn else "stable"


def _share(counts: NDArray[np.int64], number: int) -> str:
    return f"{counts[number] / counts.sum():.0%}"

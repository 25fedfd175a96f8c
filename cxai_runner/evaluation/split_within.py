"""The splits that divide what one customer did: the last of it, some of it at random, or what the rows say.

They are for questions of what a customer does next, where what came before is known: see `within` for what each of
them keeps from leaking, and what it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Lt, MinLen

from cxai_runner.config.problems import Problem
from cxai_runner.data import answers
from cxai_runner.evaluation.splits import Fold, Part, Split
from cxai_runner.evaluation.within import LastOfEach, RandomOfEach, SaidSo, Unit, Within
from cxai_runner.evaluation.wording import counted

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class LeaveLastOut(Split):
    """Hold out the last of each customer, and learn from what they did before.

    It is the future of each customer, but not of all: of others it is learned what they did later. A customer who has
    no more than one order (or event) is learned from and not asked about.

    Parameters
    ----------
    last
        How many are held out; whoever has too few keeps the first.
    of
        ``order``, what was bought at one instant, or ``event``, each thing by itself.
    """

    within: ClassVar[bool] = True

    last: Annotated[int, Ge(1)] = 1
    of: Unit = "order"

    def plan(self, rows: IbisTable, seed: int) -> tuple[Fold, ...]:
        """Return one fold."""
        what = counted(self.last, self.of) if self.last > 1 else self.of
        return (_divided(LastOfEach(self.last, self.of), f"the last {what} of each customer"),)

    def problems(self, rows: IbisTable) -> Iterator[Problem]:
        """Yield whether rows are undated, or nobody came twice."""
        if "time" not in rows.columns:
            told = "these rows have no dates, so nobody has a last one"
            yield Problem("", told, remedy="hold out a share of each customer's: split=random_holdout")
            return
        once = _once(rows, "time", *(["item_id"] if self.of == "event" else []))
        counts = once.group_by("customer_id").aggregate(many=once.count())
        if (answers.value(counts["many"].max()) or 0) < 2:
            told = f"nobody has more than one {self.of}: nothing is left to learn from"
            yield Problem("of", told, value=self.of, remedy="bring a longer history")


@dataclass(frozen=True, kw_only=True)
class RandomHoldout(Split):
    """Hold out a share of what each customer did, drawn at random: not the future.

    What came later is learned from to tell what came before, so that figures are better than they will be in use.
    Published comparisons on ratings are made so, and where rows have no dates nothing else can be.

    Parameters
    ----------
    test_size
        The share, to the nearest; one of each customer stays.
    of
        ``item``: all that a customer did with one item is on one side. ``event``: each by itself.
    """

    within: ClassVar[bool] = True

    test_size: Annotated[float, Gt(0), Lt(1)] = 0.2
    of: Literal["item", "event"] = "item"

    def plan(self, rows: IbisTable, seed: int) -> tuple[Fold, ...]:
        """Return one fold; seed, customer and item decide, and nothing else."""
        label = f"{self.test_size:.0%} of each customer's {self.of}s, at random: not the future"
        return (_divided(RandomOfEach(self.test_size, seed, self.of), label),)

    def problems(self, rows: IbisTable) -> Iterator[Problem]:
        """Yield whether nobody has enough to divide."""
        once = _once(rows, "item_id", *(["time"] if self.of == "event" else []))
        counts = once.group_by("customer_id").aggregate(many=once.count())
        most = int(answers.value(counts["many"].max()) or 0)
        if min(round(self.test_size * most), most - 1) < 1:
            told = f"nothing is held out: nobody has more than {counted(most, self.of)}"
            yield Problem("test_size", told, value=self.test_size, remedy="a larger share, or bring more rows")


@dataclass(frozen=True, kw_only=True)
class FixedParts(Split):
    """Hold out what the rows say, in their column ``part``: for files that were divided by somebody else.

    A source of files makes that column where its ``path`` names files by part.

    Whether anything leaks is up to whoever divided them.

    Parameters
    ----------
    held_out
        What stands there for the held-out part; everything else is learned from.
    """

    within: ClassVar[bool] = True

    held_out: Annotated[Sequence[str], MinLen(1)] = ("test",)

    def plan(self, rows: IbisTable, seed: int) -> tuple[Fold, ...]:
        """Return one fold."""
        return (_divided(SaidSo(tuple(map(str, self.held_out))), f"where part is {' or '.join(self._named)}"),)

    def problems(self, rows: IbisTable) -> Iterator[Problem]:
        """Yield whether rows do not say it, or all say the same."""
        if "part" not in rows.columns:
            told = "these rows do not say which part they belong to"
            by_file = "of two files, name each by its part: {here}path={train: …, test: …}"
            yield Problem("", told, remedy="map the column that says it: {here}columns.part=…; " + by_file)
            return
        said = answers.ask(rows.select(part=rows["part"].cast("string")).distinct().limit(_SHOWN + 1))
        have = sorted(str(one) for one in said["part"].to_pylist() if one is not None)
        if len(have) > _SHOWN:
            return
        lacking = [one for one in self._named if one not in have]
        if not set(have) - set(self._named):
            told = "nothing is left to learn from"
        elif lacking:
            told = f"no row is of part {' or '.join(lacking)}"
        else:
            return
        yield Problem("held_out", told, value=list(self.held_out), remedy=f"parts are: {', '.join(have)}")

    @property
    def _named(self) -> list[str]:
        return [str(one) for one in self.held_out]


def _once(rows: IbisTable, *columns: str) -> IbisTable:
    """What each customer did, once where rows say the same: so the rules count it."""
    return rows.select("customer_id", *[one for one in columns if one in rows.columns]).distinct()


def _divided(rule: Within, label: str) -> Fold:
    return Fold(Part("train", within=rule), Part("held_out", within=rule), label)

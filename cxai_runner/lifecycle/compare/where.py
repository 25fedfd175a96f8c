"""Which runs are meant, said as conditions: ``params.model.C>1``, ``status=FINISHED``.

A condition is read into a key, a comparison and a value, and asked of runs that were read already. It never becomes
text of any other language, so no value has to be quoted and none can do harm.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError, did_you_mean, nearest

if TYPE_CHECKING:
    from cxai_runner.lifecycle.compare.entries import Entry

_FORM: Final = re.compile(r"\s*(?P<key>[^<>=!~]+?)\s*(?P<sign>>=|<=|!=|=|<|>|~)\s*(?P<value>.*?)\s*", re.DOTALL)
_PLAIN: Final = ("status", "name", "run_id")
_MAPPED: Final = ("params", "metrics", "tags")
_STATUS: Final = "status"
_STATUSES: Final = ("FINISHED", "FAILED", "KILLED", "RUNNING", "SCHEDULED")
"""MLflow's own; a condition may write them in any case."""
_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """One condition on a run.

    Parameters
    ----------
    key
        ``status`` (in any case), ``name``, ``run_id``, or ``params.…``, ``metrics.…``, ``tags.…``.
    sign
        ``=`` and ``!=`` (of a list with commas: any of them, none of them), ``<``, ``<=``, ``>``, ``>=`` (numbers), or
        ``~``: contains.
    value
        What it is compared with.
    """

    key: str
    sign: str
    value: str

    @classmethod
    def read(cls, text: str) -> Condition:
        """Read a condition as it is typed; raises `UserError` where it is none."""
        found = _FORM.fullmatch(text)
        if found is None:
            remedy = "write KEY=VALUE, with =, !=, <, <=, >, >= or ~ (contains): --where 'params.model.C>1'"
            raise UserError([Problem("--where", "no condition", text, remedy)])
        condition = cls(found["key"], found["sign"], found["value"])
        problem = next(condition._problems(text), None)
        if problem is not None:
            raise UserError([problem])
        return condition

    def _problems(self, text: str) -> Iterator[Problem]:
        prefix, _, rest = self.key.partition(".")
        if self.key not in _PLAIN and not (prefix in _MAPPED and rest):
            known = [*_PLAIN, *(f"{one}.{self.key}" for one in _MAPPED)]
            remedy = did_you_mean(self.key, known) or "params.KEY, metrics.NAME, tags.KEY, status, name or run_id"
            yield Problem("--where", f"`{self.key}` is nothing that a run has", text, remedy)
        if self.key == _STATUS and self.sign in ("=", "!="):
            for one in self._wanted:
                if one not in _STATUSES:
                    told = f"no run ever is `{one}`"
                    near = nearest(one, _STATUSES[:-1])
                    remedy = f"did you mean `{near}`?" if near else f"one of {', '.join(_STATUSES[:-1])}"
                    yield Problem("--where", told, text, remedy)
        if self.sign in _ORDERS and _number(self.value) is None:
            yield Problem("--where", f"`{self.sign}` compares numbers", text, "for texts: =, != or ~ (contains)")

    def holds(self, entry: Entry) -> bool:
        """Whether it holds for a run; it does for none that lacks the key."""
        found = self._of(entry)
        if found is None:
            return False
        if self.sign in _ORDERS:
            left, right = _number(found), _number(self.value)
            return left is not None and right is not None and _ORDERS[self.sign](left, right)
        if self.sign == "~":
            return self.value.casefold() in found.casefold()
        return any(_same(found, one) for one in self._values) == (self.sign == "=")

    @property
    def _values(self) -> tuple[str, ...]:
        return self._wanted if self.key == _STATUS else (self.value, *self._wanted)

    @property
    def _wanted(self) -> tuple[str, ...]:
        """The values of a list with commas; a status as MLflow writes it."""
        several = tuple(one.strip() for one in self.value.split(","))
        return tuple(one.upper() for one in several) if self.key == _STATUS else several

    def _of(self, entry: Entry) -> str | None:
        if self.key in _PLAIN:
            return str(getattr(entry, self.key))
        prefix, _, rest = self.key.partition(".")
        found = getattr(entry, prefix).get(rest)
        return None if found is None else str(found)


def chosen(entries: Sequence[Entry], where: Iterable[str]) -> list[Entry]:
    """Return the runs for which all conditions hold.

    Raises
    ------
    UserError
        With every condition that cannot be read, or whose key no run has.
    """
    conditions: list[Condition] = []
    problems: list[Problem] = []
    for text in where:
        try:
            condition = Condition.read(text)
        except UserError as error:
            problems += error.problems
            continue
        if entries and all(condition._of(entry) is None for entry in entries):
            prefix, _, rest = condition.key.partition(".")
            names = dict.fromkeys(name for entry in entries for name in getattr(entry, prefix))
            problems.append(Problem("--where", f"no run has {prefix}.{rest}", text, did_you_mean(rest, names)))
        conditions.append(condition)
    if problems:
        raise UserError(problems)
    return [entry for entry in entries if all(condition.holds(entry) for condition in conditions)]


def _same(left: str, right: str) -> bool:
    a, b = _number(left), _number(right)
    return left == right or (a is not None and a == b)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

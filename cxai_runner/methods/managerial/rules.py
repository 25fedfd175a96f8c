"""Rules that put every customer into exactly one segment, and the proof that they do.

A rule is what a manager writes down: measures, and what each has to be.

    warm_high: {recency: {gt: active, le: warm}, tenure: {gt: warm}, monetary: {ge: high}}

Numbers may be thresholds by name, so that one is set in one place. A segment that is made of several such sets of
conditions has a list of them. Rules have no order of precedence: what one says is true of everyone in the segment, and
`faults` proves by interval arithmetic, before any customer is looked at, that no two of them take the same
customer and that none is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import Any, Final

from cxai_runner.methods.managerial.boxes import (
    LEAST,
    WHOLE,
    Box,
    Interval,
    everybody,
    example,
    left_over,
    shared,
)
from cxai_runner.methods.managerial.errors import Fault, RuleError

SCORE: Final = "_score"
SCORED: Final = tuple(LEAST)
"""The measures that have scores."""
_WORDS: Final = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most", "eq": "exactly"}
_SIGNS: Final = {">": "gt", ">=": "ge", "<": "lt", "<=": "le", "=": "eq", "==": "eq"}
_SAID: Final = re.compile(r"\s*([<>=]=?)\s*(\S+)\s*")
_MOST_EXAMPLES: Final = 3

Rules = Mapping[str, Any]
Thresholds = Mapping[str, float]


@dataclass(frozen=True)
class Segment:
    """A segment as its rule says it.

    Parameters
    ----------
    name
        What it is called.
    boxes
        The customers who are in it; more than one where the rule is a list.
    """

    name: str
    boxes: tuple[Box, ...]


def segments(rules: Rules, thresholds: Thresholds | None = None, scores: int = 5) -> tuple[Segment, ...]:
    """Read rules that are free of faults.

    Parameters
    ----------
    rules
        By segment, the best first: conditions by measure, or a list of such mappings.
    thresholds
        Numbers by name.
    scores
        The highest score of a measure.

    Raises
    ------
    RuleError
        With everything that is wrong.
    """
    wrong = list(faults(rules, thresholds, scores))
    if wrong:
        raise RuleError(wrong)
    return tuple(_read(rules, thresholds or {}))


def measures(rules: Rules) -> tuple[str, ...]:
    """Return the measures that rules ask for, in the order of their first mention."""
    found = [str(name) for _, _, conditions in _conjunctions(rules) for name in conditions]
    return tuple(dict.fromkeys(found))


def columns(rules: Rules) -> tuple[str, ...]:
    """Return the columns that rules read of a table of customers: a score is made of its measure."""
    return tuple(dict.fromkeys(name.removesuffix(SCORE) for name in measures(rules)))


def faults(
    rules: Rules,
    thresholds: Thresholds | None = None,
    scores: int = 5,
    known: Sequence[str] | None = None,
) -> Iterator[Fault]:
    """Yield what is wrong with rules; gaps and overlaps only once every condition can be read.

    Parameters
    ----------
    rules, thresholds, scores
        As in `segments`.
    known
        The measures there are; any name will do where this is not known yet.
    """
    thresholds = thresholds or {}
    wrong = [*_misnamed(rules), *_unreadable(rules, thresholds, known), *_unused(rules, thresholds)]
    yield from wrong
    if wrong:
        return
    read = list(_read(rules, thresholds))
    yield from _nobody(rules, thresholds, scores)
    yield from _twice(read, scores)
    yield from _nowhere(read, scores)


def _conjunctions(rules: Rules) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield each conjunction with its segment and its key."""
    for name, rule in rules.items():
        if isinstance(rule, Mapping):
            yield str(name), f"rules.{name}", rule
        elif isinstance(rule, Sequence) and not isinstance(rule, str):
            for number, one in enumerate(rule):
                if isinstance(one, Mapping):
                    yield str(name), f"rules.{name}.{number}", one


def _read(rules: Rules, thresholds: Thresholds) -> Iterator[Segment]:
    boxes: dict[str, list[Box]] = {}
    for name, _, conditions in _conjunctions(rules):
        boxes.setdefault(name, []).append(_box(conditions, thresholds))
    for name, several in boxes.items():
        yield Segment(name, tuple(several))


def _box(conditions: Mapping[str, Any], thresholds: Thresholds) -> Box:
    return {
        str(name): _interval(tests, thresholds, whole=str(name) in WHOLE or str(name).endswith(SCORE))
        for name, tests in conditions.items()
    }


def _interval(tests: Mapping[str, Any], thresholds: Thresholds, *, whole: bool) -> Interval:
    found = Interval(whole=whole)
    for operator, given in tests.items():
        number = float(thresholds[given] if isinstance(given, str) else given)
        found = found.within(
            {
                "gt": Interval(low=number, low_open=True),
                "ge": Interval(low=number),
                "lt": Interval(high=number, high_open=True),
                "le": Interval(high=number),
                "eq": Interval(number, number),
            }[operator]
        )
    return found


def _misnamed(rules: Rules) -> Iterator[Fault]:
    """Segments without a name of their own, or without a rule."""
    if not rules:
        yield Fault("rules", "there is no segment", "write one, as in rules.active={recency: {le: 365}}")
    seen: dict[str, str] = {}
    for name, rule in rules.items():
        plain = str(name).casefold().replace("_", " ").strip()
        if not plain:
            yield Fault("rules", "a segment without a name", "call it something")
        if plain in seen:
            told = f"a segment of this name is there already: {seen[plain]}"
            yield Fault(f"rules.{name}", told, "call it something else")
        seen[plain] = str(name)
        several = rule if isinstance(rule, Sequence) and not isinstance(rule, str) else [rule]
        if not several or not all(isinstance(one, Mapping) and one for one in several):
            told = "conditions by measure, or a list of such mappings"
            yield Fault(f"rules.{name}", told, "as in {recency: {gt: 365, le: 730}}")


def _unreadable(rules: Rules, thresholds: Thresholds, known: Sequence[str] | None) -> Iterator[Fault]:
    """Conditions on what there is not, and conditions that are none."""
    for name, value in thresholds.items():
        if not _is_number(value):
            yield Fault(f"thresholds.{name}", f"a number, not {value!r}", "write it as in thresholds.active=365")
    for _, key, conditions in _conjunctions(rules):
        for measure, tests in conditions.items():
            place = f"{key}.{measure}"
            if known is not None and str(measure).removesuffix(SCORE) not in known:
                yield Fault(place, "no such measure", _near(str(measure), [*known]))
            elif str(measure).endswith(SCORE) and str(measure).removesuffix(SCORE) not in SCORED:
                yield Fault(place, "no such score", _near(str(measure), [f"{one}{SCORE}" for one in SCORED]))
            if not isinstance(tests, Mapping) or not tests:
                told = "a condition is missing" + (f": {tests!r} is none" if tests else "")
                yield Fault(place, told, _spelled(str(measure), tests))
                continue
            for operator, given in tests.items():
                if operator not in _WORDS:
                    meant = _SIGNS.get(str(operator))
                    remedy = f"did you mean `{meant}`?" if meant else _near(str(operator), list(_WORDS))
                    yield Fault(f"{place}.{operator}", "no such condition", remedy)
                elif isinstance(given, str) and given not in thresholds:
                    yield Fault(f"{place}.{operator}", f"no threshold is called {given}", _near(given, [*thresholds]))
                elif not isinstance(given, str) and not _is_number(given):
                    told = f"a number, or the name of a threshold, not {given!r}"
                    yield Fault(f"{place}.{operator}", told, f"as in {measure}: {{{operator}: 365}}")


def _unused(rules: Rules, thresholds: Thresholds) -> Iterator[Fault]:
    """Thresholds that no rule names: most likely one that it means is called otherwise."""
    used = {
        given
        for _, _, conditions in _conjunctions(rules)
        for tests in conditions.values()
        if isinstance(tests, Mapping)
        for given in tests.values()
        if isinstance(given, str)
    }
    for name in thresholds:
        if name not in used:
            yield Fault(f"thresholds.{name}", "no rule names this threshold", "name it in a rule, or leave it out")


def _nobody(rules: Rules, thresholds: Thresholds, scores: int) -> Iterator[Fault]:
    """Rules that no customer can meet, such as between 730 and 365 days."""
    for _, key, conditions in _conjunctions(rules):
        box = _box(conditions, thresholds)
        everyone = everybody(box, scores)
        apart = [name for name, interval in box.items() if everyone[name].within(interval).is_empty]
        for name in apart:
            told = f"{name} {_told(conditions[name], thresholds)}: nobody can be in it"
            within = f"{name.replace('_', ' ')} is {_bounds(everyone[name])}"
            yield Fault(f"{key}.{name}", told, "put the thresholds in order" if len(conditions[name]) > 1 else within)
        if not apart and shared(everyone, box) is None:
            told = "; ".join(f"{name} {_told(tests, thresholds)}" for name, tests in conditions.items())
            yield Fault(key, f"nobody can be in it: {told}", "a customer's last purchase is never before the first")


def _twice(read: Sequence[Segment], scores: int) -> Iterator[Fault]:
    """Pairs of segments that share customers."""
    everyone = everybody({name for segment in read for box in segment.boxes for name in box}, scores)
    for one, other in combinations(read, 2):
        for box in (shared(left, right) for left in one.boxes for right in other.boxes):
            found = None if box is None else shared(everyone, box)
            if found is not None:
                told = f"takes customers of {one.name} too, such as one with {_customer(found, box or {})}"
                yield Fault(f"rules.{other.name}", told, "make one of the two narrower: no rule goes before another")
                break


def _nowhere(read: Sequence[Segment], scores: int) -> Iterator[Fault]:
    """Customers whom no segment takes."""
    boxes = [box for segment in read for box in segment.boxes]
    asked = list(dict.fromkeys(name for box in boxes for name in box))
    gaps = left_over(everybody(asked, scores), boxes)
    left = len(gaps) - _MOST_EXAMPLES
    for place, gap in enumerate(gaps[:_MOST_EXAMPLES], 1):
        more = f"; and {left} gap{'s' * (left > 1)} more" if left > 0 and place == _MOST_EXAMPLES else ""
        told = f"no rule takes a customer with {_customer(gap, asked)}{more}"
        yield Fault("rules", told, "widen a rule, or write one more")


def _customer(box: Box, asked: Any) -> str:
    """An example of a box in words, by the measures that rules ask for."""
    found = example(box)
    words = [f"{name.replace('_', ' ')} {found[name]:,.10g}" for name in asked if name in found]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _spelled(measure: str, tests: Any) -> str:
    """How a condition is written that was said as ``<= 30``."""
    said = _SAID.fullmatch(tests) if isinstance(tests, str) else None
    if said is None:
        return f"as in {measure}: {{le: {tests if _is_number(tests) else 365}}}"
    return f"write {measure}: {{{_SIGNS.get(said[1], 'le')}: {said[2]}}}"


def _bounds(interval: Interval) -> str:
    """What a measure can be at all."""
    if math.isfinite(interval.high):
        return f"from {interval.low:g} to {interval.high:g}"
    return f"{interval.low:g} or more"


def _told(tests: Mapping[str, Any], thresholds: Thresholds) -> str:
    """Conditions in words, with the number behind a name."""
    words = []
    for operator, given in tests.items():
        number = thresholds[given] if isinstance(given, str) else given
        words.append(f"{_WORDS[operator]} {number:,.10g}" + (f" ({given})" if isinstance(given, str) else ""))
    return " and ".join(words)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _near(name: str, candidates: Sequence[str]) -> str:
    close = get_close_matches(name, candidates, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return "one of: " + ", ".join(candidates) if candidates else ""

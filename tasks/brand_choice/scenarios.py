"""What a scenario says: read in either of its two forms, said back in words, and refused where it means nothing.

``{price: {pepsi: -10%, coke: 1.99}}`` is short. A command line takes no umlauts and no quotes in the keys of a mapping,
so that a brand called ``Müller "Brot"`` needs the list, ``[{attribute: price, of: 'Müller "Brot"', to: -10%}]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.methods.choice import ChoiceError, ChoiceTerms
from tasks.brand_choice.specification import SEPARATOR, Specification, labels_of, own, single, stems, there, utility

if TYPE_CHECKING:
    from tasks.brand_choice.task import BrandChoice

REMEDY = "a new value such as 1.99, or a change such as -10% or +10%"
_KEYS = ("attribute", "of", "to")


def changes(task: BrandChoice) -> Iterator[tuple[str, str, str, Any]]:
    """Yield the config key, attribute, alternative (empty for all) and change of everything that a scenario sets."""
    if isinstance(task.scenario, Mapping):
        for attribute, change in task.scenario.items():
            each = change if isinstance(change, Mapping) else {"": change}
            for name, value in each.items():
                label = labels_of([name])[0]
                yield f"scenario.{attribute}.{label}".rstrip("."), str(attribute), label, value
        return
    for place, item in enumerate(task.scenario):
        label = labels_of([item.get("of", "")])[0]
        yield f"scenario.{place}", str(item.get("attribute", task.price)), label, item.get("to")


def asked(task: BrandChoice, alternatives: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the change of each attribute of each alternative that is changed."""
    found: dict[str, dict[str, Any]] = {}
    for _, attribute, label, change in changes(task):
        found.setdefault(attribute, {}).update(dict.fromkeys([label] if label else alternatives, change))
    return found


def in_words(task: BrandChoice) -> str:
    """Return a scenario as a reader would say it: a change has its sign."""
    several: dict[str, list[str]] = {}
    for _, attribute, label, change in changes(task):
        several.setdefault(attribute, []).append(f"{label or 'every alternative'} {_said(change)}")
    return "; ".join(f"{attribute}: {', '.join(words)}" for attribute, words in several.items())


def problems(task: BrandChoice, columns: Sequence[str]) -> Iterator[Problem]:
    """Yield attributes and alternatives that the panel has not, and changes that cannot be read or made."""
    named = None if task.alternatives is None else labels_of(task.alternatives)
    if not isinstance(task.scenario, Mapping):
        strange = [(place, key) for place, item in enumerate(task.scenario) for key in item if key not in _KEYS]
        for place, key in strange:
            yield Problem(
                f"scenario.{place}.{key}", "no such key", remedy="write [{attribute: price, of: BRAND, to: -10%}]"
            )
        if strange:
            return
    logs = [factor.column for term in _terms(task) for factor in term.factors if factor.log]
    unknown: set[str] = set()
    for key, attribute, label, change in changes(task):
        if not there(attribute, columns):
            if attribute not in unknown:
                unknown.add(attribute)
                remedy = did_you_mean(attribute, stems(columns))
                yield Problem(_parent(key, label), "the panel has no such attribute", attribute, remedy)
            continue
        if label and (not single(own(attribute, [label])[0], columns) or (named is not None and label not in named)):
            prefix = f"{attribute}{SEPARATOR}"
            have = named or [one.removeprefix(prefix) for one in columns if one.startswith(prefix)]
            yield Problem(_parent(key, label), "no such alternative", label, did_you_mean(label, have))
        least = _factor(change)
        if least is None:
            yield Problem(key, "is no change that can be read", change, REMEDY)
        elif attribute == task.price and least <= 0:
            yield Problem(key, "makes a price of zero or less, where nothing was observed", change, REMEDY)
        elif attribute in logs and least <= 0:
            yield Problem(key, f"leaves no logarithm: the terms have log({attribute})", change, REMEDY)


def unanswerable(task: BrandChoice, spec: Specification, frame: pd.DataFrame) -> Iterator[Problem]:
    """Yield changes of what is no term, and of flags to what is neither 0 nor 1."""
    for key, attribute, label, change in changes(task):
        names = [label] if label else list(spec.alternatives)
        if attribute not in spec.attributes and not set(own(attribute, spec.alternatives)) <= set(spec.columns):
            have = [name for name in spec.attributes if name in stems(frame.columns)]
            told = "is no term of the utility, so that it changes no share"
            remedy = f"add it to task.terms, or change one of {', '.join(have)}"
            yield Problem(f"task.{key}", told, attribute, remedy)
            continue
        values = frame[[name for name in own(attribute, names) if name in frame]].to_numpy(dtype=np.float64)
        flags = bool(np.isin(values[np.isfinite(values)], (0, 1)).all())
        factor = _factor(change)
        assert factor is not None  # what cannot be read is told before
        changed = [factor] if not isinstance(change, str) else [factor * one for one in np.unique(values[values == 1])]
        if attribute != task.price and flags and any(not 0 <= one <= 1 for one in changed):
            told = f"{attribute} is 0 or 1 on every row: the change makes {changed[0]:g} of it"
            yield Problem(f"task.{key}", told, change, "write 1 for all, 0 for none, or a share between them")


def _terms(task: BrandChoice) -> Sequence[Any]:
    """The terms that are said, where they can be read: what is wrong with them is told elsewhere."""
    said = utility(task)
    try:
        return () if said == "auto" else ChoiceTerms.parse(said).terms
    except ChoiceError:
        return ()


def _parent(key: str, label: str) -> str:
    """The key of the attribute, under which an alternative has its own in a mapping."""
    return key.removesuffix(f".{label}") if label and key.endswith(f".{label}") and key.count(".") > 1 else key


def _factor(change: object) -> float | None:
    """A new value, or what a change in per cent multiplies by; None for neither."""
    if isinstance(change, str) and change.endswith("%"):
        try:
            value = 1 + float(change[:-1]) / 100
        except ValueError:
            return None
        return value if np.isfinite(value) else None
    known = isinstance(change, int | float) and not isinstance(change, bool) and np.isfinite(change)
    return float(change) if known else None  # type: ignore[arg-type]


def _said(change: object) -> str:
    if isinstance(change, str) and change.endswith("%"):
        return f"{float(change[:-1]):+g} %".replace("-", "−")
    return str(change)

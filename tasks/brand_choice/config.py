"""What a config of brand choice says that its panel, or the rest of it, cannot mean: told before a row is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.methods.choice import ChoiceError, ChoiceTerms
from cxai_runner.methods.choice.categories import CALENDAR
from tasks.brand_choice.specification import OUTCOMES, REPEAT, SEPARATOR, is_repeat, labels_of, own

if TYPE_CHECKING:
    from tasks.brand_choice.task import BrandChoice


def problems(task: BrandChoice, columns: Sequence[str]) -> Iterator[Problem]:
    """Yield problems, their keys relative to the task's.

    Parameters
    ----------
    task
        The config.
    columns
        The panel's, patterns such as ``price_*`` among them where names are learned.
    """
    known = [*stems(columns), *CALENDAR, REPEAT, *(one for one in columns if one not in ("customer_id", *OUTCOMES))]
    yield from _alternatives(task, columns)
    yield from _terms(task, columns, known)
    for name in task.instruments:
        if not _there(name, columns):
            yield Problem("instruments", "the panel has no such column", name, did_you_mean(name, known))
    for name in task.by:
        if name in OUTCOMES:
            told = "what happens at the choice does not tell customers apart"
            yield Problem("by", told, name, "leave it out")
        elif not _single(name, columns):
            yield Problem("by", "the panel has no such column", name, did_you_mean(name, columns))
    for key in ("weights", "last_brand"):
        name = getattr(task, key)
        # The usual name of the brand bought last is taken where it is there, and no mistake where it is not.
        if name is not None and name != type(task).__dataclass_fields__[key].default and not _single(name, columns):
            yield Problem(key, "the panel has no such column", name, did_you_mean(name, columns))
    yield from _scenario(task, columns)


def stems(columns: Sequence[str]) -> list[str]:
    """Return what may be an attribute: names that something follows."""
    found = [name.rpartition(SEPARATOR)[0] for name in columns if SEPARATOR in name and not name.endswith("_id")]
    return list(dict.fromkeys(name for name in found if name))


def _alternatives(task: BrandChoice, columns: Sequence[str]) -> Iterator[Problem]:
    names = None if task.alternatives is None else labels_of(task.alternatives)
    if not _there(task.price, columns):
        told = "the panel has no such attribute, whose elasticities could be asked for"
        yield Problem("price", told, task.price, did_you_mean(task.price, stems(columns)))
    if names is None:
        return
    if len(set(names)) < 2:
        yield Problem("alternatives", "a choice needs two alternatives", names, "name more, or leave it out")
    for name in dict.fromkeys(one for one in names if names.count(one) > 1):
        yield Problem("alternatives", "named twice", name, "name each once")
    for name in names:
        column = f"{task.price}{SEPARATOR}{name}"
        if _there(task.price, columns) and not _single(column, columns):
            prefix = f"{task.price}{SEPARATOR}"
            priced = [one.removeprefix(prefix) for one in columns if one.startswith(prefix)]
            yield Problem("alternatives", f"the panel has no column `{column}`", name, did_you_mean(name, priced))
    if task.reference is not None and labels_of([task.reference])[0] not in names:
        remedy = f"one of {', '.join(names)}"
        yield Problem("reference", "is none of task.alternatives", task.reference, remedy)


def _terms(task: BrandChoice, columns: Sequence[str], known: Sequence[str]) -> Iterator[Problem]:
    if task.terms == "auto":
        return
    said: Any = task.terms
    try:
        terms = ChoiceTerms.parse(said)
    except ChoiceError as error:
        yield Problem("terms", error.message, said, error.remedy)
        return
    priced = (task.price, *(name for name in terms.columns if name.startswith(f"{task.price}{SEPARATOR}")))
    if not any(name in priced for name in terms.columns):
        told = f"no {task.price} among them: no elasticity can be estimated"
        yield Problem("terms", told, said, f"add {task.price}, or name the attribute that you ask for: task.price=…")
    for name in terms.columns:
        if name in OUTCOMES:
            yield Problem("terms", "what happens at the choice cannot be a term", name, "leave it out")
        elif name in task.instruments:
            yield Problem("instruments", "is a term too: an instrument moves prices alone", name, "leave one out")
        elif name not in CALENDAR and not is_repeat(task, name, columns) and not _there(name, columns):
            yield Problem("terms", "the panel has no column for this term", name, did_you_mean(name, known))


def _scenario(task: BrandChoice, columns: Sequence[str]) -> Iterator[Problem]:
    names = None if task.alternatives is None else labels_of(task.alternatives)
    for attribute, changes in task.scenario.items():
        key = f"scenario.{attribute}"
        if not _there(attribute, columns):
            yield Problem(key, "the panel has no such attribute", attribute, did_you_mean(attribute, stems(columns)))
            continue
        each = changes if isinstance(changes, Mapping) else {"": changes}
        for name, change in each.items():
            label = labels_of([name])[0]
            column = f"{attribute}{SEPARATOR}{label}"
            if label and (not _single(column, columns) or (names is not None and label not in names)):
                prefix = f"{attribute}{SEPARATOR}"
                there = names or [one.removeprefix(prefix) for one in columns if one.startswith(prefix)]
                yield Problem(key, "no such alternative", label, did_you_mean(label, there))
            if not _readable(change):
                remedy = "a new value such as 1.99, or a change such as -10%"
                yield Problem(f"{key}.{label}".rstrip("."), "is no change that can be read", change, remedy)


def _readable(change: object) -> bool:
    if isinstance(change, bool):
        return False
    if isinstance(change, str) and change.endswith("%"):
        try:
            float(change[:-1])
        except ValueError:
            return False
        return True
    return isinstance(change, int | float)


def _single(name: str, columns: Sequence[str]) -> bool:
    return any(name == one or ("*" in one and fnmatchcase(name, one)) for one in columns)


def _there(name: str, columns: Sequence[str]) -> bool:
    """Whether a column, or one for each of some alternatives, can be there."""
    return _single(name, columns) or any(one.startswith(own(name, [""])[0]) for one in columns)

"""What a config of brand choice says that its panel, or the rest of it, cannot mean: told before a row is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.methods.choice import ChoiceError, ChoiceTerms
from cxai_runner.methods.choice.categories import CALENDAR
from tasks.brand_choice import scenarios
from tasks.brand_choice.specification import (
    OUTCOMES,
    REPEAT,
    SEPARATOR,
    is_repeat,
    labels_of,
    single,
    stems,
    there,
    utility,
)

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
        if not there(name, columns):
            yield Problem("instruments", "the panel has no such column", name, did_you_mean(name, known))
    for name in task.by:
        if name in OUTCOMES:
            told = "what happens at the choice does not tell customers apart"
            yield Problem("by", told, name, "leave it out")
        elif not single(name, columns):
            yield Problem("by", "the panel has no such column", name, did_you_mean(name, columns))
    for key in ("weights", "last_brand"):
        name = getattr(task, key)
        # The usual name of the brand bought last is taken where it is there, and no mistake where it is not.
        if name is not None and name != type(task).__dataclass_fields__[key].default and not single(name, columns):
            yield Problem(key, "the panel has no such column", name, did_you_mean(name, columns))
    yield from scenarios.problems(task, columns)


def _alternatives(task: BrandChoice, columns: Sequence[str]) -> Iterator[Problem]:
    names = None if task.alternatives is None else labels_of(task.alternatives)
    if not there(task.price, columns):
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
        if there(task.price, columns) and not single(column, columns):
            prefix = f"{task.price}{SEPARATOR}"
            priced = [one.removeprefix(prefix) for one in columns if one.startswith(prefix)]
            yield Problem("alternatives", f"the panel has no column `{column}`", name, did_you_mean(name, priced))
    if task.reference is not None and labels_of([task.reference])[0] not in names:
        remedy = f"one of {', '.join(names)}"
        yield Problem("reference", "is none of task.alternatives", task.reference, remedy)


def _terms(task: BrandChoice, columns: Sequence[str], known: Sequence[str]) -> Iterator[Problem]:
    if task.terms == "auto":
        return
    said = utility(task)
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
        elif name not in CALENDAR and not is_repeat(task, name, columns) and not there(name, columns):
            yield Problem("terms", "the panel has no column for this term", name, did_you_mean(name, known))

"""What a config asks of a panel: terms of a model, and columns by whose values answers are told apart.

The tasks of a panel differ in what a term may be made of. What is wrong with one, and what to do about it, is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxai_runner.config.problems import Problem, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

BY = ":"
"""Between the factors of a product."""


@dataclass(frozen=True)
class Asked:
    """A panel that terms and groups are asked of.

    Parameters
    ----------
    columns
        What the features provide; ``price_*`` for columns that are known by their pattern alone.
    outcomes
        Those that are not known before.
    target
        The one that is predicted.
    when
        When the others happen, in words.
    behind
        Returns the columns that a term is made of, none where there are none.
    known
        Terms that are made of several columns, such as ``mean_price``.
    takes
        Columns that a term is made of and not called after: ``season`` takes ``week_of_year``.
    prefixes
        Of a term that is made of one column: ``any_quantity``.
    """

    columns: Sequence[str]
    outcomes: Sequence[str]
    target: str = "incidence"
    when: str = "on the occasion itself"
    behind: Callable[[str, Iterable[str]], list[str]] = lambda name, columns: [name] if name in columns else []
    known: Sequence[str] = ()
    takes: tuple[tuple[str, str], ...] = ()
    prefixes: tuple[str, ...] = ()

    def wrong_terms(self, terms: Sequence[str] | str, is_price: Callable[[str], bool], price: str) -> Iterator[Problem]:
        """Yield what no term can be, and whether there is none of price; ``price`` is the usual one."""
        if isinstance(terms, str):
            if terms != "auto":
                yield Problem("terms", "`auto` or a list of terms", terms, f"write task.terms=[{terms}]")
            return
        if not terms:
            yield Problem("terms", "at least one term", [], "write task.terms=auto")
            return
        found = [problem for term in dict.fromkeys(terms) for problem in self._wrong_term(term)]
        yield from dict.fromkeys(found)
        if not found and not any(is_price(part) for part in parts(terms)):
            remedy = f"add one: task.terms=[{','.join([price, *terms])}], or write task.terms=auto"
            yield Problem("terms", "no price among them: no elasticity can be estimated", list(terms), remedy)

    def wrong_groups(self, by: Iterable[str]) -> Iterator[Problem]:
        """Yield columns that tell nobody apart."""
        for name in dict.fromkeys(by):
            if name in self.outcomes:
                yield Problem("by", f"what happens {self.when} does not tell customers apart", name, "leave it out")
            elif name.endswith("_id"):
                yield Problem("by", "an id is no segment: each of its values is one of its own", name, "leave it out")
            elif name not in self.columns and not self._patterned(name):
                remedy = did_you_mean(name, [one for one in self.columns if one not in self.outcomes])
                yield Problem("by", "the panel has no such column", name, remedy)

    def _wrong_term(self, term: str) -> Iterator[Problem]:
        factors = term.split(BY)
        if not all(one.strip() for one in factors):
            whole = BY.join(one for one in factors if one.strip()) or "mean_price"
            remedy = f"write {whole}, or name a column: {whole}{BY}COLUMN"
            yield Problem("terms", "a product lacks a factor", term, remedy)
            return
        takes = dict(self.takes)
        for part in factors:
            bare = next((part.removeprefix(one) for one in self.prefixes if part.startswith(one)), part)
            if bare in self.outcomes:
                what = "what is predicted" if part == self.target else f"what happens {self.when}"
                yield Problem("terms", f"{what} cannot be a term of the model", part, "leave it out")
            elif bare.endswith("_id"):
                yield Problem("terms", "an id is never an input", part, "leave it out")
            elif self.behind(part, self.columns) or self._patterned(part):
                continue
            elif part in takes:
                told = f"{part} takes a column {takes[part]}, which the panel has not"
                yield Problem("terms", told, part, f"map one under that name, or leave {part} out")
            else:
                yield Problem("terms", "the panel has no column for this term", part, did_you_mean(part, self._terms()))

    def _terms(self) -> list[str]:
        """What could be a term here."""
        made = [one for one in self.known if self.behind(one, self.columns)]
        mine = [one for one in self.columns if one not in self.outcomes and not one.endswith(("_id", "_*"))]
        return [*made, *mine]

    def _patterned(self, name: str) -> bool:
        """Whether a name could be one of the columns that are known by their pattern."""
        stems = (name.removeprefix(one).rpartition("_")[0] for one in ("", "mean_", *self.prefixes))
        return any(f"{stem}_*" in self.columns for stem in stems if stem)


def absent_groups(by: Iterable[str], frame: pd.DataFrame) -> Iterator[Problem]:
    """Yield columns to tell apart by that the rows have not after all, or that hold nothing."""
    for name in dict.fromkeys(by):
        if name not in frame.columns:
            remedy = did_you_mean(name, frame.columns)
            yield Problem("task.by", "the panel has no such column", name, remedy)
        elif frame[name].isna().all():
            told = "has no value on any row of the training part: it tells nobody apart"
            yield Problem("task.by", told, name, "leave it out")


def parts(terms: Iterable[str]) -> list[str]:
    """Return the factors of terms, each once."""
    return list(dict.fromkeys(part for term in terms for part in term.split(BY)))

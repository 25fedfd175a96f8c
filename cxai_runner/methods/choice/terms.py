"""What the utility of an alternative is made of, as a config or a formula says it.

As a mapping, ``{price: generic, feature: generic, income: alternative, constants: true}``: a *generic* coefficient is
one number for all alternatives, an *alternative* one is a number for each. As text, in the three parts of the R package
mlogit [1]_, ``"price + feature | income | time"``: attributes with a generic coefficient, characteristics of the
customer, attributes with a coefficient for each alternative; ``0`` in the second part leaves the constants out.

A term is a column, ``log(column)``, or a product such as ``price:income``. What the customer brings to every
alternative alike, constants included, is measured against a reference alternative, whose coefficient is zero.

References
----------
.. [1] Croissant (2020), Estimation of random utility models in R: the mlogit package, Journal of Statistical Software
   95(11), section 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .data import ChoiceData
from .errors import ChoiceError, NotIdentifiedError

Floats = NDArray[np.float64]
Kind = Literal["generic", "alternative"]

_LOG = re.compile(r"log\((.+)\)")


@dataclass(frozen=True)
class Factor:
    """A column, or its logarithm."""

    column: str
    log: bool = False

    def value(self, data: ChoiceData) -> Floats:
        """Return it alternative by alternative, shape (J, n), or (n,) for a characteristic."""
        values = _values(self.column, data)
        if not self.log:
            return values
        used = values if data.available is None or values.ndim == 1 else np.where(data.available.T, values, 1.0)
        if (used <= 0).any():
            message = f"log({self.column}) of {int((used <= 0).sum())} values that are not positive"
            raise ChoiceError(message, "correct the values, leave the occasions out, or drop the logarithm")
        return np.log(used)

    def slope(self, data: ChoiceData) -> Floats:
        """Return its derivative by the column, in the same shape."""
        values = _values(self.column, data)
        return 1.0 / values if self.log else np.ones_like(values)


@dataclass(frozen=True)
class Term:
    """A product of factors, and whether its coefficient is the same for all alternatives."""

    text: str
    factors: tuple[Factor, ...]
    kind: Kind

    def differs(self, data: ChoiceData) -> bool:
        """Whether any factor is an attribute of alternatives."""
        return any(factor.column not in data.characteristics for factor in self.factors)

    def value(self, data: ChoiceData) -> Floats:
        """Return the product, shape (J, n), or (n,) where no factor differs between alternatives."""
        product = self.factors[0].value(data)
        for factor in self.factors[1:]:
            product = product * factor.value(data)
        return product

    def slope(self, data: ChoiceData, column: str) -> Floats | None:
        """Return the derivative by a column, or None where it is no factor."""
        total: Floats | None = None
        for position, factor in enumerate(self.factors):
            if factor.column == column:
                part = factor.slope(data)
                for other in (*self.factors[:position], *self.factors[position + 1 :]):
                    part = part * other.value(data)
                total = part if total is None else total + part
        return total


@dataclass(frozen=True)
class ChoiceTerms:
    """The terms of a utility; read one with `parse`."""

    terms: tuple[Term, ...]
    constants: bool

    @classmethod
    def parse(cls, terms: str | Mapping[str, object] | Sequence[str] | ChoiceTerms) -> ChoiceTerms:
        """Read terms from a mapping, a formula, or a list of generic ones (then with constants).

        Raises
        ------
        ChoiceError
            A coefficient that is neither ``generic`` nor ``alternative``, more than three parts, or no term at all.
        """
        if isinstance(terms, ChoiceTerms):
            return terms
        if isinstance(terms, str):
            return cls._formula(terms)
        if not isinstance(terms, Mapping):
            return cls._checked([_term(text, "generic") for text in terms], True)
        found: list[Term] = []
        constants: object = True
        for text, kind in terms.items():
            if text == "constants":
                constants = kind
            elif kind in ("generic", "alternative"):
                found.append(_term(text, kind))
            else:
                remedy = "write generic (one coefficient) or alternative (one for each)"
                raise ChoiceError(f"term {text!r} has the coefficient {kind!r}", remedy, (text,))
        if not isinstance(constants, bool):
            raise ChoiceError(f"constants is {constants!r}", "write true or false", ("constants",))
        return cls._checked(found, constants)

    @classmethod
    def _formula(cls, text: str) -> ChoiceTerms:
        parts = [part.split("+") for part in text.split("|")]
        if len(parts) > 3 or "~" in text:
            raise ChoiceError(
                f"the formula {text!r} is not of the form 'generic | customer | alternative'",
                "write at most three parts, without the choice: 'price + feature | income | time'",
            )
        constants, found = True, list[Term]()
        kinds: tuple[Kind, ...] = ("generic", "alternative", "alternative")
        for kind, words in zip(kinds, parts, strict=False):
            for place, word in enumerate(word.strip() for word in words):
                if word in ("0", "1"):
                    constants = word == "1"
                elif word:
                    found.append(_term(word, kind))
                elif len(words) > 1:  # a part may be empty as a whole
                    beside = f"after {words[place - 1].strip()!r}" if place else f"before {words[1].strip()!r}"
                    message = f"the formula {text!r} has nothing beside a '+', {beside}"
                    raise ChoiceError(message, "name a term there, or leave the '+' out")
        return cls._checked(found, constants)

    @classmethod
    def _checked(cls, terms: list[Term], constants: bool) -> ChoiceTerms:
        if not terms and not constants:
            raise ChoiceError("the utility has no term", "name a term, or set constants to true")
        seen = [term.text for term in terms]
        twice = tuple(sorted({text for text in seen if seen.count(text) > 1}))
        if twice:
            raise ChoiceError(f"named twice among the terms: {', '.join(twice)}", "name each once", twice)
        return cls(tuple(terms), constants)

    @property
    def columns(self) -> list[str]:
        """Attributes and characteristics that the terms are made of, each once."""
        return list(dict.fromkeys(factor.column for term in self.terms for factor in term.factors))

    def layout(self, data: ChoiceData, reference: str) -> Layout:
        """Return the parameters that the terms have in these data."""
        for term in self.terms:
            for factor in term.factors:
                _values(factor.column, data)
            if term.kind == "generic" and not term.differs(data):
                raise NotIdentifiedError(
                    f"{term.text!r} is the same for all alternatives of an occasion, "
                    "so that one coefficient for all has no effect",
                    f"write {term.text}: alternative, or multiply it by an attribute, as in price:{term.text}",
                    (term.text,),
                )
        if reference not in data.alternatives:
            message = f"the reference {reference!r} is none of the alternatives"
            raise ChoiceError(message, f"they are {', '.join(data.alternatives)}", (reference,))
        base = data.alternatives.index(reference)
        others = [j for j in range(len(data.alternatives)) if j != base]
        cells: list[tuple[str, Term | None, int | None]] = []
        if self.constants:
            cells += [(f"constant[{data.alternatives[j]}]", None, j) for j in others]
        for term in self.terms:
            if term.kind == "generic":
                cells.append((term.text, term, None))
            else:
                each = range(len(data.alternatives)) if term.differs(data) else others
                cells += [(f"{term.text}[{data.alternatives[j]}]", term, j) for j in each]
        return Layout(tuple(cells))


@dataclass(frozen=True)
class Layout:
    """The columns of a design: each a name, a term (none for a constant) and an alternative (none where generic)."""

    cells: tuple[tuple[str, Term | None, int | None], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the K parameters."""
        return tuple(name for name, _, _ in self.cells)

    def design(self, data: ChoiceData) -> Floats:
        """Return what each parameter multiplies in each utility, shape (K, J, n); zero where not available."""
        design = np.zeros((len(self.cells), len(data.alternatives), len(data)))
        seen: dict[str, Floats] = {}
        for row, (_, term, j) in zip(design, self.cells, strict=True):
            if term is None:
                row[j] = 1.0
                continue
            if term.text not in seen:
                seen[term.text] = term.value(data)
            _place(row, seen[term.text], j)
        _blank(design, data)
        return design

    def slopes(self, data: ChoiceData, column: str) -> Floats:
        """Return the derivative of the design by a column, shape (K, J, n): of attribute j that of utility j."""
        slopes = np.zeros((len(self.cells), len(data.alternatives), len(data)))
        for row, (_, term, j) in zip(slopes, self.cells, strict=True):
            part = None if term is None else term.slope(data, column)
            if part is not None:
                _place(row, part, j)
        _blank(slopes, data)
        return slopes


def _place(row: Floats, value: Floats, j: int | None) -> None:
    if j is None:
        row[:] = value
    else:
        row[j] = value if value.ndim == 1 else value[j]


def _blank(design: Floats, data: ChoiceData) -> None:
    if data.available is not None:
        for j, there in enumerate(data.available.T):
            design[:, j, ~there] = 0.0


def _values(column: str, data: ChoiceData) -> Floats:
    if column in data.attributes:
        return data.attributes[column].T
    if column in data.characteristics:
        return data.characteristics[column]
    known: Iterable[str] = (*data.attributes, *data.characteristics)
    raise ChoiceError(f"there is no attribute or characteristic {column!r}", f"it has {', '.join(known)}", (column,))


def _term(text: object, kind: Kind) -> Term:
    words = [word.strip() for word in str(text).split(":")]
    if not all(words):
        raise ChoiceError(f"term {text!r} is not a product of columns", "write it as in price:income")
    logs = [_LOG.fullmatch(word) for word in words]
    factors = [Factor(log[1].strip(), True) if log else Factor(word) for word, log in zip(words, logs, strict=True)]
    return Term(":".join(words), tuple(factors), kind)


def alternatives_in(frame: pd.DataFrame, terms: ChoiceTerms, separator: str) -> tuple[str, ...]:
    """Return the alternatives for which a wide panel has every attribute of the terms, in the order of its columns."""
    stems = [name for name in terms.columns if name not in frame.columns]
    found: list[str] | None = None
    for stem in stems:
        prefix = f"{stem}{separator}"
        suffixes = [str(name).removeprefix(prefix) for name in frame.columns if str(name).startswith(prefix)]
        found = suffixes if found is None else [name for name in found if name in suffixes]
    return tuple(found or ())

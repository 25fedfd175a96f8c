"""Which products of a number and a category need a column for every level of it.

Beside the number itself, a product says what each level adds to the most frequent one, whose own effect is the
number's. Where no other term holds that number there is nothing to add to: with the most frequent level left out, its
customers would be held not to answer to a price at all. So each level then has a slope, as in R [1]_.

References
----------
.. [1] Chambers and Hastie (1992), Statistical Models in S, section 2.4.1, on the coding of factors in interactions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from .names import BY


def of_every_level(
    terms: Sequence[str], is_category: Callable[[str], bool], columns: Callable[[str], Collection[str]]
) -> set[str]:
    """Return those of ``terms`` whose categories need all their levels.

    Parameters
    ----------
    terms
        Products are written ``price:segment``.
    is_category
        Whether a factor is one of categories.
    columns
        What a factor is made of: ``mean_price`` and ``price`` of the same columns.
    """
    split = [term.split(BY) for term in terms]
    numbers = [[part for part in parts if not is_category(part)] for parts in split]

    def told(one: int, other: int) -> bool:
        """Whether another term holds the numbers of this one, with fewer categories or before it."""
        within = len(numbers[one]) == len(numbers[other]) and all(
            any(set(columns(part)) <= set(columns(its)) for its in numbers[other]) for part in numbers[one]
        )
        return within and (len(split[other]), other) < (len(split[one]), one)

    return {
        terms[one]
        for one in range(len(terms))
        if 0 < len(numbers[one]) < len(split[one]) and not any(told(one, other) for other in range(len(terms)))
    }

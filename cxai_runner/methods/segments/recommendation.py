"""One number of segments out of several criteria that disagree, by a rule that can be said in a sentence.

Two questions come one after the other. Are there segments at all? Only criteria that can answer *one* are asked, and
there are none if more than half of them say so. How many? Each criterion has a vote; among numbers with equally many
votes the criterion that comes first in `ORDER` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .criteria import first_within_one_error, last_strong

ORDER = ("prediction_strength", "gap", "bic", "silhouette", "heights", "elbow")
"""Criteria, the one that asks most of segments first: to be found again, then to be tighter than chance."""
CAN_SAY_ONE = ("prediction_strength", "gap", "bic")
WORDS = {
    "prediction_strength": "prediction strength",
    "gap": "the gap statistic",
    "bic": "the BIC",
    "silhouette": "the silhouette",
    "heights": "the jump of the merge heights",
    "elbow": "the elbow",
}


@dataclass(frozen=True)
class Recommendation:
    """How many segments there are, and why.

    Parameters
    ----------
    number
        1 where there are none.
    votes
        What each criterion says; None of one that names no number.
    why
        A sentence.
    """

    number: int
    votes: Mapping[str, int | None]
    why: str


def votes(table: Mapping[str, NDArray[np.float64]]) -> dict[str, int | None]:
    """What each criterion in a table of the choice says, in `ORDER`.

    Parameters
    ----------
    table
        By columns: ``k`` and any of ``silhouette``, ``elbow``, ``heights`` (the largest counts), ``bic`` (the least),
        ``gap`` with ``gap_error``, and ``prediction_strength`` with ``prediction_strength_error``.
    """
    counts = [int(k) for k in table["k"]]
    said: dict[str, int | None] = {}
    for name in (one for one in ORDER if one in table):
        values = np.asarray(table[name], dtype=np.float64)
        if name == "gap":
            said[name] = first_within_one_error(counts, values, table["gap_error"])
        elif name == "prediction_strength":
            said[name] = last_strong(counts, values, table["prediction_strength_error"])
        elif np.isfinite(values).any():
            best = np.nanargmin(values) if name == "bic" else np.nanargmax(values)
            said[name] = counts[int(best)]
        else:
            said[name] = None
    return said


def recommend(table: Mapping[str, NDArray[np.float64]]) -> Recommendation:
    """Recommend a number of segments from a table of the choice, as `votes` takes it."""
    said = votes(table)
    asked = [name for name in CAN_SAY_ONE if name in said] if 1 in table["k"] else []
    none = [name for name in asked if said[name] == 1]
    if asked and 2 * len(none) > len(asked):
        rest = [name for name in asked if name not in none]
        why = f"{_list(none)} {_say(none)} one, which is none"
        if rest:
            why += f"; {_list(rest)} {_say(rest)} otherwise"
        return Recommendation(1, said, f"{why}. Elbow and silhouette cannot say one, and are not asked.")
    heard = {name: number for name, number in said.items() if number is not None and number > 1}
    if not heard:
        first = int(next((k for k in table["k"] if k > 1), table["k"][0]))
        return Recommendation(first, said, "no criterion names a number; it is the smallest that was tried.")
    count = {number: sum(other == number for other in heard.values()) for number in heard.values()}
    most = max(count.values())
    number = next(number for number in heard.values() if count[number] == most)
    ours = [name for name, given in heard.items() if given == number]
    others = [f"{WORDS[name]} {given}" for name, given in heard.items() if given != number]
    others += [f"{WORDS[name]} one" for name in none]
    why = f"{_list(ours)} {_say(ours)} {number}"
    if others:
        why += f", {', '.join(others)}"
    silent = [name for name, given in said.items() if given is None]
    if silent:
        why += f"; {_list(silent)} {'names' if len(silent) == 1 else 'name'} no number"
    tied = sum(votes == most for votes in count.values()) > 1
    return Recommendation(number, said, f"{why}{'; of equally many votes the first named decides' if tied else ''}.")


def _list(names: list[str]) -> str:
    words = [WORDS[name] for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _say(names: list[str]) -> str:
    return "says" if len(names) == 1 else "say"

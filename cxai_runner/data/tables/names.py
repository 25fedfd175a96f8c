"""Names of columns that no engine takes for one: those that repeat, or differ by case alone, get a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def unique(
    header: Sequence[str], noun: str = "header"
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...], tuple[str, ...]]:
    """Return names of which no two differ by case alone, the names that repeat, and what to tell of them.

    Parameters
    ----------
    header
        The names as they are written; an empty one gets a name of ours.
    noun
        What to call the header in what is told.
    """
    taken: set[str] = {name.casefold() for name in header}
    seen: Counter[str] = Counter()
    names: list[str] = []
    repeated: dict[str, list[str]] = {}
    notes: list[str] = []
    for number, own in enumerate(header, 1):
        name = own or f"column{number}"
        if not own:
            notes.append(f"column {number} has no name in the {noun}; it is `{name}`")
        seen[name.casefold()] += 1
        if seen[name.casefold()] > 1:
            count = seen[name.casefold()]
            while f"{name}_{count}".casefold() in taken:
                count += 1
            first = next(one for one in names if one.casefold() == name.casefold())
            name = f"{name}_{count}"
            taken.add(name.casefold())
            repeated.setdefault(first, [first]).append(name)
        names.append(name)
    for first, alike in repeated.items():
        which = ", ".join(f"the {_ordinal(place)} is `{name}`" for place, name in enumerate(alike[1:], 2))
        notes.append(f"the {noun} has `{first}` {_times(len(alike))}; {which}")
    return tuple(names), tuple((first, tuple(alike)) for first, alike in repeated.items()), tuple(notes)


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _ordinal(place: int) -> str:
    return {2: "second", 3: "third", 4: "fourth"}.get(place, f"{place}th")

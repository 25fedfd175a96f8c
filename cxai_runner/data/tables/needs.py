"""What a component needs of the tables before it: declared once, checked before anything runs."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Needs:
    """Tables and columns by standard name.

    Parameters
    ----------
    required
        Columns per table that must be there; ``price_*`` asks for at least one column that matches.
    optional
        Columns per table that are used where they exist. A table that is named here only may be absent.
    """

    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def tables(self) -> tuple[str, ...]:
        """Every table named, required ones first."""
        return tuple(dict.fromkeys([*self.required, *self.optional]))

    def __or__(self, other: Needs) -> Needs:
        """What both need."""
        return Needs(_both(self.required, other.required), _both(self.optional, other.optional))

    def missing(self, table: str, columns: Iterable[str]) -> list[str]:
        """The required columns (or patterns) of ``table`` that none of ``columns`` meets."""
        have = list(columns)
        return [want for want in self.required.get(table, ()) if not fnmatch.filter(have, want)]

    def wanted(self, table: str, columns: Iterable[str]) -> list[str]:
        """Those of ``columns`` that are needed, required or optional, in the order given."""
        patterns = [*self.required.get(table, ()), *self.optional.get(table, ())]
        return [name for name in columns if any(fnmatch.fnmatchcase(name, want) for want in patterns)]


def _both(one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    columns = {table: (*one.get(table, ()), *other.get(table, ())) for table in (*one, *other)}
    return {table: tuple(dict.fromkeys(names)) for table, names in columns.items()}

"""What a config says of any table, wherever its rows are: which column is which, which rows stay, what types are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

Type = Literal["key", "text", "integer", "number", "timestamp", "boolean"]


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """A table as one of the standard tables.

    Parameters
    ----------
    columns
        Standard name → the table's own. A column that is not named, or mapped to null, keeps its name. A pattern
        stands for several: ``price: "Price_{alternative}"`` maps ``Price_1`` to ``price_1``, and so on. Of
        files, ``{row}`` is the row's number. A rule makes a column of others: ``revenue: {product_of: [Quantity,
        Price]}``.
    where
        Which rows stay, by the names after mapping: ``{status: {not_in: [returned]}}``.
    types
        Types of columns whose own or standard type is not right, by the names after mapping.
    dates
        How dates in columns of text are written, tried in order (``%d/%m/%Y``); ISO 8601 where there is none. Alone,
        ``epoch`` reads seconds since 1970, and ``epoch_ms`` milliseconds.
    """

    columns: Mapping[str, str | Mapping[str, Any] | None] = field(default_factory=dict)
    where: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: Mapping[str, Type] = field(default_factory=dict)
    dates: str | Sequence[str] = ()

    unspoken: ClassVar[tuple[str, ...]] = ()
    """Fields that say where rows are or what they were, and not what is made of them."""

    @property
    def formats(self) -> tuple[str, ...]:
        """The date formats as a tuple, however they were written."""
        return (self.dates,) if isinstance(self.dates, str) else tuple(self.dates)

    @property
    def marks(self) -> Mapping[str, str]:
        """The marks with which numbers are written as text, as `casts.cast` takes them; none of its own."""
        return {}

    def spec(self, **more: str) -> str:
        """Return the config, and ``more`` of it, as canonical text."""
        settings = {key: value for key, value in asdict(self).items() if key not in self.unspoken}
        return json.dumps(settings | more, sort_keys=True, default=str)

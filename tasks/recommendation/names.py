"""What items are called: an id says nothing to whoever reads a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TELLING: Final = ("name", "title", "product_name", "description", "product_type", "type", "package_size", "label")
"""Columns that tell what an item is, the most telling first."""
KINDS: Final = ("category", "product_category", "department", "genre", "class", "type")
"""Columns that tell of what kind it is, the first that is there is taken."""
_TOLD: Final = 2


class About:
    """What is known of items, by their names.

    Parameters
    ----------
    items
        ``item_id`` and further columns; None where nothing is known.
    """

    def __init__(self, items: pd.DataFrame | None) -> None:
        given = pd.DataFrame({"item_id": []}) if items is None else items
        named = given.assign(item_id=given["item_id"].astype(str))
        self._items = named.drop_duplicates("item_id").set_index("item_id")
        texts = {name for name in self._items if self._items[name].nunique() > 1}
        self.kind = next((name for name in KINDS if name in texts), None)
        """The column of their kinds; None where there is none."""
        self._told = [name for name in TELLING if name in texts][:_TOLD]

    def kinds(self, items: Sequence[str]) -> NDArray[np.object_] | None:
        """Return the kind of each item, an empty text where it is not known; None where no kinds are."""
        return None if self.kind is None else self._column(self.kind, items)

    def columns(self, items: Sequence[str]) -> dict[str, NDArray[np.object_]]:
        """Return what to show beside items: in a few words what they are, and their kind; nothing if not known."""
        found = {}
        if self._told:
            words = np.stack([self._column(name, items) for name in self._told], axis=1)
            found["about"] = np.array([", ".join(filter(None, row)) for row in words], dtype=object)
        kinds = self.kinds(items)
        return found if kinds is None else found | {"kind": kinds}

    def _column(self, name: str, items: Sequence[str]) -> NDArray[np.object_]:
        column = self._items[name].reindex(list(items)).astype(object)
        return column.map(str).where(column.notna(), "").to_numpy(dtype=object)

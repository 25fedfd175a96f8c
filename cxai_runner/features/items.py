"""What is known of the items that can be recommended, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.data.tables.opened import Tables

CATEGORY = "category"


def about(tables: Tables, item: str, learned: Mapping[str, Any]) -> pd.DataFrame:
    """Return what is known of items: ``item_id``, the columns of `products`, and ``price`` where it was learned.

    Parameters
    ----------
    tables
        The source's.
    item
        ``product_id``, each of which in `products` has a row, or a column of `products`: an item is then a kind of
        product, and of the others only ``category`` is told, the one that most of its products have.
    learned
        ``items``, those that enough customers bought, and ``price``, what a unit of each cost; None where not known.
    """
    import pandas as pd

    items = pd.DataFrame({"item_id": pd.Series(learned["items"], dtype="str")})
    if learned["price"] is not None:
        items["price"] = pd.Series(learned["price"], dtype="float64")
    known = None
    if "products" in tables:
        products = tables["products"].execute()
        if item == "product_id":
            known = products.drop(columns="item_id", errors="ignore").rename(columns={"product_id": "item_id"})
        elif CATEGORY in products and item != CATEGORY:
            known = _commonest(products[[item, CATEGORY]].dropna().rename(columns={item: "item_id"}))
    if known is None:
        return items.sort_values("item_id", ignore_index=True)
    known = known[[one for one in known if one != "price"]].astype({"item_id": "str"})
    return items.merge(known, "outer", "item_id").sort_values("item_id", ignore_index=True)


def _commonest(products: pd.DataFrame) -> pd.DataFrame:
    """The category that most products of each item have; of equally many, the first by name."""
    counts = products.groupby(["item_id", CATEGORY], as_index=False).size()
    ordered = counts.sort_values(["item_id", "size", CATEGORY], ascending=[True, False, True], kind="stable")
    return ordered.drop_duplicates("item_id")[["item_id", CATEGORY]]

"""What of a purchase panel's tables meets nothing in the others, and so tells nothing: counted, never silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxai_runner.data.answers import value
from cxai_runner.data.dataset import Dropped

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables.opened import Tables


def unmet(tables: Tables, lines: IbisTable) -> Iterator[Dropped]:
    """Yield lines of receipts whose product is in no category, and promotions of what or when nobody bought.

    Parameters
    ----------
    tables
        With `transactions`, `products`, and `promotions` where there are such.
    lines
        The lines of a part.
    """
    unknown = value(lines.anti_join(tables["products"], "product_id").count())
    yield Dropped("transactions", "product is not in products, so of no category", unknown, value(lines.count()))
    if "promotions" not in tables:
        return
    promotions, of = tables["promotions"], tables.rows("promotions")
    bought, visited = (tables["transactions"].select(key).distinct() for key in ("product_id", "week"))
    unbought = value(promotions.anti_join(bought, "product_id").count())
    yield Dropped("promotions", "product was never bought", unbought, of)
    # A promotion that meets neither is counted once, under the first.
    unvisited = value(promotions.semi_join(bought, "product_id").anti_join(visited, "week").count())
    yield Dropped("promotions", "nobody shopped that week", unvisited, of)

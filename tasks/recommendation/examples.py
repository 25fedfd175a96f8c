"""Lists to look at: of a few customers, beside what they went on to buy; and what goes with each item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from cxai_runner.evaluation.ranking import ndcg
from cxai_runner.evaluation.results import Content, Finding, Table
from cxai_runner.evaluation.wording import counted
from tasks.recommendation.fitting import Fitted
from tasks.recommendation.names import About
from tasks.recommendation.rows import MODEL, Judged

QUANTILES: Final = (0.1, 0.5, 0.9)
"""Customers for whom the model does badly, middling and well."""
LOOKED_UP: Final = 300
"""Items, the most bought first, of which it is told what goes with them."""
NEIGHBOURS: Final = 5


def lists(judged: Judged, about: About) -> Iterator[Content]:
    """The lists of customers for whom the model does badly, middling and well, and what they bought."""
    hits, wanted = judged.hits()
    order = np.argsort(ndcg(hits, wanted), kind="stable")
    chosen = list(dict.fromkeys(int(order[round(one * (len(order) - 1))]) for one in QUANTILES))
    rows = []
    for row in chosen:
        for place, code in enumerate(judged.lists[MODEL][row]):
            if code >= 0:
                said = "bought" if hits[row, place] else ""
                customer = judged.scores["customer_id"].iloc[row]
                rows.append({"customer_id": customer, "place": place + 1, "item": judged.items[code], "then": said})
    if not rows:
        return
    frame = pd.DataFrame(rows)
    for at, (name, values) in enumerate(about.columns(frame["item"].tolist()).items(), 3):
        frame.insert(at, name, values)
    told = ", ".join(f"{int(wanted[row]):,}" for row in chosen)
    caption = (
        f"Of {counted(len(chosen), 'customer')} for whom the model does badly, middling and well (at a tenth, half and "
        f"nine tenths of the way). They went on to buy {told} different items."
    )
    yield Table("examples", "Some lists, and what came of them", frame, caption, len(frame))


def similar(fitted: Fitted, about: About) -> Iterator[Content]:
    """What goes with each of the items that most customers bought, as the model has it."""
    model = fitted.model
    asked = model.items_[:LOOKED_UP]
    try:
        found = model.similar_items(asked, min(NEIGHBOURS, len(model.items_) - 1))
    except ValueError:  # it needs to know more of a customer than what they bought
        found = pd.DataFrame()
    alike = found["similar"].nunique() <= NEIGHBOURS + 1 < len(asked) if len(found) else True
    if alike:  # the most popular, but for the item itself
        yield Finding(f"What goes with an item cannot be asked of {fitted.name}: it does not go by items.", "caveat")
        return
    for at, side in ((1, "item"), (len(found.columns) + 1, "similar")):
        for name, values in reversed(about.columns(found[side].tolist()).items()):
            found.insert(min(at, len(found.columns)), f"{side}_{name}", values)
    caption = (
        f"What the model recommends to whom bought the one item alone, for the {len(asked):,} items that most "
        "customers bought; `score` is in the model's own unit. Any item can be looked up: `similar_items` of the kept "
        "model."
    )
    yield Table("similar_items", "What goes with an item", found, caption)

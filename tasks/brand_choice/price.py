"""How the shares of all brands answer to the price of each: overall, by promotion and by segment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Interval, Table
from cxai_runner.methods.choice import Elasticities
from cxai_runner.methods.choice.elasticity import AGGREGATION
from tasks.brand_choice.answers import ALL, AS_OBSERVED, FEWEST, MOST_GROUPS, Answers, known, safe

MOST_BRANDS = 8


def elasticities(answers: Answers) -> Iterator[Content]:
    """The matrix, its own elasticities as estimates, and the same by state of promotion and segment."""
    index = answers.some()
    observed = answers.observed
    over = "" if len(index) == len(answers.frame) else f" Over {len(index):,} occasions, evenly spaced among all."
    how = f"{observed.aggregation}; {answers.uncertainty if answers.known else 'no standard errors'}"
    price = answers.task.price
    for name in answers.largest(MOST_BRANDS) if answers.known else ():
        text = f"own-price elasticity of {name}" if price == "price" else f"elasticity of {name} to its own {price}"
        if name in answers.still:
            text += f" (one {price} only: from the other brands')"
        yield Estimate(f"own_price_elasticity_{safe(name)}"[:60], text, own_of(observed, name))
    matrix = observed.frame()
    yield Figure(
        "elasticity_matrix",
        "Elasticity of each share to each price",
        matrix,
        "heatmap",
        f"{observed.column}_of",
        "share_of",
        f"Per cent of the row's share per per cent of the column's {observed.column}; {how}.{over}",
        fill="elasticity",
        x_label=f"whose {observed.column} rises",
        y_label="whose share answers",
    )
    wide = observed.matrix().reset_index()
    caption = f"Row: whose share. Column: whose {observed.column} rises by 1 %. {how[0].upper()}{how[1:]}.{over}"
    yield Table("elasticity_matrix", "Own- and cross-price elasticities", wide, caption, alike=True)
    every, few = _every(answers, index, observed)
    yield Table(
        "elasticities",
        "Elasticities by promotion, segment and aggregation",
        known(every),
        f"{answers.uncertainty[0].upper()}{answers.uncertainty[1:]}: intervals know that coefficients are estimated, "
        "and take the occasions as given; over other customers' occasions they would be somewhat wider. `sample` is "
        "probability-weighted sample enumeration, the elasticity of the share itself; `at the means` that of one "
        f"occasion at every column's mean, which is no average.{over}",
        10,
    )
    mine = every[every["share_of"] == every["price_of"]].drop(columns="price_of")
    if answers.promotions or len(answers.groups.columns):
        told = "The diagonal of the table before: what 1 % on a brand's own price does to its own share."
        yield Table("own_elasticities", "Own-price elasticities by promotion and segment", known(mine), told, 40)
    for name in few:
        yield Finding(name, "caveat")


def _every(answers: Answers, index: NDArray[np.intp], observed: Elasticities) -> tuple[pd.DataFrame, list[str]]:
    """Every matrix that is asked for, one below the other; and what was left out."""
    tables = [_long(observed, ALL, AS_OBSERVED, len(index))]
    tables.append(_long(answers.elasticities(index, at="means"), ALL, AS_OBSERVED, len(index)))
    parts, left, small = list(answers.parts(index)), [], []
    if len(parts) > MOST_GROUPS + 1:
        left.append(f"Of {len(parts) - 1} segments the {MOST_GROUPS} largest are told apart in the tables.")
    for label, rows in parts[: MOST_GROUPS + 1]:
        if len(rows) < FEWEST / 10:
            small.append(f"{label} ({len(rows)})")
        for state, value in answers.promoted().items():
            if (label, state) != (ALL, AS_OBSERVED):
                frame = answers.with_promotion(answers.frame.iloc[rows], value)
                tables.append(_long(answers.elasticities(rows, frame), label, state, len(rows)))
    if small:
        left.append(f"Fewer than {FEWEST // 10} occasions: {', '.join(small)}. Figures there say little beyond them.")
    table = pd.concat(tables, ignore_index=True)
    # What was never available among some rows has no elasticity there; the warning says so.
    return table[table["elasticity"].notna()].reset_index(drop=True), left


def _long(found: Elasticities, label: str, state: str, rows: int) -> pd.DataFrame:
    table = found.frame().drop(columns="group").rename(columns={f"{found.column}_of": "price_of"})
    at = "sample" if found.aggregation == AGGREGATION["sample"] else "at the means"
    table = table.rename(columns={"standard_error": "error"})  # a row has to fit a page
    first = pd.DataFrame({"occasions": label, "promotion": state, "aggregation": at, "rows": rows}, index=table.index)
    return pd.concat([first, table], axis=1)


def own_of(found: Elasticities, name: str) -> Interval:
    """The elasticity of a brand's share to its own price."""
    table = found.frame()
    value, low, high = table[(table["share_of"] == name) & (table[f"{found.column}_of"] == name)][
        ["elasticity", "low", "high"]
    ].to_numpy()[0]
    return Interval(float(value), float(low), float(high))

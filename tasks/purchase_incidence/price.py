"""What is said about price: the elasticity over what was observed, by promotion, segment and brand, and its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from scipy import stats

from cxai_runner.evaluation.clusters import few_clusters
from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Interval, Table
from cxai_runner.evaluation.wording import number, with_interval
from cxai_runner.methods.elasticity_curve import ElasticityCurve
from cxai_runner.methods.names import BY, is_price
from cxai_runner.methods.purchase_response import PROMOTION
from tasks.purchase_incidence.answers import FEW_CUSTOMERS, FEW_ROWS, Answers, in_words, turns_elastic
from tasks.purchase_incidence.omitted import omitted

DRAWN = {"observed": "as observed", "at 1": "promotion 1", "at 0": "promotion 0"}
"""What a picture calls a state of promotion, where no heading says what it is of."""
FEW_PRICES = 10
FEW_BANDS = 3
"""Bands that one picture can hold."""
FEW_REFITS = 10
"""Refits below which their spread is hardly known."""
MEAN_PRICE = "mean price over alternatives"
SHADED = "shaded is what was observed, outside it the model extrapolates"
STATES = " Promotion of all alternatives as observed, at 1 and at 0."


def response(answers: Answers) -> Iterator[Content]:
    """The elasticity of purchase probability over the observed prices, and the probability itself."""
    curve = answers.overall
    mean_price, value, low, high = curve.at_mean
    at_mean = Interval(value, low, high)
    yield Estimate("elasticity_at_mean_price", "elasticity of purchase probability at the mean price", at_mean)
    yield Finding(
        f"At the mean price of {number(mean_price, 2)}, prices 1 % higher throughout go with a change of "
        f"{with_interval(at_mean)} % in the purchase probability."
    )
    yield from elastic(curve)
    several = len(answers.promotions) > 1
    data = _together(answers.curves, "promotion")
    drawn = data.assign(promotion=data["promotion"].map(DRAWN))
    how = f"{curve.uncertainty}; {curve.differences}"
    yield Figure(
        "elasticity",
        "Price elasticity of purchase probability",
        drawn,
        "line",
        "price",
        "elasticity",
        f"All prices move together; {SHADED}.{STATES * several} Band: 95 %, {how}.",
        by="promotion" if several else None,
        low="low",
        high="high",
        x_label=MEAN_PRICE,
        y_label="elasticity",
        shade=curve.observed,
        reference={"y": -1.0},
    )
    yield Figure(
        "purchase_probability",
        "Purchase probability by price",
        drawn,
        "line",
        "price",
        "purchase_probability",
        f"Mean over the training rows, all else as observed; {SHADED}.{STATES * several} Band: 95 %.",
        by="promotion" if several else None,
        low="probability_low",
        high="probability_high",
        x_label=MEAN_PRICE,
        y_label="purchase probability",
        shade=curve.observed,
    )
    table = answers.at_mean()
    told = "Prices 1 % higher go with so many % more purchases; demand is elastic where that is below −1."
    yield Table("elasticity_at_mean", "Price elasticity at the mean price", table, f"{told} 95 %, {how}.", len(table))
    yield from _by_group(answers)
    yield from _by_brand(answers)
    yield from _compared(answers)
    first = ["promotion", "price", "observed", "elasticity", "low", "high"]
    shown = data[[*first, *(name for name in data.columns if name not in first)]]
    yield Table("elasticity", "Price elasticity by price", shown, "Outside `observed` it extrapolates.")


def elastic(curve: ElasticityCurve) -> Iterator[Content]:
    """Where purchases turn elastic, claimed no further than the interval goes."""
    found = curve.turns()
    low, high = (number(price, 2) for price in curve.observed)
    where = f"between the observed prices of {low} and {high}"
    if found.kind == "falls" and all(found.cut):
        yield Finding(f"Whether and where purchases turn elastic (below −1) {where} cannot be told.")
    elif found.kind == "falls":
        cut = " (the interval is cut at the observed prices)" if any(found.cut) else ""
        text = f"price above which purchases are elastic{cut}"
        yield Estimate("elastic_above_price", text, Interval(found.price, found.low, found.high))
        yield Finding(f"Purchases are elastic (below −1) at prices above {in_words(found)}{cut}.")
    elif found.kind in ("below", "above"):
        kind = "elastic (below −1)" if found.kind == "below" else "inelastic (above −1)"
        yield Finding(f"Purchases are {kind} at every observed price, the interval included.")
    elif found.kind == "several":
        yield Finding(f"The elasticity does not pass −1 at one price {where}: see its curve.")
    else:
        yield Finding(f"Whether purchases are elastic (below −1) at every price {where} cannot be told.")


def _by_group(answers: Answers) -> Iterator[Content]:
    for column in answers.named:
        mine = {value: curve for (one, value), curve in answers.by_group.items() if one == column}
        if not mine:
            continue
        ranges = " Its numbers are divided at their quartiles." if column in answers.ranged else ""
        few = len(mine) <= FEW_BANDS
        bands = f"Band: 95 %, {next(iter(mine.values())).uncertainty}" if few else "Intervals are in the table"
        yield Figure(
            f"elasticity_by_{_file(column)}"[:60],
            f"Price elasticity of purchase probability by {column}",
            _together(mine, column),
            "line",
            "price",
            "elasticity",
            f"Each over the mean prices that it met and no further, promotion as observed.{ranges} {bands}.",
            by=column,
            low="low" if few else None,
            high="high" if few else None,
            x_label=MEAN_PRICE,
            y_label="elasticity",
            reference={"y": -1.0},
        )


def _by_brand(answers: Answers) -> Iterator[Content]:
    if not answers.by_brand:
        return
    how = next(iter(answers.by_brand.values())).uncertainty
    told = "The price of one alternative moves, those of the others are as observed"
    yield Figure(
        "elasticity_by_own_price",
        "Elasticity of purchase probability by one brand's price",
        _together(answers.by_brand, "brand"),
        "line",
        "price",
        "elasticity",
        f"{told}; each over what was observed of it and no further. Band: 95 %, {how}.",
        by="brand",
        low="low",
        high="high",
        x_label="price of the brand",
        y_label="elasticity",
        reference={"y": 0.0},
    )
    rows = []
    for brand, curve in answers.by_brand.items():
        price, elasticity, low, high = curve.at_mean
        turns = turns_elastic(curve)
        rows.append((brand, price, elasticity, low, high, turns))
    columns = ["brand", "price", "elasticity", "low", "high", "elastic_from"]
    caption = f"{told}: whether the category is bought at all, not which brand. 95 %, {how}."
    frame = pd.DataFrame(rows, columns=columns)
    yield Table("elasticity_by_brand", "Elasticity of purchase probability by one brand's price", frame, caption)


def _compared(answers: Answers) -> Iterator[Content]:
    if answers.intervals != "both":
        return
    table = answers.compared()
    many = len(answers.response.refits)
    caption = f"Of the elasticity at the mean price, 95 %: the delta method, and {many} refits on resampled customers."
    yield Table("intervals_compared", "Two intervals of the elasticity", table, caption, len(table))
    ratio = float(table["ratio_of_errors"].iloc[0])
    if many < FEW_REFITS:
        yield Finding(
            f"By {many} refits on resampled customers the standard error of the elasticity is {number(ratio, 2)} times "
            f"the delta method's: too few refits to compare the two; {FEW_REFITS} or more tell."
        )
        return
    low, high = (float(np.sqrt(stats.chi2.ppf(tail, many - 1) / (many - 1))) for tail in (0.005, 0.995))
    said = (
        "as so many refits of the same error would: the two intervals agree"
        if low <= ratio <= high
        else "further from 1 than chance makes it: the two intervals do not agree, so trust the wider"
    )
    yield Finding(
        f"By {many} refits on resampled customers the standard error of the elasticity is {number(ratio, 2)} times the "
        f"delta method's, {said}."
    )


def caveats(answers: Answers, terms: tuple[str, ...]) -> Iterator[Content]:
    """What not to conclude."""
    curve, response = answers.overall, answers.response
    yield Finding(
        "The effect of price is causal only if price was set without regard to demand, given what else the model sees. "
        "If prices rise when demand does, it is understated; promotions that go with low prices lend it some of their "
        "effect, unless they are among the terms.",
        "caveat",
    )
    points = len(np.unique(response.prices_of().round(6)))
    low, high = (number(price, 2) for price in curve.observed)
    few = ": few to draw a curve through" if points < FEW_PRICES else ""
    yield Finding(
        f"The mean price took {points:,} different values between {low} and {high}{few}. Outside that range the curve "
        "is the model's extrapolation.",
        "caveat",
    )
    if len(answers.promotions) > 1:
        shown = [name for name in response.X.columns if str(name).startswith(PROMOTION)]
        mean = response.X[shown].to_numpy(dtype=np.float64).mean(axis=1)
        if mean.max() < 1 or mean.min() > 0:
            yield Finding(
                f"Promotion of all alternatives together lay between {number(mean.min(), 2)} and "
                f"{number(mean.max(), 2)}: the curves at 1 and 0 are of states that were not observed where they lie "
                "outside.",
                "caveat",
            )
    if answers.left_out:
        takes = f"{FEW_ROWS} occasions" + (f" and {FEW_CUSTOMERS} customers" if answers.customers is not None else "")
        yield Finding(f"No curve is drawn of {omitted(answers.left_out)}; a curve takes {takes}.", "caveat")
    apart = [column for column in answers.named if not _interacts(column, terms)]
    if apart and not hasattr(response.final, "estimator") and response.smooth:
        column = apart[0]
        yield Finding(
            f"The model has one effect of price for every {column}: their elasticities differ because they buy more or "
            f"less often. {_one_each(column, numeric=column in answers.numbers)}",
            "caveat",
        )
    yield from _unsure(answers)
    if curve.at_mean[3] >= 0 > curve.at_mean[2] and curve.ceiling > 0:
        yield Finding(
            "The data do not tell whether purchases fall when prices rise: the interval holds zero.", "caveat"
        )
    elif curve.at_mean[2] > 0:
        yield Finding(
            "Higher prices go with more purchases here, which a price effect cannot explain: look for what moves both.",
            "caveat",
        )
    if not response.smooth:
        yield Finding(f"The elasticity is an {curve.differences}; read its level, not its wiggles.", "caveat")


def _unsure(answers: Answers) -> Iterator[Content]:
    """What the intervals rest on, where that is little."""
    curve, refits = answers.overall, len(answers.response.refits)
    drawn, every = curve.averaged
    if drawn < every:
        yield Finding(
            f"Probability and elasticity are averages over {drawn:,} of the {every:,} training occasions, drawn at "
            "random; their intervals allow for the draw.",
            "caveat",
        )
    if answers.customers is not None:
        what = "standard errors that are clustered by customer, which are too small"
        yield from few_clusters(answers.customers, "occasions", what)
    if answers.intervals != "delta" and refits < FEW_REFITS:
        yield Finding(
            f"Only {refits} refits on resampled customers are behind the interval: how wide it is, is hardly known. "
            f"For one that is, write task.refits={FEW_REFITS} or more.",
            "caveat",
        )
    if curve.ceiling == 0:
        yield Finding(
            "The model is held to sell no more at a higher price: the interval of the elasticity is cut at 0, and says "
            "nothing of whether that is so.",
            "caveat",
        )


def _one_each(column: str, *, numeric: bool) -> str:
    if not numeric:
        return f"To estimate one each, name the term mean_price:{column}."
    return (
        f"The term mean_price:{column} would let it rise or fall with {column} in a straight line; for one of each "
        f"group, bring the groups as a column of words."
    )


def _interacts(column: str, terms: tuple[str, ...]) -> bool:
    """Whether a term lets the effect of price differ by a column, or by one of the columns made of it."""
    several = [term.split(BY) for term in terms if BY in term and is_price(term)]
    return any(part == column or part.startswith(f"{column}_") for parts in several for part in parts)


def _together(curves: Mapping[str, ElasticityCurve], by: str) -> pd.DataFrame:
    frames = [curve.frame().assign(**{by: label}) for label, curve in curves.items()]
    data = pd.concat(frames, ignore_index=True)
    return data[[by, *(name for name in data.columns if name != by)]]


def _file(column: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in column.lower())

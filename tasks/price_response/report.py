"""What an analyst reads: what the price does and by which way, the best price, who gains, and the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from cxai_runner.evaluation import evidence
from cxai_runner.evaluation.intervals import bootstrap, percentile
from cxai_runner.evaluation.metrics import MeanOf, calibration_table, codes_of, tenths
from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Interval, Metric, Table
from cxai_runner.evaluation.wording import digits_of, number, share, with_interval
from cxai_runner.methods.response import Optimum, PurchaseChain, interval
from cxai_runner.methods.response.forecast import PARTS
from cxai_runner.methods.response.optimum import FEW
from cxai_runner.task import Context
from tasks.price_response.prices import AS_OBSERVED, Answers

BANDS = 5
WAYS = {"incidence": "purchase incidence", "choice": "brand choice", "quantity": "quantity"}


def verdict(answers: Answers, scores: Mapping[str, pd.DataFrame], metrics: Mapping[str, Metric]) -> Iterator[Content]:
    """The elasticity, by which way it comes, and the best price; then whether the models know more than shares."""
    found = answers.at_observed(answers.brand)
    ways = [f"{number(found[part].value, digits_of(found[part]))} by {WAYS[part]}" for part in PARTS]
    wanted = "revenue" if answers.cost is None else "margin"
    best = answers.best()[AS_OBSERVED][wanted]
    others = ", its competitors' with it," if answers.competitors == "matched" else ""
    yield Finding(
        f"A price of {answers.label} that is 1 % higher{others} goes with a change of {with_interval(found['total'])} "
        f"% in its units: {ways[0]}, {ways[1]} and {ways[2]}. {_best_in_words(wanted, best, answers)}",
        "headline",
    )
    yield Finding(
        evidence.verdict(
            metrics["log_loss"],
            "predict what happens",
            "base rate and shares",
            held_out="held_out" in scores,
            unit="occasion",
            several=True,
            of="of an occasion",
        )
    )
    few = ": few, so that they are rough" if answers.usable < FEW else ""
    yield Finding(
        "The three parts add up to the whole: each is a change of the brand's expected units, occasion by occasion, "
        f"over their sum. 95 % intervals: all three models refitted to {answers.usable} resamples of the customers"
        f"{few}."
    )


def decomposition(answers: Answers) -> Iterator[Content]:
    """Elasticity and parts at the observed prices, and over the prices."""
    found = answers.at_observed(answers.brand)
    brand = answers.label
    labels = {"total": f"elasticity of the units of {brand} to its price, observed prices"}
    labels |= {part: f"of it by {WAYS[part]}" for part in PARTS}
    names = {"total": "elasticity_at_observed_prices"} | {part: f"elasticity_by_{part}" for part in PARTS}
    for name, value in found.items():
        yield Estimate(names[name], labels[name], value)
    category = answers.at_observed(None)["total"]
    yield Estimate("category_elasticity", f"elasticity of the units of all brands to the price of {brand}", category)
    rows = [
        {
            "part": name,
            "elasticity": one.value,
            "low": one.low,
            "high": one.high,
            "share_of_total": share(one.value / found["total"].value),
        }
        for name, one in found.items()
    ]
    caption = (
        f"At the observed prices of {brand}; competitors' prices {_competitors(answers)}. The part by choice is no "
        "share of units taken from other brands, which gain from more purchases too: see who gains."
    )
    yield Table("elasticity_parts", "The elasticity and its parts", pd.DataFrame(rows), caption)
    table = answers.table()
    groups = (
        " Groups differ by the prices they met, and by what the models see of them: a slope of its own takes a term."
        if len(answers.rows) > 1
        else ""
    )
    told = (
        "Each occasion weighs by the units of the brand that are expected of it; incidence, choice and quantity add up "
        f"to the elasticity. Units are per occasion.{groups}"
    )
    yield Table("price_elasticity", "Elasticity by group and promotion", table, told, len(table))
    yield Figure(
        "elasticity_parts",
        "What the elasticity is made of, by price",
        answers.parts_over_price(),
        "stack",
        "price",
        "elasticity",
        "Incidence, choice and quantity, stacked from zero, upwards where they are positive: the elasticity is their "
        f"sum. Within the prices of {brand} that were observed, promotion as observed.",
        by="part",
        x_label=f"price of {brand}",
        y_label="elasticity of its units",
        reference={"y": -1.0},
    )


def curves(answers: Answers) -> Iterator[Content]:
    """Units, revenue, margin and elasticity over the prices."""
    table = answers.curve()
    brand, several = answers.label, len(answers.curves) > 1
    states = f" With {brand} on promotion everywhere (1), nowhere (0), and as observed." if several else ""
    beyond = " outside it the models extrapolate." if all(answers.smooth) else " models of steps say nothing beyond it."
    caption = f"Shaded is what {brand} was sold at;{beyond}{states} Band: 95 %. {_over(answers)}"
    wanted = {
        "units": (f"Units of {brand} by its price", "units per occasion"),
        "revenue": (f"Revenue of {brand} by its price", "revenue per occasion"),
        "margin": (f"Margin of {brand} by its price", "margin per occasion"),
        "revenue_of_all_brands": (f"Revenue of all brands by the price of {brand}", "revenue per occasion"),
        "elasticity": (f"Elasticity of the units of {brand}", "elasticity"),
    }
    for name, (title, label) in wanted.items():
        if name in table:
            yield Figure(
                f"{name}_by_price",
                title,
                table,
                "line",
                "price",
                name,
                caption,
                by="promotion" if several else None,
                low=f"{name}_low",
                high=f"{name}_high",
                x_label=f"price of {brand}",
                y_label=label,
                shade=answers.range,
                reference={"y": -1.0} if name == "elasticity" else None,
            )
    told = f"What is not observed is extrapolated. {_over(answers)} Intervals are in the pictures."
    estimates = table[[name for name in table if not str(name).endswith(("_low", "_high"))]]
    yield Table("curves", f"Everything by the price of {brand}", estimates, told, 10)


def best_prices(answers: Answers) -> Iterator[Content]:
    """The prices that maximise revenue and margin, or that the data do not tell them."""
    rows = []
    for state, by_name in answers.best().items():
        money = answers.money(answers.curves[state])
        now = answers.money(answers.averaged)
        for name, one in by_name.items():
            inside = money[name][0][answers.inside]
            rows.append(
                {
                    "maximised": name,
                    "promotion": state,
                    "price": _price(one) if one.identified else "—",
                    "told_by_the_data": _where(one, answers),
                    "per_occasion_there": float(inside.max()),
                    "per_occasion_as_observed": float(now[name][0, 0]),
                }
            )
            if one.identified and state == AS_OBSERVED and name != "revenue of all brands":
                text = f"price of {answers.label} that maximises its {name}"
                yield Estimate(f"{name}_maximising_price", text, Interval(one.price, one.low, one.high))
    low, high = (number(end, 2) for end in answers.range)
    caption = f"Between {low} and {high}, the prices observed. At an end of them the data say where it is not."
    yield Table("best_prices", f"Best prices of {answers.label}", pd.DataFrame(rows), f"{caption} {_over(answers)}")
    if answers.cost is None:
        yield Finding("What a unit costs is not said, so there is no margin: write task.cost=0.8, or task.cost=60%.")
    else:
        least = answers.range[0]
        yield Finding(_best_in_words("revenue", answers.best()[AS_OBSERVED]["revenue"], answers))
        if answers.cost >= least:
            yield Finding(
                f"A unit costs {number(answers.cost, 2)}, and was sold for as little as {number(least, 2)}.", "caveat"
            )


def who_gains(answers: Answers) -> Iterator[Content]:
    """Whose units answer to the price, and where those go that the brand loses."""
    response, brand = answers.alone, answers.label
    diverted = interval(response.diverted()[:, 0, 0])
    units = response.units[0, 0, 0]
    rows, bars = [], []
    for j, name in enumerate([*response.alternatives, None]):
        total = answers.of_alone(name)["total"]
        label = "all brands" if name is None else name
        gained = _hundred(diverted, j)
        rows.append(
            {
                "units_of": label,
                "units_per_1000_occasions": 1000 * float(units.sum() if name is None else units[j]),
                "elasticity": total.value,
                "low": total.low,
                "high": total.high,
                "of_100_lost": "lost: 100" if name == answers.brand else with_interval(gained, 1),
            }
        )
        if name != answers.brand:
            whose = "not bought at all" if name is None else f"go to {name}"
            bars.append({"where": whose, "units": gained.value, "low": gained.low, "high": gained.high})
    caption = (
        f"How units answer to the price of {brand}, and where 100 units go that a higher price costs it; the row of "
        "all brands is what the category loses. Competitors' prices as observed."
    )
    yield Table(
        "who_gains", f"Who gains when {brand} is dearer, and who loses when it is cheaper", pd.DataFrame(rows), caption
    )
    yield Figure(
        "who_gains",
        f"Where 100 units go that a higher price costs {brand}",
        pd.DataFrame(bars),
        "bar",
        "where",
        "units",
        "The other way round: whom 100 units more by a lower price are taken from. Below 0: it loses too.",
        low="low",
        high="high",
        x_label=" ",
        y_label="of 100 units",
    )


def coefficients(chain: PurchaseChain) -> Iterator[Content]:
    """The coefficients of all three models that have standard errors."""
    tables = []
    for part in PARTS:
        model = getattr(chain, f"{part}_")
        if hasattr(model, "summary_frame"):
            frame = model.summary_frame().reset_index()
            tables.append(frame.assign(part=part)[["part", *frame.columns]])
    if tables:
        kinds = {str(getattr(getattr(chain, f"{part}_"), "covariance_type_", "")) for part in PARTS} - {""}
        said = " and ".join("clustered by customer" if kind == "clustered" else kind for kind in sorted(kinds))
        caption = f"As each model sees its terms; 95 % intervals, standard errors {said}."
        table = pd.concat(tables, ignore_index=True)
        yield Table("coefficients", "Coefficients of the three models", table, caption, len(table))
    names = [f"{part} {type(getattr(chain, f'{part}_')).__name__}" for part in PARTS]
    more = ", purchases by way of the inclusive value of the choice" if chain.inclusive_ else ""
    yield Finding(f"The models: {', '.join(names)}{more}.")


def how_well(metrics: Mapping[str, Metric], scores: pd.DataFrame, context: Context) -> Iterator[Content]:
    """Where the models know more than the baseline, and whether expected units of the brand come true."""
    rows = []
    for name in ("log_loss", *(f"log_loss_{part}" for part in PARTS)):
        one = metrics[name]
        assert one.baseline is not None
        assert one.difference is not None
        rows.append(
            {
                "part": name.removeprefix("log_loss").removeprefix("_") or "whole outcome",
                "model": one.value.value,
                "baseline": one.baseline.value,
                "difference": with_interval(one.difference),
                "verdict": one.verdict,
            }
        )
    told = "Minus the mean logarithm of the probability of what happened, per occasion; the parts add up to the whole."
    yield Table("log_loss_parts", "Log loss by part", pd.DataFrame(rows), told)
    truth, expected = scores["brand_units"], scores["expected"]
    rng = context.rng("calibration")
    table = calibration_table(truth, expected, scores["customer_id"], context.resamples, rng)
    brand = f"brand {scores['of_brand'].iloc[0]}"
    caption = f"Tenths of the occasions by expected units of {brand}; on the diagonal, what was expected came true."
    title = f"Expected and observed units of {brand}"
    yield from evidence.calibration(
        table, caption, predicted="expected units per occasion", observed="observed units per occasion", title=title
    )
    bands = _bands(scores, context)
    title = f"Units of {brand} by its price, expected and observed"
    caption = "Occasions of about equal number by the brand's price; 95 % intervals resample customers."
    yield Table("price_bands", title, bands, caption)


def _bands(scores: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Expected and observed units of the brand in bands of its price."""
    price = scores["brand_price"].to_numpy(dtype=np.float64)
    band = tenths(price, BANDS)
    codes, count = codes_of(scores["customer_id"])
    truth = scores["brand_units"].to_numpy(dtype=np.float64)
    means = [MeanOf(truth * (band == b), codes, count, band == b) for b in range(band.max() + 1)]
    drawn = bootstrap(means, count, context.resamples, context.rng("price bands"))
    rows = []
    for b, (value, draws) in enumerate(drawn):
        mine = band == b
        one = percentile(float(value[0]), draws[0])
        rows.append(
            {
                "price": f"{number(price[mine].min(), 2)} … {number(price[mine].max(), 2)}",
                "rows": int(mine.sum()),
                "expected": float(scores["expected"][mine].mean()),
                "observed": one.value,
                "low": one.low,
                "high": one.high,
            }
        )
    return pd.DataFrame(rows)


def _best_in_words(name: str, one: Optimum, answers: Answers) -> str:
    low, high = (number(end, 2) for end in answers.range)
    if one.identified:
        return f"Its {name} is highest at a price of {_price(one)}."
    said = {
        "lowest": f"Its {name} is highest at {low}, the lowest price observed or below it",
        "highest": f"Its {name} is highest at {high}, the highest price observed or beyond it",
        "either": f"Its {name} seems highest inside the prices observed, but at an end of them in {_times(one)}",
    }
    return f"{said[one.where]}: the best price is not identified."


def _where(one: Optimum, answers: Answers) -> str:
    return {
        "inside": "yes",
        "lowest": "not identified: at the lowest price observed, or below",
        "highest": "not identified: at the highest price observed, or beyond",
        "either": f"not identified: at an end of the prices in {_times(one)}",
    }[one.where]


def _price(one: Optimum) -> str:
    """The best price with its interval, where it has one, in the digits that the estimate has."""
    found = Interval(one.price, one.low, one.high)
    return with_interval(found) if np.isfinite(one.low) else number(one.price, 2)


def _times(one: Optimum) -> str:
    """In how many resamples an optimum is at an end; of few a share would look more exact than it is."""
    if one.resamples < FEW:
        return f"{one.at_edge} of {one.resamples} resamples"
    return f"{share(one.at_edge / one.resamples)} of the resamples"


def _over(answers: Answers) -> str:
    """Over which occasions the curves are averaged."""
    drawn, resampled, every = answers.counted
    if drawn == every and resampled == every:
        return f"Averaged over all {every:,} occasions."
    whole = f"all {every:,} occasions" if drawn == every else f"{drawn:,} of {every:,} occasions, drawn at random"
    more = "" if resampled == drawn else f", its interval over {resampled:,}"
    return f"Averaged over {whole}{more}; what the draw adds is in no interval."


def _competitors(answers: Answers) -> str:
    return "move by the same share" if answers.competitors == "matched" else "as observed"


def _hundred(values: tuple[np.ndarray, np.ndarray, np.ndarray], j: int) -> Interval:
    value, low, high = (100 * float(one[j]) for one in values)
    return Interval(value, low, high)

"""What an analyst reads about purchase incidence: the verdict, the elasticity, the coefficients, the calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.metrics import calibration_table
from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Interval, Metric, Table
from cxai_runner.evaluation.wording import number, share, with_interval
from cxai_runner.methods.elasticity import ElasticityCurve, price_elasticity
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.task import Context

if TYPE_CHECKING:
    from tasks.purchase_incidence.task import Fitted, PurchaseIncidence

FEW_PRICES = 10


def verdict(scores: Mapping[str, pd.DataFrame], metrics: Mapping[str, Metric]) -> Iterator[Content]:
    """Whether the model beats the base rate, and on which rows."""
    held_out = "held_out" in scores
    rows = scores["held_out" if held_out else "train"]
    whose = "rows it has not seen" if held_out else "its own training rows (nothing was held out)"
    loss = metrics["log_loss"]
    assert loss.baseline is not None
    assert loss.difference is not None
    numbers = (
        f"log loss {number(loss.value.value)} against {number(loss.baseline.value)}, "
        f"a difference of {with_interval(loss.difference)}"
    )
    said = {
        "better": f"The model predicts purchases better than the base rate on {whose}: {numbers}.",
        "worse": f"The model predicts purchases worse than the base rate on {whose}: {numbers}.",
    }
    tie = f"The model cannot be told from the base rate on {whose}: {numbers}."
    yield Finding(said.get(loss.verdict, tie), "headline")
    yield Finding(
        f"{len(rows):,} shopping occasions of {rows['customer_id'].nunique():,} customers were scored; "
        f"{share(rows['incidence'].mean())} of them ended in a purchase."
    )


def price_response(task: PurchaseIncidence, fitted: Fitted, train: Dataset, context: Context) -> Iterator[Content]:
    """The elasticity of purchase probability over the observed prices, and how far it can be trusted."""
    curve = price_elasticity(
        fitted.pipeline,
        train.frame[fitted.columns],
        fitted.prices,
        context.rng("elasticity"),
        y=train.frame["incidence"].astype(int),
        groups=train.frame[train.roles.id] if task.cluster else None,
        points=task.points,
        refits=task.refits,
    )
    mean_price, value, low, high = curve.at_mean
    at_mean = Interval(value, low, high)
    yield Estimate("elasticity_at_mean_price", "elasticity of purchase probability at the mean price", at_mean)
    yield Finding(
        f"At the mean price of {number(mean_price, 2)}, prices 1 % higher throughout go with a change of "
        f"{with_interval(at_mean)} % in the purchase probability."
    )
    yield from _elastic(curve)
    data = curve.frame()
    yield Figure(
        "elasticity",
        "Price elasticity of purchase probability",
        data,
        "line",
        "price",
        "elasticity",
        caption=f"All prices move together; shaded is what was observed. Band: 95 %, {curve.uncertainty}; "
        f"{curve.differences}.",
        low="low",
        high="high",
        x_label="mean price over alternatives",
        y_label="elasticity",
        shade=curve.observed,
        reference={"y": -1.0},
    )
    yield Figure(
        "purchase_probability",
        "Purchase probability by price",
        data,
        "line",
        "price",
        "purchase_probability",
        caption="Mean over the training rows, with promotion and all else as observed. Band: 95 %.",
        low="probability_low",
        high="probability_high",
        x_label="mean price over alternatives",
        y_label="purchase probability",
        shade=curve.observed,
    )
    yield Table("elasticity", "Price elasticity of purchase probability", data, "Outside `observed` it extrapolates.")
    yield from _caveats(curve, train.frame[fitted.prices])


def _elastic(curve: ElasticityCurve) -> Iterator[Content]:
    crossing = curve.crossing() if curve.smooth else None
    if crossing is not None:
        yield Estimate("elastic_above_price", "price above which purchases are elastic", Interval(*crossing))
        return
    inside = curve.elasticity[(curve.price >= curve.observed[0]) & (curve.price <= curve.observed[1])]
    if (inside < -1).all():
        yield Finding("Purchases are elastic (below −1) at every observed price.")
    elif (inside > -1).all():
        yield Finding("Purchases are inelastic (above −1) at every observed price.")


def _caveats(curve: ElasticityCurve, prices: pd.DataFrame) -> Iterator[Content]:
    points = int(prices.mean(axis=1).round(6).nunique())
    low, high = (number(price, 2) for price in curve.observed)
    few = ": few to draw a curve through" if points < FEW_PRICES else ""
    yield Finding(
        "The effect of price is causal only if price was set without regard to demand, given what else the model sees. "
        "If prices rise when demand does, it is understated; promotions that go with low prices lend it some of their "
        "effect, unless they are among the terms.",
        "caveat",
    )
    yield Finding(
        f"The mean price took {points:,} different values between {low} and {high}{few}. Outside that range the curve "
        "is the model's extrapolation.",
        "caveat",
    )
    if curve.at_mean[3] > 0 > curve.at_mean[2]:
        yield Finding(
            "The data do not tell whether purchases fall when prices rise: the interval holds zero.", "caveat"
        )
    elif curve.at_mean[2] >= 0:
        yield Finding(
            "Higher prices go with more purchases here, which a price effect cannot explain: look for what moves both.",
            "caveat",
        )
    if not curve.smooth:
        yield Finding(f"The elasticity is an {curve.differences}; read its level, not its wiggles.", "caveat")


def coefficients(fitted: Fitted) -> Iterator[Content]:
    """Coefficients with what is known of their uncertainty; nothing for a model that has none."""
    final = fitted.pipeline[-1]
    terms = [str(name) for name in fitted.pipeline[:-1].get_feature_names_out()]
    per_unit = "Change of the log-odds of a purchase per unit of each term, as the model sees it"
    if isinstance(final, BinomialLogit):
        table = final.summary_frame().set_axis(["intercept", *terms]).rename_axis("term").reset_index()
        for column, source in (("odds_ratio", "coefficient"), ("odds_ratio_low", "low"), ("odds_ratio_high", "high")):
            table[column] = np.exp(table[source])
        kind = {"clustered": "clustered by customer", "classical": "classical"}[final.covariance_type_]
        title, low, high = "Coefficients (maximum likelihood)", "low", "high"
        caption = f"{per_unit}; 95 % intervals, standard errors {kind}."
    elif isinstance(final, LogisticRegression):
        values = np.concatenate([final.intercept_, final.coef_[0]])
        table = pd.DataFrame({"term": ["intercept", *terms], "coefficient": values, "odds_ratio": np.exp(values)})
        title, low, high = f"Coefficients (penalised, C = {final.C:g})", None, None
        caption = f"{per_unit}. Shrunk towards zero by a penalty; a penalised fit has no standard errors."
        yield Finding("The coefficients are penalised: shrunk towards zero, and not maximum likelihood.", "caveat")
    else:
        return
    yield Table("coefficients", title, table, caption)
    shown = table[table["term"] != "intercept"].reset_index(drop=True)
    yield Figure(
        "coefficients", title, shown, "point", "term", "coefficient", caption, low=low, high=high, reference={"y": 0.0}
    )


def fit_statistics(fitted: Fitted, train: pd.DataFrame) -> Iterator[Content]:
    """Log-likelihood and McFadden's R² on the training rows, against the intercept alone."""
    truth, p = train["incidence"].to_numpy(dtype=float), train["probability"].to_numpy()
    rate = truth.mean()
    tiny = np.finfo(float).eps
    inside = np.clip(p, tiny, 1 - tiny)
    fit = float(np.sum(truth * np.log(inside) + (1 - truth) * np.log1p(-inside)))
    null = float(len(truth) * (rate * np.log(rate) + (1 - rate) * np.log1p(-rate)))
    final = fitted.pipeline[-1]
    rows: list[tuple[str, str]] = [
        ("model", type(final).__name__),
        ("fitted by", _estimation(final)),
        ("rows", f"{len(train):,}"),
        ("customers", f"{train['customer_id'].nunique():,}"),
        ("log-likelihood", number(fit)),
        ("log-likelihood, intercept only", number(null)),
        ("McFadden R²", number(1 - fit / null, 5)),
    ]
    frame = pd.DataFrame(rows, columns=["statistic", "value"])
    yield Table(
        "fit_statistics", "Fit on the training rows", frame, "McFadden R² = 1 − log-likelihood / intercept only."
    )


def _estimation(final: object) -> str:
    if isinstance(final, BinomialLogit):
        return "maximum likelihood"
    return "penalised likelihood" if isinstance(final, LogisticRegression) else "its own training loss"


def calibration(scores: pd.DataFrame, context: Context) -> Iterator[Content]:
    """Whether predicted probabilities come true, and how they are spread."""
    table = calibration_table(
        scores["incidence"],
        scores["probability"],
        scores["customer_id"],
        context.resamples,
        context.rng("calibration"),
    )
    caption = "Tenths of the rows by predicted probability; on the diagonal, what was predicted came true."
    yield Table("calibration", "Calibration", table, caption)
    yield Figure(
        "calibration",
        "Calibration",
        table,
        "point",
        "predicted",
        "observed",
        caption,
        low="low",
        high="high",
        x_label="predicted purchase probability",
        y_label="observed share of purchases",
        reference="diagonal",
    )
    edges = np.histogram_bin_edges(scores["probability"], bins=25)
    parts = []
    for value, label in ((1, "purchase"), (0, "no purchase")):
        chosen = scores.loc[scores["incidence"] == value, "probability"]
        rows = np.histogram(chosen, edges)[0] / max(len(chosen), 1)
        parts.append(pd.DataFrame({"probability": (edges[1:] + edges[:-1]) / 2, "share": rows, "outcome": label}))
    yield Figure(
        "score_distribution",
        "Predicted probabilities by outcome",
        pd.concat(parts, ignore_index=True),
        "line",
        "probability",
        "share",
        caption="The further apart the two lines, the better the model tells buyers from non-buyers.",
        by="outcome",
        x_label="predicted purchase probability",
        y_label="share of rows",
    )

"""What an analyst reads about purchase incidence beside its answer to price: verdict, coefficients, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from cxai_runner.evaluation import evidence
from cxai_runner.evaluation.metrics import calibration_table
from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Interval, Metric, Table
from cxai_runner.evaluation.wording import number, share, with_interval
from cxai_runner.methods.logit_model import LogitModel
from cxai_runner.methods.mundlak import MundlakLogit
from cxai_runner.methods.names import is_price
from cxai_runner.methods.random_intercept import RandomInterceptLogit
from cxai_runner.task import Context
from tasks.purchase_incidence.answers import FEW_CUSTOMERS, Answers

if TYPE_CHECKING:
    from tasks.purchase_incidence.task import Fitted

FAR = 0.01
"""By how much a share of occasions and one of customers may differ before it is said."""


def verdict(scores: Mapping[str, pd.DataFrame], metrics: Mapping[str, Metric]) -> Iterator[Content]:
    """Whether the model beats the base rate, and on which rows."""
    held_out = "held_out" in scores
    rows = scores["held_out" if held_out else "train"]
    told = evidence.verdict(metrics["log_loss"], "predicts purchases", "the base rate", held_out=held_out)
    yield Finding(told, "headline")
    yield Finding(
        f"{len(rows):,} shopping occasions of {_customers(rows['customer_id'].nunique())} were scored; "
        f"{share(rows['incidence'].mean())} of them ended in a purchase."
    )


def _customers(many: int) -> str:
    return "one customer" if many == 1 else f"{many:,} customers"


def coefficients(fitted: Fitted, answers: Answers) -> Iterator[Content]:
    """Coefficients with what is known of their uncertainty; nothing for a model that has none."""
    final = fitted.pipeline[-1]
    terms = [str(name) for name in fitted.pipeline[:-1].get_feature_names_out()]
    per_unit = "Change of the log-odds of a purchase per unit of each term, as the model sees it"
    if isinstance(final, LogitModel):
        table = final.summary_frame().set_axis(["intercept", *terms]).rename_axis("term").reset_index()
        for column, source in (("odds_ratio", "coefficient"), ("odds_ratio_low", "low"), ("odds_ratio_high", "high")):
            table[column] = np.exp(table[source])
        kind = evidence.COVARIANCE[final.covariance_type_]
        title = f"Coefficients ({_how(final)})"
        known = final.has_covariance
        caption = f"{per_unit}{_whose(final)}; 95 % intervals, standard errors {kind}."
        if not final.has_covariance:
            title = "Coefficients (the likelihood has no maximum)"
            table = table[["term", "coefficient", "odds_ratio"]]
            caption = f"{per_unit}, where the fit was given up; nothing is known of their uncertainty."
            told = "The outcomes are separated by the terms: the coefficients have no standard errors, and no meaning."
            yield Finding(told, "caveat")
    elif isinstance(final, LogisticRegression):
        values = np.concatenate([final.intercept_, final.coef_[0]])
        table = pd.DataFrame({"term": ["intercept", *terms], "coefficient": values, "odds_ratio": np.exp(values)})
        title, known = f"Coefficients (penalised, C = {final.C:g})", False
        caption = f"{per_unit}. Shrunk towards zero by a penalty; a penalised fit has no standard errors."
        yield Finding("The coefficients are penalised: shrunk towards zero, and not maximum likelihood.", "caveat")
    else:
        return
    if isinstance(final, LogitModel) and final.covariance_type_ == "clustered" and final.has_covariance:
        of_few = _of_few(fitted.pipeline[:-1].transform(answers.response.X), answers.customers)
        few = table["term"].isin(of_few)
        if few.any():
            yield from _withheld(table.loc[few, ["term", "coefficient", "odds_ratio"]], of_few)
            table = table[~few].reset_index(drop=True)
    yield Table("coefficients", title, table, caption, len(table))
    shown = table[table["term"] != "intercept"].reset_index(drop=True)
    if shown.empty:
        return
    yield evidence.coefficients(shown, title, caption, known=known)


def _of_few(terms: pd.DataFrame | NDArray[np.float64], customers: pd.Series | None) -> dict[str, int]:
    """Terms that tell fewer than `FEW_CUSTOMERS` from all others, and how many."""
    if customers is None:
        return {}
    codes = pd.factorize(customers)[0]
    found = {}
    names = getattr(terms, "columns", range(np.shape(terms)[1]))
    for name, column in zip(names, np.asarray(terms, dtype=np.float64).T, strict=True):
        values, times = np.unique(column, return_counts=True)
        many = len(np.unique(codes[column != values[times.argmax()]]))
        if many < FEW_CUSTOMERS:
            found[str(name)] = many
    return found


def _withheld(table: pd.DataFrame, of_few: Mapping[str, int]) -> Iterator[Content]:
    """Coefficients of too few customers, whose clustered standard errors would be near zero whatever the data."""
    table = table.assign(customers=table["term"].map(of_few)).reset_index(drop=True)
    title = "Coefficients of too few customers"
    caption = f"Each tells fewer than {FEW_CUSTOMERS} customers from all others: no interval, no p."
    yield Table("coefficients_of_few_customers", title, table, caption)
    named = ", ".join(f"{term} ({many})" for term, many in zip(table["term"], table["customers"], strict=True))
    yield Finding(
        f"Too few customers for a clustered error: {named}. What a few customers alone have in common gets a standard "
        "error near zero, whatever the data; no interval is given of these coefficients. Merge rare values, or leave "
        "them out.",
        "caveat",
    )


def _how(final: LogitModel) -> str:
    if isinstance(final, MundlakLogit) and not _prices_between(final):
        return "maximum likelihood, within customers"
    return "maximum likelihood" + (", random intercept" if isinstance(final, RandomInterceptLogit) else "")


def _whose(final: LogitModel) -> str:
    if isinstance(final, RandomInterceptLogit):
        return ", of one customer"
    return ", within a customer" if isinstance(final, MundlakLogit) and not _prices_between(final) else ""


def _prices_between(final: MundlakLogit) -> list[str]:
    """Terms of price that never change within a customer."""
    return [name for name in final.between_only_ if is_price(name)]


def customers(fitted: Fitted, train: pd.DataFrame) -> Iterator[Content]:
    """How far customers differ, for a model that says so."""
    final = fitted.pipeline[-1]
    if isinstance(final, RandomInterceptLogit):
        yield from _spread(final, train)
    elif isinstance(final, MundlakLogit):
        yield from _within_and_between(final)


def _spread(final: RandomInterceptLogit, train: pd.DataFrame) -> Iterator[Content]:
    statistic, p = final.spread_test_
    if final.sigma_ == 0:
        yield Finding(
            "Customers do not differ beyond what the terms say: no spread of their intercepts raises the likelihood, "
            "and the fit is that of a plain logit."
        )
        return
    sigma = Interval(final.sigma_, *final.sigma_interval_)
    yield Estimate("customer_spread", "standard deviation of the customers' own log-odds", sigma)
    yield Finding(
        f"Customers differ: their own log-odds of a purchase have a standard deviation of {with_interval(sigma)}, "
        f"{share(final.intraclass_correlation_)} of all spread beyond the terms. Against none, the likelihood-ratio "
        f"statistic is {number(statistic, 1)} (p {_p(p)}, half of it χ² with 0 and half with 1 degree of freedom)."
    )
    yield Finding(
        "Coefficients are those of one customer. Probabilities and elasticities are averages over customers, as for a "
        "new one of whom nothing is known; a customer's own past enters only where it is among the terms.",
        "caveat",
    )
    bought, expected = float(train["incidence"].mean()), float(train["probability"].mean())
    if abs(bought - expected) > FAR:
        yield Finding(
            f"Customers with many occasions are not like the others: {share(bought)} of the training occasions ended "
            f"in a purchase, and {share(expected)} is expected of a customer drawn at random. The probabilities are "
            "of the customer, and off for occasions taken together.",
            "caveat",
        )


def _within_and_between(final: MundlakLogit) -> Iterator[Content]:
    apart = _prices_between(final)
    if alike := [name for name in final.left_out_ if name not in apart]:
        yield Finding(
            f"Within and between customers cannot be told apart for {', '.join(alike)}: all customers have the same "
            "mean of it, or none sees it change.",
            "caveat",
        )
    if apart:
        whole = all(name in apart for name in final.feature_names_in_ if is_price(name))
        yield Finding(
            f"{_listed(apart)} never {'changes' if len(apart) == 1 else 'change'} within a customer: the elasticity is "
            f"{'' if whole else 'in part '}one between customers, who meet different prices and differ in whatever "
            "else sets them apart. What a change of price does to a customer, these data do not tell.",
            "caveat",
        )
    wide = final.within_and_between().rename_axis("term").reset_index()
    if wide.empty:
        return
    ends = {"": "coefficient", "_low": "low", "_high": "high", "_p": "p"}
    parts = [
        wide[["term"]].assign(effect=effect, **{head: wide[f"{effect}{end}"] for end, head in ends.items()})
        for effect in ("within", "between", "difference")
    ]
    table = pd.concat(parts).sort_values("term", kind="stable", ignore_index=True)
    statistic, freedom, p = final.wald_
    said = "differ" if p < 0.05 else "cannot be told apart"
    yield Finding(
        f"The effects of {_listed(final.means_)} within and between customers {said} (Wald {number(statistic, 1)} on "
        f"{freedom} degree{'s' * (freedom > 1)} of freedom, p {_p(p)})."
    )
    caption = (
        "Within: what a change does to a customer. Between: how customers differ whose means differ, which holds "
        "whatever else sets them apart. 95 % intervals."
    )
    yield Table("within_and_between", "Effects within and between customers", table, caption, len(table))
    whose = "" if apart else ", and the elasticity is that within a customer"
    yield Finding(
        "A customer's means are not known before their occasions are over: everybody is predicted with the means of "
        f"the training rows{whose}.",
        "caveat",
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _p(p: float) -> str:
    return f"= {number(p)}" if p >= 0.001 else "< 0.001"


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
    caption = "McFadden R² = 1 − log-likelihood / intercept only."
    if isinstance(final, RandomInterceptLogit | MundlakLogit):
        rows.append(("log-likelihood of the whole model", number(final.log_likelihood_)))
        caption += (
            " The first log-likelihood is of what is predicted, row by row; the whole model's knows the customer."
        )
    if isinstance(final, RandomInterceptLogit):
        rows.append(("log-likelihood of a plain logit", number(final.pooled_log_likelihood_)))
    frame = pd.DataFrame(rows, columns=["statistic", "value"])
    yield Table("fit_statistics", "Fit on the training rows", frame, caption)
    bought = truth == 1
    if p[bought].min() > p[~bought].max():
        yield Finding(
            "Every purchase of the training rows is told from every occasion without one: the terms separate them. "
            "Look for a term that is known only after the purchase.",
            "caveat",
        )


def _estimation(final: object) -> str:
    if isinstance(final, RandomInterceptLogit):
        return f"maximum likelihood, adaptive quadrature with {final.points} points"
    if isinstance(final, LogitModel):
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
    yield from evidence.calibration(
        table, caption, predicted="predicted purchase probability", observed="observed share of purchases"
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

"""What an analyst reads about brand choice beside elasticities: verdict, coefficients, fit, baselines, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from cxai_runner.evaluation import evidence
from cxai_runner.evaluation.choices import CHOICE_METRICS, choice_metrics
from cxai_runner.evaluation.metrics import calibration_table
from cxai_runner.evaluation.results import Content, Finding, Metric, Table
from cxai_runner.evaluation.wording import number, share, with_interval
from cxai_runner.methods.choice import shorthand_elasticity
from cxai_runner.methods.choice.model import ChoiceModel
from cxai_runner.task import Context
from tasks.brand_choice.answers import Answers, known
from tasks.brand_choice.scored import LAST, MODEL, SHARES, parts_of, statistics_of
from tasks.brand_choice.specification import own


def verdict(scores: Mapping[str, pd.DataFrame], metrics: Mapping[str, Metric], answers: Answers) -> Iterator[Content]:
    """Whether the model knows more than market shares, and which brand's price moves most."""
    held_out = "held_out" in scores
    rows = scores["held_out" if held_out else "train"]
    told = evidence.verdict(metrics["log_loss"], "predicts brands", "market shares", held_out=held_out)
    yield Finding(told, "headline")
    hits = metrics.get("hit_rate")
    right = f" The likeliest brand was bought on {share(hits.value.value)} of them." if hits is not None else ""
    yield Finding(
        f"{len(rows):,} choices of {rows['customer_id'].nunique():,} customers among {len(answers.alternatives)} "
        f"alternatives were scored.{right}"
    )


def coefficients(answers: Answers) -> Iterator[Content]:
    """Coefficients with their uncertainty; of a penalised classifier without any."""
    final = answers.fitted.final
    if not isinstance(final, ChoiceModel):
        yield from _penalised(answers)
        return
    table = final.summary_frame().reset_index()
    kind = evidence.COVARIANCE.get(str(getattr(final, "covariance_type_", "")), "")
    spec = answers.fitted.specification
    caption = (
        f"Change of utility per unit of each term; constants are against {spec.reference}. 95 % intervals, standard "
        f"errors {kind}."
    )
    if not answers.known:
        caption = "The choices are separated: there is no maximum, and the coefficients have no standard errors."
    yield Table("coefficients", f"Coefficients ({type(final).__name__})", known(table), caption, 40)
    shown = table[~table["term"].str.contains("log-odds")].head(40).reset_index(drop=True)
    yield evidence.coefficients(shown, "Coefficients", caption, known=answers.known)


def _penalised(answers: Answers) -> Iterator[Content]:
    final, spec = answers.fitted.final, answers.fitted.specification
    kind = type(final).__name__
    model = answers.model
    half = len(spec.alternatives) - 1
    values = model.parameters_.reshape(-1, half).T
    table = pd.DataFrame(values, columns=["constant", *spec.columns])
    table.insert(0, "brand", spec.alternatives[1:])
    strength = f", C = {final.C:g}" if hasattr(final, "C") else ""
    told = (
        f"Change of a brand's utility against {spec.alternatives[0]} per unit of each column. Shrunk by a penalty: no "
        "maximum likelihood, and no standard errors."
    )
    yield Table("coefficients", f"Coefficients ({kind}, penalised{strength})", table, told)
    yield Finding(
        "The coefficients are penalised: shrunk towards zero, and not maximum likelihood. Standard errors of "
        "elasticities are of refits to resampled customers, and know nothing of what the shrinkage takes.",
        "caveat",
    )
    if not set(spec.prices) <= set(spec.columns) or not hasattr(final, "coef_"):
        return
    P = answers.model.predict_proba(answers.frame).mean(axis=0)
    classes = [str(name) for name in final.classes_]
    rows = []
    for j, name in enumerate(spec.alternatives):
        column = own(spec.price, [name])[0]
        raw = final.coef_ if len(final.coef_) > 1 else np.vstack([-final.coef_, final.coef_])
        b = float(raw[classes.index(name), list(spec.columns).index(column)])
        price = float(answers.frame[column].mean())
        value = float(shorthand_elasticity(b, price, P[j]))
        rows.append({"brand": name, "coefficient_own_price": b, "mean_price": price, "share": P[j], "shorthand": value})
    told = (
        "b · p · (1 − P) at the mean price, as a well-known course writes it. It leaves out that every price is in "
        "every brand's utility: it is not the elasticity of this model, which is in the matrix above."
    )
    yield Table("course_shorthand", "The course's shorthand b·p·(1 − P)", pd.DataFrame(rows), told)


def fit_statistics(answers: Answers, train: pd.DataFrame) -> Iterator[Content]:
    """Log-likelihood, and McFadden's R² against constants alone and against equal shares."""
    final = answers.fitted.final
    chosen, P, weights = parts_of(train, MODEL)
    w = np.ones(len(train)) if weights is None else weights
    rows = [("model", type(final).__name__), ("choices", f"{len(train):,}")]
    rows += [("customers", f"{train['customer_id'].nunique():,}"), ("alternatives", ", ".join(answers.alternatives))]
    rows.append(("utility", _utility(answers)))
    if isinstance(final, ChoiceModel):
        fit, constants = final.log_likelihood_, final.constants_log_likelihood_
        equal, hits = final.equal_shares_log_likelihood_, final.hit_rate_
        rows.append(("parameters", str(len(final.parameters_))))
    else:
        tiny = np.finfo(float).tiny
        fit = float(w @ np.log(np.maximum(P[np.arange(len(P)), chosen], tiny)))
        times = np.bincount(chosen, w, minlength=P.shape[1])
        constants = float(times @ np.log(np.maximum(times / times.sum(), tiny)))
        equal, hits = float(-w.sum() * np.log(P.shape[1])), float(np.average(P.argmax(axis=1) == chosen, weights=w))
    rows += [
        ("log-likelihood", number(fit, 4)),
        ("log-likelihood, fitted constants only", number(constants, 4)),
        ("log-likelihood, equal shares of what is available", number(equal, 4)),
        ("McFadden R² against constants", number(1 - fit / constants, 5) if constants < 0 else "not known"),
        ("McFadden R² against equal shares", number(1 - fit / equal, 5)),
        ("hit rate", share(hits)),
    ]
    if hasattr(final, "bic_"):
        rows += [("BIC (customers)", number(final.bic_, 2)), ("AIC", number(final.aic_, 2))]
    told = "McFadden R² = 1 − log-likelihood / that of the other. Against equal shares it flatters: read the first."
    yield Table("fit_statistics", "Fit on the training rows", pd.DataFrame(rows, columns=["statistic", "value"]), told)


def _utility(answers: Answers) -> str:
    """The terms, as a reader would say them."""
    spec = answers.fitted.specification
    said = {"generic": "", "alternative": " (by brand)"}
    words = [f"{term.text}{said[term.kind]}" for term in spec.terms.terms]
    return ", ".join([*([f"constants against {spec.reference}"] if spec.terms.constants else []), *words])


def baselines(scores: pd.DataFrame, context: Context) -> Iterator[Content]:
    """The model beside market shares, and beside shares given the brand bought last."""
    ours = statistics_of(scores, MODEL)
    others = {"market shares": SHARES}
    if any(str(name).startswith(f"{LAST}_") for name in scores):
        others["shares after the last brand"] = LAST
    rows: list[dict[str, object]] = []
    beaten: dict[tuple[str, str], Metric] = {}
    for label, prefix in others.items():
        rng = context.rng("intervals")
        measured = choice_metrics(ours, statistics_of(scores, prefix), scores["customer_id"], context.resamples, rng)
        for one in measured:
            assert one.baseline is not None
            assert one.difference is not None
            beaten[label, one.name] = one
            rows.append(
                {
                    "metric": one.label,
                    "baseline": label,
                    "model": one.value.value,
                    "of_baseline": one.baseline.value,
                    "difference": one.difference.value,
                    "low": one.difference.low,
                    "high": one.difference.high,
                    "verdict": one.verdict,
                }
            )
    told = (
        "On the rows that are judged, 95 % intervals of the difference resample customers. Shares after the last brand "
        "are smoothed, P(j | i) = (n_ij + 5 s_j) / (n_i + 5), and know nothing of prices."
    )
    yield Table("baselines", "Beside the baselines", pd.DataFrame(rows), told, len(rows))
    if "shares after the last brand" in others:
        one = beaten["shares after the last brand", CHOICE_METRICS[0].name]
        assert one.difference is not None
        verb = {"better": "does better than", "worse": "does worse than"}.get(one.verdict, "cannot be told from")
        yield Finding(
            f"The model {verb} shares given the brand bought last: a difference in log loss of "
            f"{with_interval(one.difference)}."
        )


def calibration(scores: pd.DataFrame, context: Context) -> Iterator[Content]:
    """Whether predicted probabilities come true, over all alternatives."""
    chosen, P, _ = parts_of(scores, MODEL)
    n, J = P.shape
    truth = np.zeros((n, J))
    truth[np.arange(n), chosen] = 1.0
    customers = np.repeat(scores["customer_id"].to_numpy(), J)
    rng = context.rng("calibration")
    table = calibration_table(truth.ravel(), P.ravel(), customers, context.resamples, rng)
    caption = "Tenths of all choices and alternatives by predicted probability; on the diagonal it came true."
    yield from evidence.calibration(table, caption, predicted="predicted probability", observed="observed share")

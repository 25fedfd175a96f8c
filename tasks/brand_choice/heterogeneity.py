"""How customers differ: classes with their shares and profiles, or the distribution of random coefficients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import number, share
from cxai_runner.methods.choice import ConditionalLogit, LatentClassLogit, MixedLogit, price_elasticities
from cxai_runner.methods.choice.simulated import NORMAL
from tasks.brand_choice.answers import Answers
from tasks.brand_choice.specification import BRAND, brands, own


def of_customers(answers: Answers, train: Dataset) -> Iterator[Content]:
    """What the model says of differences between customers; nothing where it knows none."""
    final = answers.fitted.final
    if isinstance(final, LatentClassLogit):
        yield from _classes(answers, final, train)
    elif isinstance(final, MixedLogit):
        yield from _random(answers, final)


def _classes(answers: Answers, final: LatentClassLogit, train: Dataset) -> Iterator[Content]:
    if answers.fitted.classes is not None:
        table = answers.fitted.classes.reset_index()
        told = "The model has the number with the lowest BIC; one that could not be fitted says why in its note."
        if not table["note"].astype(bool).any():
            table = table.drop(columns="note")
        yield Table("classes_by_bic", "How many classes", table.fillna({"note": ""}), told)
    posterior = _posterior(answers, final, train)
    profile = _profile(answers, train, posterior)
    profile.insert(0, "share", final.class_shares_)
    error = _share_errors(final)
    if np.isfinite(error).all():
        profile.insert(1, "share_error", error)
    own_price = _own_elasticities(answers, final)
    table = pd.concat([profile, own_price], axis=1).rename_axis("class").reset_index()
    caption = (
        "Each customer counts by how probable it is in the class, given all its choices: share of customers, purchases "
        "a customer, share of each brand among them, mean price of the brand bought; and the class's own-price "
        "elasticities."
    )
    yield Table("class_profiles", "Classes of customers", table, caption)
    sure = float((posterior.max(axis=1) > 0.9).mean())
    yield Finding(
        f"{final.n_classes} classes hold {', '.join(share(one) for one in final.class_shares_)} of the customers; "
        f"{share(sure)} of the customers are in one of them with more than 90 % probability "
        f"(entropy R² {number(final.entropy_r2_, 2)}, BIC {number(final.bic_, 1)})."
    )


def _posterior(answers: Answers, final: LatentClassLogit, train: Dataset) -> pd.DataFrame:
    y = brands(train.frame[BRAND]).to_numpy(dtype=object)
    with answers.listening():
        return final.posterior(answers.frame, y, groups=train.frame[train.roles.id].to_numpy())


def _profile(answers: Answers, train: Dataset, posterior: pd.DataFrame) -> pd.DataFrame:
    """Means over customers, by class."""
    bought = brands(train.frame[BRAND])
    paid = np.full(len(bought), np.nan)
    for name in answers.alternatives:
        column = own(answers.task.price, [name])[0]
        mine = (bought == name).to_numpy()
        paid[mine] = answers.frame[column].to_numpy(dtype=np.float64)[mine]
    each = pd.DataFrame({f"bought_{name}": (bought == name).astype(float) for name in answers.alternatives})
    each[f"{answers.task.price}_paid"] = paid
    customer = train.frame[train.roles.id].to_numpy()
    means = each.groupby(customer, sort=False).mean()
    means.insert(0, "purchases", each.groupby(customer, sort=False).size())
    means = means.reindex(posterior.index)
    weight = posterior / posterior.sum()
    return pd.DataFrame(weight.T.to_numpy() @ means.to_numpy(), index=posterior.columns, columns=means.columns)


def _share_errors(final: LatentClassLogit) -> NDArray[np.float64]:
    """Of the shares, by the delta method from their log-odds: ∂π_c / ∂θ_d = π_c (1{c = d} − π_d)."""
    C = final.n_classes
    pi = final.class_shares_
    slope = (np.diag(pi) - np.outer(pi, pi))[:, 1:]
    block = final.covariance_[len(final.parameters_) - (C - 1) :, len(final.parameters_) - (C - 1) :]
    return np.asarray(np.sqrt(np.einsum("cd,de,ce->c", slope, block, slope)))


def _own_elasticities(answers: Answers, final: LatentClassLogit) -> pd.DataFrame:
    """Each brand's elasticity to its own price in each class, as of a conditional logit with its coefficients."""
    index, rows = answers.some(), {}
    K = final.coef_.shape[1]
    for c, coef in enumerate(final.coef_):
        one = ConditionalLogit(final.terms, separator=final.separator, availability=final.availability)
        one.alternatives_, one.reference_, one.terms_ = final.alternatives_, final.reference_, final.terms_
        one.classes_, one.coef_, one.parameters_ = final.classes_, coef, coef
        one.covariance_ = final.covariance_[c * K : (c + 1) * K, c * K : (c + 1) * K]
        with answers.listening():
            found = price_elasticities(one, answers.frame.iloc[index], answers.task.price)
        rows[f"class {c + 1}"] = np.diagonal(found.values[0])
    columns = [f"elasticity_{name}" for name in answers.alternatives]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _random(answers: Answers, final: MixedLogit) -> Iterator[Content]:
    table = final.coefficients_.reset_index()
    mean, spread, median = (table[name].to_numpy(dtype=np.float64) for name in ("mean", "sd", "median"))
    normal = (table["distribution"] == NORMAL).to_numpy()
    spread = np.maximum(spread, np.finfo(float).tiny)
    table["share_above_0"] = np.where(normal, special.ndtr(mean / spread), mean > 0)
    caption = (
        "Over customers: mean, median and standard deviation of each random coefficient, and the share of customers "
        f"whose coefficient is above 0. {final.n_draws} {final.draws} draws a customer."
    )
    yield Table("random_coefficients", "Distribution of the random coefficients", table, caption)
    parts = []
    for k, name in enumerate(table["coefficient"]):
        law: Any = stats.norm(mean[k], spread[k])
        if not normal[k]:
            law = stats.lognorm(np.sqrt(np.log1p((spread[k] / mean[k]) ** 2)), scale=abs(median[k]))
        at = law.ppf(np.linspace(0.005, 0.995, 81))
        sign = 1.0 if normal[k] or mean[k] > 0 else -1.0
        parts.append(pd.DataFrame({"value": sign * at, "density": law.pdf(at), "coefficient": name}))
    yield Figure(
        "random_coefficients",
        "Distribution of the random coefficients",
        pd.concat(parts, ignore_index=True).sort_values(["coefficient", "value"], ignore_index=True),
        "line",
        "value",
        "density",
        caption,
        by="coefficient",
        reference={"x": 0.0},
    )
    gain = 2 * (final.log_likelihood_ - final.conditional_log_likelihood_)
    spreads = len(final.mixing_.positions)
    more = "1 parameter" if spreads == 1 else f"{spreads} parameters"
    yield Finding(
        f"Letting {', '.join(table['coefficient'])} differ between customers raises twice the log-likelihood by "
        f"{number(gain, 1)} for {more} more. Simulated with {final.n_draws} draws: another seed moves the last digits."
    )

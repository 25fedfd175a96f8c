"""How customers differ: classes with their shares and profiles, or the distribution of random coefficients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import special, stats

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import number, share
from cxai_runner.methods.choice import ConditionalLogit, LatentClassLogit, MixedLogit, price_elasticities
from cxai_runner.methods.choice.simulated import NORMAL
from tasks.brand_choice.price import Answers
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


def _share_errors(final: LatentClassLogit) -> np.ndarray:  # type: ignore[type-arg]
    """Of the shares, by the delta method from their log-odds: ∂π_c / ∂θ_d = π_c (1{c = d} − π_d)."""
    C = final.n_classes
    pi = final.class_shares_
    slope = (np.diag(pi) - np.outer(pi, pi))[:, 1:]
    block = final.covariance_[len(final.parameters_) - (C - 1) :, len(final.parameters_) - (C - 1) :]
    return np.sqrt(np.einsum("cd,de,ce->c", slope, block, slope))


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
    above = []
    for row in table.itertuples():
        if row.distribution == NORMAL:
            above.append(float(special.ndtr(row.mean / row.sd)) if row.sd > 0 else float(row.mean > 0))
        else:
            above.append(float(row.mean > 0))
    table["share_above_0"] = above
    caption = (
        "Over customers: mean, median and standard deviation of each random coefficient, and the share of customers "
        f"whose coefficient is above 0. {final.n_draws} {final.draws} draws a customer."
    )
    yield Table("random_coefficients", "Distribution of the random coefficients", table, caption)
    parts = []
    for row in table.itertuples():
        ends = np.linspace(0.005, 0.995, 81)
        law = stats.norm(row.mean, max(row.sd, 1e-12))
        if row.distribution != NORMAL:
            spread = np.sqrt(np.log1p((row.sd / row.mean) ** 2))
            law = stats.lognorm(spread, scale=abs(row.median))
        at = law.ppf(ends)
        sign = -1.0 if row.distribution != NORMAL and row.mean < 0 else 1.0
        parts.append(pd.DataFrame({"value": sign * at, "density": law.pdf(at), "coefficient": row.coefficient}))
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
    yield Finding(
        f"Letting {', '.join(table['coefficient'])} differ between customers raises twice the log-likelihood by "
        f"{number(gain, 1)} for {spreads} parameters more. Simulated with {final.n_draws} draws: another seed moves the "
        "last digits."
    )

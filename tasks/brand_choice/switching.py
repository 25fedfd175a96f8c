"""Who takes from whom: clout and vulnerability, shares under a scenario, and whether all lose in proportion (IIA)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Content, Figure, Finding, Interval, Table
from cxai_runner.evaluation.wording import number, share, with_interval
from cxai_runner.methods.choice import (
    ConditionalLogit,
    NestedLogit,
    clout_and_vulnerability,
    nest_scores,
    nests_against_none,
    share_scenario,
)
from tasks.brand_choice import scenarios
from tasks.brand_choice.answers import ALL, Answers, known
from tasks.brand_choice.specification import BRAND, brands

LEVEL = 0.05
SURE = 0.01
"""Below it the words are plain: of data in which IIA holds one panel in a hundred is called wrong."""


def clout(answers: Answers) -> Iterator[Content]:
    """The map of clout and vulnerability."""
    found = answers.observed
    table = clout_and_vulnerability(found).drop(columns="group")
    off = 1 - np.eye(len(table))
    table.insert(3, "share_points", found.shares[0] @ (found.values[0] * off))
    price = answers.task.price
    caption = (
        f"Clout: the sum of the others' elasticities to a brand's {price}, an index (per cents of different shares, "
        f"which are no share that is lost). Vulnerability: the sum of its own elasticities to the others' {price}s. "
        f"share_points: what 1 % off the {price} takes from the others, in percentage points of share. "
        f"{answers.uncertainty[0].upper()}{answers.uncertainty[1:]}."
    )
    yield Table("clout_and_vulnerability", "Clout and vulnerability", known(table), caption)
    yield Figure(
        "clout_and_vulnerability",
        "Clout and vulnerability",
        table,
        "point",
        "clout",
        "vulnerability",
        "To the right: its price moves the others. Up: it is moved by theirs. Brands on the lower right lead.",
        text="alternative",
    )
    if len(table) < 3:
        return
    matrix = found.matrix()
    name = str(table["alternative"].iloc[int(table["clout"].to_numpy().argmax())])
    gained = (matrix.mul(pd.Series(found.shares[0], index=matrix.index), axis=0)[name]).drop(name)
    yield Finding(
        f"{name} has the largest clout, {number(table['clout'].max(), 2)}: when its {price} falls by 1 %, it takes "
        f"{number(float(gained.sum()), 2)} percentage points of share from the others, most of them "
        f"({share(float(gained.max() / gained.sum()))}) from {gained.idxmax()}."
    )


def scenario(answers: Answers) -> Iterator[Content]:
    """Shares under the prices that the config names."""
    if not answers.task.scenario:
        return
    asked = scenarios.asked(answers.task, answers.alternatives)
    index = answers.some()
    frame, weights = answers.frame.iloc[index], answers.weight(index)
    with answers.listening():
        tables = [share_scenario(answers.model, frame, asked, weights=weights)]
        for column in map(str, answers.groups):
            by = answers.groups[column].iloc[index].to_numpy()
            if len(set(by)) > 1:
                one = share_scenario(answers.model, frame, asked, by=by, weights=weights)
                tables.append(one.assign(group=[f"{column} {value}" for value in one["group"]]))
    table = pd.concat(tables, ignore_index=True).rename(columns={"group": "occasions"})
    said = scenarios.in_words(answers.task)
    caption = f"{said}. Mean predicted shares as observed and under the scenario; {answers.uncertainty}."
    yield Table("scenario", "Shares under the scenario", known(table), caption, len(table))
    whole = table[table["occasions"] == ALL]
    several = [
        pd.DataFrame({"alternative": whole["alternative"], "share": whole[name], "when": label})
        for name, label in (("share", "as observed"), ("scenario", "scenario"))
    ]
    yield Figure(
        "scenario", "Shares under the scenario", pd.concat(several, ignore_index=True), "bar", "alternative", "share",
        said, by="when",
    )  # fmt: skip
    best = whole.iloc[int(whole["change"].abs().to_numpy().argmax())]
    change = 100 * Interval(best["change"], best["low"], best["high"]).value
    interval = Interval(change, 100 * float(best["low"]), 100 * float(best["high"]))
    yield Finding(
        f"Under the scenario ({said}) the share of {best['alternative']} goes from {share(best['share'])} to "
        f"{share(best['scenario'])}: {with_interval(interval)} percentage points."
    )


def substitution(answers: Answers, train: Dataset) -> Iterator[Content]:
    """Whether alternatives lose in proportion to their shares, as a conditional logit supposes."""
    final = answers.fitted.final
    if isinstance(final, NestedLogit):
        yield from _nests(final, nested=answers.fitted.nested)
    if isinstance(final, ConditionalLogit) and len(answers.alternatives) > 2 and answers.known:
        yield from _proportion(answers, final, train)


def _nests(final: NestedLogit, *, nested: bool) -> Iterator[Content]:
    test = nests_against_none(final)
    table = pd.DataFrame([_row(test.words, test.statistic, test.degrees_of_freedom, test.p)])
    yield Table("iia", "Nested against conditional logit", table, "Where IIA holds, nests do not raise the likelihood.")
    lambdas = ", ".join(f"{name} {number(value, 3)}" for name, value in final.dissimilarity_.items())
    told = "do" if test.p < LEVEL else "cannot be told to"
    whose = " The nest is of all brands but the pooled rest, because the config names none." if nested else ""
    yield Finding(
        f"Brands of a nest {told} take more from each other than from the rest (dissimilarity {lambdas}; 1 is the "
        f"conditional logit; {_p(test.p)}).{whose}"
    )


def _proportion(answers: Answers, final: ConditionalLogit, train: Dataset) -> Iterator[Content]:
    """Whether two brands take more from each other, or less, than their shares say."""
    y = brands(train.frame[BRAND]).to_numpy(dtype=object)
    customers = train.frame[train.roles.id].to_numpy()
    several = len(pd.unique(customers)) > 1
    found = nest_scores(final, answers.frame, y, groups=customers if several else None, weights=answers.weights)
    tests = [one for one in found if np.isfinite(one.p)]
    if not tests:
        told = "nothing in these terms differs between alternatives over occasions" if found else "no pair is left"
        yield Finding(f"IIA could not be tested: {told}.", "caveat")
        return
    rows = [(" + ".join(one.nest), "more" if one.z < 0 else "less", one.z, one.p, one.adjusted) for one in tests]
    table = pd.DataFrame(rows, columns=["pair", "take_from_each_other", "z", "p", "p_adjusted"])
    few = {name for one in found for name in one.nest}
    whose = "" if len(few) == len(answers.alternatives) else f" Pairs of the {len(few)} brands bought most often."
    by = "robust to the rows of a customer being alike" if several else "occasion by occasion"
    caption = (
        "Whether the likelihood rises where a pair is a nest (score test at the conditional logit, "
        f"{by}). p_adjusted allows for {len(tests)} tests (Holm): IIA is rejected where it is below "
        f"{number(LEVEL, 2)}, in at most one of twenty panels in which it holds.{whose}"
    )
    yield Table("iia", "Independence of irrelevant alternatives", table, caption, len(table))
    smallest = _p(float(table["p_adjusted"].min()))
    failed = [one for one in tests if one.adjusted < LEVEL]
    if not failed:
        yield Finding(
            "Nothing speaks against IIA, by which every brand loses to a rival in proportion to its share "
            f"(smallest {smallest} after Holm's correction for {len(tests)} tests of pairs)."
        )
        return
    said = [
        f"{' and '.join(one.nest)} take {'more' if one.z < 0 else 'less'} from each other"
        for one in sorted(failed, key=lambda one: (one.z > 0, one.adjusted))
    ]
    yield Finding(
        f"{'IIA fails' if min(one.adjusted for one in failed) < SURE else 'Something speaks against IIA'}: "
        f"{', '.join(said)} than in proportion to their shares, as this form supposes (smallest {smallest} "
        f"after Holm's correction for {len(tests)} tests). Cross elasticities are then too alike: compare "
        "model=nested_logit, with brands that take more from each other in model.nests; model=latent_class, in which "
        "kinds of customers differ; or add what the terms leave out.",
        "caveat",
    )


def _row(test: str, statistic: float, freedom: int, p: float) -> dict[str, object]:
    return {"test": test, "chi_squared": statistic, "degrees_of_freedom": freedom, "p": p}


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {number(p)}" if np.isfinite(p) else "no p"

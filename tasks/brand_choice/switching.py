"""Who takes from whom: clout and vulnerability, shares under a scenario, and whether all lose in proportion (IIA)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.results import Content, Figure, Finding, Interval, Table
from cxai_runner.evaluation.wording import number, share, with_interval
from cxai_runner.methods.choice import (
    ChoiceError,
    ConditionalLogit,
    NestedLogit,
    clout_and_vulnerability,
    hausman_mcfadden,
    nests_against_none,
    share_scenario,
)
from tasks.brand_choice.answers import ALL, Answers, known
from tasks.brand_choice.specification import BRAND, brands

LEVEL = 0.05


def clout(answers: Answers) -> Iterator[Content]:
    """The map of clout and vulnerability."""
    found = answers.elasticities(answers.some())
    table = clout_and_vulnerability(found).drop(columns="group")
    price = answers.task.price
    caption = (
        f"Clout: the sum of what 1 % on a brand's {price} does to the others' shares, in per cent. Vulnerability: the "
        f"sum of what 1 % on each other {price} does to its own. {answers.uncertainty[0].upper()}"
        f"{answers.uncertainty[1:]}."
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
        by="alternative",
    )
    if len(table) < 3:
        return
    matrix = found.matrix()
    for name in answers.alternatives:
        rivals = matrix[name].drop(name)
        gained = rivals * found.shares[0][[answers.alternatives.index(one) for one in rivals.index]]
        if name == table["alternative"].iloc[int(table["clout"].to_numpy().argmax())]:
            most = str(gained.idxmax())
            yield Finding(
                f"{name} has the largest clout: when its {price} falls by 1 %, the other shares fall by "
                f"{number(table['clout'].max(), 2)} % in sum; most of what it wins, "
                f"{share(float(gained.max() / gained.sum()))}, is from {most}."
            )


def scenario(answers: Answers) -> Iterator[Content]:
    """Shares under the prices that the config names."""
    asked = answers.task.scenario
    if not asked:
        return
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
    said = "; ".join(f"{attribute}: {_said(changes)}" for attribute, changes in asked.items())
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


def _said(changes: object) -> str:
    if isinstance(changes, dict) or hasattr(changes, "items"):
        return ", ".join(f"{name} {change}" for name, change in changes.items())
    return f"every alternative {changes}"


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
    y = brands(train.frame[BRAND]).to_numpy(dtype=object)
    rows, weak = [], []
    for name in answers.alternatives:
        rest = [one for one in answers.alternatives if one != name]
        before = len(answers.said)
        try:
            with answers.listening():
                test = hausman_mcfadden(final, answers.frame, y, keep=rest)
        except ChoiceError as error:
            weak.append(f"{name} ({error.message})")
            continue
        if len(answers.said) > before or not test.degrees_of_freedom:
            weak.append(name)
            del answers.said[before:]
        if test.degrees_of_freedom:
            rows.append(_row(f"without {name}", test.statistic, test.degrees_of_freedom, test.p))
    if not rows:
        yield Finding("IIA could not be tested: no alternative can be left out of these terms.", "caveat")
        return
    table = pd.DataFrame(rows)
    caption = (
        "Hausman and McFadden: an alternative and the occasions at which it was chosen are left out; where IIA holds, "
        f"the other coefficients stay. Rejected at p < {number(LEVEL / len(rows), 3)}, five per cent over all tests."
    )
    yield Table("iia", "Independence of irrelevant alternatives", table, caption)
    failed = table[table["p"] < LEVEL / len(rows)]
    doubt = f" The test is of little use without {', '.join(weak)}: there its variance is not positive." if weak else ""
    if failed.empty:
        yield Finding(
            "Nothing speaks against IIA, by which every brand loses to a rival in proportion to its share "
            f"(smallest {_p(float(table['p'].min()))} of {len(rows)} tests).{doubt}"
        )
        return
    which = ", ".join(failed["test"])
    yield Finding(
        "IIA fails: when one brand's price moves, the others do not lose in proportion to their shares, as this form "
        f"supposes ({which}). Cross elasticities are then too alike: compare model=nested_logit, with brands of a kind "
        f"in model.nests, or model=latent_class, in which kinds of customers differ.{doubt}",
        "caveat",
    )


def _row(test: str, statistic: float, freedom: int, p: float) -> dict[str, object]:
    return {"test": test, "chi_squared": statistic, "degrees_of_freedom": freedom, "p": p}


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {number(p)}" if np.isfinite(p) else "no p"

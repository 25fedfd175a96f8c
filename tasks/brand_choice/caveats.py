"""What not to conclude about brand choice: causes, prices that hardly moved, brands of which little is known."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cxai_runner.data.dataset import Dataset
from cxai_runner.evaluation.clusters import few_clusters
from cxai_runner.evaluation.results import Content, Finding
from cxai_runner.evaluation.wording import number
from cxai_runner.methods.choice import PriceControl
from cxai_runner.methods.choice.control import WEAK
from cxai_runner.methods.choice.groups import EVENTS
from cxai_runner.methods.together import moved_together
from tasks.brand_choice.answers import Answers, observed_range
from tasks.brand_choice.specification import BRAND, brands, offered, own

FEW = 30
_SMALL = re.compile("group .* occasions only: .*")


def of_brands(answers: Answers, train: Dataset) -> Iterator[Content]:
    """What not to conclude."""
    spec, price = answers.fitted.specification, answers.task.price
    control = next((step for _, step in answers.fitted.pipeline.steps if isinstance(step, PriceControl)), None)
    yield Finding(
        f"The effect of {price} is causal only if {price} is exogenous given the controls: set without regard to "
        "demand that the terms do not see. Where shops raise prices when demand rises, it is understated. Terms such "
        "as month or store_group, each with a coefficient for every brand, or task.instruments help.",
        "caveat",
    )
    if control is not None:
        weak = " Weak instruments: find stronger ones." if control.f_statistic_ < WEAK else ""
        yield Finding(
            f"A control function stands for what {', '.join(spec.instruments)} leave unexplained of {price} "
            f"(F = {number(control.f_statistic_, 1)}, R² {number(control.r2_, 2)}). Standard errors do not know that "
            f"it was estimated.{weak}",
            "caveat",
        )
    yield from _prices(answers)
    named = answers.task.alternatives is not None
    extra = [name for name in _priced(train, price) if name not in spec.alternatives]
    if named and extra:
        yield Finding(
            f"The panel has {', '.join(extra)} too, which task.alternatives does not name: choices are as if there "
            "were no such alternative.",
            "caveat",
        )
    if answers.task.terms == "auto":
        still = [one for one in offered(answers.task, train, spec.alternatives) if one not in spec.terms.columns]
        if still:
            yield Finding(
                f"Left out of the terms: {', '.join(still)}, whose differences between alternatives never change.",
                "caveat",
            )
        rare = [name for name in train.roles.fed if name not in spec.terms.columns]
        if rare:
            yield Finding(
                f"Left out of the terms: {', '.join(rare)}. Some brand was chosen fewer than {EVENTS} times there, too "
                "few for coefficients of their own: these customers have those of the most frequent segment.",
                "caveat",
            )
    few = brands(train.frame[BRAND]).value_counts()
    rare = [f"{name} ({few.get(name, 0)})" for name in spec.alternatives if few.get(name, 0) < FEW]
    if rare:
        yield Finding(f"Chosen fewer than {FEW} times: {', '.join(rare)}. Little can be said of them.", "caveat")
    if answers.task.cluster:
        what = "standard errors that are clustered by customer, which are too small"
        yield from few_clusters(train.frame[train.roles.id], "choices", what)
    for text in answers.said:
        if _SMALL.fullmatch(text):  # told once, of all groups
            continue
        yield Finding(f"{text[0].upper()}{text[1:]}".rstrip(".") + ".", "caveat")


def _prices(answers: Answers) -> Iterator[Content]:
    """Prices that never moved, or moved together; elasticities with the wrong sign."""
    spec, price = answers.fitted.specification, answers.task.price
    still = answers.still
    if still:
        at = ", ".join(f"{name} ({number(observed_range(answers, name)[0], 2)})" for name in still)
        yield Finding(
            f"One {price} only: {at}. There is no curve, and an elasticity there rests on the other brands' {price}s.",
            "caveat",
        )
    values = answers.frame[own(price, spec.alternatives)].set_axis(list(spec.alternatives), axis="columns")
    pairs = [f"{one} and {other} (r = {number(r, 2)})" for one, other, r in moved_together(values)]
    if pairs:
        yield Finding(
            f"Prices moved together: {', '.join(pairs)}. Their effects are told apart by the form of the model more "
            "than by the data.",
            "caveat",
        )
    if answers.known:
        found = answers.observed.frame()
        mine = found[found["share_of"] == found[f"{found.columns[2].removesuffix('_of')}_of"]]
        wrong = mine.loc[mine["low"] > 0, "share_of"]
        if len(wrong):
            yield Finding(
                f"Higher prices go with larger shares of {', '.join(wrong)}, which no price effect explains: look for "
                "what moves both.",
                "caveat",
            )
        unsure = mine.loc[(mine["low"] <= 0) & (mine["high"] >= 0), "share_of"]
        if len(unsure):
            yield Finding(
                f"The data do not tell whether a higher {price} lowers the share of {', '.join(unsure)}: the interval "
                "holds zero.",
                "caveat",
            )


def _priced(train: Dataset, price: str) -> list[str]:
    prefix = f"{price}_"
    return [str(name).removeprefix(prefix) for name in train.frame.columns if str(name).startswith(prefix)]

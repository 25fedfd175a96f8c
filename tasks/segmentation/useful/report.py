"""How the six tests read: one table, a strip of verdicts, and what each rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from cxai_runner.evaluation.intervals import of_share
from cxai_runner.evaluation.population import stability_index
from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import number, share
from cxai_runner.methods.rule_tree import Node, RuleTree, branch
from tasks.segmentation.useful.judge import Judged
from tasks.segmentation.useful.look_back import LookBack
from tasks.segmentation.useful.verdicts import NOT_JUDGED, YES, met

MOVED = (0.1, 0.25)
"""By custom a population stability index above the first is worth a look, above the second a new model."""


def concluded(said: Iterator[Content], judged: Judged) -> Iterator[Content]:
    """Add to the headline how many of the tests are met; of segments that are not to be seen, that it proves none."""
    many = sum(one.verdict == YES for one in judged.tests)
    known = sum(one.verdict != NOT_JUDGED for one in judged.tests)
    for one in said:
        if isinstance(one, Finding) and one.kind == "headline" and known:
            tests = "test of usefulness" if known == 1 else "tests of usefulness"
            told = f"Of {known} {tests} that could be judged, {many} {'is' if many == 1 else 'are'} met"
            if re.match("No (lasting )?segments", one.text):
                told += ", by a division of what is one group as far as can be seen"
            yield Finding(f"{one.text} {told}.", "headline")
        else:
            yield one


def verdicts(judged: Judged) -> Iterator[Content]:
    """Whether the segmentation is useful: a sentence, a table and a strip."""
    yield Finding(met(judged.tests))
    rows = [
        {
            "test": one.name,
            "what is asked": one.question,
            "verdict": one.verdict,
            "figure": one.figure.replace(" [", "\u00a0[").replace(", ", ",\u00a0"),  # an interval stays on one line
            "what it is": "; ".join(part.label for part in one.figures),
            "threshold": one.wanted,
            "what it rests on": one.grounds,
        }
        for one in judged.tests
    ]
    table = pd.DataFrame(rows)
    caption = (
        "A threshold (task.useful) is met where the whole 95 % interval reaches it, missed where none of it does, and "
        "else it cannot be told; agreement when customers are drawn again is judged by its mean."
    )
    yield Table("useful", "Is this segmentation useful?", table, caption)
    strip = table.assign(figure=[one.figure.replace("; ", "\n") for one in judged.tests])
    yield Figure(
        "useful",
        "Is this segmentation useful?",
        strip[["test", "verdict", "figure"]],
        "verdicts",
        "test",
        "verdict",
        "The six tests; figures with their 95 % intervals, as the table has them.",
        text="figure",
    )


def rules(judged: Judged, names: Mapping[int, str]) -> Iterator[Content]:
    """How to recognise a segment."""
    tree = judged.tree
    found = tree.rules() if len(tree.segments) > 1 else ()
    if len(found) < 2:
        return
    sizes = {k: sum(leaf.counts[i] for leaf in _leaves(tree.root)) for i, k in enumerate(tree.segments)}
    table = pd.DataFrame(
        {
            "segment": [_called(one.segment, names) for one in found],
            "rule": [one.words for one in found],
            "customers": [one.customers for one in found],
            "right": [one.right / one.customers for one in found],
            "found": [one.right / sizes[one.segment] for one in found],
        }
    )
    test = next(one for one in judged.tests if one.name == "identifiable")
    held_out = ""
    if test.figures and test.figures[0].baseline is not None:
        held_out = (
            f" On customers that they were not learned from, rules put {test.figure} right; to call everybody one of "
            f"the largest segment {number(test.figures[0].baseline.value, 2)}."
        )
    caption = (
        "`right` is the share of a rule's customers that are in the segment, `found` the share of the segment that it "
        f"finds, both on the {sum(one.customers for one in found):,} customers that it was learned from.{held_out}"
    )
    yield Table("rules", "How to recognise a segment", table, caption, shown=2**5)
    yield Figure(
        "rule_tree",
        "How to recognise a segment",
        _drawn(tree, names),
        "tree",
        "place",
        "level",
        "Upwards where the answer is yes, downwards where it is no." + held_out,
        by="segment",
        fill="parent",
        text="words",
    )
    missed = [_called(k, names) for k in tree.segments if k not in {one.segment for one in found}]
    if missed:
        yield Finding(
            f"No rule finds {'; '.join(missed)}: more questions might (task.useful.depth).",
            "caveat",
        )


def response(judged: Judged, names: Mapping[int, str]) -> Iterator[Content]:
    """How each segment responded, and what an offer did in it."""
    if len(judged.response):
        table = judged.response.assign(segment=[_called(k, names) for k in judged.response["segment"]])
        back = judged.back
        when = ""
        if not isinstance(back, str) and judged.responded.startswith("revenue of the next"):
            when = (
                f" Customers in the segments that the same model found on {back.time:%Y-%m-%d}, called as those of "
                "today that share most with them; nothing that came later was known to it."
            )
        title = f"{judged.responded[:1].upper()}{judged.responded[1:]} by segment"
        caption = f"Means with 95 % intervals by resampling customers; 100 is the mean of all.{when}"
        yield Table("response", title, table, caption)
        yield Figure(
            "response",
            title,
            table,
            "bar",
            "segment",
            "mean",
            f"Means with 95 % intervals by resampling customers.{when}",
            low="low",
            high="high",
            y_label=judged.responded,
        )
    effects = judged.effects
    if effects is not None and len(effects.table):
        table = effects.table.assign(
            segment=[_called(k, names) for k in effects.table["segment"]],
            low=effects.table["effect"] - 1.96 * effects.table["error"],
            high=effects.table["effect"] + 1.96 * effects.table["error"],
        )
        caption = "Mean response with the offer less that without, with 95 % intervals for each by itself."
        yield Table("offer_effects", "What the offer did in each segment", table, caption)
        yield Figure(
            "offer_effects",
            "What the offer did in each segment",
            table,
            "bar",
            "segment",
            "effect",
            caption,
            by="offer" if table["offer"].nunique() > 1 else None,
            low="low",
            high="high",
            y_label="effect",
        )
        yield Finding(
            "What is called an effect of the offer is one only if it was given at random: those who got it may differ.",
            "caveat",
        )


def over_time(judged: Judged, names: Mapping[int, str]) -> Iterator[Content]:
    """Where customers came from, and how the shares of an earlier segmentation moved."""
    back = judged.back
    if isinstance(back, str):
        return
    moved = pd.DataFrame({"then": back.segment[back.both], "now": back.today[back.both]})
    counts = moved.groupby(["then", "now"]).size().rename("customers").reset_index()
    counts = counts.assign(**{end: [_called(k, names) for k in counts[end]] for end in ("then", "now")})
    since = f"{back.time:%Y-%m-%d}"
    yield Table(
        "moves",
        f"Where customers were on {since}",
        counts,
        "Segments that the same model found then, called as those of today that share most with them.",
    )
    yield Figure(
        "moves",
        f"From the segments of {since} to those of today",
        counts,
        "flow",
        "then",
        "now",
        f"{len(moved):,} customers of both dates.",
        fill="customers",
        x_label=f"found on {since}",
        y_label="found today",
    )
    yield from _shares(back, names, since)


def _shares(back: LookBack, names: Mapping[int, str], since: str) -> Iterator[Content]:
    """The shares that the earlier model gives today, beside those that it gave then."""
    every = np.unique([*back.segment, *back.applied])
    before, now = (np.array([(of == k).sum() for k in every]) for of in (back.segment, back.applied))
    psi, chance, most = stability_index(before, now)
    shares = [of_share(int(count), int(of.sum())) for of in (before, now) for count in of]
    table = pd.DataFrame(
        {
            "segment": [_called(k, names) for k in every] * 2,
            "at": [f"{since}, when it was made"] * len(every) + [f"{back.until:%Y-%m-%d}, applied"] * len(every),
            "customers": [*before, *now],
            "share": [one.value for one in shares],
            "low": [one.low for one in shares],
            "high": [one.high for one in shares],
        }
    )
    words = f"population stability index {number(psi)}, by chance up to {number(chance)}"
    caption = (
        f"The model of {since} applied to all customers of {back.until:%Y-%m-%d}: {words}. 95 % intervals are "
        "Wilson's. Measures that grow with time move everybody: then a segmentation has to be made anew, or made of "
        "measures that do not."
    )
    yield Table("shares_over_time", "Shares over time", table, caption)
    yield Figure(
        "shares_over_time",
        "Shares over time",
        table,
        "bar",
        "segment",
        "share",
        caption,
        by="at",
        low="low",
        high="high",
        y_label="share of customers",
    )
    first, second = (share(counts[most] / counts.sum()) for counts in (before, now))
    yield Finding(
        f"Had the segmentation been made on {since}, its shares would by {back.until:%Y-%m-%d} have "
        f"{_far(psi, chance)} ({words}); most of all {_called(every[most], names)}: {first}, then {second}."
    )


def _far(psi: float, chance: float) -> str:
    """How far shares moved, by chance and by custom."""
    if psi <= chance:
        return "moved no more than by chance"
    if psi < MOVED[0]:
        return f"moved by more than chance, though less than by custom is worth a look ({number(MOVED[0], 2)})"
    if psi < MOVED[1]:
        return f"moved as far as by custom is worth a look ({number(MOVED[0], 2)})"
    return f"shifted so far that by custom it has to be made anew ({number(MOVED[1], 2)})"


def _called(segment: int, names: Mapping[int, str]) -> str:
    if segment < 0:
        return "in none"
    return f"{segment}: {names[segment]}" if segment in names else f"{segment}"


def _leaves(node: Node) -> Iterator[Node]:
    if node.yes is None or node.no is None:
        yield node
        return
    yield from _leaves(node.yes)
    yield from _leaves(node.no)


def _drawn(tree: RuleTree, names: Mapping[int, str]) -> pd.DataFrame:
    """The tree as a row for each node: where it stands, what it says, and what it hangs on."""
    rows: list[dict[str, object]] = []
    height = iter(range(2 ** (_depth(tree.root) + 1)))

    def take(node: Node, level: int, parent: int) -> float:
        number_of = len(rows)
        row: dict[str, object] = {"level": level, "parent": parent}
        rows.append(row)
        if node.condition is None or node.yes is None or node.no is None:
            segment = tree.segments[int(node.counts.argmax())]
            customers, right = int(node.counts.sum()), float(node.counts.max() / node.counts.sum())
            words = f"{_called(segment, names)}\n{customers:,} customers, {right:.0%} right".replace("%", " %")
            place = float(next(height))
            row.update(place=place, words=words, segment=f"{segment}")
            return place
        ends = [take(one, level + 1, number_of) for one in (node.yes, node.no)]
        row.update(place=sum(ends) / 2, words=f"{branch(node.condition)}?", segment="")
        return sum(ends) / 2

    take(tree.root, 0, -1)
    return pd.DataFrame(rows)[["level", "parent", "place", "words", "segment"]]


def _depth(node: Node) -> int:
    return 0 if node.yes is None or node.no is None else 1 + max(_depth(node.yes), _depth(node.no))

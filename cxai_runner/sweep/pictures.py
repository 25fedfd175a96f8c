"""The pictures of a sweep, as columns to draw: what varies, what matters, how the search went, what trades off."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.evaluation.results import Figure
from cxai_runner.report.wording import number
from cxai_runner.sweep import scales
from cxai_runner.sweep.points import short

if TYPE_CHECKING:
    from cxai_runner.sweep.objectives import Objective, Standing
    from cxai_runner.sweep.standing import Sweep

_MOST_LINES: Final = 300
TOGETHER: Final = "keys together"


def label(goal: Objective) -> str:
    """Return an objective in words: ``log loss``."""
    return goal.name.rpartition("/")[2].replace("_", " ")


def axis_names(sweep: Sweep) -> dict[str, str]:
    """Return each key as a reader wants it: its last part, where no other key has the same."""
    keys = list(dict.fromkeys(axis.key for axis in sweep.plan.space.axes))
    last = [key.rpartition(".")[2] for key in keys]
    return {key: name if last.count(name) == 1 else key for key, name in zip(keys, last, strict=True)}


def parallel(sweep: Sweep) -> Figure | None:
    """Return every trial as a line over what varies and what it came to."""
    import pandas as pd

    every = sweep.standings()
    shown = _thinned(every)
    axes, names = sweep.plan.space.axes, axis_names(sweep)
    heights = {
        key: scales.places(scales.values(axes, key, [one.trial.values for one in every]), log=scales.is_log(axes, key))
        for key in names
    }
    ends = [_ends(every, place) for place in range(len(sweep.plan.goals))]
    ranked = sum(one.rank is not None for one in every)
    rows: list[dict[str, Any]] = []
    for one in shown:
        standing = _share(one, ranked)
        mine: list[tuple[str, float, str]] = []
        for key, name in names.items():
            text = one.trial.values.get(key)
            mine.append((name, math.nan, "") if text is None else (name, heights[key][text], short(text)))
        for goal, score, (low, high) in zip(sweep.plan.goals, one.scores, ends, strict=True):
            value = math.nan if score is None else score.value
            height = 0.5 if high == low else (value - low) / (high - low)
            mine.append((label(goal), height if score is not None else math.nan, number(value, _digits(high - low))))
        rows += [
            {"trial": one.trial.number, "axis": name, "place": place, "value": text, "standing": standing}
            for name, place, text in mine
        ]
    if not rows or len({row["axis"] for row in rows}) < 2:
        return None
    some = f" {len(shown)} of {len(every)} trials: the best, and others evenly over the ranks."
    aims = ", ".join(f"{label(goal)} ({goal.better} is better)" for goal in sweep.plan.goals)
    caption = f"Each line is a trial, over what varies{' and ' + aims if aims else ''}."
    caption += some * (len(shown) < len(every))
    return Figure("parallel_coordinates", "Every trial", pd.DataFrame(rows), "parallel", "axis", "place", caption,
                  by="trial", fill="standing", text="value")  # fmt: skip


def importances(sweep: Sweep, shares: Mapping[str, float]) -> Figure:
    """Return how much of the differences each key accounts for."""
    import pandas as pd

    names = axis_names(sweep)
    found = [(names[key], share) for key, share in shares.items()]
    rest = 1 - sum(shares.values())
    found += [(TOGETHER, rest)] if rest > 0.005 else []
    data = pd.DataFrame(found, columns=["key", "share"])
    words = f"Share of the variance of {label(sweep.plan.goals[0])} over the space, by functional ANOVA. It tells what "
    words += "moves the result among these values, not what would elsewhere."
    return Figure("parameter_importance", "What matters", data, "bar", "key", "share", words,
                  x_label="", y_label="share of the variance")  # fmt: skip


def history(sweep: Sweep) -> Figure | None:
    """Return what each trial came to in the order of the search, for one that learns."""
    import pandas as pd

    goals = sweep.plan.goals
    if sweep.plan.asked.settings.search != "tpe" or len(goals) != 1:
        return None
    found = sorted(
        (one.trial.number, one.scores[0].value) for one in sweep.standings() if one.scores and one.scores[0] is not None
    )
    if not found:
        return None
    goal, values = goals[0], [value for _, value in found]
    best = list(accumulate(values, min if goal.better == "lower" else max))
    data = pd.DataFrame({"trial": [trial for trial, _ in found], goal.name: values, "best so far": best})
    caption = f"{label(goal)} of each trial in the order of the search; {goal.better} is better."
    return Figure("objective_over_trials", "How the search went", data, "search", "trial", goal.name, _upper(caption),
                  fill="best so far", y_label=label(goal))  # fmt: skip


def front(sweep: Sweep) -> Figure | None:
    """Return the first two of several objectives against each other."""
    import pandas as pd

    goals = sweep.plan.goals[:2]
    if len(goals) < 2:
        return None
    rows = [
        {**{goal.name: one.value for goal, one in zip(goals, standing.scores, strict=False) if one},
         "standing": "beaten by no other" if standing.best else "beaten in all of them"}
        for standing in sweep.standings() if standing.rank is not None
    ]  # fmt: skip
    if not rows:
        return None
    first, second = goals
    data = pd.DataFrame(rows).sort_values("standing", ascending=False, kind="stable")
    caption = f"{_upper(label(first))}: {first.better} is better; {label(second)}: {second.better} is better."
    return Figure("trade_off", "What trades off", data, "point", first.name, second.name, caption, by="standing",
                  x_label=label(first), y_label=label(second))  # fmt: skip


def _thinned(every: list[Standing]) -> list[Standing]:
    """So many trials as a picture can show: the best half of them, the others evenly over the ranks."""
    if len(every) <= _MOST_LINES:
        return every
    half = _MOST_LINES // 2
    rest = every[half:]
    return every[:half] + rest[:: -(-len(rest) // half)]


def _share(standing: Standing, ranked: int) -> float:
    """How a trial stands, from 1 (best) to 0; NaN without a result."""
    if standing.best:
        return 1.0
    return math.nan if standing.rank is None else 0.99 * (ranked - standing.rank) / max(ranked - 1, 1)


def _ends(every: list[Standing], place: int) -> tuple[float, float]:
    found = [score.value for one in every if (score := one.scores[place]) is not None]
    return (min(found), max(found)) if found else (0.0, 0.0)


def _digits(width: float) -> int | None:
    """Digits after the point that tell values apart which lie so far apart."""
    return max(0, 2 - math.floor(math.log10(width))) if width > 0 else None


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]

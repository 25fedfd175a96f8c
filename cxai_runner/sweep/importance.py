"""How much of the differences between trials each key accounts for.

A forest is grown on the trials, and the variance of what it says is split among the keys (functional ANOVA). A key that
a trial has not is taken there at the middle of its axis, as inactive parameters are in the source.

Source: Hutter, Hoos and Leyton-Brown (2014), An efficient approach for assessing hyperparameter importance, ICML 31.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cxai_runner.sweep import scales

if TYPE_CHECKING:
    from cxai_runner.sweep.standing import Sweep

FEWEST: Final = 10
"""Trials below which a forest says nothing."""
_MOST: Final = 1000
_TREES: Final = 32


def importance(sweep: Sweep) -> dict[str, float] | str:
    """Return the share of the variance of the first objective that each key accounts for by itself, largest first.

    Returns
    -------
    shares
        By key; what is left to 1 is what keys do together. In words why there are none, where there are none.
    """
    ranked = [one for one in sweep.standings() if one.rank is not None]
    axes = sweep.plan.space.axes
    trials = [one.trial.values for one in ranked]
    varied = {key: texts for key in dict.fromkeys(axis.key for axis in axes)
              if len(texts := scales.values(axes, key, trials)) > 1}  # fmt: skip
    costs = [one.scores[0].value for one in ranked if one.scores[0] is not None]
    if len(varied) < 2:
        return "only one key varies, so there is nothing to share out" if varied else "nothing varies"
    if len(ranked) < FEWEST:
        return f"{len(ranked)} points with a result are too few to say which key matters; it takes {FEWEST}"
    if max(costs) == min(costs):
        return "every point comes to the same result, so there is nothing to share out"
    step = -(-len(ranked) // _MOST)  # evenly over the ranks, where there are more than a forest needs
    columns = {}
    for key, texts in varied.items():
        heights = scales.places(texts, log=scales.is_log(axes, key))
        columns[key] = [heights[one[key]] if key in one else 0.5 for one in trials[::step]]
    return _shares(columns, costs[::step])


def _shares(columns: dict[str, list[float]], costs: list[float]) -> dict[str, float]:
    import optuna
    from optuna.distributions import BaseDistribution, FloatDistribution
    from optuna.importance import FanovaImportanceEvaluator

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    unit: dict[str, BaseDistribution] = dict.fromkeys(columns, FloatDistribution(0.0, 1.0))
    for heights, cost in zip(zip(*columns.values(), strict=True), costs, strict=True):
        params = dict(zip(columns, heights, strict=True))
        study.add_trial(optuna.create_trial(params=params, distributions=unit, value=cost))
    return FanovaImportanceEvaluator(n_trees=_TREES, seed=0).evaluate(study)

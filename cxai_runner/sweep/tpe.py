"""A search that learns: the tree-structured Parzen estimator, as Optuna has it.

The study lives in memory and is rebuilt from the runs of the sweep, so that MLflow stays the only ledger; what a pruner
saw of a run is kept with it, since later runs are judged by that. The sampler begins anew for each trial, with a seed
of the trial's number: a sweep that was cut off and goes on draws what it would have drawn, as far as it knows the same
trials. With one job at a time it does; with several, what is drawn depends on which trials have ended by then, and the
promise is that no trial is lost and none made twice.

Source: Bergstra, Bardenet, Bengio and Kégl (2011), Algorithms for hyper-parameter optimization, NeurIPS 24.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cxai_runner.sweep.axes import Axis, Choice
from cxai_runner.sweep.points import Trial
from cxai_runner.sweep.search import Search
from cxai_runner.sweep.space import Space
from cxai_runner.watch import Watch

if TYPE_CHECKING:
    import optuna

    from cxai_runner.sweep.objectives import Objective
    from cxai_runner.sweep.settings import Settings


class Learning(Search):
    """Draws each trial in the light of those before it.

    Parameters
    ----------
    space
        What varies.
    settings
        How many trials, from which seed, and whether runs are given up.
    goals
        What is to be best.
    jobs
        How many trials are run at once.
    """

    def __init__(self, space: Space, settings: Settings, goals: Sequence[Objective], jobs: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space, self._settings, self._jobs = space, settings, jobs
        directions = ["minimize"] * len(goals)
        self._study = optuna.create_study(directions=directions, pruner=_pruner(settings))
        self._goals = goals
        self._running: dict[int, optuna.Trial] = {}
        self._known: set[int] = set()
        self._halves = False

    def listed(self) -> Sequence[Trial]:
        """Return none: each depends on those before it."""
        return ()

    def next(self) -> Trial | None:
        """Draw the next trial; None once there are as many as were asked for."""
        number = next(n for n in range(1, len(self._known) + 2) if n not in self._known)
        if number > (self._settings.trials or 0):
            return None
        self._study.sampler = self._sampler(number)
        drawn = self._study.ask()
        values = self._space.drawn(lambda axis: _drawn(axis, drawn))
        self._running[number] = drawn
        self._known.add(number)
        return Trial(number, values)

    def claim(self, trial: Trial) -> None:
        """Take a trial of an earlier start for drawn."""
        self._known.add(trial.number)

    def told(self, trial: Trial, costs: Sequence[float] | None, *, given_up: bool = False, course: str = "") -> None:
        """Tell the study what a trial came to, be it of this start or of an earlier one."""
        from optuna.trial import TrialState

        state = TrialState.PRUNED if given_up else TrialState.FAIL if costs is None else TrialState.COMPLETE
        values = list(costs) if costs is not None and state is TrialState.COMPLETE else None
        drawn = self._running.pop(trial.number, None)
        if drawn is not None:
            self._study.tell(drawn, values, state=state)
        else:
            self._add(trial, values, state, json.loads(course) if course else {})
        if self._settings.prune == "half" and not self._halves:
            self._begin_to_halve()

    def course(self, trial: Trial) -> str:
        """Return what the pruner saw of a trial that runs, as JSON; empty where there is none."""
        drawn = self._running.get(trial.number)
        if self._settings.prune is None or drawn is None:
            return ""
        seen = next(one for one in self._study.get_trials(deepcopy=False) if one.number == drawn.number)
        return json.dumps({"steps": seen.intermediate_values, "rungs": seen.system_attrs})

    def _begin_to_halve(self) -> None:
        """Halve from where the first whole curve says, as Optuna does by itself; a sweep that goes on has the same."""
        from optuna.pruners import SuccessiveHalvingPruner
        from optuna.trial import TrialState

        whole = self._study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        last = next((one.last_step for one in whole if one.last_step is not None), None)
        if last is not None:
            self._halves = True
            self._study.pruner = SuccessiveHalvingPruner(max(1, last // 100), reduction_factor=2)

    def _add(self, trial: Trial, values: list[float] | None, state: Any, course: Mapping[str, Any]) -> None:
        """Take a trial of an earlier start into the study as it was."""
        from optuna.trial import create_trial

        fits = {one.key: one for one in self._space.of(trial.values) if _within(one, trial.values[one.key])}
        self._study.add_trial(
            create_trial(
                state=state,
                values=values,
                params={_name(axis): _value(axis, trial.values[key]) for key, axis in fits.items()},
                distributions={_name(axis): _distribution(axis) for axis in fits.values()},
                intermediate_values={int(step): value for step, value in course.get("steps", {}).items()},
                system_attrs=course.get("rungs", {}),
            )
        )

    def watch(self, trial: Trial) -> Watch | None:
        """Return the pruner of a trial; nobody where none was asked for."""
        drawn = self._running.get(trial.number)
        return None if self._settings.prune is None or drawn is None else _Pruner(drawn, self._goals[0])

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        import warnings

        from optuna.exceptions import ExperimentalWarning
        from optuna.samplers import TPESampler

        word = hashlib.blake2b(f"{self._settings.seed} {number}".encode(), digest_size=4).digest()
        with warnings.catch_warnings():
            # Trials that run at once would otherwise all be drawn from the same place.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(seed=int.from_bytes(word, "big"), constant_liar=self._jobs > 1)


class _Pruner(Watch):
    """Asks the study whether a run is worth going on with."""

    judges = True

    def __init__(self, drawn: optuna.Trial, goal: Objective) -> None:
        self._drawn, self._goal = drawn, goal

    def step(self, metric: str, value: float, number: int) -> None:
        """Report a point of the learning curve of the objective; others say nothing of it."""
        if metric in (self._goal.name, f"held_out/{self._goal.name}"):
            self._drawn.report(self._goal.cost(value), number)

    def should_stop(self) -> bool:
        """Say what the pruner says."""
        return bool(self._drawn.should_prune())


def _pruner(settings: Settings) -> Any:
    """The pruner to begin with: halving begins once there is a whole curve."""
    from optuna.pruners import MedianPruner, NopPruner

    return MedianPruner(n_startup_trials=4) if settings.prune == "median" else NopPruner()


def _drawn(axis: Axis, drawn: optuna.Trial) -> str:
    name = _name(axis)
    if isinstance(axis, Choice):
        return str(drawn.suggest_categorical(name, axis.texts))
    if axis.whole:
        return axis.text(drawn.suggest_int(name, int(axis.low), int(axis.high), log=axis.log))
    return axis.text(drawn.suggest_float(name, axis.low, axis.high, log=axis.log))


def _name(axis: Axis) -> str:
    """The name of an axis in the study: two models may have one key with other values."""
    when = " and ".join(f"{key}={'|'.join(sorted(wanted))}" for key, wanted in axis.when.items())
    return f"{axis.key} where {when}" if when else axis.key


def _distribution(axis: Axis) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(axis, Choice):
        return CategoricalDistribution(axis.texts)
    if axis.whole:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return FloatDistribution(axis.low, axis.high, log=axis.log)


def _value(axis: Axis, text: str) -> Any:
    return text if isinstance(axis, Choice) else int(text) if axis.whole else float(text)


def _within(axis: Axis, text: str) -> bool:
    if isinstance(axis, Choice):
        return text in axis.texts
    return axis.low <= float(text) <= axis.high

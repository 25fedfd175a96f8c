"""Sweeps made by hand: what came out of them is given, nothing is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from cxai_runner.sweep.axes import Axis
from cxai_runner.sweep.ledger import Entry
from cxai_runner.sweep.objectives import Objective
from cxai_runner.sweep.points import Point, Trial
from cxai_runner.sweep.settings import Asked, Settings
from cxai_runner.sweep.space import Space
from cxai_runner.sweep.standing import Failure, Sweep
from tasks.purchase_incidence import PurchaseIncidence

LOSS = Objective("log_loss", "lower")
Result = Mapping[str, float] | None


def entry(run_id: str, metrics: Mapping[str, float], tags: Mapping[str, str] | None = None) -> Entry:
    return Entry(run_id, "FINISHED", metrics, tags or {}, 0)


def made(
    axes: Sequence[Axis],
    results: Iterable[tuple[Mapping[str, str], Result | Sequence[Result]]],
    goals: Sequence[Objective] = (LOSS,),
    task: Any = None,
    **settings: Any,
) -> Sweep:
    """Make a sweep of values and what each came to; several results are several seeds, and None is a failure."""
    found = list(results)
    repeats = next((len(result) for _, result in found if isinstance(result, list | tuple)), 1)
    wanted = Settings(repeats=repeats, **settings)
    experiment = SimpleNamespace(
        composed=SimpleNamespace(choices={"task": "purchase_incidence", "data": "csv"}),
        task=task or PurchaseIncidence(),
        context=lambda step, stop: None,
    )
    plan: Any = SimpleNamespace(
        asked=Asked(wanted, (), ("task=purchase_incidence", "model.C=0.1,1")),
        config_dirs=(),
        space=Space(("task=purchase_incidence",), tuple(axes)),
        goals=tuple(goals),
        key="k" * 32,
        base=SimpleNamespace(experiment=experiment, tables=SimpleNamespace(note="")),
    )
    sweep = Sweep(plan, "a" * 32)
    for number, (values, result) in enumerate(found, 1):
        every = result if isinstance(result, list | tuple) else [result]
        for repeat, metrics in enumerate(every):
            seed = repeat if repeats > 1 else None
            point = Point(Trial(number, values), repeat, seed, plan.space.lines(values))
            sweep.points.append(point)
            if metrics is None:
                sweep.failures.append(Failure(point, "ValueError: too few\nrows", f"f{number:031d}"))
                continue
            point.run_id = f"{number:04d}{repeat:04d}".ljust(32, "0")
            sweep.entries[point.run_id] = entry(point.run_id, metrics)
    return sweep


@pytest.fixture
def nothing_scored() -> Callable[[str, str], None]:
    return lambda run_id, part: None

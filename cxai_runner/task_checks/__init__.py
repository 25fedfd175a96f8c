"""What every task promises the engine, as checks that can fail.

The engine knows no task by name, so it can rely on nothing but what all of them keep: the same seed gives the same
bits, the target never leaks into a prediction, nothing that is lent is changed, a model survives being saved. A task is
checked on data that it can answer; which checks apply follows from what the task declares (its kind of evidence, its
target), never from its name.

    @pytest.mark.parametrize(("name", "check"), task_checks(MyTask(), model, data))
    def test_conformance(name, check):
        check()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cxai_runner.task_checks._case import CHECKS, Case

if TYPE_CHECKING:
    from cxai_runner.data.dataset import Dataset
    from cxai_runner.task import Task

__all__ = ["check_task", "task_checks"]


def task_checks(task: Task, model: Any, data: Dataset, *, seed: int = 1) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield each check that applies to this kind of task, by name, to be called.

    Parameters
    ----------
    task
        The task, configured as it would be run.
    model
        An unfitted estimator or pipeline with its ``random_state`` set; None for a task that has none.
    data
        Rows that the task can answer, of at least 20 customers.
    seed
        Of everything that is drawn.

    Yields
    ------
    name, check
        ``check()`` raises AssertionError and says what was promised.
    """
    # Importing these fills the register.
    from cxai_runner.task_checks import _conduct, _evidence, _models, _results, _scores  # noqa: F401

    case = Case(task, model, data, seed)
    for entry in CHECKS:
        if entry.applies(task):
            yield entry.name, entry.bound(case)


def check_task(task: Task, model: Any, data: Dataset, *, seed: int = 1) -> int:
    """Run all checks that apply, and return how many.

    Parameters
    ----------
    task, model, data, seed
        As in `task_checks`.

    Raises
    ------
    AssertionError
        Naming every promise that was broken.
    """
    broken, count = [], 0
    for name, check in task_checks(task, model, data, seed=seed):
        count += 1
        try:
            check()
        except Exception as error:
            # Whatever a broken task raises is a finding, and all are told at once.
            broken.append(f"{name}: {type(error).__name__}: {error}")
    if broken:
        raise AssertionError(f"{type(task).__name__} breaks {len(broken)} of {count} promises:\n" + "\n".join(broken))
    return count

"""A lock that lies in a store which several machines share, made of what MLflow has.

MLflow has no compare-and-swap, but names of experiments are unique, and stay so when one is deleted. So a lock is a
numbered experiment, ``cxai-lock/NAME/000007``: of two who make the next number one fails. It is deleted (MLflow keeps
deleted ones, and shows none of them) once it is let go of. The next number may be taken when the last one is deleted,
or when its owner is dead: provably on this machine, or by a lease that is long over. Numbers only rise, so whoever was
overtaken sees a higher one than its own before it does what the lock is for.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cxai_runner.tracking.owner import LEASE, Lease, is_dead, owner_tags
from cxai_runner.tracking.quiet import import_mlflow

if TYPE_CHECKING:
    from mlflow.entities import Experiment

    from cxai_runner.config.problems import UserError
    from cxai_runner.tracking.store import Store

_PREFIX: Final = "cxai-lock"
_PAGE: Final = 100


class OvertakenError(Exception):
    """Somebody took the lock over: this process was taken for dead."""


Holds = Callable[[], None]
"""Raises `OvertakenError` where the lock is held no more; to be called before anything is done."""


@dataclass(frozen=True, eq=False)
class _Ticket:
    """One numbered experiment."""

    number: int
    experiment: Experiment

    @property
    def is_free(self) -> bool:
        """Whether the next number may be taken."""
        return self.experiment.lifecycle_stage != "active" or bool(is_dead(self.experiment.tags))


class _TicketLease(Lease):
    """Keeps the lease of a ticket fresh; its ``run_id`` is an experiment's."""

    def _write(self, until: str) -> None:
        self._store.client.set_experiment_tag(self._run_id, LEASE, until)


@contextmanager
def ticket(store: Store, name: str, patience: float, busy: Callable[[], UserError]) -> Iterator[Holds]:
    """Hold the highest ticket of a name.

    Parameters
    ----------
    store
        A store that several machines write to.
    name
        What is locked: letters, digits and what MLflow takes in the name of an experiment.
    patience
        Seconds to wait for whoever holds it.
    busy
        What to tell once they are over.

    Raises
    ------
    UserError
        ``busy``: somebody else still holds it.
    """
    deadline = time.monotonic() + patience
    while (mine := _taken(store, name)) is None:
        if time.monotonic() > deadline:
            raise busy()
        time.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - spreads those who wait
    lease = _TicketLease(store, mine.experiment.experiment_id)

    def holds() -> None:
        last = _last(store, name)
        if last is None or last.number != mine.number or last.experiment.lifecycle_stage != "active":
            raise OvertakenError(name)

    try:
        holds()
        yield holds
    finally:
        lease.end()
        _let_go(store, mine)


def _taken(store: Store, name: str) -> _Ticket | None:
    """The next ticket; None where somebody holds the last one, or was faster."""
    import_mlflow()
    from mlflow.exceptions import MlflowException

    last = _last(store, name)
    if last is not None and not last.is_free:
        return None
    number = 1 if last is None else last.number + 1
    try:
        made = store.retry(store.client.create_experiment, f"{_prefix(name)}{number:06}", tags=owner_tags(lease=True))
    except MlflowException as error:
        if error.error_code == "RESOURCE_ALREADY_EXISTS":
            return None
        raise
    if last is not None:
        _let_go(store, last)
    return _Ticket(number, store.retry(store.client.get_experiment, made))


def _let_go(store: Store, ticket: _Ticket) -> None:
    """Delete a ticket, unless somebody did."""
    from mlflow.exceptions import MlflowException

    if ticket.experiment.lifecycle_stage != "active":
        return
    try:
        store.retry(store.client.delete_experiment, ticket.experiment.experiment_id)
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise


def _last(store: Store, name: str) -> _Ticket | None:
    """The ticket of the highest number, deleted or not."""
    from mlflow.entities import ViewType

    prefix, token = _prefix(name), None
    shape = re.compile(re.escape(prefix) + r"(\d+)")
    while True:
        page = store.retry(
            store.client.search_experiments,
            view_type=ViewType.ALL,
            max_results=_PAGE,
            filter_string=f"name LIKE '{prefix}%'",
            order_by=["name DESC"],
            page_token=token,
        )
        # An underscore in LIKE stands for any letter, so that another model's tickets may be among them.
        for one in page:
            if found := shape.fullmatch(one.name):
                return _Ticket(int(found[1]), one)
        token = page.token
        if not token:
            return None


def _prefix(name: str) -> str:
    return f"{_PREFIX}/{name}/"

"""Nobody decides about a model while somebody else does.

MLflow moves an alias without asking where it stood, so two who decide at one instant would both believe that they had
replaced the same champion. Whoever decides holds a lock for as long as it takes to look, move and write down.

- Beside a SQLite file, which nobody opens from another machine, it is a lock on a file, which the system lets go of
  when its owner dies.
- On a store that several machines share, it is a `tracking.ticket`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.tracking.ticket import Holds, ticket

if TYPE_CHECKING:
    from cxai_runner.tracking.store import Store

PATIENCE: Final = 1800.0
"""Seconds for which somebody else's decision is waited for: gates may have to build features."""


@contextmanager
def alone(store: Store, name: str, patience: float = PATIENCE) -> Iterator[Holds]:
    """Hold the lock of a registered model.

    Parameters
    ----------
    store
        Where the model is registered.
    name
        Its name.
    patience
        Seconds to wait for somebody else.

    Raises
    ------
    UserError
        Somebody else still decides.
    """

    def busy() -> UserError:
        return _busy(name, "its owner's lease is not over")

    with _beside(store, name, patience) if store.is_local else ticket(store, name, patience, busy) as holds:
        yield holds


@contextmanager
def _beside(store: Store, name: str, patience: float) -> Iterator[Holds]:
    from filelock import FileLock, Timeout

    digest = hashlib.blake2b(name.encode(), digest_size=6).hexdigest()
    path = store.uri.removeprefix("sqlite:///") + f".promotion-{digest}.lock"
    lock = FileLock(path, timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        raise _busy(name, f"whoever holds {path}") from None
    try:
        yield lambda: None
    finally:
        lock.release()


def _busy(name: str, who: str) -> UserError:
    remedy = f"try again once that has ended ({who})"
    return UserError([Problem("NAME", "somebody else decides about this model just now", name, remedy)])

"""A learning curve that somebody watches while a model is fitted, and may cut short."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Self


def _ignore(metric: str, value: float, epoch: int) -> None:
    """Take a point of a learning curve that nobody watches."""


def _never() -> bool:
    return False


class Watch(NamedTuple):
    """Who watches.

    Parameters
    ----------
    step
        ``step("training_loss", value, epoch)`` after each epoch, from 1, and ``step("ndcg", value, epoch)`` where
        customers are held apart; of BPR ``training_auc``, the share of the pairs drawn that it has in the right order.
    should_stop
        Asked after each epoch.
    """

    step: Callable[[str, float, int], None] = _ignore
    should_stop: Callable[[], bool] = _never


class Watched:
    """A model that learns by epochs, and tells of each.

    Who watches is no parameter, is asked for anew before each fit, and is forgotten with it: nothing of it is copied or
    saved.
    """

    def watched(self, step: Callable[[str, float, int], None], should_stop: Callable[[], bool] = _never) -> Self:
        """Let the next fit be watched; parameters as in `Watch`."""
        self._watch = Watch(step, should_stop)
        return self

    def _watching(self) -> Watch:
        """Return who watches this fit, once."""
        found = self.__dict__.pop("_watch", None)
        return found if found is not None else Watch()

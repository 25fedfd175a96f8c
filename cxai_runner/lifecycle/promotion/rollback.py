"""Taking the model in charge back: to the one before, or to an earlier one, with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.lifecycle.promotion import history as recorded
from cxai_runner.lifecycle.promotion import names
from cxai_runner.lifecycle.promotion.decision import Decision
from cxai_runner.lifecycle.promotion.lock import alone
from cxai_runner.lifecycle.promotion.promote import settled
from cxai_runner.lifecycle.promotion.registry import Registry, Version
from cxai_runner.tracking.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class History:
    """What was decided about a model, the first decision first, and who is in charge now.

    Parameters
    ----------
    model
        The registered model.
    decisions
        All that were recorded.
    champion
        The number of the version in charge; empty where nobody is.
    notes
        Where the two do not agree.
    """

    model: str
    decisions: tuple[Decision, ...]
    champion: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        lines = [f"{one.number}  {one.at}  {one.by}  {one}".splitlines()[0] for one in self.decisions]
        return "\n".join([*lines, *self.notes])


def history(model: str, *, uri: str | None = None) -> History:
    """Return the history of a registered model; changes nothing.

    Parameters
    ----------
    model
        Its name.
    uri
        The tracking store; by default ``MLFLOW_TRACKING_URI``, or ``mlruns`` in the working folder.

    Raises
    ------
    UserError
        There is no such model.
    """
    store, registry = _opened(model, uri)
    decisions = recorded.decisions(store, model)
    champion = registry.champion
    number = "" if champion is None else champion.number
    unfinished = [one.number for one in decisions if one.verdict == recorded.UNFINISHED]
    notes = [f"decision {one} is being made, or was cut off: then the next promotion or rollback settles it"
             for one in unfinished]  # fmt: skip
    last = next((one.version for one in reversed(decisions) if one.moved), "")
    if last != number and not notes:
        who = f"v{number} is" if number else "nobody is"
        by = f"the last decision put v{last} there" if last else "no decision put it there"
        notes.append(f"{who} in charge, and {by}: the alias was moved by other means")
    return History(model, tuple(decisions), number, tuple(notes))


def rollback(model: str, *, reason: str, to: str | None = None, uri: str | None = None) -> Decision:
    """Put the champion before this one in charge again.

    Parameters
    ----------
    model
        The registered model.
    reason
        Why; it is kept.
    to
        An earlier champion's version instead.
    uri
        The tracking store; by default ``MLFLOW_TRACKING_URI``, or ``mlruns`` in the working folder.

    Raises
    ------
    UserError
        There is no such model, nobody before, or the champion moved while this waited.
    """
    problems = [] if reason.strip() else [Problem("--reason", "a reason, which is kept", reason, "say why")]
    try:
        store, registry = _opened(model, uri)
    except UserError as error:
        raise UserError([*problems, *error.problems]) from None
    if problems:
        raise UserError(problems)
    seen = registry.champion
    with alone(store, model) as holds:
        notes = settled(store, registry)
        now = registry.champion
        if now != seen:
            told_so = f"the champion moved from {seen or 'nobody'} to {now or 'nobody'} while this waited"
            raise UserError([Problem("NAME", told_so, model, f"look at `cxai history {model}`, and ask again")])
        target = _target(registry, recorded.decisions(store, model), now, to)
        previous = "" if now is None else now.number
        meant = Decision(
            model, "rolled back", target.number, previous, target.run_id, reason=reason, notes=tuple(notes)
        )
        holds()
        return recorded.record(store, meant, partial(registry.crown, target))


def _target(registry: Registry, decisions: Sequence[Decision], now: Version | None, to: str | None) -> Version:
    """The version that is to be in charge again."""
    reigns = recorded.reigns(list(decisions))
    earlier = [one for one in reigns if now is None or one != now.number]
    number = (to or (earlier[-1] if earlier else "")).strip().removeprefix("v")
    left = {one.number for one in registry.versions()}
    shown = ", ".join(f"v{one}" for one in dict.fromkeys(earlier) if one in left) or "none is left"
    if not number:
        raise UserError([Problem("NAME", "nobody was in charge before", registry.name, "see cxai history")])
    once = {one.version for one in decisions if one.moved} | {one.previous for one in decisions if one.previous}
    if now is not None and number == now.number:
        raise UserError([Problem("--to", "in charge already", to, f"an earlier champion: {shown}")])
    if number not in once:
        raise UserError([Problem("--to", "never was in charge", to, f"an earlier champion: {shown}")])
    found = registry.version(number)
    if found is None:
        before = "" if to else ", which was in charge before,"
        remedy = f"an earlier champion, by --to: {shown}"
        raise UserError([Problem("--to", f"version {number}{before} was deleted", to or f"v{number}", remedy)])
    return found


def _opened(model: str, uri: str | None) -> tuple[Store, Registry]:
    problems = list(names.problems_of(model, "NAME"))
    if problems:
        raise UserError(problems)
    store = Store.open(uri, Path.cwd(), create=False)
    registry = Registry(store, model)
    registry.demand()
    return store, registry

"""From a run to the model in charge.

Two who promote at one instant: gates are asked before anybody waits for anybody, since they can take minutes. The lock
is then held for as long as it takes to look once more, to write and to move. Where the champion is another by then, the
gates are asked anew against that one, now under the lock, so that it can move no more; the decision says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.kept.run import kept
from cxai_runner.lifecycle.promotion import history, names
from cxai_runner.lifecycle.promotion.candidate import candidate
from cxai_runner.lifecycle.promotion.decision import Decision
from cxai_runner.lifecycle.promotion.gates import Case
from cxai_runner.lifecycle.promotion.lock import alone
from cxai_runner.lifecycle.promotion.names import CHALLENGER
from cxai_runner.lifecycle.promotion.registry import Registry, Version
from cxai_runner.lifecycle.promotion.settings import DEFAULT, Asked, asked
from cxai_runner.tracking.read import SHORT_ID

if TYPE_CHECKING:
    from cxai_runner.lifecycle.promotion.candidate import Candidate
    from cxai_runner.lifecycle.promotion.gate import Gate
    from cxai_runner.tracking.store import Store


def promote(
    run: str,
    model: str,
    *,
    champion: bool = False,
    gates: str = DEFAULT,
    overrides: Sequence[str] = (),
    override: str | None = None,
    schema_change: str | None = None,
    trust: bool = False,
    uri: str | None = None,
    config_dirs: Sequence[str | Path] = (),
) -> Decision:
    """Register a run's model as a version, and put it in charge where it passes the gates.

    Parameters
    ----------
    run
        Its id, the beginning of it, its name, or ``last``; a sweep stands for its best run.
    model
        The registered model; it is created if there is none.
    champion
        Whether it is to take charge. Without, it is registered as the challenger, and no gate is asked.
    gates
        Which gates: a file in ``conf/promotion/``.
    overrides
        What is set of them now: ``"promotion.margin=0.01"``.
    override
        Why it is to take charge although gates refuse it.
    schema_change
        Why it takes or gives something else than the champion.
    trust
        Whether the champion's model may run code that no seal says was written here.
    uri
        The tracking store; by default ``MLFLOW_TRACKING_URI``, or ``mlruns`` in the working folder.
    config_dirs
        Folders of configs of your own.

    Returns
    -------
    decision
        Its ``verdict`` is ``promoted``, ``refused``, ``overridden``, ``registered`` or ``unchanged``; every one but the
        last is kept.

    Raises
    ------
    UserError
        With all that is wrong with what was asked for; nothing was registered.
    """
    problems = list(names.problems_of(model))
    problems += _reasons({"--override": override, "--schema-change": schema_change})
    if not champion:
        problems += _of_no_gate(gates, overrides, override, schema_change)
    wanted: Asked | None = None
    one: Candidate | None = None
    try:
        wanted = asked(gates, overrides, [Path(folder) for folder in config_dirs])
    except UserError as error:
        problems += error.problems
    try:
        one = candidate(kept(uri, run))
    except UserError as error:
        problems += error.problems
    case = None if one is None or wanted is None else Case(one, wanted, schema_change or "", trust)
    if case is not None and champion:
        problems += case.problems()
    if problems or case is None:
        raise UserError(problems)
    return _registered(case, model) if not champion else _decided(case, model, override or "")


def _reasons(given: dict[str, str | None]) -> list[Problem]:
    return [
        Problem(key, "a reason, which is kept", reason, "say why: it is what somebody will read a year from now")
        for key, reason in given.items()
        if reason is not None and not reason.strip()
    ]


def _of_no_gate(
    gates: str, overrides: Sequence[str], override: str | None, schema_change: str | None
) -> Iterator[Problem]:
    """Yield what is said to gates where none is asked: it would be passed over."""
    said = {
        "--override": ("overrides the gates", override is not None),
        "--schema-change": ("is said to the gates", schema_change is not None),
        "--gates": ("says which gates", gates != DEFAULT),
        **{line.partition("=")[0]: ("is a key of the gates", True) for line in overrides},
    }
    for key, (words, is_said) in said.items():
        if is_said:
            yield Problem(key, f"{words}, which only --champion asks", remedy="add --champion")


def _registered(case: Case, model: str) -> Decision:
    """Register as the challenger."""
    one = case.candidate
    store = one.kept.store
    registry = Registry(store, model)
    with alone(store, model) as holds:
        notes = settled(store, registry)
        version, is_new = registry.register(one)
        meant = Decision(model, "registered", version.number, run=one.run_id, notes=(*notes, *_of_sweep(one)))
        reigning = registry.champion
        if reigning == version:
            return replace(meant, verdict="unchanged", previous=version.number)
        if not is_new and registry.alias(CHALLENGER) == version:
            return replace(meant, notes=(*meant.notes, "it was before: nothing new was registered"))
        meant = replace(meant, previous="" if reigning is None else reigning.number)
        holds()
        return history.record(store, meant, partial(registry.point, CHALLENGER, version))


def _refuse_vacancy(registry: Registry) -> None:
    """Refuse to take an empty place for a first one: a champion that nobody took back was removed by other means."""
    reigned = history.reigns(history.decisions(registry.store, registry.name))
    if reigned:
        told = f"v{reigned[-1]} was in charge, and its alias or version was removed by other means"
        left = {one.number for one in registry.versions()}
        back = f"put an earlier one back (cxai rollback {shlex.quote(registry.name)} --reason …), or "
        remedy = f"{back if left & {*reigned} else ''}say why another is to be in charge: --override REASON"
        raise UserError([Problem("--champion", told, remedy=remedy)])


def _decided(case: Case, model: str, override: str) -> Decision:
    """Ask the gates, and put in charge whoever passes them."""
    one = case.candidate
    store = one.kept.store
    registry = Registry(store, model)
    before = registry.champion if registry.exists else None
    if before is None and not override:
        _refuse_vacancy(registry)
    if before is not None and before.run_id == one.run_id:
        return Decision(model, "unchanged", before.number, before.number, one.run_id)
    said = case.judged(before)
    with alone(store, model) as holds:
        notes = [*settled(store, registry), *_of_sweep(one)]
        now = registry.champion if registry.exists else None
        if now is not None and now.run_id == one.run_id:
            return Decision(model, "unchanged", now.number, now.number, one.run_id, notes=tuple(notes))
        if now != before:
            notes.append(f"the champion moved meanwhile, {_step(before, now)}: the gates were asked anew")
            said = case.judged(now)
        version, _ = registry.register(one)
        meant = Decision(
            model,
            _verdict(said, override),
            version.number,
            previous="" if now is None else now.number,
            run=one.run_id,
            gates=said,
            reason=override if not all(gate.passed for gate in said) else "",
            schema_change=case.schema_change,
            asked=case.asked.name,
            notes=tuple(notes),
        )
        holds()
        if not meant.moved:
            return history.record(store, meant, partial(registry.point, CHALLENGER, version), keys=_keys(case))
        return history.record(store, meant, partial(registry.crown, version), keys=_keys(case))


def _verdict(said: tuple[Gate, ...], override: str) -> str:
    if all(gate.passed for gate in said):
        return "promoted"
    return "overridden" if override else "refused"


def _keys(case: Case) -> dict[str, object]:
    return {f"promotion.{name}": value for name, value in asdict(case.gates).items()}


def _step(before: Version | None, now: Version | None) -> str:
    return f"from {before or 'nobody'} to {now or 'nobody'}"


def _of_sweep(one: Candidate) -> list[str]:
    return [f"run {one.run_id[:SHORT_ID]} is the best of sweep {one.of_sweep[:SHORT_ID]}"] if one.of_sweep else []


def settled(store: Store, registry: Registry) -> list[str]:
    """Write to their end decisions that were cut off, and say so; the lock is held."""
    return [
        f"decision {done.number} about v{done.version} had been cut off: it is written down as {done.verdict}"
        for done in history.settle(store, registry)
    ]

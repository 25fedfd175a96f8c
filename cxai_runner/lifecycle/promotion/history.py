"""The decisions about a model, each a run in the experiment ``cxai-promotions`` that is written once.

A decision that moves an alias is two writes in two places, and a process can die between any two. So the run comes
first, RUNNING and with all that the decision rests on; then the alias moves; then the run says what was decided, and
is FINISHED. Whoever decides next looks for runs that do not say: where the alias stands as such a run meant it to, the
decision was made and is written to its end; where it does not, nothing was decided, and the run says so. Decisions are
numbered under the lock that they are made under, so that a number that is missing would show.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.lifecycle.promotion.decision import Decision
from cxai_runner.lifecycle.promotion.gate import Gate
from cxai_runner.lifecycle.promotion.names import CHALLENGER, CHAMPION
from cxai_runner.tracking.read import DECISIONS

if TYPE_CHECKING:
    from mlflow.entities import Run

    from cxai_runner.lifecycle.promotion.registry import Registry
    from cxai_runner.tracking.store import Store

_PREFIX: Final = "cxai.promotion."
MODEL: Final = f"{_PREFIX}model"
_INTENT: Final = f"{_PREFIX}intent"
VERDICT: Final = f"{_PREFIX}decision"
"""Written last; a run without it is one of a decision that was cut off."""
UNFINISHED: Final = "unfinished"
"""The verdict of a decision that does not say: it is being made, or was cut off and not settled yet."""
_CUT_OFF: Final = "cut off"
_NUMBER: Final = f"{_PREFIX}number"
_GATE: Final = f"{_PREFIX}gate."
_NOTES: Final = f"{_PREFIX}notes"
_REPAIRED: Final = f"{_PREFIX}repaired"
_TEXTS: Final = ("version", "previous", "run", "reason", "schema_change", "asked")
_PASSED: Final = "passed: "
_FAILED: Final = "refused: "


def record(
    store: Store, meant: Decision, move: Callable[[], None] | None = None, keys: Mapping[str, Any] | None = None
) -> Decision:
    """Write a decision down, and let it take effect; the lock of the model is held.

    Logged: as tags who decided what about which version, of which run, in place of which, and why, and what each gate
    said; as metrics 1 or 0 for each gate and the figures that it rests on; the table ``gates``; the gates' keys as
    params; ``decision.json``; the commit of the code that decided.

    Parameters
    ----------
    store
        Where.
    meant
        The decision as it is meant.
    move
        What makes it take effect, where anything does.
    keys
        The gates' own keys.
    """
    from cxai_runner.tracking.batches import log_values
    from cxai_runner.tracking.masking import Masker
    from cxai_runner.tracking.record import Record, param_texts
    from cxai_runner.tracking.run import NOTE, Ending, Tracker, who

    meant = replace(meant, number=_count(store, meant.model) + 1, by=who()["mlflow.user"])
    tracker = Tracker(store, Masker.of({}, uris=[store.uri]), DECISIONS)
    tags = _tags(meant) | {_INTENT: meant.verdict, NOTE: _note(meant)}
    with tracker.start(f"{meant.model} v{meant.version}: {meant.verdict}", tags) as run:
        told = replace(meant, decision_id=run.run_id, at=_moment(store, run.run_id))
        texts = {"decision.json": json.dumps(told.as_json(), indent=1, ensure_ascii=False)}
        run.keep(Record(texts=texts, tables={"gates": _table(meant)} if meant.gates else {}))
        log_values(store, run.run_id, param_texts(keys or {}, "decision.json"), {}, _metrics(meant))
        if move is not None:
            move()
        run.say(tags={VERDICT: meant.verdict})
        run.end(Ending("FINISHED"))
    return told


def decisions(store: Store, model: str) -> list[Decision]:
    """Return the decisions about a model, the first one first; those that were cut off say so. Changes nothing."""
    return [_read(run) for run in _runs(store, model)]


def settle(store: Store, registry: Registry) -> list[Decision]:
    """Write decisions to their end that were cut off; the lock of the model is held.

    Returns
    -------
    settled
        Those that were, as they stand now.
    """
    from cxai_runner.tracking.owner import is_dead

    settled = []
    for run in _runs(store, registry.name):
        tags, status = run.data.tags, run.info.status
        if status == "FINISHED" or (status == "RUNNING" and is_dead(tags) is False):
            continue
        if tags.get(VERDICT) == _CUT_OFF:
            continue
        settled.append(_settled(store, registry, run))
    return settled


def _settled(store: Store, registry: Registry, run: Run) -> Decision:
    from cxai_runner.tracking.batches import log_values

    meant = _read(run)
    intent = run.data.tags.get(VERDICT) or run.data.tags.get(_INTENT, "")
    standing = registry.alias(CHAMPION if replace(meant, verdict=intent).moved else CHALLENGER)
    took = VERDICT in run.data.tags or (standing is not None and standing.number == meant.version)
    verdict = intent if took else _CUT_OFF
    why = "the alias had moved" if took else "nothing had moved"
    log_values(store, run.info.run_id, {}, {VERDICT: verdict, _REPAIRED: f"cut off; {why}"}, {})
    store.retry(store.client.set_terminated, run.info.run_id, status="FINISHED" if took else "KILLED")
    return replace(meant, verdict=verdict)


def reigns(history: list[Decision]) -> list[str]:
    """Return the versions in charge, the first one first, without those that were taken back.

    Whoever was put in charge by other means shows as the ``previous`` of the next decision.
    """
    stack: list[str] = []
    for one in history:
        if not one.moved:
            continue
        if one.previous and (not stack or stack[-1] != one.previous):
            stack.append(one.previous)
        if one.verdict == "rolled back" and one.version in stack:
            del stack[stack.index(one.version) + 1 :]
        else:
            stack.append(one.version)
    return stack


def _runs(store: Store, model: str) -> list[Run]:
    experiment = store.retry(store.client.get_experiment_by_name, DECISIONS)
    if experiment is None:
        return []
    found: list[Run] = []
    token: str | None = None
    while True:
        page = store.retry(
            store.client.search_runs,
            [experiment.experiment_id],
            f"tags.`{MODEL}` = '{model}'",
            max_results=1000,
            page_token=token,
        )
        found += page
        token = page.token
        if not token:
            return sorted(found, key=lambda run: int(run.data.tags.get(_NUMBER, "0")))


def _count(store: Store, model: str) -> int:
    return max((int(run.data.tags.get(_NUMBER, "0")) for run in _runs(store, model)), default=0)


def _tags(meant: Decision) -> dict[str, str]:
    from cxai_runner import __version__
    from cxai_runner.tracking.lineage import code_of

    tags = {MODEL: meant.model, _NUMBER: str(meant.number), "cxai.version": __version__}
    tags |= {f"{_PREFIX}{name}": text for name in _TEXTS if (text := getattr(meant, name))}
    tags |= {f"{_GATE}{one.name}": (_PASSED if one.passed else _FAILED) + one.words for one in meant.gates}
    if meant.notes:
        tags[_NOTES] = "\n".join(meant.notes)
    for code in code_of()[:1]:
        tags |= {"mlflow.source.git.commit": code.commit, "cxai.dirty": str(code.dirty).lower()}
    return tags


def _metrics(meant: Decision) -> dict[str, float]:
    found = {f"gate/{one.name}": float(one.passed) for one in meant.gates}
    for one in meant.gates:
        found |= {f"{one.name}/{name}": value for name, value in one.figures.items()}
    return {name: value for name, value in found.items() if value == value}  # noqa: PLR0124 - NaN is not itself


def _table(meant: Decision) -> Any:
    import pandas as pd

    rows = [{**asdict(one), "figures": json.dumps(dict(one.figures))} for one in meant.gates]
    return pd.DataFrame(rows, columns=["name", "passed", "words", "figures"])


def _note(meant: Decision) -> str:
    head, *rest = str(meant).splitlines()
    return "\n".join([f"**{head}**", "", *(f"- {line.strip()}" for line in rest)])


def _moment(store: Store, run_id: str) -> str:
    return _iso(store.retry(store.client.get_run, run_id).info.start_time)


def _iso(milliseconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _read(run: Run) -> Decision:
    tags = run.data.tags
    texts = {name: tags.get(f"{_PREFIX}{name}", "") for name in _TEXTS}
    return Decision(
        model=tags[MODEL],
        verdict=tags.get(VERDICT, UNFINISHED),
        gates=tuple(_gates(run)),
        by=tags.get("mlflow.user", ""),
        at=_iso(run.info.start_time),
        number=int(tags.get(_NUMBER, "0")),
        decision_id=run.info.run_id,
        notes=(*tags.get(_NOTES, "").splitlines(), *([tags[_REPAIRED]] if _REPAIRED in tags else [])),
        **texts,
    )


def _gates(run: Run) -> Iterator[Gate]:
    """What each gate said, in the order that they are asked in."""
    from cxai_runner.lifecycle.promotion.gates import ORDER

    tags, metrics = run.data.tags, run.data.metrics
    for name in ORDER:
        said = tags.get(f"{_GATE}{name}")
        if said is None:
            continue
        figures = {key.removeprefix(f"{name}/"): value for key, value in metrics.items() if key.startswith(f"{name}/")}
        yield Gate(name, said.startswith(_PASSED), said.removeprefix(_PASSED).removeprefix(_FAILED), figures)

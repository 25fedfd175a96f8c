"""What it came to when a run was made again: the verdict, the first stage that differs, and the cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from cxai_runner.kept.held import Held
from cxai_runner.lifecycle.reproduce import deviation
from cxai_runner.lifecycle.reproduce.deviation import Deviation
from cxai_runner.lifecycle.reproduce.parts import KEYED, STAGES, Cause, Parts, causes, others, unkeyed

if TYPE_CHECKING:
    from cxai_runner.tracking.store import Store

Verdict = Literal["identical", "within tolerance", "different"]
TOLERANCE: Final = 1e-9
REPRODUCES: Final = "cxai.reproduces"
"""Of the new run: the id of the one that it was to be."""
REPRODUCED: Final = "cxai.reproduced"
"""Of the new run: the verdict. Of the one that it was to be: the verdict, and after a comma the id of the new run."""


@dataclass(frozen=True)
class Stage:
    """One stage of both runs.

    Parameters
    ----------
    name
        ``data``, ``features``, ``fit``, ``evaluate`` or ``report``.
    same_key
        Whether it was made of the same; None where a run kept no key of it, as of a report.
    same_result
        Whether it came to the same, to the bit; None where a run kept nothing that tells.
    differs
        What of its result is something else.
    """

    name: str
    same_key: bool | None
    same_result: bool | None
    differs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reproduction:
    """A run made again.

    Parameters
    ----------
    original, run_id
        The id of the run, and of the one that was to be the same.
    verdict
        ``identical``: every score, metric and table to the bit. ``within tolerance``: no metric or score deviates by
        more. ``different``: one does.
    tolerance
        The largest relative deviation that is allowed.
    deviation
        The largest that there is.
    stages
        Each stage, in order.
    causes
        Why they may differ, in the order of the stages; where numbers differ, the first is the cause.
    """

    original: str
    run_id: str
    verdict: Verdict
    tolerance: float
    deviation: Deviation
    stages: tuple[Stage, ...]
    causes: tuple[Cause, ...]

    @property
    def first(self) -> Stage | None:
        """The first stage that is another by its key; where all keys are the same, the first by its result."""
        by_key = next((stage for stage in self.stages if stage.same_key is False), None)
        return by_key or next((stage for stage in self.stages if stage.same_result is False), None)

    def __repr__(self) -> str:
        first = f", {self.first.name} differs first" if self.verdict != "identical" and self.first else ""
        return f"<Reproduction {self.run_id[:8]} of {self.original[:8]}: {self.verdict}{first}>"

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain JSON values."""
        from dataclasses import asdict

        first = None if self.first is None else self.first.name
        return asdict(self) | {"first": first}


def judged(original: Held, again: Held, tolerance: float = TOLERANCE) -> Reproduction:
    """Hold a run against the one that it was to be."""
    then, now = Parts.of(original), Parts.of(again)
    metrics = deviation.of_metrics(original.facts["metrics"], again.facts["metrics"])
    scores = deviation.of_scores(original.scores(), again.scores())
    apart = deviation.largest([metrics, scores])
    stages = tuple(_stage(name, then, now, metrics, scores) for name in STAGES)
    same = apart.relative == 0 and not any(stage.same_result is False for stage in stages if stage.name != "data")
    verdict: Verdict = "different"
    if same:
        verdict = "identical"
    elif apart.relative <= tolerance:
        verdict = "within tolerance"
    found = tuple(_causes(then, now, stages, same=same))
    return Reproduction(original.run_id, again.run_id, verdict, tolerance, apart, stages, found)


def link(store: Store, reproduction: Reproduction, *, both: bool) -> None:
    """Write the verdict on the new run, and where it is to be on ``both`` on the original too."""
    said: dict[str, str] = {reproduction.run_id: reproduction.verdict}
    if both:
        said[reproduction.original] = f"{reproduction.verdict}, {reproduction.run_id}"
    for run_id, told in said.items():
        store.retry(store.client.set_tag, run_id, REPRODUCED, told)


def _stage(name: str, then: Parts, now: Parts, metrics: Deviation, scores: Deviation) -> Stage:
    if name == "data":
        same = then.data == now.data if then.data and now.data else None
        return Stage(name, same, same, tuple(table for table in then.data if then.data[table] != now.data.get(table)))
    same_key = then.keys[name] == now.keys[name] if name in then.keys and name in now.keys else None
    if name == "evaluate":
        differs: list[str] | None = [] if metrics.relative == 0 else [str(metrics)]
    else:
        differs = others(then, now, name)
        if name == "fit" and differs is None:
            differs = [] if scores.relative == 0 else [str(scores)]
    return Stage(name, same_key, None if differs is None else not differs, tuple(differs or ()))


def _causes(then: Parts, now: Parts, stages: Sequence[Stage], *, same: bool) -> Iterator[Cause]:
    """The causes that can explain the first result that differs come first; where none can, chance does."""
    found = causes(then, now)
    if same:
        yield from found
        return
    other = next((stage.name for stage in stages if stage.same_result is False and stage.name != "data"), "evaluate")
    reach = KEYED.index(other) if other in KEYED else len(KEYED)
    before = [cause for cause in found if KEYED.index(cause.stage) <= reach]
    yield from before
    if not before:
        beside = unkeyed(then, now)
        yield from beside
        if not beside:
            yield Cause(
                other,
                "chance",
                f"the stage {other} was made of the same, and yet came to other numbers: not deterministic",
            )
    yield from (cause for cause in found if cause not in before)

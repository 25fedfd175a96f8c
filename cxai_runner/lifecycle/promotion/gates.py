"""The gates, one after the other: all of them are asked, so that all that is wrong is told at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import Problem, did_you_mean
from cxai_runner.evaluation.wording import with_interval
from cxai_runner.kept.run import Kept
from cxai_runner.lifecycle.promotion import slices
from cxai_runner.lifecycle.promotion.against import against
from cxai_runner.lifecycle.promotion.candidate import signature
from cxai_runner.lifecycle.promotion.gate import Gate
from cxai_runner.lifecycle.promotion.rows import NotComparableError, Rows
from cxai_runner.lifecycle.promotion.slices import is_beyond, wanted
from cxai_runner.lifecycle.reproduce.verdict import REPRODUCED, REPRODUCES
from cxai_runner.lifecycle.runs import REPORT
from cxai_runner.tracking.read import SHORT_ID

if TYPE_CHECKING:
    from cxai_runner.lifecycle.promotion.candidate import Candidate
    from cxai_runner.lifecycle.promotion.registry import Version
    from cxai_runner.lifecycle.promotion.settings import Asked, Gates

ORDER: Final = ("floor", "baseline", "champion", "slices", "calibration", "schema", "report", "reproducible")
_CALIBRATION: Final = "calibration_error"
_GOOD_ENOUGH: Final = {"identical": ("identical",), "tolerance": ("identical", "within tolerance")}


@dataclass(frozen=True, eq=False)
class Case:
    """A challenger at the gates.

    Parameters
    ----------
    candidate
        Its run.
    asked
        The gates.
    schema_change
        Why it takes or gives something else than the champion; empty where nobody said.
    trust
        Whether the champion's model may run code that no seal says was written here.
    """

    candidate: Candidate
    asked: Asked
    schema_change: str = ""
    trust: bool = False

    @property
    def gates(self) -> Gates:
        """The gates' keys."""
        return self.asked.gates

    @cached_property
    def rows(self) -> Rows | NotComparableError:
        """The held-out rows, built when a gate first asks for them; or why there are none."""
        try:
            return Rows.of(self.candidate.kept)
        except NotComparableError as error:
            return error

    def problems(self) -> Iterator[Problem]:
        """Yield what the gates ask for and this run cannot be asked."""
        metrics, gates = self.candidate.metrics, self.gates
        named = {f"floors.{name}": name for name in gates.floors}
        named |= {f"slice_floors.{name}": name for name in gates.slice_floors}
        named |= {"metric": gates.metric} if gates.metric else {}
        for key, name in named.items():
            if name not in metrics:
                told = "not among the metrics of this run"
                yield self.asked.located(Problem(f"promotion.{key}", told, remedy=did_you_mean(name, metrics)))
        if gates.slices and isinstance(self.rows, Rows):
            yield from map(self.asked.located, slices.problems(gates, self.rows))

    def judged(self, champion: Version | None) -> tuple[Gate, ...]:
        """Ask every gate, with this version in charge."""
        return (
            self._floor(),
            self._baseline(),
            against(self.candidate, champion, self.gates, lambda: self.rows, trust=self.trust),
            slices.by_slice(self.candidate, self.gates, lambda: self.rows),
            self._calibration(),
            self._schema(champion),
            self._report(),
            self._reproducible(),
        )

    def _floor(self) -> Gate:
        floors, metrics = self.gates.floors, self.candidate.metrics
        if not floors:
            return Gate("floor", True, "none is set")
        low = [name for name, floor in floors.items() if is_beyond(metrics[name], floor)]
        words = [
            f"{metrics[name].label} {with_interval(metrics[name].value)}, wanted {wanted(metrics[name], floor)}"
            for name, floor in floors.items()
            if name in low or not low
        ]
        return Gate("floor", not low, "; ".join(words), {name: metrics[name].value.value for name in floors})

    def _baseline(self) -> Gate:
        metric = self.candidate.metrics.get(self.candidate.primary)
        label = self.candidate.document.baseline
        if self.gates.baseline == "any":
            return Gate("baseline", True, "not asked for")
        if metric is None or metric.difference is None or metric.baseline is None:
            return Gate("baseline", True, "this task has none to beat")
        gap = metric.difference
        figures = {"difference": gap.value, "difference_low": gap.low, "difference_high": gap.high}
        enough = ("better",) if self.gates.baseline == "better" else ("better", "cannot tell")
        words = (
            f"{metric.label} {with_interval(metric.value)} against {with_interval(metric.baseline)} of the {label}, "
            f"a difference of {with_interval(gap)}: {metric.verdict}"
        )
        return Gate("baseline", metric.verdict in enough, words, figures)

    def _calibration(self) -> Gate:
        metric, most = self.candidate.metrics.get(_CALIBRATION), self.gates.calibration
        if most is None:
            return Gate("calibration", True, "not asked for")
        if metric is None:
            return Gate("calibration", True, "no probabilities to be calibrated")
        # Noise can only raise it, and does so more the fewer rows there are: the low end has to be too high.
        value = metric.value
        words = f"{metric.label} {with_interval(value)}, wanted {wanted(metric, most)} within the interval"
        figures = {"error": value.value, "error_low": value.low, "error_high": value.high, "allowed": most}
        return Gate("calibration", not min(value.low, value.value) > most, words, figures)

    def _schema(self, champion: Version | None) -> Gate:
        if champion is None:
            return Gate("schema", True, "nobody is in charge yet")
        if self.gates.schema == "any":
            return Gate("schema", True, "not asked for")
        if champion.run_id:
            theirs = signature(Kept(self.candidate.kept.store, champion.run_id))
            change = _changes(theirs, self.candidate.signature)
        else:
            change = f"not known of {champion}, which no run made"
        if not change:
            inputs = len(self.candidate.signature["inputs"])
            return Gate("schema", True, f"takes the {inputs} inputs that {champion} does", {"inputs": float(inputs)})
        if self.schema_change:
            return Gate("schema", True, f"{change}; declared: {self.schema_change}")
        return Gate("schema", False, f"{change}; where that is meant: --schema-change REASON")

    def _report(self) -> Gate:
        if not self.gates.report:
            return Gate("report", True, "not asked for")
        kept = self.candidate.kept
        held = {file.path for file in kept.store.retry(kept.store.client.list_artifacts, kept.run_id)}
        if REPORT in held:
            return Gate("report", True, REPORT)
        return Gate("report", False, f"the run holds none; make it: cxai report {kept.run_id[:SHORT_ID]}")

    def _reproducible(self) -> Gate:
        wish = self.gates.reproduction
        if wish == "any":
            return Gate("reproducible", True, "not asked for")
        kept = self.candidate.kept
        short = kept.run_id[:SHORT_ID]
        tags = kept.facts["tags"]
        verdict, _, other = str(tags.get(REPRODUCED, "")).partition(", ")
        other = other or str(tags.get(REPRODUCES, ""))
        if not verdict:
            return Gate("reproducible", False, f"nobody has run it again; cxai reproduce {short}")
        words = f"beside run {other[:SHORT_ID]}, the same once more: {verdict}"
        return Gate("reproducible", verdict in _GOOD_ENOUGH[wish], words)


def _alike(columns: dict[str, str], *, exact: bool) -> dict[str, str]:
    """Columns by type; what a model gives is a float of whatever precision."""
    if exact:
        return columns
    return {name: re.sub(r"^(float32|float64|double)\b", "float", kind) for name, kind in columns.items()}


def _changes(before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> str:
    """How two schemas differ, in words; empty where they do not."""
    told = []
    for side, verb in (("inputs", "takes"), ("outputs", "gives")):
        old, new = (_alike(one.get(side, {}), exact=side == "inputs") for one in (before, now))
        gone, came = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
        other = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
        told += [f"{verb} {', '.join(came)} too"] if came else []
        told += [f"{verb} {', '.join(gone)} no more"] if gone else []
        told += [f"{verb} {name} as {new[name]}, not {old[name]}" for name in other]
    return "; ".join(told)

"""A run whose model asks to be registered: what it is known by, and what keeps it from being one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.evaluation.wording import with_interval
from cxai_runner.kept.named import MODEL, place_of
from cxai_runner.kept.run import Kept, local_path
from cxai_runner.kept.trust import description, read_description
from cxai_runner.lifecycle.promotion.feeds import gone
from cxai_runner.lifecycle.promotion.names import CHALLENGER, CHAMPION
from cxai_runner.lifecycle.runs import SWEEP
from cxai_runner.report.html import PARTS
from cxai_runner.tracking import seal
from cxai_runner.tracking.read import SHORT_ID
from cxai_runner.tracking.record import REFIT

if TYPE_CHECKING:
    from cxai_runner.evaluation.results import Metric
    from cxai_runner.report.document import Document

BEST: Final = "cxai.sweep.best"
"""The tag of a sweep that names its best runs."""
_SHOWN: Final = ("cxai.model", "cxai.data", "cxai.identity", REFIT)
_GAP: Final = "&ensp;"
"""MLflow's page leaves no room between the columns of a table."""
_FITTED: Final = {
    "train": "Fitted on the training rows alone.",
    "all": "Fitted on all rows; the metrics of held-out rows are those of fits that left them out.",
}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A finished run with a model; make it with `candidate`.

    Parameters
    ----------
    kept
        The run.
    model_id
        Its logged model.
    of_sweep
        The sweep that was named in its place; empty where the run itself was.
    """

    kept: Kept
    model_id: str
    of_sweep: str = field(default="")

    @property
    def run_id(self) -> str:
        """The run's full id."""
        return self.kept.run_id

    @property
    def document(self) -> Document:
        """What the run says."""
        return self.kept.document

    @property
    def part(self) -> str:
        """The part whose metrics lead: held-out rows where there are any, else the challenge, else training."""
        return self.document.headline_part

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric by name; the part that leads wins."""
        found: dict[str, Metric] = {}
        for part in ("train", "challenge", "held_out"):
            found |= {metric.name: metric for metric in self.document.metrics.get(part, ())}
        return found

    @property
    def task(self) -> str:
        """The name of its task."""
        return self.document.task

    @property
    def primary(self) -> str:
        """The task's primary metric; empty where it has none."""
        return str(self.kept.facts["tags"].get("cxai.primary_metric", ""))

    @property
    def refit(self) -> str:
        """Which rows the kept model was fitted on: ``train`` or ``all``; empty where the run does not say."""
        return str(self.kept.facts["tags"].get(REFIT, ""))

    @cached_property
    def signature(self) -> dict[str, dict[str, str]]:
        """Name and type of what the model takes and gives: ``{"inputs": {…}, "outputs": {…}}``."""
        return signature(self.kept)

    def tags(self) -> dict[str, str]:
        """What its version can be found by."""
        tags = self.kept.facts["tags"]
        return {name: str(tags[name]) for name in _SHOWN if name in tags}

    def about(self, name: str) -> str:
        """What a registered model answers, and how it is asked."""
        return (
            f"{self.document.question}\n\n`models:/{name}@{CHAMPION}` is in charge, `models:/{name}@{CHALLENGER}` was "
            f"registered last. Why: `cxai history {name}`"
        )

    def description(self) -> str:
        """Headline and metrics, as Markdown; MLflow's list of versions shows its beginning as it is written."""
        document = self.document
        rows = [
            [PARTS.get(self.part, self.part).lower(), document.subject, document.baseline, "difference"],
            ["---"] * 4,
        ]
        for metric in document.metrics.get(self.part, ()):
            beside = "" if metric.baseline is None else with_interval(metric.baseline)
            gap = "" if metric.difference is None else f"{with_interval(metric.difference)} {metric.verdict}"
            rows.append([f"{cell}{_GAP}" for cell in (metric.label, with_interval(metric.value), beside, gap)])
        table = [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join([document.headline, "", *table, "", _FITTED.get(self.refit, ""), "", f"`{document.command}`"])


def candidate(kept: Kept) -> Candidate:
    """Return the run as a candidate; of a sweep, its best run.

    Raises
    ------
    UserError
        It did not finish, it holds no model that can be loaded, or it is fed by one that is gone; or it is a sweep with
        no best run, or with several.
    """
    tags, sweep = kept.facts["tags"], ""
    if SWEEP in tags:
        sweep, best = kept.run_id, [one for one in str(tags.get(BEST, "")).split(", ") if one]
        if len(best) != 1:
            named = ", ".join(one[:SHORT_ID] for one in best)
            told = f"a sweep with {len(best)} best runs ({named})" if best else "a sweep that found no best run"
            raise UserError(
                [Problem("RUN", told, sweep[:SHORT_ID], "name one of its runs: cxai show " + sweep[:SHORT_ID])]
            )
        kept = Kept(kept.store, best[0])
    problems = list(_unfit(kept))
    if problems:
        raise UserError(problems)
    return Candidate(kept, str(model_of(kept)), sweep)


def model_of(kept: Kept) -> str | None:
    """The id of the model of a run that predicts; None where it holds none that is whole."""
    outputs = kept.run.outputs.model_outputs if kept.run.outputs else []
    for output in outputs:
        logged = kept.store.retry(kept.store.client.get_logged_model, output.model_id)
        if logged.name == MODEL and str(logged.status) == "READY":
            return str(logged.model_id)
    return None


def signature(kept: Kept) -> dict[str, dict[str, str]]:
    """Read name and type of what a run's model takes and gives out of its signature; empty where it has none.

    Raises
    ------
    UserError
        Its description is gone, or cannot be read.
    """
    import json

    said = read_description(_mlmodel(kept), kept.run_id[:SHORT_ID]).get("signature") or {}
    return {side: dict(_columns(json.loads(said.get(side) or "[]"))) for side in ("inputs", "outputs")}


def _mlmodel(kept: Kept) -> str:
    import tempfile
    from pathlib import Path

    from cxai_runner.tracking.quiet import import_mlflow

    place = f"{place_of(kept)}/MLmodel"
    here = local_path(place)
    if here is not None:
        return description(here.parent, kept.run_id[:SHORT_ID])
    mlflow, store = import_mlflow(), kept.store
    with tempfile.TemporaryDirectory(prefix="cxai-read-") as folder:
        local = store.retry(
            mlflow.artifacts.download_artifacts, artifact_uri=place, dst_path=folder, tracking_uri=store.uri
        )
        return Path(local).read_text(encoding="utf-8")


def _columns(specs: list[Any]) -> Iterator[tuple[str, str]]:
    for place, one in enumerate(specs):
        kind = one.get("type")
        if kind == "tensor":
            inside = one.get("tensor-spec", {})
            shape = ", ".join("any" if size == -1 else str(size) for size in inside.get("shape", ()))
            kind = f"{inside.get('dtype', '')} ({shape})"
        yield str(one.get("name", "predictions" if len(specs) == 1 else place)), str(kind)


def _unfit(kept: Kept) -> Iterator[Problem]:
    facts, short = kept.facts, kept.run_id[:SHORT_ID]
    if facts["status"] != "FINISHED":
        told = f"its status is {facts['status']}, and only a FINISHED run holds what can be judged"
        yield Problem("RUN", told, short, "run it again, or promote another: cxai list runs")
    elif "cxai.promotion.model" in facts["tags"]:
        yield Problem("RUN", "a decision about a model, and no experiment", short, "see cxai list runs")
    elif model_of(kept) is None:
        yield Problem("RUN", f"this run holds no model `{MODEL}`", short, "its task keeps none, or it was deleted")
    else:
        yield from _damaged(kept)
        yield from gone(kept)


def _damaged(kept: Kept) -> Iterator[Problem]:
    """Yield why nobody could load the model: what lies here is not what was written."""
    here, short = local_path(place_of(kept)), kept.run_id[:SHORT_ID]
    try:
        signature(kept)
    except UserError as error:
        yield from error.problems
        return
    if here is not None and seal.is_broken(here):
        remedy = f"make the run again, and promote that: cxai reproduce {short}"
        yield Problem("model", "was changed since you wrote it: its files no longer fit their seal", short, remedy)

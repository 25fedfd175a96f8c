"""What is kept of a run: the document that its report shows, and the record that goes into the tracking store.

It gathers what the parts say and adds what makes the result defensible: config and where each key came from, code,
environment, data digests, seeds, times. It computes nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from cxai_runner import __version__
from cxai_runner.evaluation.results import Content, Estimate, Figure, Finding, Metric, Table
from cxai_runner.evaluation.wording import counted
from cxai_runner.feeding import fed_with, lineage
from cxai_runner.report.document import Document
from cxai_runner.traces import Traces
from cxai_runner.tracking.lineage import code_of, environment_text
from cxai_runner.tracking.record import (
    CHOICES,
    CONFIG,
    FINGERPRINT,
    KEYS,
    LEARNED,
    OVERRIDES,
    REFIT,
    UNSEEDED,
    DatasetRecord,
    Record,
    flatten_metrics,
)
from cxai_runner.warned import Warned

if TYPE_CHECKING:
    from cxai_runner.data.dataset import Dataset
    from cxai_runner.data.quality.facts import Quality
    from cxai_runner.identity import Keys
    from cxai_runner.preflight import Ready
    from cxai_runner.task import Context, Evaluation, SavedModel
    from cxai_runner.tracking.lineage import Code
    from cxai_runner.tracking.pseudonyms import Privacy
    from cxai_runner.tracking.stages import Stages

_LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "duckdb", "ibis-framework", "mlflow", "xgboost")
_DIGITS = 12
_REFITTED = (
    "The model that is kept was fitted once more, on all rows, after it was judged: every figure here is of the fit "
    "that left the held-out rows out."
)


@cache
def _versions() -> dict[str, str]:
    """The libraries that a report names, those that are here."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@dataclass(frozen=True, eq=False)
class Pictures:
    """The rendered report, the page on the data, and the figures as PNG by name."""

    html: str | None
    figures: Mapping[str, bytes]
    quality: str | None = None


@dataclass(eq=False)
class Account:
    """Gathers what is kept of one run while it goes on."""

    ready: Ready
    keys: Keys
    stages: Stages
    privacy: Privacy
    steps: list[tuple[str, float, int]] = field(default_factory=list)
    code: list[Code] = field(default_factory=code_of)
    warned: Warned = field(default_factory=Warned)
    traces: Traces = field(init=False)

    def __post_init__(self) -> None:
        self.traces = Traces(self.privacy)

    def step(self, metric: str, value: float, number: int) -> None:
        """Take one point of a learning curve."""
        self.steps.append((metric, value, number))

    def quality(self) -> tuple[Quality, ...]:
        """Count what became of the rows and values of the tables; nothing below the level ``full``."""
        if not self._full:
            return ()
        from cxai_runner.data.quality.assessment import assess

        tables, needs = self.ready.tables, self.ready.experiment.features.needs()
        read = {name: needs.wanted(name, tables.columns(name)) for name in self.keys.data}
        return assess(tables, read, private=self.privacy.pseudonymise)

    def document(
        self, fitted: Any, train: Dataset, evaluation: Evaluation, quality: tuple[Quality, ...], context: Context
    ) -> Document:
        """Ask the task for its report, and put it beside what the engine knows."""
        task = self.ready.experiment.task
        headline: dict[str, Metric] = {}
        for part in ("train", "challenge", "held_out"):
            headline |= {metric.name: metric for metric in evaluation.metrics.get(part, ())}
        with self.warned.gathering():
            said: list[Content] = list(task.report(fitted, train, evaluation.scores, headline, context))
        findings = [one for one in said if isinstance(one, Finding)]
        notes = [*([self.ready.tables.note] if self.ready.tables.note else []), *self.warned.told()]
        notes += self._too_few(evaluation)
        if self.ready.experiment.settings["refit"] == "all" and self.ready.keeps_judged:
            notes.append(_REFITTED)
        hidden = self.privacy.frame  # a report shows no id that the store may not hold
        return Document(
            task=self._choice("task"),
            question=task.title,
            headline=next((one.text for one in findings if one.kind == "headline"), task.title),
            asked=self._asked(train),
            data=self._data(train, evaluation),
            dropped=(*self.ready.tables.dropped, *train.dropped),
            quality=quality,
            metrics=evaluation.metrics,
            baseline=task.baseline_label,
            estimates=tuple(one for one in said if isinstance(one, Estimate)),
            findings=tuple(one for one in findings if one.kind == "finding"),
            caveats=(*(one for one in findings if one.kind == "caveat"), *(Finding(one, "caveat") for one in notes)),
            figures=tuple(replace(one, data=hidden(one.data)) for one in said if isinstance(one, Figure)),
            tables=tuple(replace(one, frame=hidden(one.frame)) for one in said if isinstance(one, Table)),
            provenance=self._provenance(),
            command=self._command(),
            seconds=dict(self.stages.seconds),
            peak_memory_mb=dict(self.stages.peak_memory_mb),
        )

    @staticmethod
    def _too_few(evaluation: Evaluation) -> list[str]:
        """Say that the evidence is of too few customers to have intervals, where it is."""
        from cxai_runner.evaluation.intervals import too_few

        part = next((one for one in ("held_out", "challenge", "train") if evaluation.metrics.get(one)), "")
        scores = evaluation.scores.get(part)
        if scores is None or "customer_id" not in scores:
            return []
        return [why] if (why := too_few(int(scores["customer_id"].nunique()))) else []

    def pictures(self, document: Document) -> Pictures:
        """Render the report and its figures; nothing below the level ``full``."""
        if not self._full:
            return Pictures(None, {})
        from cxai_runner.report.figures import draw_png
        from cxai_runner.report.html import render_html
        from cxai_runner.report.quality import render_quality

        figures = {figure.name: draw_png(figure) for figure in document.figures}
        return Pictures(render_html(document), figures, render_quality(document))

    def record(
        self,
        document: Document,
        pictures: Pictures,
        evaluation: Evaluation,
        models: Mapping[str, SavedModel],
        train: Dataset,
    ) -> Record:
        """Return everything that the run holds."""
        import json

        from cxai_runner.data.quality import facts

        self.traces.scored(evaluation.scores)
        self.traces.told(document.tables)
        texts = self._texts | {
            KEYS: self.traces.as_text(self.keys, self.code),
            "report.json": document.to_json(),
            LEARNED: json.dumps(train.learned, ensure_ascii=False),
        }
        if (model := models.get("model")) is not None:
            texts[FINGERPRINT] = json.dumps(self._fingerprint(model, train), ensure_ascii=False)
        tables = {table.name: table.frame for table in document.tables}
        if pictures.quality is not None:
            texts["data_quality.html"] = pictures.quality
            tables["data_quality"] = facts.frame(document.quality)
        return Record(
            params=self._params,
            tags=self.tags(),
            metrics=flatten_metrics(
                evaluation.metrics, document.estimates, self.stages.seconds, self.stages.peak_memory_mb
            ),
            steps=self.steps,
            datasets=self._datasets(evaluation),
            fed=fed_with(self.ready.experiment.features),
            texts=texts,
            tables=tables,
            scores=evaluation.scores,
            models=models,
            html=pictures.html,
            figures=pictures.figures,
            note=f"{document.headline}\n\n`{document.command}`",
        )

    def _fingerprint(self, model: SavedModel, train: Dataset) -> dict[str, Any]:
        """How the training rows are spread, as the model takes them and as it scores them."""
        from cxai_runner.evaluation.population import written
        from cxai_runner.evaluation.predicted import counted, of_an_estimator

        inputs = train.frame[list(model.example.columns)]
        kind = self.ready.experiment.task.model_kind
        with self.warned.gathering():
            scores = of_an_estimator(model.estimator, model.method, inputs, kind)
        return written(inputs, counted(scores), self.privacy.values, train.roles.lists)

    def opening(self) -> Record:
        """Return what is known before anything ran."""
        return Record(params=self._params, texts=self._texts | {KEYS: self.traces.as_text(self.keys, self.code)})

    def tags(self) -> dict[str, str]:
        """What a run can be found by."""
        tags = {
            "cxai.version": __version__,
            "cxai.task": self._choice("task"),
            "cxai.data": self._choice("data"),
            "cxai.model": self._choice("model").rpartition("/")[2],
            REFIT: self._refit,
            "cxai.identity": self.keys.identity,
            "cxai.key.features": self.keys.features,
            "cxai.key.fit": self.keys.fit,
            "cxai.key.evaluate": self.keys.evaluate,
            UNSEEDED: self.keys.unseeded,
        }
        primary = self.ready.experiment.task.primary_metric
        if primary is not None:
            tags |= {"cxai.primary_metric": primary.name, "cxai.better": primary.better}
        if self.code:
            tags |= {"mlflow.source.git.commit": self.code[0].commit, "cxai.dirty": str(self.code[0].dirty).lower()}
        if self.keys.unreadable:
            tags["cxai.unreadable_source"] = ", ".join(self.keys.unreadable)
        return {key: value for key, value in tags.items() if value}

    @property
    def _refit(self) -> str:
        """Which rows the kept model is fitted on."""
        wanted = self.ready.experiment.settings["refit"]
        return "train" if wanted == "train" and self.ready.keeps_judged else "all"

    @property
    def _full(self) -> bool:
        return bool(self.ready.experiment.settings["tracking"]["level"] == "full")

    def _command(self) -> str:
        """What to type to run this again, from the same folder."""
        composed = self.ready.experiment.composed
        folders = [word for folder in composed.folders.added for word in ("--config-dir", str(folder))]
        return shlex.join(["cxai", "run", *folders, *composed.overrides])

    def _choice(self, group: str) -> str:
        return str(self.ready.experiment.composed.choices.get(group) or "")

    def _asked(self, train: Dataset) -> dict[str, str]:
        """The choices in words: an option, and its keys where they are plain values; and what a model could see."""
        settings = self.ready.experiment.settings
        asked = {}
        for group in ("data", "features", "model", "split"):
            node = settings[group] or {}
            values = [
                f"{key} {value}"
                for key, value in node.items()
                if not key.startswith("_") and isinstance(value, str | int | float) and not isinstance(value, bool)
            ]
            if group == "model" and self.ready.experiment.model is None:
                continue
            words = self._choice(group).rpartition("/")[2] or "given by hand"
            asked[group] = words + (f" ({', '.join(values)})" if values and group != "data" else "")
        steps = [type(step).__name__ for step in self.ready.experiment.features.transformers]
        if steps:
            asked["transformers"] = ", ".join(steps)
        roles = train.roles
        columns = {"inputs": roles.inputs, "only described": roles.describe}
        if fed := list(lineage(self.ready.experiment.features)):
            asked["other models"] = "; ".join(fed)
        return asked | {label: ", ".join(names) for label, names in columns.items() if names}

    def _data(self, train: Dataset, evaluation: Evaluation) -> dict[str, str]:
        trained = evaluation.scores["train"]
        rows = f"{counted(len(trained), 'row')} of {counted(trained['customer_id'].nunique(), 'customer')}"
        # A task that fits nothing is trained on nothing, and keeps nothing from itself.
        fits = self.ready.experiment.task.model_kind is not None
        words = {"trained on": rows, "held out": "nothing"} if fits else {"described": rows}
        if "held_out" in evaluation.scores:
            unseen = evaluation.scores["held_out"]
            words["held out"] = f"{len(unseen):,} rows: {self.ready.folds[-1].label}"
        time = train.roles.time
        if time is not None:
            first, last = train.frame[time].min(), train.frame[time].max()
            words["from … to"] = f"{_day(first)} … {_day(last)} (training rows)"
        return words

    def _provenance(self) -> dict[str, str]:
        settings = self.ready.experiment.settings
        words = {"identity": self.keys.identity, "cxai": __version__}
        for code in self.code:
            words[f"code of {code.root.name}"] = f"{code.commit[:_DIGITS]}{' and uncommitted changes' * code.dirty}"
        for table, digest in self.keys.data.items():
            words[f"digest of {table}"] = digest
        words |= {"seed": str(settings["seed"]), "threads": str(settings["threads"])}
        return words | _versions()

    @cached_property
    def _params(self) -> dict[str, Any]:
        """The flattened config; a value that refers to the environment is kept as the reference."""
        from omegaconf import OmegaConf

        raw = OmegaConf.to_container(self.ready.experiment.composed.config, resolve=False)
        resolved = dict(_leaves(self.ready.experiment.settings))
        return {key: value if "${oc.env:" in str(value) else resolved.get(key, value) for key, value in _leaves(raw)}

    @cached_property
    def _texts(self) -> dict[str, str]:
        """What is known before anything ran, as the run keeps it."""
        import json

        from omegaconf import OmegaConf

        composed = self.ready.experiment.composed
        origins = {key: composed.origin(key) for key, _ in _leaves(self.ready.experiment.settings)}
        texts = {
            CONFIG: OmegaConf.to_yaml(composed.config, resolve=False),
            OVERRIDES: OmegaConf.to_yaml(OmegaConf.create(list(composed.overrides))),
            CHOICES: json.dumps(dict(composed.choices), ensure_ascii=False),
            "origins.json": json.dumps(origins, indent=1, ensure_ascii=False),
            "environment.txt": environment_text(),
        }
        diffs = [f"# {code.root.name} at {code.commit}\n{code.diff}" for code in self.code if code.diff]
        return texts | ({"uncommitted.diff": "\n".join(diffs)} if diffs else {})

    def _datasets(self, evaluation: Evaluation) -> list[DatasetRecord]:
        """The tables that were read, and the parts that were made of them."""
        tables = self.ready.tables
        read = [
            DatasetRecord(
                name=f"{self._choice('data')}.{name}",
                digest=digest,
                source=tables.describe(name),
                schema=tables.schema(name),
                rows={name: tables.rows(name)},
                context="source",
            )
            for name, digest in self.keys.data.items()
        ]
        kind = self.ready.experiment.features.makes
        made = [
            DatasetRecord(
                name=f"{self._choice('data')}.{kind}",
                digest=f"{self.keys.features[:_DIGITS]}-{part}",
                source=self._choice("features"),
                schema={str(name): str(dtype) for name, dtype in scores.dtypes.items()},
                rows={part: len(scores)},
                context=part,
            )
            for part, scores in evaluation.scores.items()
        ]
        return read + made


def _leaves(node: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Every plain value of a nested config with its key path; a list is one value."""
    if not isinstance(node, Mapping):
        return [(prefix, node)]
    return [leaf for key, value in node.items() for leaf in _leaves(value, f"{prefix}.{key}" if prefix else str(key))]


def _day(moment: Any) -> str:
    return f"{moment:%Y-%m-%d}" if hasattr(moment, "strftime") else str(moment)

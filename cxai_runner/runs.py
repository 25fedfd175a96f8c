"""A run as an object: what it was asked, what it found and the model it left, for whoever works in Python."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.pyfunc import PyFuncModel

    from cxai_runner.experiment import Result
    from cxai_runner.kept.run import Kept
    from cxai_runner.report.document import Document
    from cxai_runner.tracking.masking import Masker

FINISHED = "FINISHED"


class Run:
    """One run: what it was asked, what it found, and the model that it left.

    Made by `cxai_runner.run` and `cxai_runner.load`. All of it is read from the tracking store when it is asked for;
    what this session has in memory of a run that it made is not read again.

    Attributes
    ----------
    run_id, status, experiment, identity, artifact_uri
        As in the tracking store.
    fitted
        What the task's ``fit`` returned, for a run of this session; else None.
    """

    def __init__(
        self, kept: Kept, *, trust: bool = False, result: Result | None = None, masker: Masker | None = None
    ) -> None:
        self._kept, self._trust, self._result, self._masker = kept, trust, result, masker
        self.fitted = result.fitted if result is not None else None

    @property
    def run_id(self) -> str:
        """Its full id."""
        return self._kept.run_id

    @property
    def status(self) -> str:
        """``FINISHED``, ``FAILED``, ``KILLED`` or ``RUNNING``."""
        return self._result.status if self._result is not None else str(self._kept.facts["status"])

    @property
    def experiment(self) -> str:
        """The experiment that it belongs to."""
        return self._result.experiment if self._result is not None else self._kept.experiment

    @property
    def identity(self) -> str:
        """The same for two runs of the same code, config and data."""
        return str(self._kept.facts["identity"])

    @property
    def artifact_uri(self) -> str:
        """Where its files are."""
        return str(self._kept.run.info.artifact_uri)

    @cached_property
    def document(self) -> Document:
        """Everything that its report says, as plain data; raises `UserError` where the run did not finish."""
        return self._result.document if self._result is not None else self._kept.document

    @property
    def headline(self) -> str:
        """The answer in one sentence."""
        return self.document.headline

    @property
    def findings(self) -> tuple[str, ...]:
        """What else it found, in sentences."""
        return tuple(one.text for one in self.document.findings)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What to know before relying on it."""
        return tuple(one.text for one in self.document.caveats)

    @property
    def metrics(self) -> pd.DataFrame:
        """Every metric by part and name, with intervals, beside the baseline."""
        from cxai_runner.lifecycle import as_frames

        return as_frames.metrics(self.document)

    @property
    def baseline(self) -> pd.DataFrame:
        """The baseline's metrics by part and name, with intervals."""
        from cxai_runner.lifecycle import as_frames

        return as_frames.baseline(self.document)

    @property
    def estimates(self) -> pd.DataFrame:
        """The quantities of the question itself by name, with intervals."""
        from cxai_runner.lifecycle import as_frames

        return as_frames.estimates(self.document)

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The report's tables by name, each with all its rows."""
        from cxai_runner.lifecycle.as_frames import flat

        document = self.document
        whole = {one.name for one in document.tables if document.rows_of(one) == len(one.frame)}
        return {
            one.name: flat(one.frame) if one.name in whole else self._kept.table(one.name) for one in document.tables
        }

    @cached_property
    def figures(self) -> dict[str, bytes]:
        """The report's figures by name, as PNG."""
        from cxai_runner.report.figures import draw_png

        return {one.name: draw_png(one) for one in self.document.figures}

    @cached_property
    def scores(self) -> dict[str, pd.DataFrame]:
        """The score of every row, by part: ``train``, and ``held_out`` where something was held out."""
        return self._kept.scores()

    @property
    def config(self) -> dict[str, Any]:
        """Its config in full, references to the environment unresolved."""
        import yaml

        found: dict[str, Any] = yaml.safe_load(self._kept.text("config.yaml"))
        return found

    @property
    def params(self) -> dict[str, str]:
        """Its config as MLflow has it: flat, and in words."""
        return dict(self._kept.facts["params"])

    @property
    def tags(self) -> dict[str, str]:
        """What it can be found by."""
        return dict(self._kept.facts["tags"])

    @property
    def seconds(self) -> dict[str, float]:
        """Wall time per stage."""
        if self._result is not None:
            return dict(self._result.seconds)
        found = self._kept.facts["metrics"].items()
        spent = {name.removeprefix("seconds/"): value for name, value in found if name.startswith("seconds/")}
        return {stage: spent[stage] for stage in [*self.document.seconds, *spent] if stage in spent}

    @property
    def report(self) -> Path | None:
        """The path of its report; None where that lies elsewhere, or was never rendered."""
        from cxai_runner.kept.run import local_path

        path = local_path(f"{self.artifact_uri}/report.html")
        return path if path is not None and path.is_file() else None

    @property
    def report_html(self) -> str:
        """Its report, rendered from what it logged."""
        from cxai_runner.report.html import render_html

        return self._masked(render_html(self.document))

    @cached_property
    def model(self) -> PyFuncModel:
        """Its model, as MLflow loads it; `get_raw_model` of it is the fitted estimator.

        Raises
        ------
        UserError
            There is none, or it would run code that lies in the run; see ``trust`` of `load`.
        """
        from cxai_runner.kept.model import load_model

        return load_model(self._kept, trust=self._trust)

    def predict(self, frame: Any) -> pd.Series | pd.DataFrame:
        """Predict for the rows of a data frame of the model's inputs; other columns are left aside.

        Parameters
        ----------
        frame
            pandas, polars, Arrow or Ibis. A column that the model wants and that is not there is an error.

        Returns
        -------
        predictions
            One row per row, on the frame's index: a series, a column per class where the model gives probabilities, or
            the columns that the model names, such as ``units_<brand>``.
        """
        from cxai_runner.kept.model import predictions

        return predictions(self.model, frame)

    def __repr__(self) -> str:
        if not self._is_told:
            facts = "\n".join(f"  {label:<8} {words}" for label, words in self._unfinished().items() if words)
            return f"run {self.run_id[:8]}\n{facts}"
        from cxai_runner.cli.summary import summary

        return self._masked(summary(self.document, self.run_id, self.status, self._address(), self.seconds))

    def _repr_html_(self) -> str:
        from cxai_runner.lifecycle.notebook import fragment, unfinished

        if not self._is_told:
            return unfinished(self.run_id, self.status, self._unfinished())
        return self._masked(fragment(self.document, self.run_id, self._address()))

    @property
    def _is_told(self) -> bool:
        """Whether it has a document."""
        return self.status == FINISHED

    def _masked(self, text: str) -> str:
        """The text without secrets; what is read from the store was masked on its way there."""
        return text if self._masker is None else self._masker.mask(text)

    def _address(self) -> str:
        path = self.report
        if path is None:
            return f"{self.artifact_uri}/report.html" if "://" in self.artifact_uri[8:] else ""
        return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

    def _unfinished(self) -> dict[str, str]:
        facts = self._kept.facts
        words = {"name": facts["name"], "status": facts["status"], "started": facts["started"]}
        return words | {"error": facts["tags"].get("cxai.error", ""), "files": facts["artifact_uri"]}


class SweepRun(Run):
    """A sweep: a run whose document ranks its points, and from which each of them can be had."""

    @property
    def table(self) -> pd.DataFrame:
        """One row per point, by rank: what varies, each objective with its interval, seconds, status and run."""
        import pandas as pd

        with self._kept.folder("tables/table.csv") as found:
            return pd.read_csv(found, dtype={"run": str, "point": str}).astype({"rank": "Int64"})

    @property
    def best(self) -> tuple[Run, ...]:
        """The best: one run, one for each seed, or those that no other beats in every objective."""
        from cxai_runner.kept.run import Kept
        from cxai_runner.sweep.ledger import BEST

        named = str(self._kept.facts["tags"].get(BEST, ""))
        return tuple(Run(Kept(self._kept.store, one), trust=self._trust) for one in filter(None, named.split(", ")))

    @property
    def best_overrides(self) -> tuple[str, ...]:
        """What to run for the best: `cxai_runner.run` takes it as it is; none where nothing could be ranked."""
        import yaml

        return tuple(yaml.safe_load(self._kept.text("best.yaml"))["overrides"]) if self.best else ()

    @property
    def config(self) -> dict[str, Any]:
        """What it set out to do, as a file of ``conf/sweep/``."""
        import yaml

        found: dict[str, Any] = yaml.safe_load(self._kept.text("sweep.yaml"))
        return found

    @property
    def _is_told(self) -> bool:
        """Whether it came to an end; a sweep of which a point failed is FAILED, and says what it came to."""
        return self.status == FINISHED or "points" in self._kept.facts["metrics"]

    def __repr__(self) -> str:
        if not self._is_told:
            return super().__repr__()
        from cxai_runner.cli.summary import of_sweep

        return of_sweep(self.document, self.run_id, self.status, self.artifact_uri)

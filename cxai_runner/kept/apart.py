"""A model in a process of its own, where its own code answers and nothing of ours can.

A model carries the code that it was fitted with. If another version of the same package is imported already, Python
answers with that, and MLflow says nothing: an old champion would be judged by what an estimator became since. So a
model is loaded in a child process in which our names are found in the model's code folder or nowhere. Tables go both
ways as Arrow streams, which hold data alone: whatever a model is, nothing that comes back is run here.

What may be loaded without the user's word is `trust`'s question; the files are copied before they are looked at, so
that what was looked at is what is run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.kept import apart_child
from cxai_runner.kept.apart_child import Bytes, packed, read, write
from cxai_runner.kept.trust import CODE, described, foreign_code, untrusted_format

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.tracking.store import Store

_TRUST: Final = "if you trust whoever wrote it: --trust, or trust=True"
_KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Variables that the child gets: a model needs no password and no address of a store."""
NUMBERS: Final = frozenset({"integer", "long", "float", "double", "boolean"})
"""What MLflow calls the types that are numbers to a model."""


class ModelError(Exception):
    """A model could not be loaded, or failed while it predicted; a note has its own traceback."""


class UnloadableError(ModelError):
    """A model could not be loaded."""


@dataclass(eq=False)
class ModelApart:
    """A model in a child process; make it with `ModelApart.of`.

    Parameters
    ----------
    inputs
        The columns that it takes, each with MLflow's name of its type; empty where the model does not say.
    folder
        Its files, for as long as it is loaded.
    """

    inputs: Mapping[str, str]
    folder: Path = field(repr=False)
    _process: subprocess.Popen[bytes] = field(repr=False)
    _told: IO[bytes] = field(repr=False)
    _loaded: bool = field(default=False, repr=False)
    _open: Asked | None = field(default=None, repr=False)

    @classmethod
    @contextmanager
    def of(
        cls, model: str | Path, store: Store | None = None, *, trust: bool = False, threads: int = 1
    ) -> Iterator[ModelApart]:
        """Load a model apart, and end its process afterwards.

        It is loaded while the caller goes on: where that fails, the first prediction says so.

        Parameters
        ----------
        model
            A folder; or, in a store, whatever `named` takes: ``models:/NAME@champion``, ``runs:/RUN/model``, a run.
        store
            Where a model that is no folder is looked for.
        trust
            Whether it may run code of its own although no seal says that this user wrote it here.
        threads
            How many it may use.

        Raises
        ------
        UserError
            There is no such model, it is damaged, or it may not be loaded without trust.
        """
        with tempfile.TemporaryDirectory(prefix="cxai-model-") as temporary:
            folder = Path(temporary) / "model"
            _fetch(model, store, folder)
            said = described(folder, str(model))
            _refuse_untrusted(folder, said, str(model), trust=trust)
            with tempfile.TemporaryFile() as told:
                apart = cls(_inputs(said), folder, _started(threads, told), told)
                try:
                    apart._send(packed(_request(folder, said, trust=trust))[1])
                    yield apart
                finally:
                    apart._end()

    def predict(self, frame: Any) -> pd.Series | pd.DataFrame:
        """Predict for the rows of a data frame of any kind.

        Returns
        -------
        predictions
            On the frame's index: a series, or a column per class; as the model gives them, to the last bit.

        Raises
        ------
        UserError
            With every column that the model takes and that is missing, or is text where it takes numbers.
        ModelError
            The model cannot be loaded, or fails on these rows.
        """
        return self.ask(frame).result()

    def ask(self, frame: Any) -> Asked:
        """Ask for predictions, and go on while the model makes them; one question is open at a time.

        Raises
        ------
        UserError
            As `predict` does.
        """
        import pyarrow as pa

        from cxai_runner.kept.model import as_pandas, columns_for

        rows = as_pandas(frame)
        rows = columns_for(list(self.inputs), rows) if self.inputs else rows
        problems = list(_misfits(rows, self.inputs))
        if problems:
            raise UserError(problems)
        table = pa.Table.from_pandas(rows, preserve_index=False)
        sink = BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        if not self._loaded:
            self._answer(UnloadableError)
            self._loaded = True
        if self._open is not None:  # nobody may write while the other end does
            self._open.collect()
        self._send(sink.getbuffer())
        self._open = Asked(self, rows.index)
        return self._open

    def example(self) -> pd.DataFrame | None:
        """Return a few rows as the model takes them; None where it carries none."""
        import pandas as pd

        path = self.folder / "input_example.json"
        if not path.is_file():
            return None
        rows = json.loads(path.read_text(encoding="utf-8"))
        return pd.DataFrame(rows["data"], columns=rows["columns"]) if "columns" in rows else None

    def _send(self, message: Bytes) -> None:
        """Send one message; where nobody takes it, the answer that does not come says so."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            write(self._process.stdin, message)

    def _answer(self, failure: type[ModelError] = ModelError) -> tuple[dict[str, Any], memoryview]:
        assert self._process.stdout is not None
        answer = read(self._process.stdout)
        if answer is None:
            code = self._process.wait()
            ended = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
            raise self._failure(ModelError(f"the model's process {ended}"), self._said_aloud())
        size = apart_child.LENGTH
        begin = size + int.from_bytes(answer[:size], "big")
        said: dict[str, Any] = json.loads(answer[size:begin])
        if "error" in said:
            raise self._failure(failure(said["error"]), said["traceback"])
        return said, memoryview(answer)[begin:]

    def _failure(self, error: ModelError, more: str) -> ModelError:
        if more:
            error.add_note(more)
        return error

    def _said_aloud(self) -> str:
        """The end of what the child wrote to standard error."""
        self._told.seek(0)
        return self._told.read().decode(errors="replace")[-4000:].strip()

    def _end(self) -> None:
        """End the child: it stops where nobody asks any more, or is stopped."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:  # an interrupt came while it predicted
            self._process.kill()
            self._process.wait()


@dataclass(eq=False)
class Asked:
    """Predictions that a model was asked for; `result` waits for them."""

    _model: ModelApart
    _index: pd.Index
    _answer: tuple[dict[str, Any], memoryview] | ModelError | None = None

    def collect(self) -> None:
        """Take the answer off the line, whatever it is."""
        if self._answer is None:
            self._model._open = None
            try:
                self._answer = self._model._answer()
            except ModelError as error:
                self._answer = error

    def result(self) -> pd.Series | pd.DataFrame:
        """Return the predictions; see `ModelApart.predict`."""
        import pandas as pd
        import pyarrow as pa

        self.collect()
        if isinstance(self._answer, ModelError):
            raise self._answer
        assert self._answer is not None
        said, body = self._answer
        with pa.ipc.open_stream(body) as reader:
            found = reader.read_all().replace_schema_metadata(None)
        found.validate(full=True)
        if found.num_rows != len(self._index):
            raise ModelError(f"the model gave {found.num_rows:,} predictions for {len(self._index):,} rows")
        labels = said["labels"]
        if labels is None:
            return pd.Series(found.column(0).to_numpy(), index=self._index, name="prediction")
        columns = [column.to_numpy() for column in found.columns]
        return pd.DataFrame(dict(enumerate(columns)), index=self._index).set_axis(labels, axis=1)


def _fetch(model: str | Path, store: Store | None, folder: Path) -> None:
    """Copy the model's files, from here or from where the store has them."""
    from cxai_runner.kept.named import named
    from cxai_runner.kept.run import local_path
    from cxai_runner.tracking import seal
    from cxai_runner.tracking.quiet import import_mlflow

    if isinstance(model, str) and store is not None and not (Path(model) / "MLmodel").is_file():
        place = named(store, model).place
    else:
        place = str(model)
    here = local_path(place)
    if here is None:
        assert store is not None, f"{place} lies in no folder, and no store was given"
        mlflow = import_mlflow()
        with tempfile.TemporaryDirectory(prefix="cxai-model-", dir=folder.parent) as temporary:
            local = store.retry(
                mlflow.artifacts.download_artifacts,
                artifact_uri=place,
                dst_path=temporary,
                tracking_uri=store.uri,
                registry_uri=store.uri,
            )
            seal.copy(Path(local), folder)
    else:
        seal.copy(here, folder)
    if not (folder / "MLmodel").is_file():
        raise UserError([Problem("MODEL", "holds no model", str(model), "a folder with a file MLmodel")])


def _refuse_untrusted(folder: Path, said: Mapping[str, Any], which: str, *, trust: bool) -> None:
    from cxai_runner.tracking import seal

    if trust or seal.fits(folder):
        return
    problems = list(untrusted_format(said, which, _TRUST)) or list(foreign_code(folder, said, which, _TRUST))
    if not problems and seal.is_broken(folder):
        told = "was changed since you wrote it: its files no longer fit their seal"
        problems = [Problem("model", told, which, _TRUST)]
    if problems:
        raise UserError(problems)


def _request(folder: Path, said: Mapping[str, Any], *, trust: bool) -> dict[str, Any]:
    """What the child is told: where the model is, how it is loaded, and which names are its own."""
    from cxai_runner.tracking.requirements import OURS

    flavours = said.get("flavors") or {}
    general, own = flavours.get("python_function") or {}, flavours.get("sklearn") or {}
    skops = general.get("loader_module") == "mlflow.sklearn" and own.get("serialization_format") == "skops"
    code = folder / CODE
    carried = {path.name.removesuffix(".py") for path in code.iterdir()} if code.is_dir() else set()
    return {
        "folder": str(folder),
        "skops": str(own["pickled_model"]) if skops else "",
        "types": list(own.get("skops_trusted_types") or []),
        "method": str(general.get("predict_fn") or "predict"),
        "roots": sorted(carried | OURS),
        "libraries": [place for place in sys.path if Path(place).name in {"site-packages", "dist-packages"}],
        "trust": trust,
    }


def _started(threads: int, told: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the child: no path of ours (-I), and nothing compiled is left in a folder that is thrown away (-B)."""
    from cxai_runner.threads import environment
    from cxai_runner.tracking.quiet import SWITCHES

    variables = {name: os.environ[name] for name in _KEPT if name in os.environ}
    variables |= SWITCHES | environment(threads)
    command = [sys.executable, "-I", "-B", str(Path(apart_child.__file__))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, env=variables)


def _inputs(said: Mapping[str, Any]) -> dict[str, str]:
    """Name and type of each column that a model takes, out of its signature."""
    signature = said.get("signature") or {}
    columns: Sequence[Mapping[str, Any]] = json.loads(signature.get("inputs") or "[]")
    return {str(one["name"]): str(one["type"]) for one in columns if "name" in one}


def _misfits(rows: pd.DataFrame, inputs: Mapping[str, str]) -> Iterator[Problem]:
    from pandas.api.types import infer_dtype, is_bool_dtype, is_numeric_dtype, is_object_dtype

    for name, kind in inputs.items():
        numeric = is_numeric_dtype(rows[name]) or is_bool_dtype(rows[name])
        if is_object_dtype(rows[name]):  # as yes and no are where some are missing
            numeric = infer_dtype(rows[name]) in ("boolean", "empty")
        if kind in NUMBERS and not numeric:
            yield Problem(f"frame.{name}", f"is {rows[name].dtype}, and the model takes a number ({kind})")
        elif kind == "string" and numeric:
            yield Problem(f"frame.{name}", f"is {rows[name].dtype}, and the model takes text")

"""The other end of `apart`: a process that holds one model and answers with its predictions.

It is started as a file, not imported, and imports nothing of this package: what it finds under our names must be the
model's own code, or nothing. Requests come on standard input, answers go to what was standard output; a library that
prints goes to standard error.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import json
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import IO, Any

Bytes = bytes | memoryview
LENGTH = 8
"""Bytes of a length before what it is the length of."""


class OwnCode:
    """An importer that finds names of ours, and of the model's code, in the model's folder or nowhere.

    Parameters
    ----------
    code
        The model's code folder.
    roots
        The names.
    """

    def __init__(self, code: Path, roots: Iterable[str]) -> None:
        self.code = str(code)
        self.roots = frozenset(roots)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for the names that are guarded; modules of a package that was found here are found beside it."""
        if path is not None or name not in self.roots:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, [self.code])
        if spec is None:
            raise ModuleNotFoundError(f"the model carries no code of {name}", name=name)
        return spec


def read(stream: IO[bytes]) -> bytes | None:
    """Read one message; None where the other end is gone."""
    head = stream.read(LENGTH)
    if len(head) < LENGTH:
        return None
    length = int.from_bytes(head, "big")
    body = stream.read(length)
    return body if len(body) == length else None


def write(stream: IO[bytes], *parts: Bytes) -> None:
    """Write one message."""
    stream.write(sum(map(len, parts)).to_bytes(LENGTH, "big"))
    for part in parts:
        stream.write(part)
    stream.flush()


def packed(header: dict[str, Any], table: Bytes = b"") -> tuple[Bytes, Bytes, Bytes]:
    """A message's parts: the header's length, the header as JSON, and a table in Arrow's stream format."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(LENGTH, "big"), text, table


def load(asked: dict[str, Any]) -> tuple[Any, str]:
    """Load the model, and say by which method it predicts."""
    folder = Path(asked["folder"])
    method = str(asked["method"])
    if asked["skops"]:
        import skops.io

        for name in asked["types"]:
            if not asked["trust"] and not _is_class(name):
                raise TypeError(f"{name} is no class")
        return skops.io.load(folder / asked["skops"], trusted=asked["types"]), method
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
    try:
        raw = model.get_raw_model()
    except NotImplementedError:
        raw = None
    # An estimator is asked itself: MLflow's check of types knows neither categories nor gaps in whole numbers.
    return (raw, method) if hasattr(raw, "get_params") and hasattr(raw, method) else (model, "predict")


def answer(model: Any, method: str, request: bytes) -> tuple[Bytes, Bytes, Bytes]:
    """Predict for a table of rows: a table of one column, or of one per class."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    with pa.ipc.open_stream(request) as reader:
        frame = reader.read_all().to_pandas()
    found = getattr(model, method)(frame)
    labels: list[Any] | None = None
    if isinstance(found, pd.DataFrame):
        labels, columns = list(found.columns), [found.iloc[:, number].to_numpy() for number in range(found.shape[1])]
    else:
        values = np.asarray(found)
        if values.ndim == 2:
            labels = list(getattr(model, "classes_", range(values.shape[1])))
            columns = [np.ascontiguousarray(values[:, number]) for number in range(values.shape[1])]
        else:
            columns = [values]
    if labels is not None:
        labels = [label.item() if isinstance(label, np.generic) else label for label in labels]
    arrays = [pa.array(column, from_pandas=False) for column in columns]
    table = pa.Table.from_arrays(arrays, [str(number) for number in range(len(columns))])
    sink = BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return packed({"labels": labels}, sink.getbuffer())


def _is_class(name: str) -> bool:
    """Whether a dotted name is a class, or a NumPy ufunc: nothing that acts when it is named in a file."""
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute, None)
    return isinstance(found, type) or type(found).__name__ == "ufunc"


def _failed(error: Exception) -> tuple[Bytes, Bytes, Bytes]:
    import traceback

    told = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    return packed(told)


def main() -> None:
    """Load the model that the first message names, then answer until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other end decides what an interrupt means
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    first = read(requests)
    if first is None:
        return
    asked = json.loads(first)
    code = Path(asked["folder"]) / "code"
    sys.meta_path.insert(0, OwnCode(code, asked["roots"]))
    sys.path[:] = [str(code), *(place for place in sys.path if not _holds_ours(place)), *asked["libraries"]]
    try:
        model, method = load(asked)
    except Exception as error:
        write(answers, *_failed(error))
        return
    write(answers, *packed({"ready": True}))
    while (request := read(requests)) is not None:
        try:
            found = answer(model, method, request)
        except Exception as error:
            found = _failed(error)
        write(answers, *found)


def _holds_ours(place: str) -> bool:
    """Whether a folder on the path is a checkout of this package, and no folder of installed ones."""
    here = Path(place)
    return "-packages" not in here.name and (here / "cxai_runner").is_dir()


if __name__ == "__main__":
    main()

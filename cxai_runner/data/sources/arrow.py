"""Any kind of data frame as Arrow, which all of them can become without copying most of what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cxai_runner.config.problems import Problem, UserError

if TYPE_CHECKING:
    import pyarrow as pa


def as_arrow(frame: Any, key: str) -> pa.Table:
    """Return any kind of data frame as Arrow; the index of a pandas frame as columns where it has a name.

    Raises
    ------
    UserError
        It is none, or cannot be read; the problem's key is ``key``.
    """
    import pyarrow as pa

    kind = type(frame).__module__.partition(".")[0]
    if kind == "pandas" and hasattr(frame, "columns"):
        return _from_pandas(frame, key)
    if kind == "ibis" and hasattr(frame, "to_pyarrow") and hasattr(frame, "columns"):
        frame = frame.to_pyarrow()
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if not isinstance(frame, pa.Table):
        if not hasattr(frame, "__arrow_c_stream__"):
            remedy = "collect it first" if hasattr(frame, "collect") else "give a pandas, polars, Arrow or Ibis table"
            raise UserError([Problem(key, f"a {type(frame).__name__} is no data frame", remedy=remedy)])
        frame = pa.table(frame)
    _refuse_twice(frame.column_names, key)
    return _decoded(frame)


def _from_pandas(frame: Any, key: str) -> pa.Table:
    import pyarrow as pa

    if any(name is not None for name in frame.index.names):
        try:
            frame = frame.reset_index()
        except ValueError as error:
            raise UserError([Problem(key, str(error), remedy="rename the index")]) from None
    names = [str(name) for name in frame.columns]
    _refuse_twice(names, key)
    columns = []
    for position, name in enumerate(names):
        try:
            columns.append(pa.Array.from_pandas(frame.iloc[:, position]))
        except (pa.ArrowException, TypeError):
            remedy = f'give it one type, as in frame["{name}"].astype(str)'
            told = f"column `{name}` holds values of several types"
            raise UserError([Problem(key, told, remedy=remedy)]) from None
    return _decoded(pa.table(columns, names=names))


def _refuse_twice(names: Sequence[str], key: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError([Problem(key, f"has two columns `{name}`", remedy="rename one") for name in twice])


def _decoded(table: pa.Table) -> pa.Table:
    """Categories as the values that they stand for: two frames of the same rows are the same frame."""
    import pyarrow as pa
    import pyarrow.types as kinds

    for position, column in enumerate(table.schema):
        if kinds.is_dictionary(column.type):
            # Arrow does not yet take from views of strings, which polars has.
            kind = pa.string() if kinds.is_string_view(column.type.value_type) else column.type.value_type
            chunks = [chunk.dictionary.cast(kind).take(chunk.indices) for chunk in table.column(position).chunks]
            table = table.set_column(position, column.name, pa.chunked_array(chunks, type=kind))
    return table

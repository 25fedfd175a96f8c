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
    if hasattr(frame, "to_frame") and not hasattr(frame, "columns"):
        remedy = "its columns as a frame: series.to_frame()"
        raise UserError([Problem(key, f"a {type(frame).__name__} is no data frame", remedy=remedy)])
    if kind == "ibis" and hasattr(frame, "to_pyarrow") and hasattr(frame, "columns"):
        frame = frame.to_pyarrow()
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if not isinstance(frame, pa.Table):
        if not hasattr(frame, "__arrow_c_stream__"):
            remedy = "collect it first" if hasattr(frame, "collect") else "give a pandas, polars, Arrow or Ibis table"
            raise UserError([Problem(key, f"a {type(frame).__name__} is no data frame", remedy=remedy)])
        try:
            frame = pa.table(frame)
        except (pa.ArrowException, TypeError):
            told = f"a {type(frame).__name__} holds one column without a name, and is no data frame"
            raise UserError([Problem(key, told, remedy="give a table of columns with names")]) from None
    _refuse_twice(frame.column_names, key)
    return _decoded(frame)


def _from_pandas(frame: Any, key: str) -> pa.Table:
    import pyarrow as pa

    _refuse_unnamed(frame, key)
    if any(name is not None for name in frame.index.names):
        try:
            frame = frame.reset_index()
        except ValueError as error:
            raise UserError([Problem(key, str(error), remedy="rename the index")]) from None
    names = [str(name) for name in frame.columns]
    _refuse_twice(names, key)
    columns, problems = [], []
    for position, name in enumerate(names):
        column = frame.iloc[:, position]
        try:
            columns.append(pa.Array.from_pandas(column))
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            remedy = f'give it one type, as in frame["{name}"].astype(str), or leave it out'
            problems.append(Problem(key, f"column `{name}` holds {_held(column)}", remedy=remedy))
    if problems:
        raise UserError(problems)
    return _decoded(pa.table(columns, names=names))


def _refuse_unnamed(frame: Any, key: str) -> None:
    """Refuse names that no config could write down: in several levels, or numbers."""
    if not len(frame.columns):
        raise UserError([Problem(key, "the data frame has no columns", remedy="give one that has some")])
    if frame.columns.nlevels > 1:
        remedy = 'one name each: frame.columns = ["_".join(map(str, one)) for one in frame.columns]'
        told = f"its columns have names in {frame.columns.nlevels} levels"
        raise UserError([Problem(key, told, remedy=remedy)])
    other = [name for name in frame.columns if not isinstance(name, str)]
    if other:
        told = "column names that are no text: " + ", ".join(map(repr, other[:5])) + (" …" if len(other) > 5 else "")
        raise UserError([Problem(key, told, remedy="frame.columns = frame.columns.map(str)")])


def _held(column: Any) -> str:
    """What a column holds that Arrow has no one type for."""
    kinds = sorted({type(value).__name__ for value in column.dropna()}) if column.dtype == object else []
    if len(kinds) > 1:
        return f"values of several types ({', '.join(kinds[:4])}{' …' if len(kinds) > 4 else ''})"
    return f"values that no table has a type for ({kinds[0] if kinds else column.dtype})"


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

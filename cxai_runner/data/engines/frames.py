"""How results come home: as Arrow of the expression's own types, then to pandas by the road that DuckDB's take.

Ibis converts each engine's rows in a way of its own, so that the same numbers come as decimals here and floats there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Frames:
    """What our backends share: they fetch Arrow, and everything else follows."""

    def fetch(self, expr: Any, params: Any, limit: Any) -> pa.Table:
        """Return the rows of a table expression as Arrow of its schema's types."""
        raise NotImplementedError

    def to_pyarrow(self, expr: Any, /, *, params: Any = None, limit: Any = None, **_: Any) -> Any:
        """Return an expression's result as Arrow; see Ibis."""
        from ibis.backends.duckdb.converter import DuckDBPyArrowData

        return expr.__pyarrow_result__(self.fetch(expr.as_table(), params, limit), data_mapper=DuckDBPyArrowData)

    def execute(self, expr: Any, /, *, params: Any = None, limit: Any = None, **_: Any) -> Any:
        """Return an expression's result as pandas; see Ibis."""
        table = expr.as_table()
        return expr.__pandas_result__(as_pandas(self.to_pyarrow(table, params=params, limit=limit), table.schema()))

    def fetch_some(self, expr: Any, size: int) -> Iterator[pa.Table]:
        """Yield the rows of `fetch`, about ``size`` at a time; all are fetched first where an engine has no better."""
        table = self.fetch(expr, None, None)
        for begin in range(0, table.num_rows, size):
            yield table.slice(begin, size)

    def stream(self, expr: Any, size: int) -> Iterator[pd.DataFrame]:
        """Yield what `execute` returns, about ``size`` rows at a time."""
        from ibis.backends.duckdb.converter import DuckDBPyArrowData

        for table in self.fetch_some(expr, size):
            yield as_pandas(expr.__pyarrow_result__(table, data_mapper=DuckDBPyArrowData), expr.schema())

    def _make_memtable_finalizer(self, name: str) -> None:
        """Leave it to the engine to drop what we send along: it does so when the connection or the session ends."""
        return


def as_pandas(table: pa.Table, schema: Any) -> pd.DataFrame:
    """Arrow as DuckDB's backend makes pandas of it: a column with a gap by way of a list."""
    import pandas as pd
    import pyarrow.types as kinds
    from ibis.backends.duckdb.converter import DuckDBPandasData

    columns = {
        name: column.to_pylist() if kinds.is_nested(column.type) or column.null_count else column.to_pandas()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return DuckDBPandasData.convert_table(pd.DataFrame(columns), schema)


class OddValueError(ValueError):
    """A value that is not of its column's type, where the engine lets a column hold anything."""

    def __init__(self, column: str, value: Any, kind: Any) -> None:
        what = next((words for test, words in _WANTED.items() if getattr(kind, test)()), f"of type {kind}")
        shown = repr(value) if isinstance(value, bytes) else f"`{value}`"
        super().__init__(
            f"column `{column}` holds {shown}, which is not {what}; "
            f'mend it in the database, or read a view with CAST("{column}" AS TEXT)'
        )


_WANTED: Mapping[str, str] = {
    "is_boolean": "true or false",
    "is_integer": "a whole number",
    "is_numeric": "a number",
    "is_timestamp": "a date",
    "is_date": "a date",
    "is_string": "text",
}


def arrow(rows: list[tuple[Any, ...]], schema: Any) -> pa.Table:
    """Return rows as a driver gives them as Arrow of the schema's types.

    Raises
    ------
    OddValueError
        Where a value is not of its column's type.
    """
    import pyarrow as pa
    from ibis.formats.pyarrow import PyArrowSchema

    fields = PyArrowSchema.from_ibis(schema)
    values = list(zip(*rows, strict=True)) if rows else [() for _ in schema]
    columns = [
        _column(field.name, one, kind, field.type)
        for field, one, kind in zip(fields, values, schema.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=fields)


def _column(name: str, values: Sequence[Any], kind: Any, want: Any) -> pa.Array:
    """One column, whole; where that cannot be, the first value in the way is named."""
    import pyarrow as pa

    try:
        return _converted(values, kind, want)
    except (ValueError, TypeError, OverflowError, pa.ArrowException):
        for value in values:
            try:
                _converted([value], kind, want)
            except (ValueError, TypeError, OverflowError, pa.ArrowException):
                raise OddValueError(name, value, kind) from None
        raise


def _converted(values: Sequence[Any], kind: Any, want: Any) -> pa.Array:
    """Values as Arrow; what a driver gives as another type (a sum of whole numbers as a decimal, say) is converted."""
    import pyarrow as pa

    convert = next((to for test, to in _CONVERSIONS.items() if getattr(kind, test)()), None)
    if convert is not None:
        values = [None if value is None else convert(value) for value in values]
    elif kind.is_timestamp() and any(isinstance(value, str) for value in values):
        return pa.array(values, type=pa.string()).cast(want)
    elif kind.is_decimal():
        values = [_scaled(value, want.scale) for value in values]
    elif pa.types.is_string(want):  # addresses, ids, ranges: a driver has a class for each
        values = [value if value is None else str(value) for value in values]
    return pa.array(values, type=want)


def _scaled(value: Any, digits: int) -> Decimal | None:
    """A decimal with so many digits after the point; one that is no number is no value."""
    if value is None or not Decimal(value).is_finite():
        return None
    with localcontext(prec=76):
        return round(Decimal(value), digits)


_CONVERSIONS: Mapping[str, Any] = {"is_boolean": bool, "is_integer": int, "is_floating": float}

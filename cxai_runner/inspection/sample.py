"""The rows that are looked at: the first of a file, a Parquet's or any Ibis table, in this process's memory.

A text is cut at a number of bytes, everything at a number of rows, so that what it costs does not grow with the file.
Where a file says of itself how many rows it has, that is taken from there.
"""

from __future__ import annotations

import io
import itertools
import weakref
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from cxai_runner.config.problems import Problem, UserError
from cxai_runner.inspection.foreign import foreign
from cxai_runner.inspection.sniff import Written, cut, decode, lines_of, sniff, unique
from cxai_runner.inspection.totals import without_total

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Table as IbisTable

ROWS, BYTES = 200_000, 16 * 2**20
"""How much is looked at unless somebody says otherwise."""

_LITTLE = 2**18
"""Characters of a text that are kept as they are."""

_numbers = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Sample:
    """The rows of a table that were looked at.

    Parameters
    ----------
    table
        They, in memory; the columns of a text file are text.
    written
        How the table is written.
    looked
        How many they are.
    of
        How many rows there are in all, where that is known.
    size
        Bytes of the file or files, where it is one.
    ranges
        Lowest and highest value of columns over all rows, where the file's own account has them.
    odd
        Lines that are no row of the table, in words.
    total
        What stands in the last row for a total, where there is one; a missing value here.
    beginning
        The first lines of a text file as they are, unpacked.
    """

    table: IbisTable
    written: Written
    looked: int
    of: int | None = None
    size: int | None = None
    ranges: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    odd: tuple[str, ...] = ()
    total: str = ""
    beginning: bytes = field(default=b"", repr=False)

    @property
    def whole(self) -> bool:
        """Whether every row was looked at."""
        return self.of == self.looked


def of_text(stream: BinaryIO, size: int | None, rows: int = ROWS) -> Sample:
    """Return the first rows of a text file, which may be compressed by gzip."""
    beginning, whole, compressed = _beginning(stream)
    problem = foreign(beginning)
    if problem is not None:
        raise UserError([problem])
    text, encoding, mark = decode(beginning)
    if not text.strip():
        raise UserError([Problem("", "holds blanks alone: not even a header")])
    written = replace(sniff(text, whole=whole), encoding=encoding, mark=mark, compressed=compressed)
    if not whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    frame, odd = _fixed(text, written) if written.format == "fixed" else _separated(text, written)
    whole = whole and frame.num_rows <= rows
    frame = frame.slice(0, rows)
    total = ""
    if whole:
        frame, total = without_total(frame)
        if total:
            odd.append(f"the last row holds a total (`{total}`): the word is taken for a missing value")
    return Sample(
        in_memory(frame),
        written,
        frame.num_rows,
        of=frame.num_rows if whole else None,
        size=size,
        odd=tuple(odd),
        total=total,
        beginning=text[:_LITTLE].rpartition("\n")[0].encode(written.encoding, errors="replace") or beginning[:_LITTLE],
    )


def of_parquet(stream: BinaryIO, size: int | None, rows: int = ROWS) -> Sample:
    """Return the first rows of a Parquet file, and what it says of all of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(stream)
        batches, have = [], 0
        for batch in file.iter_batches(batch_size=min(rows, 65_536)):
            batches.append(batch.slice(0, rows - have))
            have += batches[-1].num_rows
            if have >= rows:
                break
        frame = pa.Table.from_batches(batches, schema=file.schema_arrow)
    except pa.ArrowException as error:
        raise UserError([Problem("", f"no Parquet file that can be read: {_first_line(error)}")]) from None
    names = unique([str(name) for name in frame.column_names])
    total = int(file.metadata.num_rows)
    return Sample(
        in_memory(_plain(frame.rename_columns(list(names)))),
        Written("parquet", names=names),
        frame.num_rows,
        of=total,
        size=size,
        ranges=_ranges(file.metadata),
    )


def of_table(table: IbisTable, rows: int = ROWS, of: int | None = None) -> Sample:
    """Return the first rows of any Ibis table: the engine it belongs to hands them over, and nothing else is asked."""
    frame = table.limit(rows + 1).to_pyarrow()
    if frame.num_rows <= rows:
        of = frame.num_rows
    frame = frame.slice(0, rows)
    return Sample(in_memory(_plain(frame)), Written("table", names=tuple(table.columns)), frame.num_rows, of=of)


def in_memory(frame: pa.Table) -> IbisTable:
    """Return ``frame`` as a table of an engine that can read nothing else."""
    from cxai_runner.data.connect import connect

    engine, name = connect(()), f"looked_at_{next(_numbers)}"
    engine.con.register("handed_over", frame)
    engine.raw_sql(f"CREATE TEMP TABLE {name} AS SELECT * FROM handed_over")  # noqa: S608 - a name of ours
    engine.con.unregister("handed_over")
    table = engine.table(name)
    weakref.finalize(table, _drop, name).atexit = False
    return table


def _drop(name: str) -> None:
    """Free the memory of a table that nobody holds any more; while the engine is busy it stays."""
    from cxai_runner.data.connect import connect

    with suppress(Exception):
        connect(()).raw_sql(f"DROP TABLE IF EXISTS {name}")


def _beginning(stream: BinaryIO) -> tuple[bytes, bool, bool]:
    """The first bytes, whether they are all, and whether they were compressed."""
    start = stream.read(2)
    if start != b"\x1f\x8b":
        found = start + stream.read(BYTES - len(start) + 1)
        return found[:BYTES], len(found) <= BYTES, False
    unpack, found, packed = zlib.decompressobj(wbits=31), b"", start
    parts: list[bytes] = []
    have, inside = 0, True
    while packed and have <= BYTES:
        try:
            parts.append(unpack.decompress(packed, BYTES + 1 - have))
        except zlib.error as error:
            raise UserError([Problem("", f"begins like a gzip and is none: {error}")]) from None
        have += len(parts[-1])
        packed, inside = unpack.unconsumed_tail, not unpack.eof
        if unpack.eof:  # a file may be several, one behind the other
            packed, unpack = unpack.unused_data, zlib.decompressobj(wbits=31)
        packed = packed or stream.read(1 << 16)
    if inside and have <= BYTES:
        told = "a gzip that breaks off: its end is missing, and so may be rows"
        raise UserError([Problem("", told, remedy="get the file once more")])
    found = b"".join(parts)
    return found[:BYTES], len(found) <= BYTES, True


def _separated(text: str, written: Written) -> tuple[pa.Table, list[str]]:
    """The values as text; lines with more or fewer of them than the others are counted, not read."""
    import pyarrow as pa
    import pyarrow.csv as arrow

    names = written.names
    wrong: list[Any] = []

    def left_out(row: Any) -> str:
        wrong.append(row)
        return "skip"

    body = "\n".join(lines_of(text)[written.skip :]) if written.skip else text
    try:
        frame = arrow.read_csv(
            io.BytesIO(body.encode("utf-8", errors="replace")),
            read_options=arrow.ReadOptions(
                column_names=list(names),
                skip_rows=int(written.header),
                block_size=max(1 << 20, min(len(body), 1 << 24)),
            ),
            parse_options=arrow.ParseOptions(
                delimiter=written.delimiter or ",",
                quote_char=written.quote,
                newlines_in_values=True,
                invalid_row_handler=left_out,
            ),
            convert_options=arrow.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowException as error:
        if "Empty CSV" in str(error):
            frame = pa.table({name: pa.array([], pa.string()) for name in names})
        else:
            raise UserError([Problem("", f"cannot be read as a table: {_first_line(error)}")]) from None
    if not wrong:
        return frame, []
    one = wrong[0]
    lines = "1 line has" if len(wrong) == 1 else f"{len(wrong):,} lines have"
    return frame, [f"{lines} another number of values than {len(names)}; the first has {one.actual_columns}"]


def _fixed(text: str, written: Written) -> tuple[pa.Table, list[str]]:
    import pyarrow as pa

    lines = [line for line in lines_of(text)[written.skip :] if line.strip()][written.header :]
    rows = [cut(line, written.positions) for line in lines]
    columns = {
        name: pa.array([row[place] or None for row in rows], pa.string()) for place, name in enumerate(written.names)
    }
    return pa.table(columns), []


def _plain(frame: pa.Table) -> pa.Table:
    """Columns as plain types: enumerations, what is nested and spans of time are text, instants are in UTC."""
    import pyarrow as pa

    def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
        kind = column.type
        if pa.types.is_dictionary(kind):
            return column.cast(kind.value_type)
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            return pa.chunked_array([pa.array(["(nested)"] * len(column), pa.string())])
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            return column.cast(pa.timestamp(kind.unit))
        if pa.types.is_duration(kind) or pa.types.is_interval(kind):
            spans = [None if one is None else str(one) for one in column.to_pylist()]
            return pa.chunked_array([pa.array(spans, pa.string())])
        return column.cast(pa.string()) if pa.types.is_null(kind) else column

    return pa.table([plain(column) for column in frame.columns], names=frame.column_names)


def _ranges(metadata: Any) -> dict[str, tuple[Any, Any]]:
    """Lowest and highest value of each column, from the statistics of the file's parts where every part has them."""
    found: dict[str, tuple[Any, Any]] = {}
    gone: set[str] = set()
    for part in range(metadata.num_row_groups):
        group = metadata.row_group(part)
        for place in range(group.num_columns):
            column = group.column(place)
            facts, name = column.statistics, column.path_in_schema
            if facts is None or not facts.has_min_max:
                gone.add(name)
                continue
            low, high = found.get(name, (facts.min, facts.max))
            try:
                found[name] = (min(low, facts.min), max(high, facts.max))
            except TypeError:
                gone.add(name)
    return {name: span for name, span in found.items() if name not in gone}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0].rstrip(".")

"""JSON lists of a column, read fast: twenty million items take seconds, and no text of Python for each.

The column as a whole becomes lines of JSON in memory, which Arrow reads in one pass. What Arrow does not take — lists
that are given as such, items that are texts here and numbers there, a line that is no list — is read one by one, which
finds the row of a mistake too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_MARGIN = 1 << 22
"""Bytes that Arrow reads at a time beside the longest line."""


class MalformedHistoryError(ValueError):
    """A list of a history is not one: no JSON list, not as long as its items, or of what cannot be."""


@dataclass(frozen=True, eq=False)
class Listed:
    """What is in the lists of a column.

    Parameters
    ----------
    begins
        Where each list begins, shape (n + 1,).
    codes
        Of each entry which name it has, in the order of the lists.
    names
        The different entries, as texts.
    """

    begins: NDArray[np.int64]
    codes: NDArray[np.int32]
    names: list[str]

    @classmethod
    def of(cls, lists: pd.Series) -> Listed:
        """Read lists of texts or numbers; a missing list is an empty one.

        Raises
        ------
        MalformedHistoryError
            What is no JSON list, or an entry that is neither a text nor a number.
        """
        import pyarrow as pa

        for kind in (pa.int64(), pa.large_string()):
            read = _by_arrow(lists, kind)
            if read is not None:
                begins, values = read
                found = values.dictionary_encode()
                return cls(begins, np.asarray(found.indices, np.int32), [str(one) for one in found.dictionary.tolist()])
        begins, entries = _one_by_one(lists, _named)
        codes, names = pd.factorize(np.asarray(entries, dtype=object))
        return cls(begins, codes.astype(np.int32), names.tolist())

    def __len__(self) -> int:
        return len(self.begins) - 1


def numbers(lists: pd.Series) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where each list of numbers begins, shape (n + 1,), and the numbers.

    Raises
    ------
    MalformedHistoryError
        What is no JSON list, or an entry that is no finite number.
    """
    import pyarrow as pa

    read = _by_arrow(lists, pa.float64())
    if read is not None and np.isfinite(values := np.asarray(read[1], np.float64)).all():
        return read[0], values
    begins, entries = _one_by_one(lists, _number)
    return begins, np.asarray(entries, dtype=np.float64)


def parsed(lists: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Return where each list begins, shape (n + 1,), and all that is in them as texts; see `Listed`."""
    read = Listed.of(lists)
    return read.begins, np.array([*read.names, ""], dtype=object)[read.codes].tolist()


def text(items: Sequence[Any]) -> str:
    """Return a list as the text that a frame holds."""
    return json.dumps(list(items), separators=(",", ":"), ensure_ascii=False)


def _by_arrow(lists: pd.Series, kind: Any) -> tuple[NDArray[np.int64], Any] | None:
    """Where lists begin, and their entries as an Arrow array; None where Arrow cannot tell them."""
    import pyarrow as pa
    from pyarrow import json as reader

    lines = _lines(lists)
    if lines is None:
        return None
    if not len(lines):
        return np.zeros(1, dtype=np.int64), pa.array([], type=kind)
    ends = np.frombuffer(lines.buffers()[1], dtype=np.int64)[lines.offset :][: len(lines) + 1]
    try:
        table = reader.read_json(
            pa.BufferReader(lines.buffers()[2].slice(int(ends[0]), int(ends[-1] - ends[0]))),
            reader.ReadOptions(use_threads=False, block_size=int(np.diff(ends).max()) + _MARGIN),
            reader.ParseOptions(explicit_schema=pa.schema([("v", pa.list_(kind))]), unexpected_field_behavior="error"),
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    column = table.column("v").combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0)
    values = column.flatten()
    if len(column) != len(lines) or column.null_count or values.null_count:
        return None
    return np.concatenate([[0], np.cumsum(np.asarray(column.value_lengths(), np.int64))]).astype(np.int64), values


def _lines(lists: pd.Series) -> Any:
    """A line of JSON for each list, one after the other in one buffer; None where one is no list to begin with."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def scalar(value: str) -> Any:
        return pa.scalar(value, pa.large_string())

    try:
        texts = pa.array(lists, from_pandas=True).cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return None
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    texts = pc.utf8_trim_whitespace(pc.fill_null(texts, scalar("[]")))
    # A line is a list and nothing else: one that would open another object, or another line, goes the slow way.
    alone = pc.and_(pc.starts_with(texts, "["), pc.ends_with(texts, "]"))
    if not pc.all(alone).as_py() or pc.any(pc.match_substring(texts, "\n")).as_py():
        return None
    return pc.binary_join_element_wise(scalar('{"v":'), texts, scalar("}\n"), scalar(""))


def _one_by_one(lists: pd.Series, entry: Any) -> tuple[NDArray[np.int64], list[Any]]:
    several = []
    for row, given in enumerate(lists.array):
        try:
            several.append([entry(one) for one in _list(given)])
        except MalformedHistoryError as error:
            raise MalformedHistoryError(f"row {row} of {lists.name or 'the lists'}: {error}") from error
    lengths = np.fromiter(map(len, several), dtype=np.int64, count=len(several))
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), list(chain.from_iterable(several))


def _list(given: Any) -> Sequence[Any]:
    found = given
    if isinstance(given, str):
        try:
            found = json.loads(given)
        except ValueError as error:
            raise MalformedHistoryError(f'a JSON list, as in ["milk","bread"], not {given[:60]!r}') from error
    elif isinstance(given, np.ndarray):
        found = given.tolist()
    if isinstance(found, list | tuple):
        return found
    if not isinstance(given, str) and pd.api.types.is_scalar(found) and pd.isna(found):
        return ()
    raise MalformedHistoryError(f'a JSON list, as in ["milk","bread"], not {str(given)[:60]!r}')


def _named(given: Any) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool) and not pd.isna(given):
        return str(given)
    raise MalformedHistoryError(f"an item is a text or a number, not {json.dumps(given, default=str)[:60]}")


def _number(given: Any) -> float:
    try:
        found = float("nan") if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        found = float("nan")
    if not np.isfinite(found):
        raise MalformedHistoryError(f"a finite number, not {json.dumps(given, default=str)[:60]}")
    return found

"""The line below a table in which somebody added it up: no purchase of a customer called Total."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

_WORDS: Final = {
    "total", "totals", "grand total", "subtotal", "sum", "summe", "gesamt", "gesamtsumme", "zwischensumme", "somme",
    "total général", "totale", "totaal", "suma", "razem", "итого",
}  # fmt: skip


def without_total(frame: pa.Table) -> tuple[pa.Table, str]:
    """Return a table of text without the word for a total in its last row, and that word; nothing where there is none.

    A row that has a value in every column is a row like any other, and so is one whose word is there twice.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if frame.num_rows < 2:
        return frame, ""
    last = {name: frame.column(name)[-1].as_py() for name in frame.column_names}
    if all(last.values()):
        return frame, ""
    for place, (name, word) in enumerate(last.items()):
        if not isinstance(word, str) or word.strip().rstrip(":").strip().casefold() not in _WORDS:
            continue
        column = frame.column(name)
        if pc.sum(pc.equal(column, word)).as_py() == 1:
            kept = pa.concat_arrays([*column[:-1].chunks, pa.nulls(1, column.type)])
            return frame.set_column(place, name, kept), word
    return frame, ""

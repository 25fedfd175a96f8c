"""What a frame holds, to the bit: so that two runs on one machine can be told to have made the same of the same.

A digest of the rows in their order, since a sum of floats depends on it; one that does not depend on the order, so that
rows that merely stand elsewhere are told from rows that are others; and one per column, to name the first that differs.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_ODD = 0x9E3779B97F4A7C15
_MIX = 0xBF58476D1CE4E5B9


def bits(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the digests of a frame.

    Parameters
    ----------
    frame
        Any; an index with a name counts as a column, any other index does not count.

    Returns
    -------
    digests
        ``rows``, their number; ``ordered``, of rows and columns as they stand; ``unordered``, of the rows in whatever
        order; ``columns``, of each column's values in their order, and of its type.
    """
    import numpy as np
    import pandas as pd

    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    columns: dict[str, str] = {}
    rows = np.zeros(len(frame), dtype=np.uint64)
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        hashed = pd.util.hash_pandas_object(column, index=False).to_numpy()
        columns[str(name)] = _hex(str(column.dtype).encode() + hashed.tobytes())
        rows = _mixed(rows + hashed)
    names = list(columns.items())
    unordered = [len(frame), int(rows.sum(dtype=np.uint64)), int(_mixed(rows).sum(dtype=np.uint64))]
    return {
        "rows": len(frame),
        "ordered": _hex(repr(names).encode()),
        "unordered": _hex(repr([[name for name, _ in names], unordered]).encode()),
        "columns": columns,
    }


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread each number over all 64 bits, as splitmix64 does, so that sums of them do not cancel out."""
    import numpy as np

    mixed = (values + np.uint64(_ODD)) * np.uint64(_MIX)
    spread: np.ndarray = mixed ^ (mixed >> np.uint64(31))
    return spread


def _hex(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()

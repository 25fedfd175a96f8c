"""Customer ids that never reach the store: keyed hashes in their place.

A plain hash of an id is no protection, since whoever knows the ids can hash them all; without the key nobody can. The
same key gives the same pseudonyms in every run, so that two runs can still be compared customer by customer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cxai_runner.config.problems import Problem, UserError

if TYPE_CHECKING:
    import pandas as pd

ID_COLUMNS: Final = ("customer_id",)


@dataclass(frozen=True)
class Privacy:
    """What is kept from the store.

    Parameters
    ----------
    pseudonymise
        Write customer ids as keyed hashes only, and invent the models' input examples.
    key
        The secret key of the hashes; it should come from the environment.

    Raises
    ------
    UserError
        Pseudonyms are asked for without a key.
    """

    pseudonymise: bool = False
    key: str | None = None

    def __post_init__(self) -> None:
        if self.pseudonymise and not self.key:
            remedy = "set it to ${oc.env:CXAI_PRIVACY_KEY} and put a random text into that variable"
            raise UserError([Problem("privacy.key", "pseudonyms need a secret key", remedy=remedy)])

    def pseudonym(self, customer: object) -> str:
        """Return the keyed hash of an id: 32 hexadecimal digits (BLAKE2b, 128 bits)."""
        key = hashlib.blake2b((self.key or "").encode(), digest_size=32).digest()
        return hashlib.blake2b(str(customer).encode(), key=key, digest_size=16).hexdigest()

    def frame(self, frame: pd.DataFrame, columns: Sequence[str] = ID_COLUMNS) -> pd.DataFrame:
        """Return ``frame`` with ids (columns, or the index, of these names) replaced; as it is if none are to be."""
        import pandas as pd

        if not self.pseudonymise:
            return frame
        present = [name for name in columns if name in frame.columns]
        if present:
            frame = frame.assign(**{name: self._hashed(frame[name]) for name in present})
        if frame.index.name in columns:
            frame = frame.set_axis(pd.Index(self._hashed(frame.index.to_series()), name=frame.index.name), axis=0)
        return frame

    def values(self, column: pd.Series) -> pd.Series:
        """Return a column as its values may be kept: texts as keyed hashes where customers are to be hidden."""
        from pandas.api.types import is_bool_dtype, is_numeric_dtype

        if not self.pseudonymise or is_numeric_dtype(column) or is_bool_dtype(column):
            return column
        return self._hashed(column.astype(object))

    def example(self, frame: pd.DataFrame, rows: int = 3) -> pd.DataFrame:
        """Return an input example: the first rows, or as many invented ones of the same types."""
        if not self.pseudonymise:
            return frame.head(rows)
        import pandas as pd

        index = range(min(rows, len(frame)))
        return pd.DataFrame({name: [_invented(frame[name])] * len(index) for name in frame}, index=index).astype(
            frame.dtypes.to_dict()
        )

    def _hashed(self, ids: pd.Series) -> pd.Series:
        return ids.map({value: self.pseudonym(value) for value in ids.dropna().unique()})


def _invented(column: pd.Series) -> object:
    """A value that a model takes and that is no customer's own: a rounded middle, or the commonest category."""
    import pandas as pd

    known = column.dropna()
    if known.empty:
        return None
    if (of_lists := _invented_list(known)) is not None:
        return of_lists
    value: object = known.mode().iloc[0]
    if column.name in ID_COLUMNS:
        value = 0 if pd.api.types.is_numeric_dtype(column) else "customer"
    elif pd.api.types.is_integer_dtype(column):
        value = round(float(known.median()))
    elif pd.api.types.is_float_dtype(column):
        value = float(f"{float(known.mean()):.1g}")
    elif pd.api.types.is_datetime64_any_dtype(column):
        value = pd.Timestamp(2000, 1, 1)
    return value


def _invented_list(column: pd.Series) -> str | None:
    """A list of one, of a column of JSON lists: each of them tells of one customer; None where it holds no lists."""
    texts = [one for one in column if isinstance(one, str)]
    if len(texts) < len(column) or not all(one.startswith("[") and one.endswith("]") for one in texts):
        return None
    first = next((one[1] for one in texts if len(one) > len("[]")), None)
    if first is None:
        return "[]"
    return '["item"]' if first == '"' else "[1]"

"""Numbers as a reader wants them: as many digits as they are worth, thousands apart, a real minus.

A number is worth no more digits than its interval leaves certain, and the columns of a table must line up.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.evaluation.wording import LAST_BITS, digits_of

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.evaluation.results import Interval

NOTHING: Final = "–"
_MOST_DECIMALS: Final = 6


def number(value: Any, decimals: int | None = None) -> str:
    """Write a number with thousands separators.

    Parameters
    ----------
    value
        Any real number; NaN and None become a dash.
    decimals
        Digits after the point; by default as many as show three significant digits.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    value = float(value)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals is None:
        decimals = 0 if value.is_integer() else _decimals(abs(value), 3)
    if value and round(abs(value), decimals) == 0:
        return f"{value:.1e}".replace("-", "−")
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def interval(value: Interval, *, sign: bool = False) -> tuple[str, str]:
    """Write a number and its interval with the decimals that a sentence gives them, as `digits_of` says.

    Returns
    -------
    number, bounds
        ``0.532`` and ``0.525 to 0.539``; the second is empty where there is no interval.
    """
    width = value.high - value.low
    if not math.isfinite(width):
        text, bounds = number(value.value), ""
    else:
        # As many as a sentence of the report would show of the same number.
        decimals = digits_of(value)
        text, low, high = (
            number(0.0 if abs(v) < LAST_BITS else v, decimals) for v in (value.value, value.low, value.high)
        )
        bounds = f"{low} to {high}"
    return ("+" + text if sign and value.value > 0 else text), bounds


def column(values: pd.Series) -> list[str]:
    """Write a table's column, every number with the same decimals."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(values):
        return [NOTHING if pd.isna(v) else "yes" if v else "no" for v in values]
    if pd.api.types.is_datetime64_any_dtype(values):
        return [moment(v) for v in values]
    if not pd.api.types.is_numeric_dtype(values):
        return [_text(v) for v in values]
    if str(values.name).endswith("_id"):  # a name, not a size
        return [NOTHING if pd.isna(v) else f"{v:.15g}" for v in values]
    finite = [abs(float(v)) for v in values.dropna() if math.isfinite(v)]
    whole = all(v.is_integer() for v in finite)
    # The typical size decides, so that one huge or one tiny value does not blur the others.
    typical = sorted(finite)[len(finite) // 2] if finite else 0.0
    decimals = 0 if whole else _decimals(typical or max(finite), 3)
    return [NOTHING if pd.isna(v) else number(v, decimals) for v in values]


def moment(value: Any) -> str:
    """Write a date, with the time of day if it has one."""
    import pandas as pd

    if pd.isna(value):
        return NOTHING
    stamp = pd.Timestamp(value)
    return stamp.strftime("%Y-%m-%d") if stamp == stamp.normalize() else stamp.strftime("%Y-%m-%d %H:%M")


def share(part: float, whole: float) -> str:
    """Write a part of a whole in per cent; a small one is not rounded to nothing."""
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "under 0.1 %"
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def duration(seconds: float) -> str:
    """Write seconds as ``4.1 s`` or ``2 min 5 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _decimals(size: float, significant: int) -> int:
    if not size or not math.isfinite(size):
        return 0
    return min(max(significant - 1 - math.floor(math.log10(size)), 0), _MOST_DECIMALS)


def _text(value: Any) -> str:
    import pandas as pd

    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return NOTHING
    if isinstance(value, float):
        return number(value)
    return moment(value) if isinstance(value, datetime) else str(value)

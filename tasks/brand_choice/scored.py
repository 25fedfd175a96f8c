"""Scores of brand choice: a column of probabilities for each alternative, by whom they are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxai_runner.evaluation.choices import choice_statistics
from cxai_runner.evaluation.intervals import Statistic
from tasks.brand_choice.specification import BRAND, brands, own

MODEL, SHARES, LAST, WEIGHT = "probability", "baseline", "baseline_transition", "weight"


def alternatives_of(scores: pd.DataFrame) -> tuple[str, ...]:
    """Return the alternatives that scores are about, in their order."""
    prefix = f"{MODEL}_"
    return tuple(name.removeprefix(prefix) for name in map(str, scores.columns) if name.startswith(prefix))


def statistics_of(scores: pd.DataFrame, prefix: str) -> Mapping[str, Statistic]:
    """Return the metrics of the probabilities whose columns begin with ``prefix``."""
    chosen, P, weights = parts_of(scores, prefix)
    return choice_statistics(chosen, P, scores["customer_id"], weights)


def parts_of(scores: pd.DataFrame, prefix: str) -> tuple[NDArray[np.intp], Any, Any]:
    """Return the position of each choice, the probabilities of ``prefix``, and the weights or None."""
    names = alternatives_of(scores)
    position = {name: j for j, name in enumerate(names)}
    chosen = np.asarray(brands(scores[BRAND]).map(position), dtype=np.intp)
    weights = scores[WEIGHT].to_numpy() if WEIGHT in scores else None
    return chosen, scores[own(prefix, names)].to_numpy(dtype=np.float64), weights

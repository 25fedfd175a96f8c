"""How many classes of customers there are, by the Bayesian information criterion."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone

from .data import ChoiceData
from .errors import NotIdentifiedError
from .latent import LatentClassLogit


def select_classes(
    model: LatentClassLogit,
    X: pd.DataFrame | ChoiceData,
    y: ArrayLike | None = None,
    *,
    classes: Sequence[int] = (1, 2, 3, 4),
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[LatentClassLogit, pd.DataFrame]:
    """Return the model with the number of classes of the lowest BIC, and the comparison.

    Returns
    -------
    LatentClassLogit
        The fitted model with the lowest BIC among those that are identified.
    DataFrame
        One row per number of classes: log-likelihood, parameters, BIC, AIC, entropy R², smallest share, and, where
        a number could not be fitted, why.

    Raises
    ------
    NotIdentifiedError
        None of the numbers could be fitted.
    """
    rows: list[dict[str, float | str]] = []
    best: LatentClassLogit | None = None
    for count in classes:
        candidate = clone(model).set_params(n_classes=count)
        try:
            candidate.fit(X, y, groups=groups, sample_weight=sample_weight)
        except NotIdentifiedError as error:
            rows.append({"classes": count, "note": str(error)})
            continue
        rows.append(
            {
                "classes": count,
                "log_likelihood": candidate.log_likelihood_,
                "parameters": len(candidate.parameters_),
                "bic": candidate.bic_,
                "aic": candidate.aic_,
                "entropy_r2": candidate.entropy_r2_,
                "smallest_share": candidate.class_shares_.min(),
                "note": "",
            }
        )
        if best is None or candidate.bic_ < best.bic_:
            best = candidate
    if best is None:
        raise NotIdentifiedError("no number of classes could be fitted", str(rows[-1]["note"]) if rows else "name one")
    return best, pd.DataFrame(rows).set_index("classes")

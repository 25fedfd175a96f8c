"""What most customers bought: the baseline that every recommendation has to beat."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.recommender import Recommender


class Popularity(Recommender):
    """Recommend to everybody what most customers bought.

    Parameters
    ----------
    k
        Items on a list.
    repeats
        Whether what a customer bought before may be on their list.
    half_life
        Days after which a purchase counts half; None counts customers, however long ago they bought.
    """

    def __init__(self, k: int = 10, repeats: bool = True, half_life: float | None = None) -> None:
        self.k = k
        self.repeats = repeats
        self.half_life = half_life

    def _learn(self, several: Interactions, items: pd.DataFrame | None) -> None:
        if self.half_life is None:
            share = several.bought.sum(axis=0) / max(len(several), 1)
        else:
            recent = several.matrix(np.exp2(-several.days / self.half_life))
            share = recent.sum(axis=0) / max(len(several), 1)
        self.share_ = np.asarray(share, dtype=np.float32)

    def _score(self, several: Interactions) -> Floats:
        return np.tile(self.share_, (len(several), 1))

"""Who was exposed to what is asked by pair, and is what listing all pairs would say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxai_runner.methods.offers import Exposed, exposed
from cxai_runner.methods.recommend.interactions import Catalogue

CATALOGUE = Catalogue(tuple("abcde"), np.array([5, 4, 3, 2, 1]))


@pytest.mark.parametrize("cells", [7, 20_000_000])
def test_it_is_what_the_join_says(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposed, "CELLS", cells)
    rng = np.random.default_rng(4)
    shown = pd.DataFrame({"campaign_id": rng.integers(0, 6, 14), "item_id": rng.choice(list("abcdez"), 14)})
    members = pd.DataFrame({"customer_id": rng.integers(0, 12, 20), "campaign_id": rng.integers(0, 7, 20)})
    customers = np.arange(2, 12)  # 0 and 1 are not asked about, and neither is z
    log = Exposed.of(shown, members, "campaign_id", customers, CATALOGUE)
    joined = {(one.customer_id, one.item_id) for one in members.merge(shown, on="campaign_id").itertuples()}
    row, item = np.indices((len(customers), 5)).reshape(2, -1)
    want = np.array([(customers[i], CATALOGUE.items[j]) in joined for i, j in zip(row, item, strict=True)])
    assert 5 < want.sum() < 45
    assert log.at(row, item).tolist() == want.tolist()
    assert log.customers().tolist() == want.reshape(-1, 5).sum(axis=0).tolist()


def test_who_is_of_no_group_was_exposed_to_nothing() -> None:
    shown = pd.DataFrame({"store_id": ["x", "y"], "item_id": ["a", "b"]})
    members = pd.DataFrame({"customer_id": [7, 8], "store_id": ["y", "x"]})
    log = Exposed.of(shown, members, "store_id", np.array([9, 8, 7]), CATALOGUE)
    assert log.group().tolist() == [-1, 1, 0]
    assert log.at(np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1])).tolist() == [False, True, False, True]

"""Metrics of lists: by hand, beside two other libraries, and the laws that they keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import dcg_score, ndcg_score

from cxai_runner.evaluation import ranking
from cxai_runner.evaluation.metrics import codes_of

# Five customers, lists of three: who wanted one item and has it first, two of which the second is last, three and none,
# five and all places, and none at all.
LISTS = np.array([[0, 1, 2], [5, 6, 1], [0, 1, 2], [3, 4, 0], [0, 1, 2]])
WANTED = [[0], [1, 3], [4, 5, 6], [0, 1, 2, 3, 4], []]
LOG3 = 1 / np.log2(3)
BY_HAND = {
    "ndcg": [1, 0.5 / (1 + LOG3), 0, 1, 0],
    "ndcg_all": [1, 0.5 / (1 + LOG3), 0, (1.5 + LOG3) / (1.5 + LOG3 + 1 / np.log2(5) + 1 / np.log2(6)), 0],
    "recall": [1, 1 / 2, 0, 3 / 5, 0],
    "truncated recall": [1, 1 / 2, 0, 1, 0],
    "precision": [1 / 3, 1 / 3, 0, 1, 0],
    "map": [1, (1 / 3) / 2, 0, 3 / 5, 0],
    "truncated map": [1, (1 / 3) / 2, 0, 1, 0],
    "mrr": [1, 1 / 3, 0, 1, 0],
    "hit_rate": [1, 1, 0, 1, 0],
}


def flat(wanted):
    begins = np.concatenate([[0], np.cumsum([len(one) for one in wanted])])
    return begins, np.array([item for one in wanted for item in one], dtype=int)


def values(lists, wanted):
    begins, items = flat(wanted)
    hits, many = ranking.hits_of(lists, begins, items), ranking.many_wanted(begins, items)
    return {
        "ndcg": ranking.ndcg(hits, many),
        "ndcg_all": ranking.ndcg(hits, many, "all"),
        "recall": ranking.recall(hits, many),
        "truncated recall": ranking.recall(hits, many, truncated=True),
        "precision": ranking.precision(hits),
        "map": ranking.average_precision(hits, many),
        "truncated map": ranking.average_precision(hits, many, truncated=True),
        "mrr": ranking.reciprocal_rank(hits),
        "hit_rate": ranking.hit(hits),
    }


@pytest.fixture(scope="module")
def random():
    """Two hundred customers, forty items, lists of ten, every customer wants one to fifteen."""
    rng = np.random.default_rng(7)
    scores = rng.permuted(np.tile(np.arange(40.0), (200, 1)), axis=1)
    lists = np.argsort(-scores, axis=1)[:, :10]
    wanted = [rng.choice(40, int(rng.integers(1, 16)), replace=False).tolist() for _ in range(200)]
    return scores, lists, wanted


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name):
    assert values(LISTS, WANTED)[name] == pytest.approx(BY_HAND[name], abs=1e-15)


def test_ndcg_is_scikit_learns_with_either_ideal(random):
    scores, lists, wanted = random
    relevant = np.zeros_like(scores)
    for row, items in enumerate(wanted):
        relevant[row, items] = 1
    found = values(lists, wanted)
    assert found["ndcg"].mean() == pytest.approx(ndcg_score(relevant, scores, k=10), abs=1e-12)
    whole = [
        dcg_score(relevant[[row]], scores[[row]], k=10) / dcg_score(relevant[[row]], relevant[[row]])
        for row in range(200)
    ]
    assert found["ndcg_all"] == pytest.approx(whole, abs=1e-12)


def test_ndcg_map_and_precision_are_implicits(random):
    from implicit.evaluation import ranking_metrics_at_k

    _, lists, wanted = random
    begins, items = flat(wanted)
    held_out = sparse.csr_matrix((np.ones(len(items), dtype=np.float32), items, begins), shape=(200, 40))

    class Model:
        """What implicit takes for a model: lists that are there already."""

        def recommend(self, users, user_items, N=10, **_):
            return lists[users, :N].astype(np.int32), np.zeros((len(users), N))

    theirs = ranking_metrics_at_k(Model(), sparse.csr_matrix((200, 40)), held_out, K=10, show_progress=False)
    ours = values(lists, wanted)
    assert ours["ndcg"].mean() == pytest.approx(theirs["ndcg"], abs=1e-9)
    assert ours["truncated map"].mean() == pytest.approx(theirs["map"], abs=1e-9)
    # Their precision divides all hits by the most that lists of ten could hit.
    most = np.minimum([len(one) for one in wanted], 10).sum()
    assert ours["precision"].sum() * 10 / most == pytest.approx(theirs["precision"], abs=1e-9)


def test_duplicates_count_once_and_empty_places_never():
    hits = ranking.hits_of([[3, 3, -1, 2]], [0, 3], [3, 3, 2])
    assert hits.tolist() == [[True, False, False, True]]
    assert ranking.many_wanted([0, 3], [3, 3, 2]).tolist() == [2]
    assert ranking.hits_of([[-1, -1]], [0, 0], []).tolist() == [[False, False]]
    assert ranking.hits_of(np.zeros((0, 3)), [0], []).shape == (0, 3)


def test_who_wanted_nothing_counts_in_no_mean():
    begins, items = flat(WANTED)
    hits, many = ranking.hits_of(LISTS, begins, items), ranking.many_wanted(begins, items)
    codes, customers = codes_of(range(5))
    once = np.ones((customers, 1))
    for name, statistic in ranking.ranking_statistics(hits, many, codes, customers).items():
        assert float(statistic(once)[0, 0]) == pytest.approx(np.mean(BY_HAND[name][:4])), name
    twice = np.array([[2.0], [0], [0], [1], [5]])  # the last of whom nothing is known, as often as one likes
    recall = ranking.ranking_statistics(hits, many, codes, customers)["recall"]
    assert float(recall(twice)[0, 0]) == pytest.approx((2 * 1 + 3 / 5) / 3)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_laws(data):
    items = data.draw(st.integers(2, 12))
    k = data.draw(st.integers(1, items))
    listed = data.draw(st.permutations(range(items)))[:k]
    wanted = data.draw(st.sets(st.integers(0, items - 1), min_size=1))
    found = {name: float(one[0]) for name, one in values(np.array([listed]), [sorted(wanted)]).items()}
    assert all(0 <= one <= 1 + 1e-12 for one in found.values())
    assert found["ndcg_all"] <= found["ndcg"] + 1e-12
    assert found["recall"] <= found["truncated recall"] + 1e-12
    assert found["map"] <= found["recall"] + 1e-12
    assert (found["hit_rate"] == 0) == (found["ndcg"] == 0) == (found["mrr"] == 0)
    assert found["precision"] * k == pytest.approx(found["recall"] * len(wanted))
    # The best list of all has an NDCG of one; a hit that moves up makes no list worse.
    best = sorted(listed, key=lambda item: item not in wanted)
    better = {name: float(one[0]) for name, one in values(np.array([best]), [sorted(wanted)]).items()}
    assert all(better[name] >= found[name] - 1e-12 for name in found)
    ideal = [*wanted, *(one for one in range(items) if one not in wanted)][:k]
    assert float(values(np.array([ideal]), [sorted(wanted)])["ndcg"][0]) == pytest.approx(1)


def test_a_hundred_thousand_customers_need_no_matrix_of_all_items():
    import tracemalloc

    rng = np.random.default_rng(0)
    lists, many = rng.integers(0, 20_000, (100_000, 10)), rng.integers(0, 40, 100_000)
    begins = np.concatenate([[0], np.cumsum(many)])
    items = rng.integers(0, 20_000, begins[-1])
    tracemalloc.start()
    hits, wanted = ranking.hits_of(lists, begins, items), ranking.many_wanted(begins, items)
    ranking.ranking_statistics(hits, wanted, np.arange(100_000), 100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400e6  # a matrix of 100,000 × 20,000 numbers has 8,000 million bytes
    assert hits.sum() == pytest.approx(items.size * 10 / 20_000, rel=0.2)

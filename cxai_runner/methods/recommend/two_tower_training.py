"""How the two towers are built and trained with Keras, and what is taken from them when they are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cxai_runner.methods.recommend.baskets import Baskets, Places, spans
from cxai_runner.methods.recommend.errors import UnlearnableError
from cxai_runner.methods.recommend.interactions import Floats, Interactions
from cxai_runner.methods.recommend.learning import Weights
from cxai_runner.methods.recommend.network import Training, descending, plain, tensor

if TYPE_CHECKING:
    from cxai_runner.methods.recommend.two_tower import TwoTower

NEVER = -1e9
"""The score of a pair's own item where it stands for another pair: it is not to be told from itself."""
TINY = 1e-12


def training(keras: Any, asked: TwoTower, several: Interactions, rng: np.random.Generator) -> Training:
    """Build two towers as their estimator asks.

    Raises
    ------
    UnlearnableError
        No customer bought twice.
    """
    pairs = Pairs(several, asked.past_, asked.repeats, asked.history_weights(several), asked.thinning)
    rows = several.rows
    about = asked.about_customers_.transform(several.customers).astype(np.float32)
    towers = Towers(keras, asked, several.items, about.shape[1])
    step = _step(keras, asked, towers, pairs.shares)

    def steps() -> Iterator[Any]:
        for events in pairs.drawn(asked.draws, asked.batch_size, rng):
            yield step(pairs.histories(events, rng), about[rows[events]], several.codes[events])

    return steps, towers.weights


class Pairs:
    """What customers bought, each with what of their histories it is to be foretold from.

    Parameters
    ----------
    several
        The customers who are learned from.
    past
        Whether an item is foretold from the baskets before it, or from all that a customer bought beside it.
    repeats
        Whether what was bought again is to be foretold too.
    weights
        How much each event counts in a history.
    thinning
        The largest share of a history that is left out.
    """

    def __init__(self, several: Interactions, past: bool, repeats: bool, weights: Floats, thinning: float) -> None:
        self.several, self.weights, self.thinning = several, weights, thinning
        baskets, rows = Baskets(several), several.rows
        self.begins, self.ends = several.begins[rows], several.begins[rows + 1]
        self.within = np.ones(len(rows), dtype=np.bool_)
        if past:
            own = baskets.of_events
            self.within = baskets.firsts[rows] == own  # of the first basket there is but the rest of it
            self.ends = baskets.begins[own + self.within]
        fit = (self.ends - self.begins > self.within) & (repeats | baskets.first_time)
        self.targets = np.flatnonzero(fit)
        if not len(self.targets):
            raise UnlearnableError("no customer has a history of two purchases or more: there is nothing to learn from")
        counts = np.bincount(rows[self.targets], minlength=len(several))
        self.starts = (np.cumsum(counts) - counts)[counts > 0]
        self.counts = counts[counts > 0]
        share = 1 / (counts[rows[self.targets]] * len(self.counts))
        counted = np.bincount(several.codes[self.targets], weights=share, minlength=several.items)
        self.shares: NDArray[np.float64] = np.asarray(counted, dtype=np.float64)

    def drawn(self, draws: int, size: int, rng: np.random.Generator) -> Iterator[Places]:
        """Yield the events of an epoch, in steps of about ``size``: of each customer equally many."""
        counts, starts = (np.repeat(one, draws) for one in (self.counts, self.starts))
        places = starts + np.floor(rng.random(len(counts)) * counts).astype(np.int64)
        events = self.targets[rng.permutation(places)]
        yield from np.array_split(events, -(-len(events) // size))

    def histories(self, events: Places, rng: np.random.Generator) -> sparse.csr_array:
        """Return what each event is foretold from: weights of items that add up to 1, shape (events, m)."""
        places, rows = spans(self.begins[events], self.ends[events])
        codes = self.several.codes
        kept = rng.random(len(rows)) >= self.thinning * rng.random(len(events))[rows]
        kept &= ~self.within[events][rows] | (codes[places] != codes[events][rows])
        places, rows = places[kept], rows[kept]
        weights = self.weights[places].astype(np.float64)
        total = np.bincount(rows, weights=weights, minlength=len(events))[rows]
        begins = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(events)))])
        shares = (weights / np.where(total > 0, total, 1)).astype(np.float32)
        found = sparse.csr_array((shares, codes[places], begins), shape=(len(events), self.several.items))
        found.sum_duplicates()
        return found


class Towers:
    """The layers of both towers.

    Parameters
    ----------
    keras
        Keras.
    asked
        The estimator.
    items
        How many there are.
    known
        How many numbers are known of a customer.
    """

    def __init__(self, keras: Any, asked: TwoTower, items: int, known: int) -> None:
        layers, ops = keras.layers, keras.ops
        self.ops = ops
        start = keras.initializers.RandomNormal(stddev=asked.dimension**-0.5)
        self.history = layers.Embedding(items, asked.dimension, embeddings_initializer=start)
        self.item = layers.Embedding(items, asked.dimension, embeddings_initializer=start)
        self.hidden = [layers.Dense(int(width), activation="relu") for width in asked.layers]
        self.last = layers.Dense(asked.dimension)
        self.dropout = layers.Dropout(asked.dropout)
        self.features = layers.Dense(asked.dimension, use_bias=False) if asked.features_.shape[1] else None
        self.about_items = ops.convert_to_tensor(asked.features_.astype(np.float32))
        self.temperature = asked.temperature
        self.history(np.zeros(1, dtype=np.int32))
        self.history.build()
        self.customers(ops.zeros((1, items)), ops.zeros((1, known)))
        self.items(np.zeros(1, dtype=np.int32))

    @property
    def variables(self) -> list[Any]:
        """All that is learned."""
        parts = [self.history, self.item, *self.hidden, self.last, *([self.features] if self.features else [])]
        return [one for part in parts for one in part.trainable_variables]

    def customers(self, histories: Any, known: Any, training: bool = False) -> Any:
        """Return the vectors of customers, shape (n, dimension), of length 1; histories may be a sparse tensor."""
        ops = self.ops
        values = ops.concatenate([ops.matmul(histories, self.history.embeddings), known], axis=1)
        values = self.dropout(values, training=training)
        for layer in self.hidden:
            values = self.dropout(layer(values), training=training)
        return self._unit(self.last(values))

    def items(self, codes: Any) -> Any:
        """Return the vectors of items, shape (n, dimension), of length 1."""
        values = self.item(codes)
        if self.features is not None:
            values = values + self.features(self.ops.take(self.about_items, codes, axis=0))
        return self._unit(values)

    def scores(self, customers: Any, items: Any) -> Any:
        """Return the cosines over the temperature, shape (customers, items)."""
        return self.ops.matmul(customers, self.ops.transpose(items)) / self.temperature

    def weights(self) -> Weights:
        """Return what is learned as plain arrays."""
        found = {"history": self.history.embeddings, "item": self.item.embeddings}
        for place, layer in enumerate(self.hidden):
            found |= {f"hidden_{place}": layer.kernel, f"hidden_{place}_bias": layer.bias}
        found |= {"last": self.last.kernel, "last_bias": self.last.bias}
        if self.features is not None:
            found["features"] = self.features.kernel
        return {name: plain(one) for name, one in found.items()}

    def _unit(self, values: Any) -> Any:
        length = self.ops.sqrt(self.ops.sum(self.ops.square(values), axis=1, keepdims=True) + TINY)
        return values / length


def _step(keras: Any, asked: TwoTower, towers: Towers, shares: NDArray[np.float64]) -> Callable[..., Any]:
    """Return what takes one step and returns its loss."""
    import tensorflow as tf

    ops = keras.ops
    optimiser = keras.optimizers.Adam(asked.learning_rate, weight_decay=asked.weight_decay or None)
    log_shares = tf.constant(np.log(np.maximum(shares, TINY)), dtype=tf.float32)

    def loss(histories: Any, known: Any, targets: Any) -> Any:
        customers = towers.customers(histories, known, training=True)
        scores = towers.scores(customers, towers.items(targets)) - ops.take(log_shares, targets)
        same = ops.cast(ops.equal(ops.expand_dims(targets, 1), targets), "float32")
        own = ops.eye(ops.shape(targets)[0])
        return ops.mean(tf.nn.softmax_cross_entropy_with_logits(own, scores + NEVER * (same - own)))

    step = descending(optimiser, towers.variables, loss)

    def taken(histories: sparse.csr_array, known: Floats, targets: NDArray[np.int32]) -> Any:
        return step(tensor(histories), tf.constant(known), tf.constant(targets))

    return taken

"""How the self-attentive model is built and trained with Keras, and what is taken from it when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cxai_runner.methods.recommend.baskets import Baskets, Places, spans
from cxai_runner.methods.recommend.errors import UnlearnableError
from cxai_runner.methods.recommend.interactions import Interactions
from cxai_runner.methods.recommend.learning import Weights
from cxai_runner.methods.recommend.network import Training, descending, plain, tensor
from cxai_runner.methods.recommend.self_attentive import bagged

if TYPE_CHECKING:
    from cxai_runner.methods.recommend.self_attentive import SelfAttentive


def training(keras: Any, asked: SelfAttentive, several: Interactions, rng: np.random.Generator) -> Training:
    """Build the model as its estimator asks.

    Raises
    ------
    UnlearnableError
        No customer bought at two times.
    """
    windows = Windows(several, asked.length, asked.ahead, asked.repeats)
    layers = Layers(keras, asked, several.items)
    step = _step(keras, asked, layers, windows)

    def steps() -> Iterator[Any]:
        begins, ends = windows.drawn(rng)
        for one in np.array_split(np.arange(len(begins)), -(-len(begins) // asked.batch_size)):
            yield step(begins[one], ends[one], rng)

    return steps, layers.weights


class Windows:
    """Runs of baskets that are learned from.

    Parameters
    ----------
    several
        The customers who are learned from.
    length
        The most baskets of a run.
    ahead
        How many baskets are foretold from each.
    repeats
        Whether what was bought again is to be foretold too.
    """

    def __init__(self, several: Interactions, length: int, ahead: int, repeats: bool) -> None:
        self.baskets = Baskets(several)
        self.length, self.ahead = length, ahead
        firsts = self.baskets.firsts
        fit = np.diff(firsts) > 1
        if not fit.any():
            raise UnlearnableError("no customer bought at two times: there is no sequence to learn from")
        self.first, self.last = firsts[:-1][fit], firsts[1:][fit] - 1
        owners = np.repeat(np.arange(len(firsts) - 1), np.diff(firsts))
        self.until = firsts[owners + 1]
        self.counts = np.ones(len(several.codes)) if repeats else self.baskets.first_time.astype(np.float64)
        self.popular = np.bincount(several.codes, minlength=several.items) / len(several.codes)

    def drawn(self, rng: np.random.Generator) -> tuple[Places, Places]:
        """Return an epoch's runs, in any order: of each customer as many as their baskets fill, wherever they end."""
        many = self.last - self.first
        times = -(-many // self.length)
        first, many = np.repeat(self.first, times), np.repeat(many, times)
        spare = np.maximum(many - self.length, 0)
        ends = first + many - np.floor(rng.random(len(first)) * (spare + 1)).astype(np.int64)
        order = rng.permutation(len(ends))
        return np.maximum(first, ends - self.length)[order], ends[order]

    def wanted(self, begins: Places, ends: Places) -> sparse.csr_array:
        """Return what is to be foretold from each basket of some runs: shares of items, shape (baskets, m)."""
        places, _ = spans(begins, ends)
        until = np.minimum(places + 1 + self.ahead, self.until[places])
        events, rows = spans(self.baskets.begins[places + 1], self.baskets.begins[until])
        several = self.baskets.several
        found = sparse.csr_array(
            (self.counts[events], (rows, several.codes[events])), shape=(len(places), several.items)
        )
        found.sum_duplicates()
        found.eliminate_zeros()
        total = np.asarray(found.sum(axis=1))
        found.data /= np.repeat(total, np.diff(found.indptr))
        return found


class Layers:
    """The layers of the model.

    Parameters
    ----------
    keras
        Keras.
    asked
        The estimator.
    items
        How many there are.
    """

    def __init__(self, keras: Any, asked: SelfAttentive, items: int) -> None:
        layers, self.ops, self.asked = keras.layers, keras.ops, asked
        d, few = asked.dimension, keras.initializers.RandomNormal(stddev=0.02)
        self.item = layers.Embedding(items, d, embeddings_initializer=few)
        self.place = layers.Embedding(asked.length, d, embeddings_initializer=few)
        self.constant = layers.Embedding(items, 1, embeddings_initializer="zeros")
        self.dropout = layers.Dropout(asked.dropout)
        self.blocks = [
            {
                "norm": layers.LayerNormalization(epsilon=1e-6),
                "attention": layers.MultiHeadAttention(asked.heads, d // asked.heads, dropout=asked.dropout),
                "norm2": layers.LayerNormalization(epsilon=1e-6),
                "inner": layers.Dense(d, activation="relu"),
                "outer": layers.Dense(d),
            }
            for _ in range(asked.blocks)
        ]
        self.norm = layers.LayerNormalization(epsilon=1e-6)
        for layer in (self.item, self.place, self.constant):
            layer.build()
        none = np.zeros((1, asked.length), dtype=np.float32)
        self.states(self.ops.zeros((asked.length, items)), np.arange(asked.length), none > 0)

    @property
    def variables(self) -> list[Any]:
        """All that is learned."""
        parts = [self.item, self.place, self.constant, self.norm, *(one for b in self.blocks for one in b.values())]
        return [one for part in parts for one in part.trainable_variables]

    def states(self, bags: Any, slots: Any, there: Any, training: bool = False) -> Any:
        """Return the state of each place of several sequences, shape (n · length, dimension).

        Parameters
        ----------
        bags, slots
            As `bagged` returns them; the former may be a sparse tensor.
        there
            Where there is a basket, shape (n, length).
        """
        ops, d = self.ops, self.asked.dimension
        many = ops.shape(there)[0]
        values = ops.segment_sum(ops.matmul(bags, self.item.embeddings), slots, many * self.asked.length)
        values = ops.reshape(values, (many, self.asked.length, d)) * d**0.5 + self.place.embeddings
        values = self.dropout(values, training=training)
        visible = ops.expand_dims(there, 1)
        for block in self.blocks:
            seen = block["norm"](values)
            values += self.dropout(
                block["attention"](seen, seen, attention_mask=visible, use_causal_mask=True, training=training),
                training=training,
            )
            inner = self.dropout(block["inner"](block["norm2"](values)), training=training)
            values += self.dropout(block["outer"](inner), training=training)
        return ops.reshape(self.norm(values), (-1, d))

    def scores(self, states: Any, items: Any = None) -> Any:
        """Return the score of each item, or of some, from each state, shape (states, items)."""
        ops = self.ops
        vectors = self.item.embeddings if items is None else ops.take(self.item.embeddings, items, axis=0)
        constant = self.constant.embeddings if items is None else ops.take(self.constant.embeddings, items, axis=0)
        return ops.matmul(states, ops.transpose(vectors)) + constant[:, 0]

    def weights(self) -> Weights:
        """Return what is learned as plain arrays."""
        found = {"item": plain(self.item.embeddings), "place": plain(self.place.embeddings)}
        found |= {"constant": plain(self.constant.embeddings)[:, 0], "norm": _norm(self.norm)}
        for number, block in enumerate(self.blocks):
            attention = block["attention"]
            dense = {
                "query": attention.query_dense,
                "key": attention.key_dense,
                "value": attention.value_dense,
                "out": attention.output_dense,
                "inner": block["inner"],
                "outer": block["outer"],
            }
            for name, layer in dense.items():
                found |= {f"{number}_{name}": plain(layer.kernel), f"{number}_{name}_bias": plain(layer.bias)}
            found |= {f"{number}_{name}": _norm(block[name]) for name in ("norm", "norm2")}
        return found


def _norm(layer: Any) -> NDArray[np.float64]:
    return np.stack([plain(layer.gamma), plain(layer.beta)])


def _step(keras: Any, asked: SelfAttentive, layers: Layers, windows: Windows) -> Callable[..., Any]:
    """Return what takes one step with some runs and returns its loss."""
    import tensorflow as tf

    ops, length, many = keras.ops, asked.length, asked.negatives_
    optimiser = keras.optimizers.Adam(asked.learning_rate)
    drawn_by = (windows.popular + 1 / len(windows.popular)) / 2
    correction = np.log(np.maximum(many, 1) * drawn_by).astype(np.float32)

    def whole(states: Any, wanted: Any) -> Any:
        return tf.nn.softmax_cross_entropy_with_logits(tf.sparse.to_dense(wanted), layers.scores(states))

    def sampled(states: Any, wanted: Any, items: Any, corrected: Any) -> Any:
        rows, codes = wanted.indices[:, 0], wanted.indices[:, 1]
        others = ops.logsumexp(layers.scores(states, items) - corrected, axis=1)
        vectors = ops.take(layers.item.embeddings, codes, axis=0)
        own = ops.sum(ops.take(states, rows, axis=0) * vectors, axis=1)
        own += ops.take(layers.constant.embeddings[:, 0], codes, axis=0)
        each = ops.logaddexp(own, ops.take(others, rows, axis=0)) - own
        return ops.segment_sum(each * wanted.values, rows, ops.shape(states)[0])

    def loss(bags: Any, slots: Any, there: Any, wanted: Any, items: Any, corrected: Any) -> Any:
        states = ops.take(layers.states(bags, slots, there, training=True), slots, axis=0)
        losses = sampled(states, wanted, items, corrected) if many else whole(states, wanted)
        some = ops.cast(tf.sparse.reduce_sum(wanted, axis=1) > 0, "float32")
        return ops.sum(losses * some) / ops.maximum(ops.sum(some), 1.0)

    step = descending(optimiser, layers.variables, loss)

    def taken(begins: Places, ends: Places, rng: np.random.Generator) -> Any:
        bags, slots = bagged(windows.baskets, begins, ends, length)
        there = np.zeros(len(begins) * length, dtype=np.bool_)
        there[slots] = True
        items = rng.choice(len(drawn_by), many, p=drawn_by) if many else np.zeros(1, dtype=np.int64)
        wanted = windows.wanted(begins, ends)
        return step(
            tensor(bags),
            tf.constant(slots),
            tf.constant(there.reshape(-1, length)),
            tensor(wanted),
            tf.constant(items),
            tf.constant(correction[items]),
        )

    return taken

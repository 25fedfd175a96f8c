"""Models of brand choice beside xlogit, choice-learn and statsmodels, at the same log-likelihood.

Each side runs in a process of its own. Seconds are those of the fit, from a frame or arrays in memory to standard
errors; memory is that of the whole process. xlogit and choice-learn are in requirements-peers.lock: `make bench`
installs them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.measure import Row, Spent, spend

ALTERNATIVES, TERMS = 5, 10
CUSTOMERS, TIMES, SUPPLIERS, RANDOM, DRAWS = 361, 12, 4, 6, 500
REPEAT = 3

# Log-likelihoods further apart than this are not the same maximum. Both mixed logits take the plain Halton sequence.
APART = 1e-3

# Model, peer, panel, and what the ratio of seconds should be.
PAIRS = (
    ("conditional", "xlogit", "small", "≤ 0.25"),
    ("conditional", "choice_learn", "small", ""),
    ("mixed", "xlogit", "suppliers", "< 1"),
    ("multinomial", "statsmodels", "small", ""),
)


def rows() -> list[Row]:
    """Make the panels, fit each on both sides, and hold the log-likelihoods equal before a row is printed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        panels = {
            "small": _panel(home / "small.parquet", 100_000),
            "large": _panel(home / "large.parquet", 1_000_000),
            "suppliers": _suppliers(home / "suppliers.parquet"),
        }
        found = []
        for model, peer, panel, target in PAIRS:
            if find_spec(peer) is None:
                print(f"{peer} is not here: its row is left out; see requirements-peers.lock")
            else:
                found.append(_compared(model, peer, panels[panel], home, target))
        large = panels["large"]
        million, read = _spent("conditional", large, home)[0], _spent("read", large, home)[0]
        found.append(
            Row("choice", "conditional, 1 million occasions", "every column read", million, read, "≤ 4,096 MiB")
        )
        return found


def _compared(model: str, peer: str, panel: Path, home: Path, target: str) -> Row:
    """Both sides in turn, the fastest of each."""
    pairs = [(_spent(model, panel, home), _spent(f"{peer}_{model}", panel, home)) for _ in range(REPEAT)]
    values = [value for pair in pairs for _, value in pair]
    if max(values) - min(values) > APART:
        raise SystemExit(f"{model}, ours and that of {peer}, end at different log-likelihoods: {values}")
    best = [min((side[0] for side in sides), key=lambda spent: spent.seconds) for sides in zip(*pairs, strict=True)]
    return Row("choice", f"{model}, {panel.stem} panel", peer, best[0], best[1], target)


def _spent(side: str, panel: Path, home: Path) -> tuple[Spent, float]:
    told = home / f"{side}.json"
    spent = spend([sys.executable, "-m", "benchmarks.choice", side, str(panel), str(told)])
    seconds, value = json.loads(told.read_text())
    return Spent(seconds, spent.memory_mb), value


def _panel(path: Path, n: int) -> Path:
    """A wide panel: ten attributes of five alternatives, all of which matter."""
    rng = np.random.default_rng(0)
    values, coefficients = rng.normal(size=(TERMS, ALTERNATIVES, n)), rng.normal(size=TERMS) / 2
    utility = np.tensordot(coefficients, values, 1) + rng.gumbel(size=(ALTERNATIVES, n))
    frame = pd.DataFrame({f"x{k}_{j}": values[k, j] for k in range(TERMS) for j in range(ALTERNATIVES)})
    frame["choice"] = utility.argmax(axis=0)
    frame.to_parquet(path)
    return path


def _suppliers(path: Path) -> Path:
    """A panel of the size of the electricity data: six attributes, whose coefficients are normal over customers."""
    rng = np.random.default_rng(1)
    n = CUSTOMERS * TIMES
    values = rng.normal(size=(RANDOM, SUPPLIERS, n))
    coefficients = np.repeat(rng.normal(0.5, 1, (RANDOM, CUSTOMERS)), TIMES, axis=1)
    utility = (coefficients[:, np.newaxis] * values).sum(axis=0) + rng.gumbel(size=(SUPPLIERS, n))
    frame = pd.DataFrame({f"x{k}_{j}": values[k, j] for k in range(RANDOM) for j in range(SUPPLIERS)})
    frame = frame.assign(choice=utility.argmax(axis=0), customer=np.repeat(np.arange(CUSTOMERS), TIMES))
    frame.to_parquet(path)
    return path


def _terms(frame: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(name.split("_")[0] for name in frame if name.startswith("x")))


def conditional(frame: pd.DataFrame) -> float:
    """Ours, robust standard errors."""
    from cxai_runner.methods.choice import ConditionalLogit

    utility = f"{' + '.join(_terms(frame))} | 0"
    model = ConditionalLogit(utility, covariance="robust").fit(frame, frame["choice"])
    return model.log_likelihood_


def multinomial(frame: pd.DataFrame) -> float:
    """Ours, with the attributes of the first alternative as characteristics of the customer."""
    from cxai_runner.methods.choice import ConditionalLogit

    terms = dict.fromkeys([f"{name}_0" for name in _terms(frame)], "alternative")
    model = ConditionalLogit(terms, alternatives=range(ALTERNATIVES), covariance="robust").fit(frame, frame["choice"])
    return model.log_likelihood_


def mixed(frame: pd.DataFrame) -> float:
    """Ours, all coefficients normal."""
    from cxai_runner.methods.choice import MixedLogit

    names = _terms(frame)
    model = MixedLogit(f"{' + '.join(names)} | 0", random=dict.fromkeys(names, "normal"), n_draws=DRAWS)
    return model.fit(frame, frame["choice"], groups=frame["customer"]).log_likelihood_


def read(frame: pd.DataFrame) -> float:
    """The sum of every column."""
    return float(frame.sum().sum())


def xlogit_conditional(frame: pd.DataFrame) -> float:
    """Robust standard errors, from its long form, which is made before the clock starts."""
    from xlogit import MultinomialLogit

    model = MultinomialLogit()
    model.fit(**_long(frame), robust=True, verbose=0)
    return float(model.loglikelihood)


def choice_learn_conditional(frame: pd.DataFrame) -> float:
    """Classical standard errors, its only ones; single precision, so that the figure is computed where it ended."""
    from choice_learn.data import ChoiceDataset
    from choice_learn.models import SimpleMNL

    values, chosen = _ITEMS["values"], _ITEMS["chosen"]
    model = SimpleMNL(intercept=None)
    model.fit(ChoiceDataset(choices=chosen, items_features_by_choice=values), get_report=True)
    utility = values @ model.trainable_weights[0].numpy().astype(np.float64)
    utility -= utility.max(axis=1, keepdims=True)
    own = utility[np.arange(len(chosen)), chosen]
    return float((own - np.log(np.exp(utility).sum(axis=1))).sum())


def xlogit_mixed(frame: pd.DataFrame) -> float:
    """All coefficients normal, Halton draws."""
    from xlogit import MixedLogit

    model = MixedLogit()
    panels = np.repeat(frame["customer"].to_numpy(), SUPPLIERS)
    random = dict.fromkeys(_terms(frame), "n")
    model.fit(**_long(frame), randvars=random, panels=panels, n_draws=DRAWS, halton=True, verbose=0)
    return float(model.loglikelihood)


def statsmodels_multinomial(frame: pd.DataFrame) -> float:
    """Robust standard errors."""
    import statsmodels.api as sm

    X = sm.add_constant(frame[[f"{name}_0" for name in _terms(frame)]])
    return float(sm.MNLogit(frame["choice"], X).fit(disp=0, cov_type="HC0").llf)


# What a peer takes instead of a frame, made before the clock starts.
_LONG: dict[str, object] = {}
_ITEMS: dict[str, NDArray[Any]] = {}


def _long(frame: pd.DataFrame) -> dict[str, object]:
    """The arrays that xlogit takes: one row per occasion and alternative."""
    if not _LONG:
        names, values = _terms(frame), _values(frame)
        n, count, _ = values.shape
        alternatives, ids = np.tile(np.arange(count), n), np.repeat(np.arange(n), count)
        chosen = (alternatives == frame["choice"].to_numpy()[ids]).astype(int)
        _LONG.update(X=values.reshape(n * count, -1), y=chosen, varnames=names, alts=alternatives, ids=ids)
    return _LONG


def _values(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Attributes of each alternative at each occasion, shape (n, J, K)."""
    names = _terms(frame)
    count = sum(name.startswith(f"{names[0]}_") for name in frame)
    return np.stack([frame[[f"{name}_{j}" for j in range(count)]].to_numpy() for name in names], axis=-1)


SIDES = {
    side.__name__: side
    for side in (
        conditional,
        multinomial,
        mixed,
        read,
        xlogit_conditional,
        xlogit_mixed,
        choice_learn_conditional,
        statsmodels_multinomial,
    )
}


def main(side: str, panel: str, told: str) -> None:
    """Fit one side, and write what it took and where it ended."""
    frame = pd.read_parquet(panel)
    if side.startswith("xlogit"):
        _long(frame)
    if side.startswith("choice_learn"):
        _ITEMS.update(values=_values(frame), chosen=frame["choice"].to_numpy())
    # Imports are not the fit's.
    used = [
        name for name in ("statsmodels.api", "xlogit", "choice_learn.models") if side.startswith(name.split(".")[0])
    ]
    for package in used or ["cxai_runner.methods.choice"]:
        import_module(package)
    begun = time.perf_counter()
    value = SIDES[side](frame)
    Path(told).write_text(json.dumps([time.perf_counter() - begun, value]))


if __name__ == "__main__":
    main(*sys.argv[1:])

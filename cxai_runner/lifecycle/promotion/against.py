"""The gate of the champion: on the same rows, the challenger must be no worse than the model in charge.

The challenger's held-out rows are built again and the champion is asked about them, in a process of its own and with
its own code. Rows that the champion was trained on are left out: it knows those. What the challenger is held to are
its scores of held-out rows, made by a fit that left them out. Both are then scored by the
challenger's task and compared pair by pair. The question is not whether the two can be told apart but whether the
challenger can be worse by more than a margin, so it is the bad end of the interval that has to lie within.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from cxai_runner.config.problems import UserError
from cxai_runner.evaluation import paired
from cxai_runner.evaluation.wording import number
from cxai_runner.kept.apart import ModelApart, ModelError
from cxai_runner.kept.run import Kept
from cxai_runner.lifecycle.promotion.gate import Gate
from cxai_runner.lifecycle.promotion.rows import NotComparableError, Rows
from cxai_runner.tracking.record import REFIT

if TYPE_CHECKING:
    from cxai_runner.evaluation.comparison import Comparison
    from cxai_runner.lifecycle.promotion.candidate import Candidate
    from cxai_runner.lifecycle.promotion.registry import Version
    from cxai_runner.lifecycle.promotion.settings import Gates

NAME = "champion"

Ask = Callable[[], Rows | NotComparableError]


def against(candidate: Candidate, champion: Version | None, gates: Gates, ask: Ask, *, trust: bool = False) -> Gate:
    """Hold a challenger against the champion.

    Parameters
    ----------
    candidate
        The challenger.
    champion
        The version in charge; None before the first.
    gates
        Metric, margin, how it has to be shown, and what becomes of what cannot be compared.
    ask
        Returns the challenger's held-out rows, or why there are none.
    trust
        Whether the champion's model may run code that no seal says was written here.
    """
    if champion is None:
        return Gate(NAME, True, "nobody is in charge yet")
    try:
        comparison, rows = _compared(candidate, champion, gates, ask, trust=trust)
    except NotComparableError as error:
        let = gates.not_comparable == "pass"
        allowed = "; which promotion.not_comparable=pass allows" if let else ""
        return Gate(NAME, let, f"not comparable with {champion}: {error}{allowed}")
    worse = 1 if comparison.better == "lower" else -1
    gap = comparison.difference
    far = gap.value if gates.proof == "value" else max(worse * gap.low, worse * gap.high) * worse
    passed = worse * far <= gates.margin
    where = f"on the same {rows:,} rows of {comparison.customers:,} customers"
    value, low, high, most = _signed(gap.value, gap.low, gap.high, worse * gates.margin)
    words = f"{comparison.label} {value} [{low}, {high}] against {champion} {where}, allowed {most}"
    if not passed and comparison.verdict == "cannot tell":
        words += f"; worse or not, {comparison.words}"
    figures = {"difference": gap.value, "difference_low": gap.low, "difference_high": gap.high}
    figures |= {"allowed": worse * gates.margin, "rows": float(rows), "customers": float(comparison.customers)}
    return Gate(NAME, passed, words, figures)


def _compared(
    candidate: Candidate, champion: Version, gates: Gates, ask: Ask, *, trust: bool
) -> tuple[Comparison, int]:
    """Compare the two on the rows that neither was trained on, and count those."""
    if not champion.run_id:
        raise NotComparableError("no run is known that made it")
    metric = gates.metric or candidate.primary
    if not metric:
        raise NotComparableError("the task names no metric that decides")
    theirs = Kept(candidate.kept.store, champion.run_id)
    tasks = [str(one.facts["tags"].get("cxai.task", "")) for one in (candidate.kept, theirs)]
    if tasks[0] != tasks[1]:
        raise NotComparableError(f"it answers another question, {tasks[1]}")
    rows = ask()
    if isinstance(rows, NotComparableError):
        raise rows
    # The challenger's own scores are of fits that left these rows out, whatever its kept model was fitted on.
    known = rows.trained(theirs, str(theirs.facts["tags"].get(REFIT, "")))
    left = ~known
    customers = rows.frame.loc[left, rows.id].nunique()
    if customers < gates.fewest:
        gone = f"{int(known.sum()):,} of {len(known):,} rows are ones that it was trained on"
        raise NotComparableError(f"{gone}, which leaves {customers:,} customers, fewer than {gates.fewest:,}")
    frame = rows.features_of(theirs)[left].reset_index(drop=True)
    try:
        with ModelApart.of(champion.uri, candidate.kept.store, trust=trust, threads=rows.context.threads) as model:
            predicted = model.predict(frame)
    except UserError as error:
        problem = error.problems[0]
        told = "; ".join(filter(None, (problem.message, problem.remedy)))
        raise NotComparableError(f"its model cannot be asked, {problem.key}: {told}") from None
    except ModelError as error:
        raise NotComparableError(f"its model cannot be asked: {error}") from None
    ours = rows.scores[left].reset_index(drop=True).drop(columns=paired.FOLD, errors="ignore")
    others = rows.task.predicted(ours, predicted)
    if others is None:
        raise NotComparableError("its predictions alone do not say how well it does")
    found = paired.compare(rows.task, rows.context, ours, others, metric)
    if found.incomparable:
        raise NotComparableError(found.incomparable)
    return found, len(ours)


def _signed(*values: float) -> list[str]:
    """Differences with their signs, and as many digits as tell the nearest two of them apart."""
    gaps = [abs(one - other) for one, other in pairwise(sorted(values)) if one != other]
    digits = max(3, min(6, 1 - math.floor(math.log10(min(gaps))))) if gaps else 3
    texts = [number(value, digits) for value in values]
    return [text if text.startswith("−") else f"+{text}" for text in texts]

"""What a comparison of runs came to, as tables."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cxai_runner.evaluation.comparison import Comparison
from cxai_runner.evaluation.results import Content, Finding, Table
from cxai_runner.evaluation.wording import with_interval
from cxai_runner.lifecycle.compare.evidence import TOP
from cxai_runner.lifecycle.compare.standings import Goal, Row

if TYPE_CHECKING:
    import pandas as pd

_NAN: Final = math.nan
_ESTIMATE: Final = "estimate/"


@dataclass(frozen=True, eq=False)
class Compared:
    """Runs beside each other.

    Parameters
    ----------
    rows
        Runs, those that differ in seed alone in one, best first; those without a value last.
    goal
        What they are compared by; None of runs that measure nothing, and only describe.
    against
        The place in ``rows`` of the one that the others are compared with; None where no run has a value.
    shown
        How many of the rows were judged.
    comparisons
        By the places of two rows: ours minus theirs.
    task
        What was asked.
    notes
        What to know before relying on it, in sentences.
    more
        What the task says of these runs beside each other.
    """

    rows: tuple[Row, ...]
    goal: Goal | None
    against: int | None
    shown: int
    comparisons: Mapping[tuple[int, int], Comparison]
    task: str
    notes: tuple[str, ...] = ()
    more: tuple[Content, ...] = ()

    @property
    def params(self) -> list[str]:
        """The params that differ."""
        return list(self.rows[0].params) if self.rows else []

    @property
    def best(self) -> Row | None:
        """The first by rank."""
        return next((row for row in self.rows if row.rank == 1), None)

    @property
    def label(self) -> str:
        """The metric as it is read: as the task calls it, where a comparison asked the task."""
        plain = "" if self.goal is None else self.goal.label
        return next((one.label for one in self.comparisons.values() if not one.incomparable), plain)

    def beside(self, place: int) -> Comparison | None:
        """Return how a row stands beside the one that all are compared with; None where that was not judged."""
        return None if self.against is None else self.comparisons.get((place, self.against))

    def verdict(self, place: int) -> str:
        """Return in words how a row stands beside the one that all are compared with."""
        if place == self.against:
            return "the one compared with" if self.rows[place].rank != 1 else "the best"
        row, found = self.rows[place], self.beside(place)
        if found is not None:
            return found.words
        if row.rank is not None:
            return "not judged"
        if row.first.status != "FINISHED":
            return row.first.status.lower() + (
                f": {row.first.tags['cxai.error']}" if "cxai.error" in row.first.tags else ""
            )
        return "describes" if self.goal is None else f"has no {self.goal.key}"

    def frame(self) -> pd.DataFrame:
        """Return one row per row: what differs, every metric with its interval, the comparison, seconds and run ids."""
        import pandas as pd

        keys = self._metrics()
        return pd.DataFrame([self._flat(place, row, keys) for place, row in enumerate(self.rows)])

    def matrix(self) -> pd.DataFrame:
        """Return the top ten among themselves: one row per pair, ours minus theirs."""
        import pandas as pd

        rows = [
            {"run": self.rows[a].run, "other": self.rows[b].run, **_numbers(found), "verdict": found.words}
            for (a, b), found in sorted(self.comparisons.items())
            if a < TOP and b < TOP and a < b
        ]
        return pd.DataFrame(rows)

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        rows = []
        for place, row in enumerate(self.rows):
            found = self.beside(place)
            rows.append(
                {
                    "rank": row.rank,
                    "runs": [entry.run_id for entry in row.entries],
                    "name": row.first.name,
                    "status": row.first.status,
                    "seeds": list(row.seeds),
                    "params": dict(row.params),
                    "value": _ends(row.value),
                    "spread": row.spread,
                    "baseline": _ends(row.baseline),
                    "seconds": row.took,
                    "against": None if found is None else _numbers(found) | {"how": found.how},
                    "verdict": self.verdict(place),
                }
            )
        return {
            "task": self.task,
            "metric": None if self.goal is None else self.goal.key,
            "better": None if self.goal is None else self.goal.better,
            "against": None if self.against is None else self.rows[self.against].first.run_id,
            "rows": rows,
            "pairs": [
                {"run": self.rows[a].first.run_id, "other": self.rows[b].first.run_id}
                | _numbers(found)
                | {"verdict": found.words, "how": found.how}
                for (a, b), found in sorted(self.comparisons.items())
                if a < b
            ],
            "notes": list(self.notes),
            "findings": [one.text for one in self.more if isinstance(one, Finding)],
            "tables": {one.name: json.loads(one.frame.to_json(orient="records")) for one in self.tables()},
        }

    def tables(self) -> list[Table]:
        """Return what the task's own tables say of these runs, and what they estimate where nothing is judged."""
        own = [one for one in self.more if isinstance(one, Table)]
        return [*([estimates] if self.goal is None and (estimates := self._estimates()) is not None else []), *own]

    def _estimates(self) -> Table | None:
        """What each run found, a row for each quantity: of runs that only describe it is all that can be compared."""
        import pandas as pd

        runs = [row for row in self.rows if row.first.status == "FINISHED"]
        keys = dict.fromkeys(
            key
            for row in runs
            for key in row.first.metrics
            if key.startswith(_ESTIMATE) and not key.endswith(("_low", "_high"))
        )
        if not keys:
            return None
        told = [
            {
                "quantity": key.removeprefix(_ESTIMATE).replace("_", " "),
                **{row.run: "–" if (one := row.first.interval(key)) is None else with_interval(one) for row in runs},
            }
            for key in keys
        ]
        return Table("estimates", "What each run found", pd.DataFrame(told), "With 95 % intervals.", shown=len(told))

    def __repr__(self) -> str:
        by = "which only describe" if self.goal is None else f"by {self.goal.key}, {self.goal.better} is better"
        lines = [f"{self.task}: {len(self.rows)} rows {by}"]
        for place, row in list(enumerate(self.rows))[: max(self.shown, 1)]:
            value = "" if row.value is None else with_interval(row.value)
            what = ", ".join(f"{key} {text or 'none'}" for key, text in row.params.items())
            lines.append(f"  {row.run}  {value}  {self.verdict(place)}  {what}".rstrip())
        return "\n".join(lines)

    def _metrics(self) -> list[str]:
        """Every metric of the part that leads, without the ends of intervals, the goal's first."""
        part = _ESTIMATE if self.goal is None else f"{self.goal.part}/"
        own = None if self.goal is None else self.goal.key
        found = {
            key
            for row in self.rows
            for key in row.first.metrics
            if key.startswith(part) and "/" not in key[len(part) :]
        }
        plain = {key for key in found if not (key.endswith(("_low", "_high")) and key.rpartition("_")[0] in found)}
        return sorted(plain, key=lambda key: (key != own, key))

    def _flat(self, place: int, row: Row, keys: Sequence[str]) -> dict[str, Any]:
        found = self.beside(place)
        flat: dict[str, Any] = {"rank": row.rank, "run": row.first.run_id, "name": row.first.name, **row.params}
        flat |= {"seed": ", ".join(row.seeds)}
        for key in keys:
            name = key.rpartition("/")[2]
            is_goal = self.goal is not None and key == self.goal.key
            value = row.value if is_goal else row.first.interval(key)
            flat |= dict(zip((name, f"{name}_low", f"{name}_high"), _ends(value) or (None,) * 3, strict=True))
        flat |= {"spread": row.spread, "baseline": None if row.baseline is None else row.baseline.value}
        flat |= _numbers(found) if found is not None else dict.fromkeys(_NUMBERS)
        others = " ".join(entry.run_id for entry in row.entries[1:])
        return flat | {
            "verdict": self.verdict(place),
            "seconds": row.took,
            "status": row.first.status,
            "other_seeds": others,
        }


_NUMBERS: Final = ("difference", "difference_low", "difference_high", "p", "p_adjusted", "customers", "more")


def _numbers(found: Comparison) -> dict[str, Any]:
    gap = found.difference
    values = (gap.value, gap.low, gap.high, found.p, found.adjusted, found.customers or None, found.more)
    return dict(zip(_NUMBERS, values, strict=True))


def _ends(value: Any) -> tuple[float, float, float] | None:
    return None if value is None else (value.value, value.low, value.high)

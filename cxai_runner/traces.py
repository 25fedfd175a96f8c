"""What a run keeps so that another can be held against it, stage by stage: ``keys.json``.

Two kinds of facts. What went into each stage: the digest of every table, of every part of its config, of the source of
every module, and the versions of the packages. And what came out of it: digests of the features, of the scores, of the
tables. Of two runs the first say why they differ, and the second where the difference begins.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

    from cxai_runner.data.dataset import Dataset
    from cxai_runner.evaluation.results import Table
    from cxai_runner.identity import Keys
    from cxai_runner.tracking.lineage import Code
    from cxai_runner.tracking.pseudonyms import Privacy

FORMAT: Final = 1
_PLAIN: Final = ("seed", "threads")
"""Parts of a stage's config that stand there themselves; of all others the digest does, as they may hold a secret."""


@dataclass(eq=False)
class Traces:
    """Gathers what the stages of one run came to, while it goes on.

    Parameters
    ----------
    privacy
        Whether customer ids are kept from the store: their digests are then those of the pseudonyms.
    """

    privacy: Privacy
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def built(self, fold: int, parts: Mapping[str, Dataset | None]) -> None:
        """Take the features of a fold, by part."""
        from cxai_runner.data.keys import settings_digest

        made = self.outputs.setdefault("features", {})
        for part, data in parts.items():
            if data is None:
                continue
            for name, frame in {"": data.frame, **data.others}.items():
                label = f"fold {fold + 1}, {part.replace('_', ' ')}" + (f", {name}" if name else "")
                made[label] = self._bits(frame)
            made[f"fold {fold + 1}, learned"] = settings_digest(data.learned)

    def scored(self, scores: Mapping[str, pd.DataFrame]) -> None:
        """Take the score of every row, by part: what the fit came to."""
        self.outputs["fit"] = {part.replace("_", " "): self._bits(frame) for part, frame in scores.items()}

    def told(self, tables: Sequence[Table]) -> None:
        """Take the tables of the report."""
        self.outputs["report"] = {one.name: self._bits(one.frame) for one in tables}

    def as_text(self, keys: Keys, code: Sequence[Code]) -> str:
        """Return ``keys.json``."""
        stages = {
            name: {
                "key": made.key,
                "config": {part: _told(part, value) for part, value in made.settings.items()},
                "sources": dict(sorted(made.source.sources.items())),
                "packages": dict(sorted(made.source.versions.items())),
            }
            for name, made in keys.stages.items()
        }
        document = {
            "format": FORMAT,
            "identity": keys.identity,
            "data": {name: {"digest": one, "columns": keys.columns.get(name, ())} for name, one in keys.data.items()},
            "stages": stages,
            "outputs": self.outputs,
            "machine": machine(),
            "code": [
                {"name": one.root.name, "commit": one.commit, "dirty": one.dirty, "engine": holds_engine(one.root)}
                for one in code
            ],
        }
        return json.dumps(document, indent=1, ensure_ascii=False)

    def _bits(self, frame: pd.DataFrame) -> dict[str, Any]:
        from cxai_runner.data.bits import bits

        return bits(self.privacy.frame(frame))


@cache
def machine() -> dict[str, str]:
    """What else can move the last bits: Python, the system, and the kernels that linear algebra chose for this CPU."""
    from threadpoolctl import threadpool_info

    kernels = {
        f"{one['internal_api']} {one['version']} {one.get('architecture', '')}".strip()
        for one in threadpool_info()
        if one["user_api"] == "blas"
    }
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "linear algebra": ", ".join(sorted(kernels)),
    }


def holds_engine(root: Path) -> bool:
    """Whether a repository is the one that this package was imported from."""
    return root in Path(__file__).resolve().parents


def _told(part: str, value: Any) -> Any:
    from cxai_runner.data.keys import settings_digest

    return value if part in _PLAIN else settings_digest(value)

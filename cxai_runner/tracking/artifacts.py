"""The artifacts of a run as they lie in a folder, before the store takes the folder whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from cxai_runner.tracking.masking import Masker
from cxai_runner.tracking.pseudonyms import Privacy
from cxai_runner.tracking.record import LONG_TAGS, Record


def lay_out(folder: Path, record: Record, long_tags: Mapping[str, str], masker: Masker, privacy: Privacy) -> None:
    """Write texts, tables, figures and scores below ``folder``; every text masked, ids as ``privacy`` wants them.

    Raises
    ------
    ValueError
        The name of an artifact leads out of the folder.
    """
    texts = dict(record.texts)
    if long_tags:
        texts[LONG_TAGS] = json.dumps(long_tags, indent=1)
    if record.html is not None:
        texts["report.html"] = record.html
    for name, frame in record.tables.items():
        texts[f"tables/{name}.csv"] = privacy.frame(frame).to_csv(index=frame.index.name is not None)
    for name, text in texts.items():
        _place(folder, name).write_text(masker.mask(text), encoding="utf-8")
    for name, picture in record.figures.items():
        _place(folder, f"figures/{name}.png").write_bytes(picture)
    for part, frame in record.scores.items():
        privacy.frame(frame).to_parquet(_place(folder, f"scores/{part}.parquet"), index=False)


def _place(folder: Path, name: str) -> Path:
    """The path of an artifact below ``folder``, whose own folder exists."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"artifact {name!r} is outside its run")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path

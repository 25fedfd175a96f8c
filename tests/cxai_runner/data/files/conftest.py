"""Files as somebody would have written them, and what their source says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxai_runner.data import OneFile


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., OneFile]:
    """Write bytes and return the source that reads them as customers."""

    def write(content: bytes, name: str = "shop.csv", **keys: Any) -> OneFile:
        (tmp_path / name).write_bytes(content)
        return OneFile(path=str(tmp_path / name), table="customers", **keys)

    return write


@pytest.fixture
def told_late() -> Callable[[OneFile], tuple[str, str, str]]:
    """Return what is said of a mistake that is met when rows are asked for."""
    import duckdb

    from cxai_runner.data.files.malformed import unreadable

    def tell(source: OneFile) -> tuple[str, str, str]:
        assert list(source.problems()) == []
        tables = source.open()
        for _ in range(2):  # a second question is told the same
            with pytest.raises(duckdb.Error) as caught:
                tables.rows("customers")
        problem = unreadable(caught.value, tables.mapped["customers"])
        return problem.key, problem.message, problem.remedy

    return tell

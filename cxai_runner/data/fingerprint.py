"""What a table holds, in one short text: the same rows give the same digest, whoever wrote the file in whatever order.

Each row is hashed where it lives and the hashes are added. A sum does not depend on order, and counts a row that is
there twice, where an exclusive or would lose it. Two differently salted sums and the number of rows stand together, so
that a chance collision is out of reach; it is no defence against somebody who builds one on purpose.

The hash is the engine's own and may change with it, so the digest names both.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables import MappedTable

_SALTS = (1, 2)


def algorithm() -> str:
    """Name of the algorithm and version of its engine."""
    from importlib.metadata import version

    return f"rowsum-duckdb-{version('duckdb')}"


def fingerprint(table: IbisTable, columns: Sequence[str]) -> str:
    """Return the digest of ``columns`` of ``table``: algorithm, number of rows, and the sums' hash.

    Column names and types enter, their order does not.
    """
    import ibis

    names = sorted(columns)
    schema = table.schema()
    measures: dict[str, Any] = {"rows": table.count()}
    if names:
        for salt in _SALTS:
            row = ibis.struct({"salt": ibis.literal(salt), **{name: table[name] for name in names}})
            measures[f"sum {salt}"] = row.hash().cast("decimal(38, 0)").sum()
    found = table.aggregate(**measures).to_pyarrow().to_pylist()[0]
    facts = [[name, str(schema[name])] for name in names], [str(found.get(f"sum {salt}")) for salt in _SALTS]
    text = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    return f"{algorithm()}:{found['rows']}:{text}"


@dataclass(frozen=True)
class Memory:
    """Digests of files that have not changed since they were taken.

    A file is the same as long as its path, size, time of modification and inode are.

    Parameters
    ----------
    folder
        Where the small file lies that remembers them.
    """

    folder: Path

    def recall(self, table: MappedTable, columns: Sequence[str]) -> str:
        """Return the digest of a table in files, taken now unless it is remembered."""
        key = _key(table, columns)
        known = self._read()
        if key in known:
            return known[key]
        found = fingerprint(table.rows, columns)
        # A file that changed while it was read was not all of one state; its digest is not kept.
        if _key(table, columns) == key:
            # A folder that cannot be written costs time, and no run.
            with suppress(OSError):
                self._add(key, found)
        return found

    @property
    def _file(self) -> Path:
        return self.folder / "digests.json"

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _add(self, key: str, digest: str) -> None:
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "digests.lock"):
            known = {**self._read(), key: digest}
            with tempfile.NamedTemporaryFile("w", dir=self.folder, delete=False, encoding="utf-8") as file:
                json.dump(known, file)
            os.replace(file.name, self._file)  # noqa: PTH105 - the pair of NamedTemporaryFile's name


def _key(table: MappedTable, columns: Sequence[str]) -> str:
    """What the digest of a table in files depends on, hashed: no path stays readable."""
    states = []
    for path in table.files:
        state = path.stat()
        states.append([str(path), state.st_size, state.st_mtime_ns, state.st_ino])
    facts = [algorithm(), table.name, table.spec, sorted(columns), states]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

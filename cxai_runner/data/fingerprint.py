"""What a table holds, in one short text: the same rows give the same digest, whoever wrote the file in whatever order.

Each row is hashed where it lives and the hashes are added. A sum does not depend on order, and counts a row that is
there twice, where an exclusive or would lose it. Two differently salted sums and the number of rows stand together, so
that a chance collision is out of reach; it is no defence against somebody who builds one on purpose.

The hash is the engine's own and may change with it, so the digest names both; those of two engines never agree.
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

from cxai_runner.data import engines

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable

    from cxai_runner.data.tables import MappedTable


def fingerprint(table: IbisTable, columns: Sequence[str]) -> str:
    """Return the digest of ``columns`` of ``table``: algorithm, number of rows, and the sums' hash.

    Column names and types enter, their order does not.
    """
    names = sorted(columns)
    schema = table.schema()
    measures: dict[str, Any] = {"rows": table.count(), **(engines.row_sums(table, names) if names else {})}
    found = table.aggregate(**measures).to_pyarrow().to_pylist()[0]
    facts = [[name, str(schema[name])] for name in names], [str(found.get(f"sum {salt}")) for salt in (1, 2)]
    text = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    return f"{engines.hashed_by(table)}:{found['rows']}:{text}"


def stated(table: MappedTable, columns: Sequence[str]) -> str:
    """Return the digest of a table whose version somebody states: of that, of where it is, and of how it is mapped."""
    facts = [table.version, table.place, table.name, table.spec, sorted(columns)]
    return f"stated-{table.version}:{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]}"


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
    states: list[list[Any]] = []
    for path in table.files:
        try:
            state = path.stat()
        except FileNotFoundError:  # the log of a database, which goes when it has been written in
            states.append([str(path)])
            continue
        states.append([str(path), state.st_size, state.st_mtime_ns, state.st_ino])
    facts = [engines.hashed_by(table.staged), table.name, table.spec, sorted(columns), states]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

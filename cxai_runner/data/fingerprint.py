"""What a table holds, in one short text: the same rows give the same digest, whoever wrote the file in whatever order.

Each row is hashed where it lives and the hashes are added. A sum does not depend on order, and counts a row that is
there twice, where an exclusive or would lose it. Two differently salted sums and the number of rows stand together, so
that a chance collision is out of reach; it is no defence against somebody who builds one on purpose.

The hash is the engine's own and may change with it, so the digest names both; those of two engines never agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cxai_runner.data import engines
from cxai_runner.data.answers import row

if TYPE_CHECKING:
    from ibis.expr.types import Table as IbisTable


def fingerprint(table: IbisTable, columns: Sequence[str]) -> str:
    """Return the digest of ``columns`` of ``table``: algorithm, number of rows, and the sums' hash.

    Column names and types enter, their order does not.
    """
    names = sorted(columns)
    schema = table.schema()
    measures: dict[str, Any] = {"rows": table.count(), **(engines.row_sums(table, names) if names else {})}
    found = row(table.aggregate(**measures))
    facts = [[name, str(schema[name])] for name in names], [str(found.get(f"sum {salt}")) for salt in (1, 2)]
    text = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    return f"{engines.hashed_by(table)}:{found['rows']}:{text}"


def stated(version: str, facts: Sequence[Any]) -> str:
    """Return the digest of a table whose version somebody states: of that, and of ``facts`` about what is read."""
    return f"stated-{version}:{hashlib.sha256(json.dumps([version, *facts]).encode()).hexdigest()[:32]}"

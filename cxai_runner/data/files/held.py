"""Small files of text, parsed once into the engine's memory when the first question is asked of them, and not before.

Parsing text is most of what a question to a CSV costs, and preflight asks several. A table is named after what the
files are and how they are read: the same expression is the same text in the next process, and who remembers its answer
parses nothing at all.
"""

from __future__ import annotations

import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend
    from ibis.expr.types import Table as IbisTable

_lock = threading.RLock()


def held(engine: Backend, name: str, rows: IbisTable) -> IbisTable:
    """Return ``rows`` as a table ``name`` of the engine, which is made of them on the first question.

    Rows that cannot be read to their end are told to whoever asks, every time.
    """
    import ibis.expr.operations as ops

    waiting, made = _tables(engine)
    if name not in made:
        waiting[name] = rows
    return ops.DatabaseTable(name, schema=rows.schema(), source=engine, namespace=ops.Namespace()).to_expr()


def _tables(engine: Any) -> tuple[dict[str, IbisTable], set[str]]:
    """The engine's tables that wait for a question, and those that are made."""
    known: tuple[dict[str, IbisTable], set[str]] | None = getattr(engine, "_held", None)
    if known is None:
        known = engine._held = ({}, set())
        before = getattr(engine, "_run_pre_execute_hooks", None)
        if before is None:
            found = version("ibis-framework")
            raise RuntimeError(
                f"ibis-framework {found} has no `_run_pre_execute_hooks`, where text is parsed when it is asked for; "
                "install a release that pyproject.toml allows"
            )

        def hooks(expression: Any) -> None:
            _make(engine, expression)
            before(expression)

        # Where Ibis registers frames in memory, whichever way an expression is asked. It has no public name.
        engine._run_pre_execute_hooks = hooks
    return known


def _make(engine: Backend, expression: Any) -> None:
    import ibis.expr.operations as ops

    waiting, made = _tables(engine)
    for table in expression.op().find(ops.DatabaseTable):
        with _lock:
            if table.name in waiting and table.source is engine:
                rows = waiting[table.name]
                _make(engine, rows)
                # One statement: of rows that cannot be read to their end, none must stay. The name is ours.
                engine.raw_sql(f'CREATE TEMP TABLE "{table.name}" AS {engine.compile(rows)}')
                del waiting[table.name]
                made.add(table.name)

"""How migrations take indexes and checks of foreign keys from large tables: in place.

Django's own operations would have SQLite make the whole table anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.migrations import AlterField, RunPython, RunSQL, SeparateDatabaseAndState
from django.db.models import Field


def loosened(
    fields: Sequence[tuple[str, str, Field[Any, Any]]], *, indexes: Sequence[str], checks: Sequence[str]
) -> SeparateDatabaseAndState:
    """These fields, as (model, name, field), have no index or no check any more.

    SQLite goes on to check: it costs a microsecond, and tells in every test who wrote what is not there.

    :param indexes: each as ``name ON table (column)``
    :param checks: each as ``table constraint column target``
    """
    within = [_without_index(*index.split(" ", 1)) for index in indexes]
    state = [AlterField(model, name, field) for model, name, field in fields]
    return SeparateDatabaseAndState([*within, RunPython(_drop(checks), _add(checks))], state)


def _without_index(name: str, rest: str) -> RunSQL:
    return RunSQL(f"DROP INDEX IF EXISTS {name}", f"CREATE INDEX IF NOT EXISTS {name} {rest}")


def _drop(checks: Sequence[str]) -> Any:
    def run(_: Any, editor: Any) -> None:
        if editor.connection.vendor == "postgresql":
            for table, constraint, _column, _target in map(str.split, checks):
                editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint}")

    return run


def _add(checks: Sequence[str]) -> Any:
    def run(_: Any, editor: Any) -> None:
        if editor.connection.vendor == "postgresql":
            for table, constraint, column, target in map(str.split, checks):
                key = f"FOREIGN KEY ({column}) REFERENCES {target} (id) DEFERRABLE INITIALLY DEFERRED"
                editor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {key}")

    return run

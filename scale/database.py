"""A set operation that the ORM has no words for: different values for many rows in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models

_ROWS = 500


def update_rows(
    model: type[models.Model], *, match: Sequence[str], assign: Sequence[str], rows: Sequence[Sequence[Any]], only: str
) -> int:
    """``UPDATE`` each row's ``assign`` columns where its ``match`` columns are equal and the SQL condition ``only`` holds.

    ``rows`` hold the values of ``match`` and then of ``assign``, none of them null; returns how many rows were changed.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    names = [_column(model, name) for name in (*match, *assign)]
    values = [f"v.column{number + 1}" for number in range(len(names))]
    equal = " AND ".join(f"{table}.{name} = {value}" for name, value in zip(names[: len(match)], values, strict=False))
    sets = ", ".join(f"{name} = {value}" for name, value in zip(names[len(match) :], values[len(match) :], strict=True))
    row_sql = f"({', '.join(['%s'] * len(names))})"
    changed = 0
    with connection.cursor() as cursor:
        for start in range(0, len(rows), _ROWS):
            chunk = rows[start : start + _ROWS]
            values_sql = ", ".join([row_sql] * len(chunk))
            statement = f"UPDATE {table} SET {sets} FROM (VALUES {values_sql}) AS v WHERE {equal} AND {only}"  # noqa: S608 no value stands in it
            cursor.execute(statement, [_adapt(value) for row in chunk for value in row])
            changed += cursor.rowcount
    return changed


def _column(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field) or field.column is None:
        raise TypeError(f"{model.__name__}.{name} has no column")
    return connection.ops.quote_name(field.column)


def _adapt(value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value

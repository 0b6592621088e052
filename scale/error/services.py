"""Writes to the errors."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from scale.error.catalog import BUILTIN_ERRORS
from scale.error.models import Error

_COLUMNS = ("title", "description", "category", "should_be_retried")


@transaction.atomic
def sync_catalog(when: datetime) -> None:
    """Bring the built-in errors to what the catalogue says; those it no longer has stay, for old jobs name them."""
    rows = {row.name: row for row in Error.objects.filter(job_type_name=None)}
    changed = [rows[error.name] for error in BUILTIN_ERRORS if error.name in rows and _update(rows[error.name], asdict(error))]
    for row in changed:
        row.last_modified = when
    Error.objects.bulk_update(changed, [*_COLUMNS, "is_builtin", "last_modified"])
    Error.objects.bulk_create(
        Error(**asdict(error), is_builtin=True, created=when, last_modified=when)
        for error in BUILTIN_ERRORS
        if error.name not in rows
    )


def _update(row: Error, wanted: dict[str, object]) -> bool:
    """Whether anything was different."""
    columns = {"is_builtin": True, **{column: wanted[column] for column in _COLUMNS}}
    differs = any(getattr(row, column) != value for column, value in columns.items())
    for column, value in columns.items():
        setattr(row, column, value)
    return differs

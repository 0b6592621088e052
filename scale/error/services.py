"""Writes to the errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction

from scale.error.catalog import BUILTIN_ERRORS, Category
from scale.error.models import Error

_COLUMNS = ("title", "description", "category", "should_be_retried", "is_builtin")


class OwnError(Protocol):
    """An error that a job type owns, as its manifest says."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def category(self) -> Category: ...


@transaction.atomic
def sync_catalog(when: datetime) -> None:
    """Bring the built-in errors to what the catalogue says; those it no longer has stay, for old jobs name them."""
    _sync(None, {error.name: asdict(error) for error in BUILTIN_ERRORS}, when)


@transaction.atomic
def errors_of_type_sync(*, job_type_name: str, errors: Iterable[OwnError], when: datetime) -> None:
    """Bring the errors that a job type owns to what its manifest says; those it no longer has stay, for old jobs name them.

    All versions of a job type share them: of two that say different things of one, the later said counts.
    """
    wanted = {
        error.name: {
            "title": error.title,
            "description": error.description,
            "category": error.category,
            "should_be_retried": False,
        }
        for error in errors
    }
    _sync(job_type_name, wanted, when)


def _sync(job_type_name: str | None, wanted: Mapping[str, Mapping[str, Any]], when: datetime) -> None:
    is_builtin = job_type_name is None
    rows = {row.name: row for row in Error.objects.filter(job_type_name=job_type_name, name__in=list(wanted))}
    changed = [row for name, row in rows.items() if _update(row, {"is_builtin": is_builtin, **wanted[name]})]
    for row in changed:
        row.last_modified = when
    Error.objects.bulk_update(changed, [*_COLUMNS, "last_modified"])
    same = {"job_type_name": job_type_name, "is_builtin": is_builtin, "created": when, "last_modified": when}
    Error.objects.bulk_create(Error(**{"name": name, **columns}, **same) for name, columns in wanted.items() if name not in rows)


def _update(row: Error, wanted: Mapping[str, Any]) -> bool:
    """Whether anything was different."""
    columns = {column: wanted[column] for column in _COLUMNS}
    differs = any(getattr(row, column) != value for column, value in columns.items())
    for column, value in columns.items():
        setattr(row, column, value)
    return differs

"""Reads of the errors."""

from __future__ import annotations

from django.db.models import QuerySet

from scale.error.filters import ErrorFilter
from scale.error.models import Error
from scale.kernel.errors import NotFound
from scale.parameters import given


def errors_selected(wanted: ErrorFilter) -> QuerySet[Error]:
    conditions = given(
        last_modified__gte=wanted.started,
        last_modified__lte=wanted.ended,
        is_builtin=wanted.is_builtin,
        job_type_name=wanted.job_type_name,
        name=wanted.name,
        category=wanted.category,
    )
    return Error.objects.filter(**conditions).order_by(*wanted.order, "id")


def error_found(error_id: int) -> Error:
    """:raises NotFound: there is none"""
    error = Error.objects.filter(pk=error_id).first()
    if error is None:
        raise NotFound(f"There is no error {error_id}.")
    return error

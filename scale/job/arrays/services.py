"""Writes of arrays: made in the transaction that makes their jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.auth.models import User

from scale.database import insert_rows
from scale.job.models import JobArray
from scale.job.request import Asked

T = TypeVar("T")

_COLUMNS = ("owner_id", "name", "size", "first", "created")


def arrays_add(*, submissions: Sequence[Asked], by: User, when: datetime) -> list[int]:
    """Make an array for each submission that asks for one; returns their ids in that order."""
    asked = [(one.name, indices) for one in submissions if (indices := one.indices) is not None]
    rows = [(by.pk, name, len(indices), indices.start, when) for name, indices in asked]
    return insert_rows(JobArray, _COLUMNS, rows) if rows else []


def places_of(
    submissions: Sequence[Asked], drafts: Sequence[T], array_ids: Sequence[int]
) -> Iterator[tuple[T, Mapping[str, Any]]]:
    """Each job that is asked for, in order, as the draft of it, with its place in its array: the same columns for all of them."""
    left = iter(array_ids)
    nowhere = {"array_id": None, "array_index": None} if array_ids else {}
    for submission, draft in zip(submissions, drafts, strict=True):
        if (indices := submission.indices) is None:
            yield draft, nowhere
        else:
            array_id = next(left)
            yield from ((draft, {"array_id": array_id, "array_index": index}) for index in indices)

"""Makes the jobs of a submission once: who sends it again, by the same key, is told of those that were made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction

from scale.database import again_on_conflict, delete_counted
from scale.job.models import SubmissionKey
from scale.job.once.key import KEPT, Key
from scale.kernel.errors import Conflict


class Made(NamedTuple):
    job_ids: list[int]
    is_replayed: bool


@again_on_conflict
@transaction.atomic
def submit_once(*, key: Key, by: User, when: datetime, submit: Callable[[], list[int]]) -> Made:
    """Submit, unless that was done under this key before. Who comes at the same moment waits, and gets the same jobs.

    :raises Conflict: something else was submitted under it
    """
    mine = SubmissionKey.objects.filter(owner=by, key=key.name)
    mine.filter(created__lt=when - KEPT).delete()
    row, is_new = mine.get_or_create(owner=by, key=key.name, defaults={"digest": key.digest, "created": when})
    if not is_new:
        return _replayed(row, key)
    row.job_ids = submit()
    row.save(update_fields=["job_ids"])
    return Made(row.job_ids, is_replayed=False)


@transaction.atomic
def submission_keys_delete(*, ids: Sequence[int]) -> int:
    """Forget these; returns how many there were."""
    return delete_counted(SubmissionKey, ids)


def _replayed(row: SubmissionKey, key: Key) -> Made:
    if row.digest != key.digest:
        raise Conflict("Something else was submitted under this Idempotency-Key; take another one, or send the same body.")
    return Made(row.job_ids, is_replayed=True)

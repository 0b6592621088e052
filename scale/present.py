"""What a process of ours has around it: the clock, the keys of secrets, and the doorbell of the scheduler."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction

from scale.fact import line, tell_all
from scale.kernel.clock import Clock
from scale.sealing import Sealer
from scale.wake import ANYTHING, ring


def clock() -> Clock:
    """The clock of this process; tests override the setting."""
    held: Clock = settings.CLOCK
    return held


def sealer() -> Sealer:
    """What secrets are sealed with."""
    return Sealer(settings.SECRETS_KEYS)


def tell_after_commit(logger: logging.Logger, event: str, job_ids: Iterable[int], **details: object) -> None:
    """Write the same fact of each of these jobs into the log, once it is true."""
    ids = tuple(job_ids)
    transaction.on_commit(lambda: tell_all(logger, (line(event, job=job_id, **details) for job_id in ids)), robust=True)


def ring_after_commit(news: bytes = ANYTHING) -> None:
    """Wake the scheduler once the rows are there to be read; that nobody hears it undoes nothing."""
    transaction.on_commit(lambda: ring(settings.ENVIRONMENT.home, news), robust=True)

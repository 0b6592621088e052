"""What a web process has around it: the clock, and the doorbell of the scheduler."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from scale.kernel.clock import Clock
from scale.wake import ring


def clock() -> Clock:
    """The clock of this process; tests override the setting."""
    held: Clock = settings.CLOCK
    return held


def ring_after_commit() -> None:
    """Wake the scheduler once the rows are there to be read; that nobody hears it undoes nothing."""
    transaction.on_commit(lambda: ring(settings.ENVIRONMENT.home), robust=True)

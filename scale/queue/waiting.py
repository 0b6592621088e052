"""Why something waits, as it is told to whoever asks: what the scheduler found, and what there is to say without it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LOOKED_EVERY = timedelta(seconds=5)  #: a scheduler says at least so often that it looks
STALE_AFTER = timedelta(seconds=15)

NOT_LOOKED_AT = "not-looked-at"
SCHEDULER_STOPPED = "scheduler-stopped"


@dataclass(frozen=True, slots=True)
class Reason:
    """A code for programs, a sentence for people, and how many nodes refuse for what."""

    code: str
    text: str
    nodes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """A reason, and since when it is that one; its words and counts may have changed meanwhile."""

    reason: Reason
    since: datetime

    def followed_by(self, reason: Reason) -> Told | None:
        """The same reason in other words keeps its time; another one has none yet."""
        return Told(reason, self.since) if reason.code == self.reason.code else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one entry waits for, and how many go before it: 1 is the next."""

    code: str
    text: str
    nodes: Mapping[str, int]
    since: datetime
    position: int | None  #: None: it is not on the queue


def explain(told: Told | None, looked: datetime | None, *, queued: datetime, position: int, when: datetime) -> Waiting:
    """Say why, with what is known: ``looked`` is when the scheduler last looked at the queue."""
    if looked is None:
        text = "no scheduler has looked at the queue yet; is it running?"
        return Waiting(SCHEDULER_STOPPED, text, {}, queued, position)
    if when - looked > STALE_AFTER:
        silent = (when - looked).total_seconds()
        text = f"the scheduler has not looked at the queue for {silent:.0f} seconds; it is stopped or stuck"
        return Waiting(SCHEDULER_STOPPED, text, {}, looked, position)
    if told is None:
        return Waiting(NOT_LOOKED_AT, "the scheduler has not looked at it yet", {}, queued, position)
    return Waiting(told.reason.code, told.reason.text, told.reason.nodes, told.since, position)

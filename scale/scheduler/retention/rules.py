"""How long history is kept, and what of a page of it goes now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from scale.environment import Environment


class Due(NamedTuple):
    """What ended before these moments goes; None: nothing does."""

    task_updates: datetime | None
    logs: datetime | None
    jobs: datetime | None


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each is kept after its end; None: for ever. What belongs to a job goes with the job at the latest."""

    task_updates: timedelta | None = None
    logs: timedelta | None = None
    jobs: timedelta | None = None

    @classmethod
    def of(cls, settings: Environment) -> Self:
        jobs = settings.keep_jobs
        return cls(_shortest(settings.keep_task_updates, jobs), _shortest(settings.keep_logs, jobs), _shortest(jobs))

    def due(self, when: datetime) -> Due:
        kept = (self.task_updates, self.logs, self.jobs)
        return Due(*(None if length is None else when - length for length in kept))


def _shortest(*days: int) -> timedelta | None:
    """0 days are for ever."""
    return min((timedelta(days=number) for number in days if number), default=None)


FOR_EVER = Retention()


class Row(NamedTuple):
    """A record of history. Ids grow with time."""

    id: int
    created: datetime
    ended: datetime | None  #: when all that it belongs to was over and recorded; None: it is not


class Bite(NamedTuple):
    """What goes now, and after which id to go on; None: what follows is too young."""

    ids: tuple[int, ...]
    then: int | None


def bite(page: Sequence[Row], before: datetime, when: datetime, size: int) -> Bite:
    """Of the next rows in order, at most so many, those that ended before.

    What was made since cannot have ended before: a page whose last row is so young is the last one. One that was made in the
    future says nothing; a clock was wrong.
    """
    ids = tuple(row.id for row in page if row.ended is not None and row.ended < before)
    is_last = len(page) < size or before <= page[-1].created <= when
    return Bite(ids, None if is_last else page[-1].id)

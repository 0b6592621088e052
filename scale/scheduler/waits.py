"""Keeps what the web reads of waiting equal to what the scheduler found; only what is new is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from scale.queue.ordering import QueueMode
from scale.queue.selectors import waits_told
from scale.queue.services import waits_record
from scale.queue.waiting import LOOKED_EVERY, Reason, Told
from scale.scheduler.fence import Fence

_WORDS_EVERY = timedelta(seconds=1)  #: other counts for the same reason; on a busy cluster they change with every pass


class Waits:
    """The schedule loop's own; knows what stands in the database."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._told: Mapping[str, Told] | None = None
        self._mode: QueueMode | None = None
        self._written: datetime | None = None

    def tell(self, found: Mapping[str, Reason], mode: QueueMode, when: datetime) -> None:
        """Make known why each shape waits that does; what is not among them waits no more."""
        known = waits_told() if self._told is None else self._told
        told = {shape: _follow(known.get(shape), reason, when) for shape, reason in found.items()}
        changed = {shape: each for shape, each in told.items() if each != known.get(shape)}
        gone = known.keys() - told.keys()
        is_news = gone or mode is not self._mode or any(each.since == when for each in changed.values())
        if is_news or self._is_due(_WORDS_EVERY if changed else LOOKED_EVERY, when):
            with self._fence.writing():
                waits_record(changed=changed, gone=gone, mode=mode, when=when)
            self._told, self._mode, self._written = told, mode, when

    def _is_due(self, pause: timedelta, when: datetime) -> bool:
        return self._written is None or when - self._written >= pause


def _follow(before: Told | None, reason: Reason, when: datetime) -> Told:
    return (before.followed_by(reason) if before else None) or Told(reason, when)

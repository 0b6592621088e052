"""Measures how many jobs there are of each type, at every full hour."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from scale.fact import tell
from scale.metrics.selectors import load_now
from scale.metrics.services import load_record
from scale.scheduler.fence import Fence

logger = logging.getLogger(__name__)

_LATE = timedelta(minutes=5)  #: what is counted later says nothing of the hour; it is left out


class Meter:
    """Knows which hour it has measured; a new one asks the database."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._seen: datetime | None = None

    def measure(self, when: datetime) -> None:
        hour = when.replace(minute=0, second=0, microsecond=0)
        if hour == self._seen:
            return
        if when - hour < _LATE:
            self._measure(hour)
        self._seen = hour

    def _measure(self, hour: datetime) -> None:
        loads = load_now()  # read before: who wants to write is not to wait for it
        with self._fence.writing():
            is_new = load_record(loads=loads, hour=hour)
        if is_new:
            tell(logger, "load-measured", types=len(loads))

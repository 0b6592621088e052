"""The one place that asks for the time; everything else is told it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back. For measuring how long something took."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is moved; for tests and simulation."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._elapsed = timedelta()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed.total_seconds()

    def move(self, by: timedelta) -> datetime:
        self._now += by
        self._elapsed += by
        return self._now

    def set_back(self, by: timedelta) -> datetime:
        """Somebody sets the clock; how long things take is measured as before."""
        self._now -= by
        return self._now

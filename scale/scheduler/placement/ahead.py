"""How far ahead of its room a node is given executions, so that it need not wait for us between two short ones. Pure.

A node whose engine can hold tasks back gets more of what runs shortly than it has room for; there each starts in turn, as
soon as one before it has ended. What waits there is as much as is expected to be over within `HORIZON`, so nobody more
urgent waits longer than that for the node; and what has waited for `PATIENCE` all the same is taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

HORIZON: Final = 0.2  # seconds for which a node shall have enough to do
PATIENCE: Final = timedelta(seconds=1)
DEEPEST: Final = 64  #: that wait for each that runs
MOST: Final = 256  #: that wait at one node

_Kind = tuple[int, tuple[tuple[str, float], ...]]


class Pace:
    """How long executions of a job type with the same needs last of late, in the mean. Several threads may learn and ask."""

    _WEIGHT = 0.1  # of the latest; so the first long one after many short ones ends their going ahead

    def __init__(self) -> None:
        self._seconds: dict[_Kind, float] = {}

    def learn(self, job_type_id: int, needs: Mapping[str, float], lasted: timedelta) -> None:
        kind, seconds = _kind(job_type_id, needs), max(lasted.total_seconds(), 0.0)
        known = self._seconds.get(kind, seconds)
        self._seconds[kind] = known + self._WEIGHT * (seconds - known)

    def doubt(self, job_type_id: int, needs: Mapping[str, float]) -> None:
        """One had to be taken back: until many short ones have been seen again, these are not."""
        kind = _kind(job_type_id, needs)
        self._seconds[kind] = max(self._seconds.get(kind, 0.0), PATIENCE.total_seconds())

    def depth(self, job_type_id: int, needs: Mapping[str, float]) -> int:
        """How many may wait for each that runs; none of which nothing is known, nor of what needs GPUs of its own."""
        seconds = self._seconds.get(_kind(job_type_id, needs))
        if seconds is None or needs.get("gpus"):
            return 0
        return min(DEEPEST, int(HORIZON / seconds)) if seconds else DEEPEST


def _kind(job_type_id: int, needs: Mapping[str, float]) -> _Kind:
    return job_type_id, tuple(sorted((name, amount) for name, amount in needs.items() if amount))

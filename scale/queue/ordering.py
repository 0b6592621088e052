"""In which order entries leave the queue: the most urgent first, then by age."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


class QueueMode(StrEnum):
    """Which of two equally urgent entries goes first."""

    FIFO = "FIFO"
    LIFO = "LIFO"


Urgency = tuple[int, float, int]


def urgency(mode: QueueMode, priority: int, queued: datetime, tie: int) -> Urgency:
    """A sort key: what sorts first goes first. ``tie`` is the entry's (or execution's job's) id."""
    if mode is QueueMode.LIFO:
        return (priority, -queued.timestamp(), -tie)
    return (priority, queued.timestamp(), tie)

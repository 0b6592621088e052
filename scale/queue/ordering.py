"""In which order entries leave the queue: the most urgent first, then by age."""

from __future__ import annotations

from enum import StrEnum


class QueueMode(StrEnum):
    """Which of two equally urgent entries goes first."""

    FIFO = "FIFO"
    LIFO = "LIFO"

"""What is to be looked at when: to ask costs what is due, and not what there is. Pure."""

from __future__ import annotations

from datetime import datetime
from heapq import heappop, heappush
from math import floor
from typing import Generic, TypeVar

K = TypeVar("K")


class Deadlines(Generic[K]):
    """Kept by the second, so it may name something up to a second early: whoever asks looks for himself, and adds it again."""

    def __init__(self) -> None:
        self._at: dict[int, list[K]] = {}
        self._seconds: list[int] = []  # a heap of the keys

    def add(self, when: datetime, key: K) -> None:
        second = floor(when.timestamp())
        if second not in self._at:
            self._at[second] = []
            heappush(self._seconds, second)
        self._at[second].append(key)

    def take_due(self, when: datetime) -> list[K]:
        """Those whose second has begun; they are forgotten."""
        due: list[K] = []
        while self._seconds and self._seconds[0] <= when.timestamp():
            due += self._at.pop(heappop(self._seconds))
        return due

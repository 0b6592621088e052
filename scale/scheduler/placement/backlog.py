"""The queue in memory, by shape: how many wait of each, and the first of them. Pure.

What is known of a line is its beginning, without a gap. Where that is not all of it, more is read when it is used up: each
time four times as much, so that a long queue is read no further than it moves.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import compress
from typing import NamedTuple, Protocol

from scale.queue.entry import parse_shape
from scale.queue.ordering import QueueMode
from scale.scheduler.placement.snapshot import Ask, Line

_FEWEST = 16  # asks that are read of a line at first
_MOST = 2000  # that are known of one line
_MOST_IN_ALL = 100_000


class Entry(NamedTuple):
    """A row of the queue, as far as placement looks at it."""

    id: int
    job_id: int
    queued: datetime
    shape: str


class Known(Protocol):
    """What tells an entry."""

    @property
    def entry_id(self) -> int: ...
    @property
    def shape(self) -> str: ...


class Backlog:
    """`version` is another number after every change."""

    def __init__(self) -> None:
        self.mode = QueueMode.FIFO
        self.version = 0
        self._lines: dict[str, Line] = {}
        self._reach: dict[str, int] = defaultdict(lambda: _FEWEST)  # how much of a line is read at once

    def lines(self) -> Sequence[Line]:
        return list(self._lines.values())

    def sizes(self) -> dict[str, int]:
        return {shape: line.size for shape, line in self._lines.items()}

    def order(self, mode: QueueMode) -> None:
        """Another order: what goes first is to be read again."""
        if mode is not self.mode:
            self.mode = mode
            self.version += 1
            for line in self._lines.values():
                _know(line, (), mode, is_whole=False)

    def add(self, entries: Iterable[Entry]) -> None:
        """Entries that are new; one that is known already is left as it is."""
        for entry in entries:
            self.version += 1
            self._insert(self._line(entry.shape), entry)

    def fill(self, shape: str, first: Collection[Entry], *, is_whole: bool) -> None:
        """The beginning of a line, as the database has it now."""
        self.version += 1
        line = self._line(shape)
        _know(line, [_ask(line, entry) for entry in first], self.mode, is_whole=is_whole)
        if is_whole:
            line.size = len(first)
        self._drop_if_empty(line)

    def dry(self) -> dict[str, int]:
        """The lines of which too little is known, and how much to read of each."""
        dry = [shape for shape, line in self._lines.items() if not line.is_whole and 4 * len(line.asks) < self._reach[shape]]
        return {shape: self.further(shape) for shape in dry}

    def further(self, shape: str) -> int:
        """How much of this line to read next."""
        self._reach[shape] = min(4 * self._reach[shape], self._most())
        return self._reach[shape]

    def remove(self, asks: Collection[Known]) -> None:
        """These wait no more, or nobody knows whether they do."""
        gone: dict[str, set[int]] = defaultdict(set)
        for ask in asks:
            gone[ask.shape].add(ask.entry_id)
        for shape, ids in gone.items():
            self.cancel(shape, ids)

    def cancel(self, shape: str, entry_ids: Collection[int]) -> None:
        """These were taken off, whether they were ever known here or not."""
        gone = frozenset(entry_ids)
        self._remove(shape, [ask.entry_id not in gone for ask in self._asks(shape)], len(gone))

    def recount(self, sizes: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """Take the counts of the database; returns what was and what is, where they differ."""
        differ = {
            shape: (self._size(shape), sizes.get(shape, 0))
            for shape in {*sizes, *self._lines}
            if self._size(shape) != sizes.get(shape, 0)
        }
        for shape in differ:  # whichever of them is missing here, or gone: the line is read again
            self.version += 1
            line = self._line(shape)
            line.size = sizes.get(shape, 0)
            _know(line, (), self.mode, is_whole=line.size == 0)
            self._drop_if_empty(line)
        return differ

    def _line(self, shape: str) -> Line:
        if shape not in self._lines:
            priority, job_type_id, needs, key = parse_shape(shape)
            self._lines[shape] = Line(shape, priority, job_type_id, needs, key=key)
        return self._lines[shape]

    def _asks(self, shape: str) -> list[Ask]:
        return self._lines[shape].asks if shape in self._lines else []

    def _size(self, shape: str) -> int:
        return self._lines[shape].size if shape in self._lines else 0

    def _most(self) -> int:
        return max(_FEWEST, min(_MOST, _MOST_IN_ALL // len(self._lines)))

    def _insert(self, line: Line, entry: Entry) -> None:
        ask = _ask(line, entry)
        key = ask.urgency(self.mode)
        at = bisect_left(line.keys, key)
        if at < len(line.keys) and line.keys[at] == key:
            return
        line.size += 1
        if at < len(line.keys) or line.is_whole:  # else it comes after some of which nothing is known
            line.keys.insert(at, key)
            line.asks.insert(at, ask)
        if len(line.asks) > self._most():
            del line.asks[-1], line.keys[-1]
            line.is_whole = False

    def _remove(self, shape: str, stays: Sequence[bool], count: int) -> None:
        """Of a line that is known as a whole it is certain how many are left."""
        if (line := self._lines.get(shape)) is not None:
            self.version += 1
            line.asks, line.keys = list(compress(line.asks, stays)), list(compress(line.keys, stays))
            line.size = len(line.asks) if line.is_whole else max(line.size - count, len(line.asks))
            self._drop_if_empty(line)

    def _drop_if_empty(self, line: Line) -> None:
        if line.is_whole and not line.asks:
            del self._lines[line.shape]
            self._reach.pop(line.shape, None)


def _know(line: Line, asks: Iterable[Ask], mode: QueueMode, *, is_whole: bool) -> None:
    line.asks = list(asks)
    line.keys = [ask.urgency(mode) for ask in line.asks]
    line.is_whole = is_whole


def _ask(line: Line, entry: Entry) -> Ask:
    return Ask(entry.id, entry.job_id, line.job_type_id, line.priority, entry.queued, line.needs, line.shape)

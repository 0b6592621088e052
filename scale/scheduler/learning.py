"""Learns what is new on the queue, so that the backlog in memory is what the database holds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta

from scale.fact import tell
from scale.queue.constraints import constraints_of
from scale.queue.selectors import LeftEntry, entries_left
from scale.queue.services import left_forget
from scale.scheduler.placement.backlog import Backlog
from scale.scheduler.placement.gaps import Gaps, Range
from scale.scheduler.placement.selectors import (
    constraints_asked,
    entries_after,
    entries_first,
    entries_within,
    newest_entry,
    sizes_waiting,
)
from scale.scheduler.placement.snapshot import Ask, Line

logger = logging.getLogger(__name__)

_COUNT_EVERY = timedelta(seconds=30)
_AT_ONCE = 10_000  # more than so many new ones are counted, not read
_OVERLAP = 1000  # ids below the newest that somebody may still be writing


class Learner:
    """The schedule loop's own. What is new has the highest ids; what was passed over is looked for again."""

    def __init__(self, backlog: Backlog, writing: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._backlog = backlog
        self._writing = writing
        self._gaps = Gaps()
        self._last = 0  # what came up to this id is known
        self._counted: datetime | None = None
        self._is_doubtful = False

    def look(self, when: datetime, *, for_new: bool = False) -> None:
        """Take what is new; now and then, and where there is too much of it, count everything.

        :param for_new: what left the queue may be asked for at another time
        """
        known_to = self._last
        new = entries_after(self._last, _AT_ONCE)
        is_behind = self._counted is None or len(new) == _AT_ONCE
        if is_behind:
            self._last = max(newest_entry() - _OVERLAP, 0)
            new = entries_after(self._last)
        in_full = is_behind or not for_new
        ranges = self._gaps.ranges(when)
        late = entries_within(ranges) if ranges else []
        gone = self._forget_left(known_to, ranges) if in_full else set()  # read last: who comes back left before
        if late:
            self._gaps.turned_up([entry.id for entry in late])
            self._backlog.add([entry for entry in late if entry.id not in gone])
        new = [entry for entry in new if entry.id not in gone] if gone else new
        if new:
            self._gaps.passed(self._last + 1, new[-1].id, [entry.id for entry in new], when)
            self._backlog.add(new)
            self._last = new[-1].id
        is_doubtful = is_behind or self._is_doubtful
        if in_full and (is_doubtful or self._counted is None or when - self._counted >= _COUNT_EVERY):
            self._recount(when, is_correction=not is_doubtful)

    def recount(self) -> None:
        """Count everything at the next look."""
        self._is_doubtful = True

    def fill(self) -> None:
        """Read on where too little is known of a line."""
        for shape, most in self._backlog.dry().items():
            self._read(shape, most)

    def read_on(self, line: Line) -> bool:
        """More of this line; False if so much is known of it that what is known is to be placed first."""
        known = len(line.asks)
        most = self._backlog.further(line.shape)
        if most > known:
            self._read(line.shape, most)
        return most > known

    def learn_constraints(self, when: datetime) -> None:
        """Read what is asked of nodes where it is not known yet; the first entry of a line speaks for all."""
        while unknown := [line for line in self._backlog.lines() if not line.is_known and line.asks]:
            documents = constraints_asked([line.asks[0].entry_id for line in unknown])
            for line in unknown:
                if document := documents.get(line.asks[0].entry_id):
                    line.constraints = constraints_of(document)
            self.doubt([line.asks[0] for line in unknown if not line.is_known], when)

    def doubt(self, asks: Iterable[Ask], when: datetime) -> None:
        """These could not be claimed: they are gone, or somebody else had them at that moment."""
        gone = list(asks)
        self._backlog.remove(gone)
        for ask in gone:
            self._gaps.passed(ask.entry_id, ask.entry_id, (), when)

    def _forget_left(self, known_to: int, unseen: Iterable[Range]) -> set[int]:
        """Take out what left the queue; returns all that did, known or not."""
        left = entries_left()
        if left:
            with self._writing():
                left_forget(ids=[one.id for one in left])
            self._backlog.remove([one for one in left if one.entry_id <= known_to and not _is_within(one, unseen)])
        return {one.entry_id for one in left}

    def _read(self, shape: str, most: int) -> None:
        first = entries_first(shape, self._backlog.mode, most, self._last)
        self._backlog.fill(shape, first, is_whole=len(first) < most)

    def _recount(self, when: datetime, *, is_correction: bool) -> None:
        differ = self._backlog.recount(sizes_waiting(self._last))
        self._counted, self._is_doubtful = when, False
        if differ and is_correction:
            was, now = (sum(numbers) for numbers in zip(*differ.values(), strict=True))
            tell(logger, "queue-recounted", shapes=len(differ), thought=was, found=now)


def _is_within(left: LeftEntry, ranges: Iterable[Range]) -> bool:
    return any(first <= left.entry_id <= last for first, last in ranges)

"""Ids that were passed over and may still turn up: who began to write before others may be done after them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

PATIENCE = timedelta(seconds=30)  #: no transaction that adds to the queue lasts so long
_MOST = 200  # what falls out of here, the next count of the whole queue finds

Range = tuple[int, int]  #: the first id and the last


class Gaps:
    """Ranges of ids in which none was found, each until nobody expects one there any more."""

    def __init__(self) -> None:
        self._until: dict[Range, datetime] = {}

    def ranges(self, when: datetime) -> list[Range]:
        """Where to look again."""
        self._until = {gap: until for gap, until in self._until.items() if until > when}
        return list(self._until)

    def passed(self, first: int, last: int, found: Sequence[int], when: datetime) -> None:
        """These, in order, are all that was found in this range."""
        new = dict.fromkeys(holes(first, last, found), when + PATIENCE)
        self._until = dict([*self._until.items(), *new.items()][-_MOST:])

    def turned_up(self, found: Sequence[int]) -> None:
        """These, in order, are all that was found in all of the ranges."""
        self._until = {hole: until for (first, last), until in self._until.items() for hole in holes(first, last, found)}


def holes(first: int, last: int, found: Iterable[int]) -> Iterator[Range]:
    """The ranges between these ids, both included, in which none was found; what was found is in order."""
    expected = first
    for each in found:
        if expected <= each <= last:
            if expected < each:
                yield expected, each - 1
            expected = each + 1
    if expected <= last:
        yield expected, last

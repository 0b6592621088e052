"""What passes found of the lines that wait, so that the next one looks again only at nodes that changed. Pure.

Whatever changes of a node, or may, is written into one list: by those who tell the columns, by asks that take room, by lines that
keep a node or keep it no more. Who has looked at all nodes once, needs to look only at those that are in the list since.

What is kept for the lines before one is not told when it is as it was. So a finding holds for one ask: for the next one of its
line, others may go before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from scale.queue.ordering import QueueMode
from scale.scheduler.placement.columns import Columns, NodeColumns
from scale.scheduler.placement.filters import Passed, Places
from scale.scheduler.placement.snapshot import Ask
from scale.scheduler.placement.wait import Wait

_MOST_BYTES = 50_000_000  # of all findings; each needs a byte for a node


class Kept(NamedTuple):
    """A node that has room kept for an ask, and what others may use of it."""

    place: int
    spare: Columns


@dataclass(slots=True, eq=False)
class Finding:
    """Of one line, as it was at its turn."""

    ask: Ask  #: the first that waits
    passed: Passed
    heard: int  #: how much of the list is in it
    news: set[int] | None = None  #: the nodes that were looked at again since the wait was told; None: all of them
    wait: Wait | None = None
    kept: Kept | None = None

    def look_again(self, places: Sequence[int], passed: Passed, nodes: int) -> None:
        """:param passed: how many filters let these pass now
        :param nodes: how many there are now
        """
        if more := nodes - len(self.passed):
            self.passed = np.append(self.passed, np.zeros(more, dtype=self.passed.dtype))
        self.passed[places] = passed
        self.wait = None
        if self.news is not None:
            self.news.update(places)

    def candidates(self) -> Places | None:
        """Of these one comes closest, if any could hold the ask: the last one that did, and what has changed; None: of all."""
        if self.news is None or (self.kept and self.kept.place in self.news):
            return None
        return np.array(sorted({*self.news, *([self.kept.place] if self.kept else [])}), dtype=np.intp)


class Findings:
    """Kept from pass to pass; those that do not find theirs look at everything."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._of: dict[str, Finding] = {}  # by shape
        self._changed: list[int] = []  # places, the latest last
        self._passing: list[int] = []  # places that were changed for the last pass alone
        self._version: object = None

    def begin(self, nodes: NodeColumns, mode: QueueMode, first: Mapping[str, Ask]) -> None:
        """:param first: of each line the ask that is its first now"""
        version = (nodes.version, mode)
        if version != self._version or len(self._changed) > 2 * len(nodes.slots):
            self._version = version
            self._of.clear()
            self._changed.clear()
        self._changed += nodes.take_changed()
        self._changed += self._passing
        self._passing.clear()
        for shape in [shape for shape, found in self._of.items() if first.get(shape) is not found.ask]:
            self.forget(shape)

    def of(self, ask: Ask) -> Finding | None:
        """What was found, if it was found of this ask."""
        found = self._of.get(ask.shape)
        return found if found and found.ask is ask else None

    def new(self, ask: Ask, passed: Passed) -> Finding:
        return Finding(ask, passed, len(self._changed))

    def news_to(self, found: Finding) -> Sequence[int]:
        """The places that may not be as they were when it was found, in order; from now on it is up to date."""
        news = sorted(set(self._changed[found.heard :]))
        found.heard = len(self._changed)
        return news

    def take(self, places: Collection[int]) -> None:
        """Something of them is given away in this pass, perhaps in vain."""
        self._changed += places
        self._passing += places

    def put(self, found: Finding, kept: Kept | None) -> None:
        """What it keeps is told if it is not what was kept before."""
        if not _is_same(found.kept, kept):
            self._changed += [one.place for one in (found.kept, kept) if one]
        found.kept, found.news, found.heard = kept, set(), len(self._changed)
        if found.ask.shape in self._of or (len(self._of) + 1) * len(found.passed) <= self._most_bytes:
            self._of[found.ask.shape] = found
        elif kept:
            self._passing.append(kept.place)

    def forget(self, shape: str) -> None:
        """It waits no more, or not for a node."""
        if (found := self._of.pop(shape, None)) and found.kept:
            self._changed.append(found.kept.place)


def _is_same(one: Kept | None, other: Kept | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.place == other.place and np.array_equal(one.spare, other.spare)

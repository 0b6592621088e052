"""How much of the queue one pass looks at: of each shape as many as might fit now, and one more that waits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from scale.kernel.resources import Resources
from scale.queue.entry import parse_shape
from scale.scheduler.placement.snapshot import Snapshot


class Line(NamedTuple):
    """The queued entries of one shape: how many, and the first of them."""

    shape: str
    size: int
    first_id: int


def heads(lines: Iterable[Line], snapshot: Snapshot, *, most: int) -> dict[str, int]:
    """How many entries to look at, by shape, the most urgent shapes first.

    A shape that cannot be placed now counts nothing against ``most``: however many such wait, they hide nobody.
    """
    wanted: dict[str, int] = {}
    left = most
    for line in _by_urgency(lines):
        _, _, needs = parse_shape(line.shape)
        fits = min(line.size, capacity(needs, snapshot, left))
        wanted[line.shape] = min(line.size, fits + 1)
        left -= fits
    return wanted


def capacity(needs: Resources, snapshot: Snapshot, most: int) -> int:
    """How many of these would fit side by side on the nodes as they are now; no more than ``most``."""
    if snapshot.is_paused or not snapshot.is_ready.any():
        return 0
    column = snapshot.column(needs)
    wanted = column > 0
    if not wanted.any():
        return most
    times = np.floor(snapshot.free[snapshot.is_ready][:, wanted] / column[wanted] + 1e-6).min(axis=1)
    return min(most, int(times.sum()))


def _by_urgency(lines: Iterable[Line]) -> Sequence[Line]:
    return sorted(lines, key=lambda line: (parse_shape(line.shape)[0], line.first_id))

"""Why a node is not for an ask: each filter is a mask over all nodes and a sentence about one. Pure.

The first filter that refuses a node names the reason; so the order goes from what lasts to what passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scale.kernel.reading import shown
from scale.kernel.resources import IMAGES
from scale.queue.constraints import Constraints
from scale.scheduler.placement.attributes import Mask
from scale.scheduler.placement.columns import ROUNDING, Columns, Needs, Slot

Places = NDArray[np.intp]
Passed = NDArray[np.uint8]  #: of each node how many filters let it pass before one refuses it


class Nodes(NamedTuple):
    """The columns as they stand at this moment of a pass: a row a resource, a column a node."""

    names: tuple[str, ...]
    offered: Columns
    free: Columns  #: what no execution holds
    usable: Columns  #: the same, less what is kept for a more urgent ask
    is_ready: Mask
    asked: Constraints | None = None  #: what the ask at hand wants of their attributes
    meeting: Mask | None = None  #: those that meet it; None: all

    def at(self, places: Places | Sequence[int]) -> Nodes:
        """Of these alone."""
        return self._replace(
            offered=self.offered[:, places],
            free=self.free[:, places],
            usable=self.usable[:, places],
            is_ready=self.is_ready[places],
            meeting=None if self.meeting is None else self.meeting[places],
        )


class Filter(NamedTuple):
    code: str
    mask: Callable[[Needs, Nodes], Mask]  #: the nodes that pass
    says: Callable[[Slot, Needs, Nodes, int], str]  #: why this node does not


def _fits(needs: Needs, room: Columns) -> Mask:
    fits = np.ones(room.shape[1], dtype=bool)
    for row, amount in needs:
        fits &= room[row] >= amount - ROUNDING
    return fits


def _resource_filter(code: str, room_of: Callable[[Nodes], Columns], phrase: str) -> Filter:
    def says(slot: Slot, needs: Needs, nodes: Nodes, place: int) -> str:
        room = room_of(nodes)[:, place]
        lacking = [
            f"needs {amount:g} {nodes.names[row]}, {phrase.format(room[row])}"
            for row, amount in needs
            if room[row] < amount - ROUNDING
        ]
        return f"{slot.hostname}: {'; '.join(lacking)}"

    return Filter(code, lambda needs, nodes: _fits(needs, room_of(nodes)), says)


def _unmet(slot: Slot, needs: Needs, nodes: Nodes, place: int) -> str:
    each = nodes.asked.each if nodes.asked else ()
    lacking = [one for one in each if not one.accepts(slot.attributes.get(one.attribute))]
    has = {one.attribute: slot.attributes.get(one.attribute, "nothing") for one in lacking}
    return f"{slot.hostname}: " + "; ".join(f"needs {shown(str(one))}, has {has[one.attribute]}" for one in lacking)


MEETING = Filter(
    "constraints",
    lambda needs, nodes: np.ones(len(nodes.is_ready), dtype=bool) if nodes.meeting is None else nodes.meeting,
    _unmet,
)
READY = Filter(
    "not-ready",
    lambda needs, nodes: nodes.is_ready,
    lambda slot, needs, nodes, place: f"{slot.hostname}: {slot.not_ready or 'does not take new jobs'}",
)


def _runs_images(needs: Needs, nodes: Nodes) -> Mask:
    rows = [row for row, _ in needs if nodes.names[row] == IMAGES]
    return np.ones(len(nodes.is_ready), dtype=bool) if not rows else nodes.offered[rows[0]] > 0


RUNS_IMAGES = Filter(
    "no-engine",
    _runs_images,
    lambda slot, needs, nodes, place: f"{slot.hostname}: its engine runs no images",
)
LARGE_ENOUGH = _resource_filter("too-small", lambda nodes: nodes.offered, "has {:g} in all")
FREE = _resource_filter("busy", lambda nodes: nodes.free, "has {:g} free")
UNRESERVED = _resource_filter("reserved", lambda nodes: nodes.usable, "has {:g} that is not kept for a more urgent job")

FILTERS = (RUNS_IMAGES, MEETING, LARGE_ENOUGH, READY, FREE, UNRESERVED)
FITS = len(FILTERS)
_LASTING = FILTERS.index(FREE)  # as many filters ask nothing of who else is there


def feasible(needs: Needs, nodes: Nodes) -> Mask:
    """The nodes that every filter lets pass; as what is usable is free, and what is free is offered, one tells for three."""
    fits = READY.mask(needs, nodes) & UNRESERVED.mask(needs, nodes)
    return fits if nodes.meeting is None else fits & nodes.meeting


def passed(needs: Needs, nodes: Nodes) -> Passed:
    """How many filters let each node pass, one after the other."""
    still = FILTERS[0].mask(needs, nodes).copy()
    count = still.astype(np.uint8)
    for each in FILTERS[1:]:
        still &= each.mask(needs, nodes)
        count += still
    return count


def could_hold(count: Passed) -> Mask:
    """The nodes that would do if nobody else were there."""
    return count >= _LASTING


def refusals(count: Passed) -> dict[str, int]:
    """How many nodes each filter refuses first."""
    nodes = np.bincount(count, minlength=FITS + 1).tolist()
    return {each.code: refused for each, refused in zip(FILTERS, nodes, strict=False) if refused}


def lacking(needs: Needs, nodes: Nodes, could: Mask) -> frozenset[str]:
    """The resources of which some of these nodes has too little now."""
    return frozenset(nodes.names[row] for row, amount in needs if (could & (nodes.usable[row] < amount - ROUNDING)).any())


def explain(slot: Slot, needs: Needs, nodes: Nodes, place: int) -> str:
    """Why this one node is not for the ask, for a person; empty if it is."""
    for each in FILTERS:
        if not each.mask(needs, nodes)[place]:
            return each.says(slot, needs, nodes, place)
    return ""

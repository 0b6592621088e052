"""Why a node is not for an ask: each filter is a mask over all nodes and a sentence about one. Pure.

The first filter that refuses a node names the reason; so the order goes from what lasts to what passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from scale.scheduler.placement.snapshot import Ask, Columns, Mask, Slot

_ROUNDING = 1e-6  # sums of fractions such as 0.1 cpus must not refuse a fit


class Nodes(NamedTuple):
    """The columns as they stand at this moment of a pass."""

    names: tuple[str, ...]
    offered: Columns
    free: Columns  #: what no execution holds
    usable: Columns  #: the same, less what is kept for a more urgent ask
    is_ready: Mask


class Filter(NamedTuple):
    code: str
    mask: Callable[[Columns, Nodes], Mask]  #: the nodes that pass
    says: Callable[[Ask, Slot, Columns, Nodes, int], str]  #: why this node does not


def _fits(needs: Columns, room: Columns) -> Mask:
    return np.asarray((needs <= room + _ROUNDING).all(axis=1), dtype=bool)


def _resource_filter(code: str, room_of: Callable[[Nodes], Columns], phrase: str) -> Filter:
    def says(ask: Ask, slot: Slot, needs: Columns, nodes: Nodes, row: int) -> str:
        lacking = [
            f"needs {need:g} {name}, {phrase.format(room)}"
            for name, need, room in zip(nodes.names, needs, room_of(nodes)[row], strict=True)
            if need > room + _ROUNDING
        ]
        return f"{slot.hostname}: {'; '.join(lacking)}"

    return Filter(code, lambda needs, nodes: _fits(needs, room_of(nodes)), says)


READY = Filter(
    "not-ready",
    lambda needs, nodes: nodes.is_ready,
    lambda ask, slot, needs, nodes, row: f"{slot.hostname}: {slot.not_ready or 'does not take new jobs'}",
)
LARGE_ENOUGH = _resource_filter("too-small", lambda nodes: nodes.offered, "has {:g} in all")
FREE = _resource_filter("busy", lambda nodes: nodes.free, "has {:g} free")
UNRESERVED = _resource_filter("reserved", lambda nodes: nodes.usable, "has {:g} that is not kept for a more urgent job")

FILTERS = (LARGE_ENOUGH, READY, FREE, UNRESERVED)


def feasible(needs: Columns, nodes: Nodes) -> Mask:
    """The nodes that every filter lets pass."""
    passed = np.ones(len(nodes.is_ready), dtype=bool)
    for each in FILTERS:
        passed &= each.mask(needs, nodes)
    return passed


def refusals(needs: Columns, nodes: Nodes) -> dict[str, int]:
    """How many nodes each filter refuses first."""
    left = np.ones(len(nodes.is_ready), dtype=bool)
    counts: Counter[str] = Counter()
    for each in FILTERS:
        passed = each.mask(needs, nodes)
        counts[each.code] = int((left & ~passed).sum())
        left &= passed
    return {code: count for code, count in counts.items() if count}


def lacking(needs: Columns, nodes: Nodes) -> frozenset[str]:
    """The resources of which some node has too little now that is large enough and takes new jobs."""
    could = LARGE_ENOUGH.mask(needs, nodes) & READY.mask(needs, nodes)
    short = needs > nodes.usable[could] + _ROUNDING
    return frozenset(nodes.names[column] for column in np.flatnonzero(short.any(axis=0)))


def explain(ask: Ask, slots: Sequence[Slot], needs: Columns, nodes: Nodes, row: int) -> str:
    """Why this one node is not for the ask, for a person; empty if it is."""
    for each in FILTERS:
        if not each.mask(needs, nodes)[row]:
            return each.says(ask, slots[row], needs, nodes, row)
    return ""

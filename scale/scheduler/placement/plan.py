"""Decides which ask goes to which node, and says of every other why it waits. Pure.

The rules:

* The most urgent ask chooses first, and takes the first node that has room. Nodes stand in the order in which they came,
  so a new one takes only what had no place; a job never loses its place because there is more room.
* An ask for which no node has room now gets one kept: the node that comes closest. Less urgent asks may use of it only
  what the waiting one will not need once everything more urgent on that node has ended. So a large job is not starved
  by small ones, and small ones still run beside it.
* What no node could ever hold waits without keeping anything from others.
* A plan is a proposal: whoever applies it looks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from scale.scheduler.placement import filters, scores
from scale.scheduler.placement.filters import Nodes
from scale.scheduler.placement.snapshot import Ask, Columns, Snapshot


@dataclass(frozen=True, slots=True)
class Placement:
    ask: Ask
    node_id: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Why an ask is not placed: a code for programs, a sentence for people, and how many nodes refuse it for what."""

    ask: Ask
    code: str
    text: str
    nodes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    placements: tuple[Placement, ...] = ()
    waits: tuple[Wait, ...] = ()


def decide(snapshot: Snapshot) -> Plan:
    """Place or explain every ask; never both."""
    return _Pass(snapshot).run()


class _Pass:
    """The columns of one pass, which change as asks are placed."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        free = snapshot.free.copy()
        self._nodes = Nodes(snapshot.names, snapshot.offered, free, free.copy(), snapshot.is_ready)
        self._kept = np.zeros(len(snapshot.slots), dtype=bool)
        self._room = dict(snapshot.room)
        self._refused: dict[str, Wait] = {}

    def run(self) -> Plan:
        mode = self._snapshot.queue_mode
        placements, waits = [], []
        for ask in sorted(self._snapshot.asks, key=lambda ask: ask.urgency(mode)):
            wait = self._held_back(ask) or self._refused_before(ask)
            if wait is None:
                row = self._first(ask)
                if row is not None:
                    self._take(ask, row)
                    placements.append(Placement(ask, self._snapshot.slots[row].node_id))
                    continue
                wait = self._refused[ask.shape] = self._refuse(ask)
            waits.append(wait)
        return Plan(tuple(placements), tuple(waits))

    def _held_back(self, ask: Ask) -> Wait | None:
        """Reasons that no node has anything to do with."""
        if self._snapshot.is_paused:
            return Wait(ask, "scheduler-paused", "the scheduler is paused")
        if ask.job_type_id in self._snapshot.paused_types:
            return Wait(ask, "type-paused", "the job type is paused")
        if self._room.get(ask.job_type_id, 1) < 1:
            return Wait(ask, "type-limit", "as many jobs of this type run as may run at once")
        return None

    def _refused_before(self, ask: Ask) -> Wait | None:
        """Within a pass room only shrinks, so what was refused to one ask is refused to all of its shape."""
        before = self._refused.get(ask.shape) if ask.shape else None
        return Wait(ask, before.code, before.text, before.nodes) if before else None

    def _first(self, ask: Ask) -> int | None:
        fits = filters.feasible(self._snapshot.column(ask.needs), self._nodes)
        return int(np.argmax(fits)) if fits.any() else None

    def _take(self, ask: Ask, row: int) -> None:
        needs = self._snapshot.column(ask.needs)
        self._nodes.free[row] -= needs
        self._nodes.usable[row] -= needs
        if ask.job_type_id in self._room:
            self._room[ask.job_type_id] -= 1

    def _refuse(self, ask: Ask) -> Wait:
        needs = self._snapshot.column(ask.needs)
        wait = self._wait(ask, needs)
        if wait.code != "too-large":
            self._keep_a_node(ask, needs)
        return wait

    def _wait(self, ask: Ask, needs: Columns) -> Wait:
        counts = filters.refusals(needs, self._nodes)
        if not self._snapshot.slots:
            return Wait(ask, "no-nodes", "there are no nodes")
        if counts.get(filters.LARGE_ENOUGH.code) == len(self._snapshot.slots):
            return Wait(ask, "too-large", _too_large(self._snapshot, needs), counts)
        if filters.FREE.code not in counts and filters.UNRESERVED.code not in counts:
            return Wait(ask, "no-node-ready", "no node that is large enough takes new jobs", counts)
        return Wait(ask, "no-room", _no_room(self._nodes, needs, counts), counts)

    def _keep_a_node(self, ask: Ask, needs: Columns) -> None:
        """Keep room on the node that comes closest, of those that could hold the ask and keep nothing yet."""
        nodes = self._nodes
        could = nodes.is_ready & ~self._kept & filters.LARGE_ENOUGH.mask(needs, nodes)
        rows = np.flatnonzero(could)
        if not len(rows):
            return
        row = int(rows[int(np.argmin(scores.shortfall(needs, nodes.usable[rows], nodes.offered[rows])))])
        spare = nodes.offered[row] - needs - self._held_by_less_urgent(ask, row)
        nodes.usable[row] = np.minimum(nodes.usable[row], np.maximum(spare, 0.0))
        self._kept[row] = True

    def _held_by_less_urgent(self, ask: Ask, row: int) -> Columns:
        mode = self._snapshot.queue_mode
        mine = ask.urgency(mode)
        held = np.zeros(len(self._snapshot.names))
        for occupant in self._snapshot.slots[row].occupants:
            if occupant.urgency(mode) > mine:
                held += self._snapshot.column(occupant.holds)
        return held


#: why not of a node, and of several, in the order in which they are told
_REFUSALS = {
    filters.FREE.code: ("has {} free", "have {} free"),
    filters.UNRESERVED.code: ("keeps its room for a more urgent job", "keep their room for more urgent jobs"),
    filters.READY.code: ("takes no new jobs", "take no new jobs"),
    filters.LARGE_ENOUGH.code: ("is too small", "are too small"),
}
_MEASURED = {"mem", "disk"}  # less of what is measured, fewer of what is counted


def _no_room(nodes: Nodes, needs: Columns, counts: Mapping[str, int]) -> str:
    """Name what there is too little of, and how many nodes refuse for what."""
    names = filters.lacking(needs, nodes)
    wanted = " and ".join(f"{need:g} {name}" for name, need in zip(nodes.names, needs, strict=True) if name in names)
    free = "less" if names & _MEASURED else "fewer"
    told = [
        f"{counts[code]} {'node' if counts[code] == 1 else 'nodes'} {phrases[counts[code] > 1].format(free)}"
        for code, phrases in _REFUSALS.items()
        if code in counts
    ]
    return f"needs {wanted}; {', '.join(told)}"


def _too_large(snapshot: Snapshot, needs: Columns) -> str:
    """Name the resources of which no node has enough; if each is somewhere, but never together, say that."""
    largest = snapshot.offered.max(axis=0)
    lacking = [
        f"needs {need:g} {name}, the largest node has {most:g}"
        for name, need, most in zip(snapshot.names, needs, largest, strict=True)
        if need > most
    ]
    return "; ".join(lacking) or "no single node has all that it needs"

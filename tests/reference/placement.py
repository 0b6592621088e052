"""Placement ask by ask and node by node, in the plainest words there are: what the fast way is held against.

`decide` is the fast way, asked in the same words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from scale.kernel.attributes import Value
from scale.kernel.resources import Resources
from scale.queue.constraints import Constraints, Strategy
from scale.queue.entry import parse_shape
from scale.queue.ordering import QueueMode
from scale.scheduler.placement import plan as fast
from scale.scheduler.placement.columns import NodeColumns
from scale.scheduler.placement.columns import Slot as Node
from scale.scheduler.placement.findings import Findings
from scale.scheduler.placement.plan import Placement, Plan
from scale.scheduler.placement.snapshot import Ask, Line, Occupant
from scale.scheduler.placement.snapshot import Snapshot as Lines
from scale.scheduler.placement.wait import Wait

ROUNDING = 1e-6


@dataclass(frozen=True)
class Slot:
    """A node, and what runs on it."""

    node_id: int
    hostname: str
    offered: Resources
    is_ready: bool
    not_ready: str = ""
    occupants: Sequence[Occupant] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)

    @property
    def free(self) -> Resources:
        held = sum((occupant.holds for occupant in self.occupants), Resources())
        return Resources({name: max(amount - held[name], 0.0) for name, amount in self.offered.items()})


@dataclass(frozen=True)
class Snapshot:
    asks: Sequence[Ask]
    slots: Sequence[Slot]
    room: Mapping[int, int] = field(default_factory=dict)
    paused_types: frozenset[int] = frozenset()
    is_paused: bool = False
    queue_mode: QueueMode = QueueMode.FIFO
    asked: Mapping[str, Constraints] = field(default_factory=dict)  #: what asks want of nodes, by the key in their shape

    @property
    def in_order(self) -> list[Ask]:
        return sorted(self.asks, key=lambda ask: ask.urgency(self.queue_mode))


def nodes_of(slots: Sequence[Slot]) -> NodeColumns:
    """The columns of these nodes, with what is held of them."""
    nodes = NodeColumns(map(_node, slots))
    for slot in slots:
        nodes.hold(slot.node_id, sum((occupant.holds for occupant in slot.occupants), Resources()))
    return nodes


def bring_up_to_date(nodes: NodeColumns, before: Sequence[Slot], slots: Sequence[Slot]) -> None:
    """Tell these columns what has changed, and nothing else."""
    nodes.append(map(_node, slots[len(before) :]))
    for place, slot in enumerate(slots):
        if place >= len(before) or slot != before[place]:
            nodes.change(place, _node(slot))
            nodes.hold(slot.node_id, sum((occupant.holds for occupant in slot.occupants), Resources()))


def _node(slot: Slot) -> Node:
    return Node(slot.node_id, slot.hostname, slot.offered, slot.is_ready, slot.not_ready, attributes=slot.attributes)


def lines_of(asks: Sequence[Ask], mode: QueueMode = QueueMode.FIFO, asked: Mapping[str, Constraints] | None = None) -> list[Line]:
    """These asks by shape."""
    lines = []
    by_shape = sorted(asks, key=lambda ask: (ask.shape, ask.urgency(mode)))
    for shape, group in groupby(by_shape, lambda ask: ask.shape):
        those = list(group)
        keys = [ask.urgency(mode) for ask in those]
        line = Line(shape, those[0].priority, those[0].job_type_id, those[0].needs, len(those), those, keys)
        line.key = key_in(shape)
        line.constraints = asked[line.key] if asked and line.key else None
        lines.append(line)
    return lines


def key_in(shape: str) -> str:
    return parse_shape(shape)[3] if shape else ""


def decide(snapshot: Snapshot, most: int = 1000, nodes: NodeColumns | None = None, findings: Findings | None = None) -> Plan:
    """The fast way; and as one wait of it speaks for all of its shape that are left, a wait of each of these.

    :param nodes: the columns of these nodes, if they are kept from pass to pass
    """
    occupants = {slot.node_id: slot.occupants for slot in snapshot.slots}
    plan = fast.decide(
        Lines(
            lines_of(snapshot.asks, snapshot.queue_mode, snapshot.asked),
            nodes_of(snapshot.slots) if nodes is None else nodes,
            occupants.__getitem__,
            snapshot.room,
            snapshot.paused_types,
            snapshot.is_paused,
            snapshot.queue_mode,
            most,
        ),
        findings,
    )
    said = {wait.ask.shape: wait for wait in plan.waits}
    placed = {placement.ask.entry_id for placement in plan.placements}
    waits = [
        Wait(ask, said[ask.shape].code, said[ask.shape].text, said[ask.shape].nodes)
        for ask in snapshot.in_order
        if ask.entry_id not in placed and ask.shape in said
    ]
    return Plan(plan.placements, tuple(waits), plan.is_cut)


class OneByOne:
    """The rules again."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.free = [slot.free for slot in snapshot.slots]
        self.usable = [slot.free for slot in snapshot.slots]
        self.kept: set[int] = set()
        self.room = dict(snapshot.room)

    def decide(self) -> tuple[list[Placement], list[tuple[Ask, str, dict[str, int]]]]:
        """What is placed, and of each shape the first that is not: its code, and the nodes by reason."""
        placements = []
        waits: dict[str, tuple[Ask, str, dict[str, int]]] = {}
        for ask in self.snapshot.in_order:
            if ask.shape in waits:
                continue
            why = self.held_back(ask)
            place = None if why else self.choose(ask)
            if place is not None:
                self.take(ask, place)
                placements.append(Placement(ask, self.snapshot.slots[place].node_id))
            else:
                waits[ask.shape] = (ask, why, {}) if why else self.refuse(ask)
        return placements, list(waits.values())

    def constraints(self, ask: Ask) -> Constraints:
        return self.snapshot.asked.get(key_in(ask.shape), Constraints())

    def choose(self, ask: Ask) -> int | None:
        fit = [n for n in range(len(self.free)) if self.refusal(ask, n) is None]
        if not fit or (strategy := self.constraints(ask).strategy) is None:
            return fit[0] if fit else None
        sign = 1 if strategy is Strategy.SPREAD else -1
        scores = [sign * self.free_share(ask, n) for n in fit]
        return next(n for n, score in zip(fit, scores, strict=True) if score >= max(scores) - ROUNDING)

    def free_share(self, ask: Ask, n: int) -> float:
        offered = self.snapshot.slots[n].offered
        return min((self.usable[n][name] / offered[name] for name, need in ask.needs.items() if need), default=1.0)

    def meets(self, ask: Ask, n: int) -> bool:
        attributes = self.snapshot.slots[n].attributes
        return all(one.accepts(attributes.get(one.attribute)) for one in self.constraints(ask).each)

    def held_back(self, ask: Ask) -> str:
        if self.snapshot.is_paused:
            return "scheduler-paused"
        if ask.job_type_id in self.snapshot.paused_types:
            return "type-paused"
        return "type-limit" if self.room.get(ask.job_type_id, 1) < 1 else ""

    def refusal(self, ask: Ask, n: int) -> str | None:
        """The first reason why this node is not for the ask."""
        slot = self.snapshot.slots[n]
        if not self.meets(ask, n):
            return "constraints"
        if not ask.needs.fits_in(slot.offered):
            return "too-small"
        if not slot.is_ready:
            return "not-ready"
        if not ask.needs.fits_in(self.free[n]):
            return "busy"
        return None if ask.needs.fits_in(self.usable[n]) else "reserved"

    def take(self, ask: Ask, n: int) -> None:
        self.free[n] = self.free[n] - ask.needs
        self.usable[n] = self.usable[n] - ask.needs
        if ask.job_type_id in self.room:
            self.room[ask.job_type_id] -= 1

    def refuse(self, ask: Ask) -> tuple[Ask, str, dict[str, int]]:
        counts = dict(Counter(str(self.refusal(ask, n)) for n in range(len(self.free))))
        if not counts:
            return ask, "no-nodes", counts
        if set(counts) == {"constraints"}:
            return ask, "no-such-node", counts
        if set(counts) <= {"constraints", "too-small"}:
            return ask, "too-large", counts
        self.keep(ask)
        return ask, "no-room" if {"busy", "reserved"} & set(counts) else "no-node-ready", counts

    def keep(self, ask: Ask) -> None:
        slots = self.snapshot.slots
        free = [n for n, slot in enumerate(slots) if slot.is_ready and n not in self.kept and ask.needs.fits_in(slot.offered)]
        could = [n for n in free if self.meets(ask, n)]
        if not could:
            return
        n = min(could, key=lambda n: (self.shortfall(ask, n), n))
        mode = self.snapshot.queue_mode
        less_urgent = [occupant.holds for occupant in slots[n].occupants if occupant.urgency(mode) > ask.urgency(mode)]
        spare = slots[n].offered - ask.needs - sum(less_urgent, Resources())
        self.usable[n] = Resources({name: min(amount, max(spare[name], 0.0)) for name, amount in self.usable[n].items()})
        self.kept.add(n)

    def shortfall(self, ask: Ask, n: int) -> float:
        offered = self.snapshot.slots[n].offered
        wanted = [(name, need) for name, need in ask.needs.items() if offered[name] > 0]
        return sum(max(need - self.usable[n][name], 0.0) / offered[name] for name, need in wanted)

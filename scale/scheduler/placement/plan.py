"""Decides which ask goes to which node, and says of every other why it waits. Pure.

The rules:

* The most urgent ask chooses first, and takes the first node that has room. Nodes stand in the order in which they came,
  so a new one takes only what had no place; a job never loses its place because there is more room.
* A node that does not meet what is asked of it is no node to that ask. Who wishes to be packed takes the fullest of those
  that have room, and who wishes to be spread the one with the most free.
* An ask for which no node has room now gets one kept: the node that comes closest. Less urgent asks may use of it only
  what the waiting one will not need once everything more urgent on that node has ended. So a large job is not starved
  by small ones, and small ones still run beside it.
* What no node could ever hold waits without keeping anything from others.
* An ask of what runs shortly may go ahead of its room to a node that holds it back until there is, and that nobody more
  urgent waits for.
* A plan is a proposal: whoever applies it looks again.

Within a pass room only shrinks. So asks of one shape are taken together for as long as none of another goes before them;
none of them looks again at a node that refused one of them; and what is refused to one is refused to all that follow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import repeat
from typing import NamedTuple

import numpy as np

from scale.queue.constraints import Strategy
from scale.queue.ordering import Urgency
from scale.scheduler.placement import filters, scores
from scale.scheduler.placement.ahead import MOST
from scale.scheduler.placement.attributes import Mask
from scale.scheduler.placement.columns import ROUNDING, Columns, Needs
from scale.scheduler.placement.filters import Nodes
from scale.scheduler.placement.snapshot import Ask, Line, Snapshot


class Placement(NamedTuple):
    ask: Ask
    node_id: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Why an ask is not placed, nor any of its shape that follows it.

    A code for programs, a sentence for people, and how many nodes refuse it for what.
    """

    ask: Ask
    code: str
    text: str
    nodes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    placements: tuple[Placement, ...] = ()
    waits: tuple[Wait, ...] = ()  #: of each shape the first that waits
    is_cut: bool = False  #: there may be more to place than one pass does, or than is known of the queue
    ahead: int = 0  #: how many of the placements have no room yet
    dry: str = ""  #: the shape of which more would have to be known to go on


def decide(snapshot: Snapshot) -> Plan:
    """Place asks, the most urgent first, until each shape is used up or refused, or the pass has placed its most."""
    return _Pass(snapshot).run()


class _Room:
    """What of each node may be used: as columns, to look at all nodes at once, and as lists, to take from one at a time."""

    def __init__(self, snapshot: Snapshot) -> None:
        columns, free = snapshot.nodes, snapshot.nodes.free
        self._nodes = Nodes(columns.names, columns.offered, free, free.copy(), columns.is_ready)
        self._touched: set[int] = set()

    @cached_property
    def lists(self) -> list[list[float]]:
        """What may be used, a list a resource."""
        lists: list[list[float]] = self._nodes.usable.tolist()
        return lists

    def nodes(self) -> Nodes:
        """The columns, as they stand now."""
        if self._touched:
            places = list(self._touched)
            for row, usable in enumerate(self.lists):
                now = np.array([usable[place] for place in places])
                self._nodes.free[row, places] -= self._nodes.usable[row, places] - now
                self._nodes.usable[row, places] = now
            self._touched.clear()
        return self._nodes

    def take(self, place: int, needs: Needs, times: int) -> None:
        for row, amount in needs:
            self.lists[row][place] -= times * amount
        self._touched.add(place)

    def keep(self, place: int, spare: Columns) -> None:
        """From now on others may use no more than this of the node."""
        usable = self.nodes().usable
        usable[:, place] = np.minimum(usable[:, place], np.maximum(spare, 0.0))
        for row, amount in enumerate(usable[:, place].tolist()):
            self.lists[row][place] = amount


class _Turn:
    """A line in a pass: which of its asks is the next, and at which node it stands."""

    def __init__(self, line: Line, needs: Needs, meeting: Mask | None) -> None:
        self.line = line
        self.needs = needs
        self.strategy = line.constraints.strategy if line.constraints else None
        self._meeting = meeting
        self.next = 0
        self.place = -1

    @property
    def ask(self) -> Ask:
        return self.line.asks[self.next]

    def before(self, other: Urgency | None) -> int:
        """How many of its asks go before another one."""
        keys, after = self.line.keys, self.next + 1
        if other is None:
            return len(keys) - self.next
        if after == len(keys) or other < keys[after]:
            return 1  # as it is for most where shapes came in turn
        return bisect_left(keys, other, after) - self.next

    def nodes(self, room: _Room) -> Nodes:
        """The columns, as they stand now, and which of them are nodes to this line."""
        nodes = room.nodes()
        return nodes if self._meeting is None else nodes._replace(asked=self.line.constraints, meeting=self._meeting)

    def begin(self, room: _Room) -> None:
        """Look at all nodes, once; none that has no room now will have any in this pass."""
        self._next_place = filters.feasible(self.needs, self.nodes(room)).tobytes().find
        self.place = self._next_place(True)
        self._wanted = [(room.lists[row], amount - ROUNDING) for row, amount in self.needs] if self.place >= 0 else []

    def seek(self) -> bool:
        """Go on to the first node that has room; False if there is none."""
        place = self.place
        while place >= 0:
            for usable, amount in self._wanted:
                if usable[place] < amount:
                    break
            else:
                break
            place = self._next_place(True, place + 1)
        self.place = place
        return place >= 0

    def fit(self, room: _Room, most: int) -> int:
        """How many fit there, up to so many."""
        if most > 1:
            for row, amount in self.needs:
                most = min(most, int((room.lists[row][self.place] + ROUNDING) // amount))
        return max(most, 1)


class _Pass:
    """What changes as asks are placed."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        meeting = snapshot.nodes.meeting({line.key: line.constraints for line in snapshot.lines if line.constraints})
        lines = (line for line in snapshot.lines if line.asks)
        self._turns = [_Turn(line, snapshot.nodes.needs(line.needs), meeting.get(line.key)) for line in lines]
        self._room = _Room(snapshot)
        self._room_of_type = dict(snapshot.room)
        self._kept = np.zeros(len(snapshot.nodes.slots), dtype=bool)
        self._count_ahead = 0
        self._ahead: Columns | None = None  # what has been placed ahead in this pass
        self._placements: list[Placement] = []

    def run(self) -> Plan:
        waits, dry = [], ""
        turns = [(turn.line.keys[0], number, turn) for number, turn in enumerate(self._turns)]
        heapify(turns)
        while turns and not dry and (left := self._snapshot.most - len(self._placements)):
            _, number, turn = heappop(turns)
            wait = self._held_back(turn) or self._go(turn, min(left, turn.before(turns[0][0] if turns else None)))
            if wait is not None:
                waits.append(wait)
            elif turn.next < len(turn.line.asks):
                heappush(turns, (turn.line.keys[turn.next], number, turn))
            elif not turn.line.is_whole:
                dry = turn.line.shape
        return Plan(tuple(self._placements), tuple(waits), is_cut=bool(turns or dry), ahead=self._count_ahead, dry=dry)

    def _held_back(self, turn: _Turn) -> Wait | None:
        """Reasons that no node has anything to do with."""
        kind = turn.line.job_type_id
        if self._snapshot.is_paused:
            return Wait(turn.ask, "scheduler-paused", "the scheduler is paused")
        if kind in self._snapshot.paused_types:
            return Wait(turn.ask, "type-paused", "the job type is paused")
        if self._room_of_type.get(kind, 1) < 1:
            return Wait(turn.ask, "type-limit", "as many jobs of this type run as may run at once")
        return None

    def _go(self, turn: _Turn, count: int) -> Wait | None:
        """Place so many of the line's asks, or what its type's limit leaves of them; or say why not the next."""
        kind = turn.line.job_type_id
        if kind not in self._room_of_type:
            left = self._place(turn, count)
            left -= self._place_ahead(turn, left) if left else 0
        else:
            may = min(count, self._room_of_type[kind])
            left = self._place(turn, may)
            self._room_of_type[kind] -= may - left
        return self._refuse(turn) if left else None

    def _place(self, turn: _Turn, count: int) -> int:
        """Each on the first node that has room; returns for how many there is none."""
        if turn.strategy is not None:
            return self._place_best(turn, count, turn.strategy)
        if not turn.next:
            turn.begin(self._room)
        while count and turn.seek():
            times = turn.fit(self._room, count)
            self._room.take(turn.place, turn.needs, times)
            self._give(turn, turn.place, times)
            count -= times
        return count

    def _place_best(self, turn: _Turn, count: int, strategy: Strategy) -> int:
        """Each on the best node that has room; returns for how many there is none."""
        nodes, needs = turn.nodes(self._room), turn.needs
        shares = scores.free_share(needs, nodes.usable, nodes.offered)
        ranks = scores.ranked(strategy, shares, filters.feasible(needs, nodes))
        while count and (place := scores.best(ranks)) >= 0:
            turn.place = place
            times = turn.fit(self._room, count if strategy is Strategy.PACK else 1)
            self._room.take(place, needs, times)
            self._give(turn, place, times)
            count -= times
            usable = [self._room.lists[row][place] for row, _ in needs]
            ranks[place] = scores.rank(strategy, usable, [nodes.offered[row, place] for row, _ in needs], needs)
        return count

    def _place_ahead(self, turn: _Turn, count: int) -> int:
        """Of so many asks for which there is no room, place some where it is expected soon; evenly. Returns how many."""
        depth = self._snapshot.depth(turn.line)
        waiting = self._waiting_room(turn, depth) if depth else ()
        placed = 0
        for number, (place, most) in enumerate(waiting):
            times = min(most, -(-(count - placed) // (len(waiting) - number)))
            self._give(turn, place, times)
            self._take_ahead(place, turn.needs, times)
            placed += times
        self._count_ahead += placed
        return placed

    def _waiting_room(self, turn: _Turn, depth: int) -> list[tuple[int, int]]:
        """The nodes at which some of the line may wait, and how many more."""
        nodes = turn.nodes(self._room)
        may = filters.could_hold(turn.needs, nodes) & self._snapshot.nodes.holds_back & ~self._kept
        found = []
        for place in np.flatnonzero(may).tolist():
            at_once = min(int((nodes.offered[row, place] + ROUNDING) // amount) for row, amount in turn.needs)
            beyond = min(int((self._spare(row, place) + ROUNDING) // amount) for row, amount in turn.needs)
            if (more := min(depth * at_once, MOST) + beyond) > 0:
                found.append((place, more))
        return found

    def _spare(self, row: int, place: int) -> float:
        """What neither executions nor this pass's placements have of the node; negative where some go ahead of their room."""
        columns, free = self._snapshot.nodes, self._room.nodes().free
        taken = max(columns.spare[row, place], 0.0) - free[row, place]
        ahead = self._ahead[row, place] if self._ahead is not None else 0.0
        return float(columns.spare[row, place] - taken - ahead)

    def _take_ahead(self, place: int, needs: Needs, times: int) -> None:
        if self._ahead is None:
            self._ahead = np.zeros_like(self._snapshot.nodes.offered)
        for row, amount in needs:
            self._ahead[row, place] += times * amount

    def _give(self, turn: _Turn, place: int, times: int) -> None:
        """The next asks of the line go there."""
        node_id = self._snapshot.nodes.slots[place].node_id
        self._placements += map(Placement, turn.line.asks[turn.next : turn.next + times], repeat(node_id))
        turn.next += times

    def _refuse(self, turn: _Turn) -> Wait:
        nodes = turn.nodes(self._room)
        could = filters.could_hold(turn.needs, nodes)
        wait = self._wait(turn, nodes, could)
        if wait.code == "no-room":
            self._keep_a_node(turn, nodes, could)
        return wait

    def _wait(self, turn: _Turn, nodes: Nodes, could: Mask) -> Wait:
        ask, slots = turn.ask, self._snapshot.nodes.slots
        counts = filters.refusals(turn.needs, nodes)
        if not slots:
            return Wait(ask, "no-nodes", "there are no nodes")
        if counts.get(filters.RUNS_IMAGES.code) == len(slots):
            return Wait(ask, filters.RUNS_IMAGES.code, "needs a container engine for its image, and no node has one", counts)
        unmet = counts.get(filters.MEETING.code, 0)
        if nodes.asked and unmet == len(slots):
            return Wait(ask, "no-such-node", self._snapshot.nodes.attributes.nobody_meets(nodes.asked), counts)
        of_these = f"needs {nodes.asked}, which {len(slots) - unmet} of {len(slots)} nodes have; " if unmet else ""
        if counts.get(filters.LARGE_ENOUGH.code, 0) + unmet == len(slots):
            return Wait(ask, "too-large", of_these + _too_large(nodes, turn.needs), counts)
        if filters.FREE.code not in counts and filters.UNRESERVED.code not in counts:
            return Wait(ask, "no-node-ready", of_these + "no node that is large enough takes new jobs", counts)
        return Wait(ask, "no-room", of_these + _no_room(nodes, turn.needs, could, counts), counts)

    def _keep_a_node(self, turn: _Turn, nodes: Nodes, could: Mask) -> None:
        """Keep room on the node that comes closest, of those that could hold the ask and keep nothing yet."""
        could &= ~self._kept
        if not could.any():
            return
        place = int(np.argmin(scores.shortfall(turn.needs, nodes.usable, nodes.offered, could)))
        columns = self._snapshot.nodes
        spare = nodes.offered[:, place] - columns.column(turn.line.needs) - self._held_by_less_urgent(turn.ask, place)
        self._room.keep(place, spare)
        self._kept[place] = True

    def _held_by_less_urgent(self, ask: Ask, place: int) -> Columns:
        mode, columns = self._snapshot.queue_mode, self._snapshot.nodes
        mine = ask.urgency(mode)
        held = np.zeros(len(columns.names))
        for occupant in self._snapshot.occupants(columns.slots[place].node_id):
            if occupant.urgency(mode) > mine:
                held += columns.column(occupant.holds)
        return held


#: why not of a node, and of several, in the order in which they are told
_REFUSALS = {
    filters.FREE.code: ("has {} free", "have {} free"),
    filters.UNRESERVED.code: ("keeps its room for a more urgent job", "keep their room for more urgent jobs"),
    filters.READY.code: ("takes no new jobs", "take no new jobs"),
    filters.LARGE_ENOUGH.code: ("is too small", "are too small"),
    filters.RUNS_IMAGES.code: ("runs no images", "run no images"),
}
_MEASURED = {"mem", "disk"}  # less of what is measured, fewer of what is counted


def _no_room(nodes: Nodes, needs: Needs, could: Mask, counts: Mapping[str, int]) -> str:
    """Name what there is too little of, and how many nodes refuse for what."""
    names = filters.lacking(needs, nodes, could)
    wanted = " and ".join(f"{amount:g} {nodes.names[row]}" for row, amount in needs if nodes.names[row] in names)
    free = "less" if names & _MEASURED else "fewer"
    told = [
        f"{counts[code]} {'node' if counts[code] == 1 else 'nodes'} {phrases[counts[code] > 1].format(free)}"
        for code, phrases in _REFUSALS.items()
        if code in counts
    ]
    return f"needs {wanted}; {', '.join(told)}"


def _too_large(nodes: Nodes, needs: Needs) -> str:
    """Name the resources of which no node has enough; if each is somewhere, but never together, say that."""
    largest = (nodes.offered if nodes.meeting is None else nodes.offered[:, nodes.meeting]).max(axis=1)
    lacking = [
        f"needs {amount:g} {nodes.names[row]}, the largest node has {largest[row]:g}"
        for row, amount in needs
        if amount > largest[row]
    ]
    return "; ".join(lacking) or "no single node has all that it needs"

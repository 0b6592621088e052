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
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from scale.queue.constraints import Strategy
from scale.queue.ordering import Urgency
from scale.scheduler.placement import filters, scores
from scale.scheduler.placement.ahead import MOST
from scale.scheduler.placement.attributes import Mask
from scale.scheduler.placement.columns import ROUNDING, Columns, Needs, NodeColumns
from scale.scheduler.placement.filters import Nodes, Passed, Places
from scale.scheduler.placement.findings import Finding, Findings, Kept
from scale.scheduler.placement.snapshot import Ask, Line, Snapshot
from scale.scheduler.placement.wait import NO_ROOM, Wait, wait_of

_MANY = 32  # that follow one another are placed by looking at all nodes at once


class Placement(NamedTuple):
    ask: Ask
    node_id: int


@dataclass(frozen=True, slots=True)
class Plan:
    placements: tuple[Placement, ...] = ()
    waits: tuple[Wait, ...] = ()  #: of each shape the first that waits
    is_cut: bool = False  #: there may be more to place than one pass does, or than is known of the queue
    ahead: int = 0  #: how many of the placements have no room yet
    dry: str = ""  #: the shape of which more would have to be known to go on


def decide(snapshot: Snapshot, findings: Findings | None = None) -> Plan:
    """Place asks, the most urgent first, until each shape is used up or refused, or the pass has placed its most.

    :param findings: of the passes before over the same nodes; they spare this one most of its work, and change nothing else
    """
    return _Pass(snapshot, findings or Findings()).run()


class _Room:
    """What of each node may be used: as columns, to look at all nodes at once, and as rows, to take from one at a time."""

    def __init__(self, columns: NodeColumns) -> None:
        free = columns.free
        self.nodes = Nodes(columns.names, columns.offered, free, free.copy(), columns.is_ready)
        self.is_kept = np.zeros(len(columns.slots), dtype=bool)
        self.rows: Sequence[Any] = [memoryview(row) for row in self.nodes.usable]  # of floats, in the same place
        self._free_rows: Sequence[Any] = [memoryview(row) for row in free]

    def take(self, place: int, needs: Needs, times: int) -> None:
        for row, amount in needs:
            self.rows[row][place] -= times * amount
            self._free_rows[row][place] -= times * amount

    def take_many(self, places: Places, needs: Needs, times: Places) -> None:
        for row, amount in needs:
            self.nodes.usable[row, places] -= times * amount
            self.nodes.free[row, places] -= times * amount

    def keep(self, kept: Kept) -> None:
        """From now on others may use no more than this of the node."""
        usable = self.nodes.usable
        usable[:, kept.place] = np.minimum(usable[:, kept.place], kept.spare)
        self.is_kept[kept.place] = True


class _Turn:
    """A line in a pass: which of its asks is the next, and at which node it stands."""

    def __init__(self, line: Line, needs: Needs, meeting: Mask | None) -> None:
        self.line = line
        self.needs = needs
        self.strategy = line.constraints.strategy if line.constraints else None
        self._meeting = meeting
        self.next = 0
        self.place = -1
        self.has_begun = False
        self.found: Finding | None = None

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
        meeting = self._meeting
        return room.nodes if meeting is None else room.nodes._replace(asked=self.line.constraints, meeting=meeting)

    def begin(self, passed: Passed, room: _Room) -> None:
        """A node that has no room now will have none in this pass."""
        self.has_begun = True
        self._next_place = passed.tobytes().find
        self.place = self._next_place(filters.FITS)
        self._wanted = [(room.rows[row], amount - ROUNDING) for row, amount in self.needs]

    def seek(self) -> int:
        """The first node that has room; -1 if there is none."""
        place = self.place
        while place >= 0:
            for usable, amount in self._wanted:
                if usable[place] < amount:
                    break
            else:
                break
            place = self._next_place(filters.FITS, place + 1)
        self.place = place
        return place


class _Pass:
    """What changes as asks are placed."""

    def __init__(self, snapshot: Snapshot, findings: Findings) -> None:
        self._snapshot = snapshot
        meeting = snapshot.nodes.meeting({line.key: line.constraints for line in snapshot.lines if line.constraints})
        lines = [line for line in snapshot.lines if line.asks]
        self._turns = [_Turn(line, snapshot.nodes.needs(line.needs), meeting.get(line.key)) for line in lines]
        self._findings = findings
        findings.begin(snapshot.nodes, snapshot.queue_mode, {line.shape: line.asks[0] for line in lines})
        self._room = _Room(snapshot.nodes)
        self._room_of_type = dict(snapshot.room)
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
        if wait := self._why_held_back(turn):
            self._findings.forget(turn.line.shape)
        return wait

    def _why_held_back(self, turn: _Turn) -> Wait | None:
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

    def _look(self, turn: _Turn) -> Finding:
        """What refuses each node now; what is known of this ask is only brought up to date."""
        nodes = turn.nodes(self._room)
        if turn.found is None or turn.found.ask is not turn.ask:
            turn.found = self._findings.of(turn.ask)
        if turn.found is None:
            turn.found = self._findings.new(turn.ask, filters.passed(turn.needs, nodes))
        elif news := self._findings.news_to(turn.found):
            turn.found.look_again(news, filters.passed(turn.needs, nodes.at(news)), len(nodes.is_ready))
        return turn.found

    def _place(self, turn: _Turn, count: int) -> int:
        """Each on the first node that has room; returns for how many there is none."""
        if turn.strategy is not None:
            return self._place_best(turn, count, turn.strategy)
        if count >= _MANY:
            return self._place_many(turn, count)
        if not turn.has_begun:
            turn.begin(self._look(turn).passed, self._room)
        while count and (place := turn.seek()) >= 0:
            self._take(turn, place, 1)
            count -= 1
        return count

    def _place_many(self, turn: _Turn, count: int) -> int:
        """The same, of all nodes at once."""
        places = np.flatnonzero(self._look(turn).passed == filters.FITS)
        if not len(places):
            return count
        usable = self._room.nodes.usable[:, places]
        fit = np.full(len(places), float(count))
        for row, amount in turn.needs:
            np.minimum(fit, (usable[row] + ROUNDING) // amount, out=fit)
        until = np.minimum(np.maximum(fit, 1.0).cumsum(), count)
        times = np.diff(until, prepend=0.0).astype(np.intp)
        used = times > 0
        self._room.take_many(places[used], turn.needs, times[used])
        self._findings.take(places[used].tolist())
        self._give(turn, np.repeat(self._snapshot.nodes.ids[places[used]], times[used]).tolist())
        return count - int(times.sum())

    def _place_best(self, turn: _Turn, count: int, strategy: Strategy) -> int:
        """Each on the best node that has room; returns for how many there is none."""
        nodes, needs = turn.nodes(self._room), turn.needs
        fits = self._look(turn).passed == filters.FITS
        if not fits.any():
            return count
        ranks = scores.ranked(strategy, scores.free_share(needs, nodes.usable, nodes.offered), fits)
        while count and (place := scores.best(ranks)) >= 0:
            times = self._fit(place, needs, count) if strategy is Strategy.PACK else 1
            self._take(turn, place, times)
            count -= times
            usable = [self._room.rows[row][place] for row, _ in needs]
            ranks[place] = scores.rank(strategy, usable, [nodes.offered[row, place] for row, _ in needs], needs)
        return count

    def _fit(self, place: int, needs: Needs, most: int) -> int:
        """How many fit there, up to so many."""
        fit = min((int((self._room.rows[row][place] + ROUNDING) // amount) for row, amount in needs), default=most)
        return max(min(fit, most), 1)

    def _place_ahead(self, turn: _Turn, count: int) -> int:
        """Of so many asks for which there is no room, place some where it is expected soon; evenly. Returns how many."""
        depth = self._snapshot.depth(turn.line)
        waiting = self._waiting_room(turn, depth) if depth else ()
        placed = 0
        for number, (place, most) in enumerate(waiting):
            times = min(most, -(-(count - placed) // (len(waiting) - number)))
            self._give(turn, [self._snapshot.nodes.slots[place].node_id] * times)
            self._take_ahead(place, turn.needs, times)
            placed += times
        self._count_ahead += placed
        return placed

    def _waiting_room(self, turn: _Turn, depth: int) -> list[tuple[int, int]]:
        """The nodes at which some of the line may wait, and how many more."""
        nodes = turn.nodes(self._room)
        may = filters.could_hold(self._look(turn).passed) & self._snapshot.nodes.holds_back & ~self._room.is_kept
        found = []
        for place in np.flatnonzero(may).tolist():
            at_once = min(int((nodes.offered[row, place] + ROUNDING) // amount) for row, amount in turn.needs)
            beyond = min(int((self._spare(row, place) + ROUNDING) // amount) for row, amount in turn.needs)
            if (more := min(depth * at_once, MOST) + beyond) > 0:
                found.append((place, more))
        return found

    def _spare(self, row: int, place: int) -> float:
        """What neither executions nor this pass's placements have of the node; negative where some go ahead of their room."""
        columns, free = self._snapshot.nodes, self._room.nodes.free
        taken = max(columns.spare[row, place], 0.0) - free[row, place]
        ahead = self._ahead[row, place] if self._ahead is not None else 0.0
        return float(columns.spare[row, place] - taken - ahead)

    def _take_ahead(self, place: int, needs: Needs, times: int) -> None:
        if self._ahead is None:
            self._ahead = np.zeros_like(self._snapshot.nodes.offered)
        for row, amount in needs:
            self._ahead[row, place] += times * amount

    def _take(self, turn: _Turn, place: int, times: int) -> None:
        """The next asks of the line get room there."""
        self._room.take(place, turn.needs, times)
        self._findings.take((place,))
        self._give(turn, [self._snapshot.nodes.slots[place].node_id] * times)

    def _give(self, turn: _Turn, node_ids: Sequence[int]) -> None:
        """The next asks of the line go there."""
        if not turn.next:
            self._findings.forget(turn.line.shape)
        self._placements += map(Placement, turn.line.asks[turn.next : turn.next + len(node_ids)], node_ids)
        turn.next += len(node_ids)

    def _refuse(self, turn: _Turn) -> Wait:
        """Why the next ask waits; it gets a node kept if that helps."""
        found = self._look(turn)
        if found.wait is None:
            nodes = turn.nodes(self._room)
            found.wait = wait_of(turn.ask, turn.needs, nodes, found.passed, self._snapshot.nodes)
            self._findings.put(found, self._choose(turn, nodes, found) if found.wait.code == NO_ROOM else None)
        if found.kept is not None:
            self._room.keep(found.kept)
        return found.wait

    def _choose(self, turn: _Turn, nodes: Nodes, found: Finding) -> Kept | None:
        """The node that comes closest, of those that could hold the ask and keep nothing yet."""
        could = filters.could_hold(found.passed) & ~self._room.is_kept
        if (places := found.candidates()) is not None:
            nodes, could = nodes.at(places), could[places]
        if not could.any():
            return None
        closest = int(np.argmin(scores.shortfall(turn.needs, nodes.usable, nodes.offered, could)))
        place = closest if places is None else int(places[closest])
        columns = self._snapshot.nodes
        spare = columns.offered[:, place] - columns.column(turn.line.needs) - self._held_by_less_urgent(turn.ask, place)
        return Kept(place, np.maximum(spare, 0.0))

    def _held_by_less_urgent(self, ask: Ask, place: int) -> Columns:
        mode, columns = self._snapshot.queue_mode, self._snapshot.nodes
        mine = ask.urgency(mode)
        held = np.zeros(len(columns.names))
        for occupant in self._snapshot.occupants(columns.slots[place].node_id):
            if occupant.urgency(mode) > mine:
                held += columns.column(occupant.holds)
        return held

"""The nodes as placement sees them, a row a resource and a column a node, kept from pass to pass. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scale.kernel.attributes import Value
from scale.kernel.resources import STANDARD, Resources
from scale.queue.constraints import Constraints
from scale.scheduler.placement.attributes import AttributeColumns, Mask

Columns = NDArray[np.float64]
ROUNDING = 1e-6  # sums of fractions such as 0.1 cpus must not refuse a fit
Needs = tuple[tuple[int, float], ...]  #: the row of each resource that is wanted, and how much of it


@dataclass(frozen=True, slots=True)
class Slot:
    """One node."""

    node_id: int
    hostname: str
    offered: Resources  #: what tasks may have of it, taken or not
    is_ready: bool  #: takes new jobs
    not_ready: str = ""  #: why not
    holds_back: bool = False  #: what has no room there yet may wait there
    attributes: Mapping[str, Value] = field(default_factory=dict)  #: that jobs may ask for


class NodeColumns:
    """Whoever tells it of a change pays for that node alone."""

    def __init__(self, slots: Iterable[Slot] = ()) -> None:
        self.names: tuple[str, ...] = STANDARD
        self.version = 0  #: another number whenever the nodes are others, or there are more rows
        self.replace(slots)

    def replace(self, slots: Iterable[Slot]) -> None:
        """Other nodes, or the same in another order; nothing is held of any of them."""
        self.version += 1
        self._changed: set[int] = set()
        self.slots: list[Slot] = []
        self._place_of: dict[int, int] = {}
        self._attributes: AttributeColumns | None = None
        self._meeting: dict[str, tuple[Constraints, Mask]] = {}
        self.ids = np.zeros(0, dtype=np.int64)
        self.is_ready = np.zeros(0, dtype=bool)
        self.holds_back = np.zeros(0, dtype=bool)
        self.offered = np.zeros((len(self.names), 0))
        self._held = np.zeros_like(self.offered)
        self.append(slots)

    def append(self, slots: Iterable[Slot]) -> None:
        """More nodes, behind the others."""
        first, new = len(self.slots), list(slots)
        self.slots += new
        self._place_of.update((slot.node_id, place) for place, slot in enumerate(new, first))
        self.ids = np.append(self.ids, [slot.node_id for slot in new]).astype(np.int64)
        self.is_ready = np.append(self.is_ready, [slot.is_ready for slot in new]).astype(bool)
        self.holds_back = np.append(self.holds_back, [slot.holds_back for slot in new]).astype(bool)
        self._know({name for slot in new for name in slot.offered})
        amounts = [[slot.offered[name] for slot in new] for name in self.names]
        self.offered = np.hstack([self.offered, amounts])
        self._held = np.hstack([self._held, np.zeros_like(amounts)])
        self._know_attributes(range(first, len(self.slots)))

    def change(self, place: int, slot: Slot) -> None:
        """The same node in another state."""
        self._know(slot.offered)
        before, self.slots[place] = self.slots[place], slot
        self.is_ready[place] = slot.is_ready
        self.holds_back[place] = slot.holds_back
        self.offered[:, place] = self.column(slot.offered)
        self._changed.add(place)
        if slot.attributes != before.attributes:
            self._know_attributes([place])

    def hold(self, node_id: int, held: Mapping[str, float]) -> None:
        """All that executions hold of this node now; of one that is not here, nobody asks."""
        self._know(held)
        if (place := self._place_of.get(node_id)) is not None:
            self._held[:, place] = self.column(held)
            self._changed.add(place)

    def take_changed(self) -> set[int]:
        """The places of which anything is other than when this was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    @property
    def free(self) -> Columns:
        """What no execution holds; never negative, also where a node holds more than it offers now."""
        return np.maximum(self.spare, 0.0)

    @property
    def spare(self) -> Columns:
        """The same; negative where executions have been placed ahead of their room."""
        return self.offered - self._held

    def meeting(self, wanted: Mapping[str, Constraints]) -> Mapping[str, Mask]:
        """The nodes that meet each of these, by its key; worked out once for as long as it is wanted."""
        known = self._meeting
        self._meeting = {key: known.get(key) or (all_, self.attributes.mask(all_)) for key, all_ in wanted.items()}
        return {key: mask for key, (_, mask) in self._meeting.items()}

    @property
    def attributes(self) -> AttributeColumns:
        if self._attributes is None:
            self._attributes = AttributeColumns([slot.attributes for slot in self.slots])
        return self._attributes

    def _know_attributes(self, places: Sequence[int]) -> None:
        """These have others now, or are new."""
        self._changed.update(places)
        self._attributes = None
        for key, (wanted, mask) in self._meeting.items():
            now = np.append(mask, np.zeros(len(self.slots) - len(mask), dtype=bool))
            now[places] = [wanted.are_met_by(self.slots[place].attributes) for place in places]
            self._meeting[key] = wanted, now

    def crowded(self) -> list[int]:
        """The ids of the nodes at which something waits for room."""
        if not self.holds_back.any():
            return []
        places = np.flatnonzero(self.holds_back & (self.spare < -ROUNDING).any(axis=0))
        return [self.slots[place].node_id for place in places.tolist()]

    def column(self, amounts: Mapping[str, float]) -> Columns:
        return np.array([amounts.get(name, 0.0) for name in self.names])

    def needs(self, amounts: Mapping[str, float]) -> Needs:
        self._know(amounts)
        return tuple((row, amounts[name]) for row, name in enumerate(self.names) if amounts.get(name, 0.0) > 0)

    def _know(self, names: Iterable[str]) -> None:
        """Resources that are spoken of for the first time get a row."""
        new: Sequence[str] = sorted(set(names) - set(self.names))
        if new:
            self.version += 1
            self.names = (*self.names, *new)
            more = np.zeros((len(new), self.offered.shape[1]))
            self.offered, self._held = np.vstack([self.offered, more]), np.vstack([self._held, more])

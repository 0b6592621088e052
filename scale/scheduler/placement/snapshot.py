"""All that one decision looks at, frozen: asks, nodes, limits, settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scale.kernel.resources import STANDARD, Resources
from scale.queue.ordering import QueueMode, Urgency, urgency

Columns = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ask:
    """One queued execution."""

    entry_id: int
    job_id: int
    job_type_id: int
    priority: int
    queued: datetime
    needs: Resources
    shape: str = ""  #: the same for asks that differ only by age

    def urgency(self, mode: QueueMode) -> Urgency:
        return urgency(mode, self.priority, self.queued, self.job_id)


@dataclass(frozen=True, slots=True)
class Occupant:
    """A running execution and what it holds of its node."""

    priority: int
    queued: datetime
    job_id: int
    holds: Resources
    gpus: tuple[int, ...] = ()  #: the indices of those that it holds

    def urgency(self, mode: QueueMode) -> Urgency:
        return urgency(mode, self.priority, self.queued, self.job_id)


@dataclass(frozen=True, slots=True)
class Slot:
    """A node as placement sees it."""

    node_id: int
    hostname: str
    offered: Resources  #: what tasks may have of it, taken or not
    is_ready: bool  #: takes new jobs
    not_ready: str = ""  #: why not
    occupants: Sequence[Occupant] = ()


@dataclass(frozen=True)
class Snapshot:
    asks: Sequence[Ask]
    slots: Sequence[Slot]
    room: Mapping[int, int] = field(default_factory=dict)  #: how many more of a job type may run; not there: any number
    paused_types: frozenset[int] = frozenset()
    is_paused: bool = False
    queue_mode: QueueMode = QueueMode.FIFO

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The resources that anybody speaks of, in a fixed order."""
        others = {name for ask in self.asks for name in ask.needs} | {name for slot in self.slots for name in slot.offered}
        return (*STANDARD, *sorted(others - set(STANDARD)))

    def column(self, amounts: Mapping[str, float]) -> Columns:
        return np.array([amounts.get(name, 0.0) for name in self.names])

    @cached_property
    def offered(self) -> Columns:
        """Nodes by resources."""
        return np.array([self.column(slot.offered) for slot in self.slots]).reshape(len(self.slots), len(self.names))

    @cached_property
    def free(self) -> Columns:
        """Nodes by resources; never negative, also where a node holds more than it offers now."""
        held = np.zeros_like(self.offered)
        for row, slot in enumerate(self.slots):
            for occupant in slot.occupants:
                held[row] += self.column(occupant.holds)
        return np.maximum(self.offered - held, 0.0)

    @cached_property
    def is_ready(self) -> Mask:
        return np.array([slot.is_ready for slot in self.slots], dtype=bool)

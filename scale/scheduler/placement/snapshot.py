"""All that one decision looks at: lines of asks, nodes, limits, settings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scale.kernel.resources import Resources
from scale.queue.constraints import Constraints
from scale.queue.ordering import QueueMode, Urgency, urgency
from scale.scheduler.placement.columns import NodeColumns


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


@dataclass(slots=True)
class Line:
    """The queued executions of one shape: how many, and the first of them, the most urgent first."""

    shape: str
    priority: int
    job_type_id: int
    needs: Resources
    size: int = 0  #: what people are told; placement goes by the asks
    asks: list[Ask] = field(default_factory=list)
    keys: list[Urgency] = field(default_factory=list)  #: of the asks
    is_whole: bool = True  #: whether these asks are all there are
    key: str = ""  #: of what they ask of nodes; empty if nothing
    constraints: Constraints | None = None  #: what that is, once it is known

    @property
    def is_known(self) -> bool:
        return not self.key or self.constraints is not None


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


@dataclass(frozen=True)
class Snapshot:
    lines: Sequence[Line]
    nodes: NodeColumns
    occupants: Callable[[int], Sequence[Occupant]]  #: of a node, by its id
    room: Mapping[int, int] = field(default_factory=dict)  #: how many more of a job type may run; not there: any number
    paused_types: frozenset[int] = frozenset()
    is_paused: bool = False
    queue_mode: QueueMode = QueueMode.FIFO
    most: int = 1000  #: so many are placed in one pass
    depth: Callable[[Line], int] = lambda line: 0  #: how many of a line may wait at a node for each that runs there

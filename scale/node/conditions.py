"""What a node may do now: its state, from what operators, the engine and the scheduler say of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from scale.engines.protocol import Condition
from scale.kernel.attributes import Value
from scale.kernel.resources import Resources


class NodeState(Enum):
    """States by precedence: the first that holds is the node's. Each has a title and a sentence."""

    DEPRECATED = ("Deprecated", "Node is deprecated, so no jobs will run on it.")
    OFFLINE = ("Offline", "Node is offline/unavailable, so no jobs can currently run on it.")
    PAUSED = ("Paused", "Node is paused, so no new jobs will be scheduled. Existing jobs will continue to run.")
    SCHEDULER_STOPPED = (
        "Scheduler Stopped",
        "Scheduler is paused, so no new jobs will be scheduled. Existing jobs will continue to run.",
    )
    DEGRADED = ("Degraded", "Node has an error, so no new jobs will be scheduled. Existing jobs will continue to run.")
    READY = ("Ready", "Node is ready to run new jobs.")

    @property
    def title(self) -> str:
        return self.value[0]

    @property
    def description(self) -> str:
        return self.value[1]

    @property
    def takes_new_jobs(self) -> bool:
        return self is NodeState.READY

    @property
    def takes_next_tasks(self) -> bool:
        """Whether executions that are on it go on."""
        return self not in (NodeState.DEPRECATED, NodeState.OFFLINE)


#: the title and the sentence of each
WORDS = {
    Condition.LOW_DISK_SPACE: ("Low Disk Space", "The node's disk is nearly full, so no new jobs will be scheduled on it."),
}


@dataclass(frozen=True, slots=True)
class NodeError:
    """A condition that a node is in."""

    condition: Condition
    started: datetime
    last_updated: datetime


def errors_now(before: Iterable[NodeError], conditions: Iterable[Condition], when: datetime) -> tuple[NodeError, ...]:
    """What is wrong now; what was wrong already goes on since when it was."""
    since = {error.condition: error.started for error in before}
    return tuple(NodeError(condition, since.get(condition, when), when) for condition in conditions)


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node as the scheduler knows it now."""

    id: int
    hostname: str
    agent_id: str
    engine: str
    is_active: bool = True
    is_paused: bool = False
    is_online: bool = False
    total: Resources = field(default_factory=Resources)  #: what the machine has
    offered: Resources = field(default_factory=Resources)  #: what tasks may have of it
    away_since: datetime | None = None  #: since when it is offline
    errors: tuple[NodeError, ...] = ()  #: what its engine says is wrong with it
    attributes: Mapping[str, Value] = field(default_factory=dict)  #: that operators have set

    def state(self, *, scheduler_is_paused: bool) -> NodeState:
        if not self.is_active:
            return NodeState.DEPRECATED
        if not self.is_online:
            return NodeState.OFFLINE
        if self.is_paused:
            return NodeState.PAUSED
        if scheduler_is_paused:
            return NodeState.SCHEDULER_STOPPED
        return NodeState.DEGRADED if self.errors else NodeState.READY

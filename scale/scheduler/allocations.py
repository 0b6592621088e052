"""What running executions hold of each node, kept as they come and go. Memory behind a lock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scale.job.execution.job_exe import RunningJobExecution
from scale.kernel.locks import OwnedLock
from scale.kernel.resources import Resources
from scale.scheduler.placement.snapshot import Occupant

_NOTHING = Resources()


class Allocations:
    """Thread-safe. An execution holds its resources from its placement until it is over."""

    def __init__(self) -> None:
        self._lock = OwnedLock()
        self._by_node: dict[int, dict[str, Occupant]] = {}
        self._held: dict[int, dict[str, float]] = {}  # the sums of what is held of each node
        self._running_of_type: dict[int, int] = {}
        self._changed: dict[str, set[int]] = {}  # nodes, by who is still to hear of them

    def add(self, exes: Iterable[RunningJobExecution]) -> None:
        with self._lock:
            for exe in exes:
                if exe.node_id is not None and exe.cluster_id not in (there := self._by_node.setdefault(exe.node_id, {})):
                    there[exe.cluster_id] = Occupant(exe.priority, exe.queued, exe.job_id, exe.resources, exe.gpus)
                    self._running_of_type[exe.job_type_id] = self._running_of_type.get(exe.job_type_id, 0) + 1
                    self._hold(exe.node_id, exe.resources, 1.0)

    def remove(self, exes: Iterable[RunningJobExecution]) -> None:
        with self._lock:
            for exe in exes:
                if exe.node_id is not None and exe.cluster_id in (there := self._by_node.get(exe.node_id, {})):
                    del there[exe.cluster_id]
                    self._running_of_type[exe.job_type_id] -= 1
                    self._hold(exe.node_id, exe.resources, -1.0)
                    if not there:
                        self._held[exe.node_id].clear()  # and with it what rounding has left behind

    def occupants(self, node_id: int) -> Sequence[Occupant]:
        with self._lock:
            return tuple(self._by_node.get(node_id, {}).values())

    def executions_on(self, node_id: int) -> Sequence[str]:
        """Their cluster ids."""
        with self._lock:
            return tuple(self._by_node.get(node_id, {}))

    def held(self, node_id: int) -> Resources:
        """The sum of what is held of this node."""
        with self._lock:
            there = self._held.get(node_id)
            return Resources(there) if there else _NOTHING

    def nodes_changed(self, reader: str) -> set[int]:
        """The nodes of which something else is held than when this reader last asked."""
        with self._lock:
            changed = self._changed.get(reader, set(self._held))
            self._changed[reader] = set()
            return changed

    def running_of_type(self, job_type_id: int) -> int:
        with self._lock:
            return self._running_of_type.get(job_type_id, 0)

    def _hold(self, node_id: int, amounts: Resources, times: float) -> None:
        held = self._held.setdefault(node_id, {})
        for name, amount in amounts.items():
            held[name] = held.get(name, 0.0) + times * amount
        for unheard in self._changed.values():
            unheard.add(node_id)

"""What running executions hold of each node, kept as they come and go. Memory behind a lock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scale.job.execution.job_exe import RunningJobExecution
from scale.kernel.locks import OwnedLock
from scale.kernel.resources import Resources
from scale.scheduler.placement.snapshot import Occupant


class Allocations:
    """Thread-safe. An execution holds its resources from its placement until it is over."""

    def __init__(self) -> None:
        self._lock = OwnedLock()
        self._by_node: dict[int, dict[str, Occupant]] = {}
        self._running_of_type: dict[int, int] = {}
        self._changed: set[int] = set()

    def add(self, exes: Iterable[RunningJobExecution]) -> None:
        with self._lock:
            for exe in exes:
                held = self._by_node.setdefault(exe.node_id, {}) if exe.node_id is not None else None
                if exe.node_id is not None and held is not None and exe.cluster_id not in held:
                    self._changed.add(exe.node_id)
                    held[exe.cluster_id] = Occupant(exe.priority, exe.queued, exe.job_id, exe.resources, exe.gpus)
                    self._running_of_type[exe.job_type_id] = self._running_of_type.get(exe.job_type_id, 0) + 1

    def remove(self, exes: Iterable[RunningJobExecution]) -> None:
        with self._lock:
            for exe in exes:
                held = self._by_node.get(exe.node_id, {}) if exe.node_id is not None else {}
                if exe.node_id is not None and held.pop(exe.cluster_id, None) is not None:
                    self._changed.add(exe.node_id)
                    self._running_of_type[exe.job_type_id] -= 1

    def occupants(self, node_id: int) -> Sequence[Occupant]:
        with self._lock:
            return tuple(self._by_node.get(node_id, {}).values())

    def held(self, node_id: int) -> Resources:
        """The sum of what is held of this node."""
        total: dict[str, float] = {}
        for occupant in self.occupants(node_id):
            for name, amount in occupant.holds.items():
                total[name] = total.get(name, 0.0) + amount
        return Resources(total)

    def nodes_changed(self) -> set[int]:
        """The nodes of which something else is held than when this was last asked."""
        with self._lock:
            changed, self._changed = self._changed, set()
            return changed

    def running_of_type(self, job_type_id: int) -> int:
        with self._lock:
            return self._running_of_type.get(job_type_id, 0)

"""Renders the status document: of the nodes only those anew about which something has changed; the others are kept as bytes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import orjson

from scale.job.execution.manager import JobExecutionManager
from scale.job.messages import batches
from scale.job.tasks.manager import TaskManager
from scale.node.conditions import KnownNode
from scale.node.manager import NodeManager, status_of
from scale.scheduler.allocations import Allocations
from scale.scheduler.status import Amounts, Json, NodeResources, Parts, Totals, amounts_of, framed, node_told

_AT_ONCE = 10  #: nodes for whose counts a lock is held; also so few that the garbage collector is not called for them
NodeTasks = Mapping[str, Sequence[Json]]  #: by agent


@dataclass(frozen=True, slots=True)
class _Rendered:
    """A node as it stands in the document, and what it was made of that does not tell by itself that it changed."""

    node: KnownNode
    tasks: Sequence[Json]
    counted: Amounts  #: what it adds to the totals
    fragment: orjson.Fragment


class StatusRenderer:
    """The status loop's own. Each node is told as of one moment; two nodes may be some milliseconds apart."""

    def __init__(
        self,
        nodes: NodeManager,
        job_exes: JobExecutionManager,
        tasks: TaskManager,
        allocations: Allocations,
        holding: Collection[str] = (),
    ) -> None:
        """:param holding: the engines that hold tasks back until there is room for them"""
        self._nodes = nodes
        self._job_exes = job_exes
        self._tasks = tasks
        self._allocations = allocations
        self._holding = holding
        self._rendered: dict[int, _Rendered] = {}
        self._totals = Totals()
        self._changed: set[int | None] = set()  # kept until they are rendered, whatever happens in between
        self._was_paused = False

    def render(self, parts: Parts) -> bytes:
        """The document of these parts and of all nodes that are known now."""
        self._changed |= self._job_exes.nodes_changed(parts.when)
        self._changed |= self._allocations.nodes_changed("status")
        tasks, nodes = self._tasks.node_tasks(), self._nodes.get_nodes()
        if parts.is_paused != self._was_paused:  # so is every node
            self._changed.update(node.id for node in nodes)
            self._was_paused = parts.is_paused
        for some in batches((node for node in nodes if self._is_stale(node, tasks)), _AT_ONCE):
            self._render_some(some, tasks, parts)
        self._changed.clear()  # of the rest no node is known
        return orjson.dumps(framed(parts, [self._rendered[node.id].fragment for node in nodes], self._totals))

    def _is_stale(self, node: KnownNode, tasks: NodeTasks) -> bool:
        rendered = self._rendered.get(node.id)
        return (
            rendered is None
            or rendered.node is not node
            or node.id in self._changed
            or rendered.tasks != (_tasks_of(node, tasks) if tasks else ())
        )

    def _render_some(self, nodes: Sequence[KnownNode], tasks: NodeTasks, parts: Parts) -> None:
        told = [status_of(node, scheduler_is_paused=parts.is_paused) for node in nodes]
        self._job_exes.generate_status_json(told, parts.when)
        for node, one in zip(nodes, told, strict=True):
            own = _tasks_of(node, tasks)
            one |= {"node_tasks": own, "system_tasks": []}
            has = NodeResources.of(node, self._allocations.held(node.id), self._holding) if node.is_online else None
            amounts = amounts_of(has)
            counted = amounts if node.is_active else {}
            if (before := self._rendered.get(node.id)) is not None:
                self._totals.add(before.counted, -1)
            self._totals.add(counted)
            fragment = orjson.Fragment(orjson.dumps(node_told(one, amounts)))
            self._rendered[node.id] = _Rendered(node, own, counted, fragment)
            self._changed.discard(node.id)


def _tasks_of(node: KnownNode, tasks: NodeTasks) -> Sequence[Json]:
    return tasks.get(node.agent_id, ()) if node.is_online else ()

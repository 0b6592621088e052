"""The nodes known now: what engines report of them, joined with what operators say. Memory behind a lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from scale.engines.protocol import NodeReport
from scale.kernel.locks import OwnedLock
from scale.kernel.moments import moment_text
from scale.node.conditions import WORDS, KnownNode, NodeError, errors_now
from scale.node.models import Node
from scale.node.seen import SeenNode


class NodeManager:
    """Thread-safe. A node is known once it has both been reported and got its row in the database."""

    def __init__(self) -> None:
        self._lock = OwnedLock()
        self._nodes: dict[int, KnownNode] = {}  # a value stays the same one for as long as nothing about it changes
        self._ids: dict[str, int] = {}  # by hostname
        self._of_agent: dict[str, int] = {}  # by agent, the last node that had it
        self._ordered: list[KnownNode] | None = None  # all of them, until one changes
        self._away: dict[int, KnownNode] = {}
        self._of_note: dict[int, KnownNode] = {}
        self._unregistered: dict[str, SeenNode] = {}
        self._lost: set[int] = set()
        self.version = 0  #: another number after every change of a node

    def handle_report(self, engine: str, report: NodeReport) -> KnownNode | None:
        """Take what an engine says; returns the node if it is known. What is new waits for `register`."""
        with self._lock:
            self._unregistered[report.hostname] = SeenNode(engine, report)
            node = self._nodes.get(self._ids.get(report.hostname, -1))
            if node is not None:
                self._keep(_with_report(node, engine, report))
                if report.is_online:
                    self._lost.discard(node.id)
            return node

    def unregistered(self) -> list[SeenNode]:
        """What was reported since `register` was last told."""
        with self._lock:
            return list(self._unregistered.values())

    def register(self, rows: Iterable[Node], seen: Iterable[SeenNode]) -> None:
        """Take the rows of the database: new nodes, and what operators changed."""
        reports = {one.report.hostname: one for one in seen}
        with self._lock:
            newest = {hostname: self._unregistered.get(hostname, one) for hostname, one in reports.items()}
            for row in rows:
                self._keep(self._join(row, newest.get(row.hostname)))
            for hostname, one in reports.items():
                if self._unregistered.get(hostname) == one:
                    del self._unregistered[hostname]

    def get_nodes(self) -> list[KnownNode]:
        """In the order of their ids."""
        with self._lock:
            if self._ordered is None:
                self._ordered = [self._nodes[node_id] for node_id in sorted(self._nodes)]
            return self._ordered.copy()

    def engine_of(self, agent_id: str) -> str:
        """The engine of the node that has this agent; empty if there is none."""
        with self._lock:
            node = self._nodes.get(self._of_agent.get(agent_id, -1))
            return node.engine if node is not None and node.agent_id == agent_id else ""

    def get_nodes_of_note(self) -> list[KnownNode]:
        """Those with errors, and those that are deprecated."""
        with self._lock:
            return list(self._of_note.values())

    def get_node(self, node_id: int | None) -> KnownNode | None:
        with self._lock:
            return self._nodes.get(node_id) if node_id is not None else None

    def get_lost_nodes(self, when: datetime, patience: timedelta) -> list[KnownNode]:
        """The nodes that have just been away for too long; each is named once until it comes back."""
        with self._lock:
            lost = [
                node
                for node in self._away.values()
                if node.id not in self._lost and node.away_since is not None and when - node.away_since > patience
            ]
            self._lost.update(node.id for node in lost)
            return lost

    def generate_status_json(self, *, scheduler_is_paused: bool) -> list[dict[str, Any]]:
        """The nodes of the status document, as far as this manager knows them."""
        return [status_of(node, scheduler_is_paused=scheduler_is_paused) for node in self.get_nodes()]

    def _keep(self, node: KnownNode) -> None:
        if self._nodes.get(node.id) != node:
            self._nodes[node.id] = node
            self._ids[node.hostname] = self._of_agent[node.agent_id] = node.id
            self._ordered = None
            self._note(self._away, node, node.away_since is not None)
            self._note(self._of_note, node, bool(node.errors) or not node.is_active)
            self.version += 1

    def _note(self, nodes: dict[int, KnownNode], node: KnownNode, is_one: bool) -> None:
        if is_one:
            nodes[node.id] = node
        else:
            nodes.pop(node.id, None)

    def _join(self, row: Node, seen: SeenNode | None) -> KnownNode:
        known = self._nodes.get(row.pk) or KnownNode(
            row.pk, row.hostname, row.agent_id, row.engine, away_since=row.last_offer_received or row.created
        )
        known = replace(known, is_active=row.is_active, is_paused=row.is_paused, attributes=row.attributes)
        return _with_report(known, seen.engine, seen.report) if seen else known


def _with_report(node: KnownNode, engine: str, report: NodeReport) -> KnownNode:
    away_since = None if report.is_online else node.away_since or report.when
    errors = errors_now(node.errors, report.conditions, report.when) if report.is_online else ()
    changed = replace(node, engine=engine, agent_id=report.node, is_online=report.is_online, away_since=away_since, errors=errors)
    return replace(changed, total=report.total, offered=report.offered) if report.is_online else changed


def status_of(node: KnownNode, *, scheduler_is_paused: bool) -> dict[str, Any]:
    """A node of the status document, as far as nodes are known here."""
    state = node.state(scheduler_is_paused=scheduler_is_paused)
    return {
        "id": node.id,
        "hostname": node.hostname,
        "agent_id": node.agent_id if node.is_online else "",
        "is_active": node.is_active,
        "state": {"name": state.name, "title": state.title, "description": state.description},
        "errors": [_error(error) for error in node.errors],
        "warnings": [],
    }


def _error(error: NodeError) -> dict[str, Any]:
    title, description = WORDS[error.condition]
    return {
        "name": error.condition.value,
        "title": title,
        "description": description,
        "started": moment_text(error.started),
        "last_updated": moment_text(error.last_updated),
    }

"""The status document, put together from what each manager says; keys in the order of Scale's own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scale.kernel.moments import moment_text
from scale.kernel.resources import STANDARD, Resources

Json = dict[str, Any]

_STATES = {
    False: {"name": "READY", "title": "Ready", "description": "Scheduler is ready to run new jobs."},
    True: {
        "name": "PAUSED",
        "title": "Paused",
        "description": "Scheduler is paused, so no new jobs will be scheduled. Existing jobs will continue to run.",
    },
}


@dataclass(frozen=True, slots=True)
class NodeResources:
    """What a node has, what it offers to tasks, and what of that is held."""

    total: Resources
    offered: Resources
    running: Resources


@dataclass(frozen=True, slots=True)
class Warning:
    """Something that operators should look at."""

    name: str
    title: str
    description: str
    started: datetime
    last_updated: datetime

    def as_json(self) -> Json:
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "started": moment_text(self.started),
            "last_updated": moment_text(self.last_updated),
        }


@dataclass(frozen=True, slots=True)
class Post:
    """A scheduler process that leads, or stands by."""

    hostname: str
    pid: int
    since: datetime

    def as_json(self) -> Json:
        return {"hostname": self.hostname, "pid": self.pid, "since": moment_text(self.since)}


@dataclass(frozen=True, slots=True)
class Leadership:
    """Who leads, for the how-manieth time somebody does, and who would take over."""

    term: int = 0
    leader: Post | None = None
    standbys: Sequence[Post] = ()

    def as_json(self) -> Json:
        return {
            "leader": self.leader and {**self.leader.as_json(), "term": self.term},
            "standbys": [standby.as_json() for standby in self.standbys],
        }


@dataclass(frozen=True, slots=True)
class Parts:
    """All that the document is made of."""

    when: datetime
    hostname: str
    is_paused: bool
    rates: Mapping[str, float]
    warnings: Sequence[Warning]
    database_ready: datetime  #: since when the schema is up to date
    nodes: Sequence[Json]  #: with all that the managers wrote into them
    resources: Mapping[int, NodeResources]  #: by node id
    job_types: Sequence[Json]
    waiting: Mapping[str, int] = field(default_factory=dict)  #: queued executions by what they wait for
    leadership: Leadership = Leadership()


def document(parts: Parts) -> Json:
    nodes = [_node(node, parts.resources.get(node["id"])) for node in parts.nodes]
    active = [parts.resources[node["id"]] for node in nodes if node["is_active"] and node["id"] in parts.resources]
    return {
        "timestamp": moment_text(parts.when),
        "scheduler": {
            "hostname": parts.hostname,
            "mesos": {"framework_id": ""},
            "metrics": dict(parts.rates),
            "state": _STATES[parts.is_paused],
            "warnings": [warning.as_json() for warning in parts.warnings],
            **parts.leadership.as_json(),
        },
        "system": {
            "database_update": {"is_completed": True, "completed": moment_text(parts.database_ready)},
            "services": [],
        },
        "nodes": nodes,
        "num_offers": 0,
        "resources": _resources(active),
        "job_types": list(parts.job_types),
        "queue": {"total": sum(parts.waiting.values()), "waiting_for": dict(sorted(parts.waiting.items()))},
        "last_updated": moment_text(parts.when),
    }


def _node(node: Json, resources: NodeResources | None) -> Json:
    """The node with its resources in their place among its keys; one that is away has none."""
    head = {key: node[key] for key in ("id", "hostname", "agent_id", "is_active", "state", "errors", "warnings")}
    tail = {key: value for key, value in node.items() if key not in head}
    return head | {"num_offers": 0, "resources": _resources([resources] if resources else [])} | tail


def _resources(nodes: Iterable[NodeResources]) -> Json:
    nodes = list(nodes)
    names = {*STANDARD, *(name for node in nodes for name in node.total)}
    ordered = (*STANDARD, *sorted(names - set(STANDARD)))
    return {name: _amounts(nodes, name) for name in ordered}


def _amounts(nodes: Sequence[NodeResources], name: str) -> Json:
    running = sum(node.running[name] for node in nodes)
    offered = sum(node.offered[name] for node in nodes)
    total = sum(max(node.total[name], node.offered[name]) for node in nodes)
    return {
        "running": round(running, 2),
        "offered": 0.0,
        "free": round(max(offered - running, 0.0), 2),
        "unavailable": round(total - offered, 2),
        "total": round(total, 2),
    }

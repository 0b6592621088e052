"""The status document, put together from what each manager says; keys in the order of Scale's own. Pure."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from scale.kernel.moments import moment_text
from scale.kernel.resources import STANDARD, Resources

if TYPE_CHECKING:
    from scale.node.conditions import KnownNode

Json = dict[str, Any]
Amounts = Mapping[str, tuple[int, int, int]]  #: by resource: running, offered, total; in millionths

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

    @classmethod
    def of(cls, node: KnownNode, held: Resources, holding: Collection[str]) -> Self:
        """:param holding: the engines at whose nodes what has no room waits for it, and takes nothing till then"""
        if node.engine in holding:
            held = Resources({name: min(amount, node.offered[name]) for name, amount in held.items()})
        return cls(node.total, node.offered, held)


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
    job_types: Sequence[Json]
    nodes: Sequence[Json] = ()  #: with all that the managers wrote into them
    resources: Mapping[int, NodeResources] = field(default_factory=dict)  #: by node id
    waiting: Mapping[str, int] = field(default_factory=dict)  #: queued executions by what they wait for
    leadership: Leadership = Leadership()


def document(parts: Parts) -> Json:
    nodes = [node_told(node, amounts_of(parts.resources.get(node["id"]))) for node in parts.nodes]
    totals = Totals()
    for node in nodes:
        if node["is_active"]:
            totals.add(amounts_of(parts.resources.get(node["id"])))
    return framed(parts, nodes, totals)


def framed(parts: Parts, nodes: Sequence[object], totals: Totals) -> Json:
    """The document around its nodes, however those were rendered."""
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
        "resources": totals.as_json(),
        "job_types": list(parts.job_types),
        "queue": {"total": sum(parts.waiting.values()), "waiting_for": dict(sorted(parts.waiting.items()))},
        "last_updated": moment_text(parts.when),
    }


def node_told(node: Json, amounts: Amounts) -> Json:
    """The node with its resources in their place among its keys."""
    head = {key: node[key] for key in ("id", "hostname", "agent_id", "is_active", "state", "errors", "warnings")}
    tail = {key: value for key, value in node.items() if key not in head}
    return head | {"num_offers": 0, "resources": _told(amounts)} | tail


def amounts_of(node: NodeResources | None) -> Amounts:
    """What a node has, in millionths and in order; one that is away has none."""
    if node is None:
        return dict.fromkeys(STANDARD, (0, 0, 0))
    others = sorted(name for name in node.total if name not in STANDARD)
    running, offered, total = (_millionths(amounts) for amounts in (node.running, node.offered, node.total))
    return {
        name: (running.get(name, 0), in_use := offered.get(name, 0), max(total.get(name, 0), in_use))
        for name in (*STANDARD, *others)
    }


class Totals:
    """Sums over nodes. They are of whole numbers, and so the same in whatever order nodes came, changed and went."""

    def __init__(self) -> None:
        self._sums: dict[str, list[int]] = {name: [0, 0, 0, 1] for name in STANDARD}  # last: how many nodes name it

    def add(self, amounts: Amounts, times: int = 1) -> None:
        """Add a node; -1 times takes it away."""
        for name, (running, offered, total) in amounts.items():
            sums = self._sums.setdefault(name, [0, 0, 0, 0])
            sums[0] += times * running
            sums[1] += times * offered
            sums[2] += times * total
            sums[3] += times

    def as_json(self) -> Json:
        others = sorted(name for name, sums in self._sums.items() if sums[3] and name not in STANDARD)
        ordered = ((name, self._sums[name]) for name in (*STANDARD, *others))
        return _told({name: (sums[0], sums[1], sums[2]) for name, sums in ordered})


def _told(amounts: Amounts) -> Json:
    return {name: _amount_told(*amount) for name, amount in amounts.items()}


@lru_cache(10_000)  # nodes are alike: most of them have, and run, what another one has and runs
def _amount_told(running: int, offered: int, total: int) -> Json:
    return {
        "running": _shown(running),
        "offered": 0.0,
        "free": _shown(max(offered - running, 0)),
        "unavailable": _shown(total - offered),
        "total": _shown(total),
    }


def _millionths(amounts: Resources) -> dict[str, int]:
    return {name: round(amount * 1_000_000) for name, amount in amounts.items()}


def _shown(millionths: int) -> float:
    return round(millionths / 10_000) / 100


class Packed(NamedTuple):
    """A document as it is kept and sent: compressed, and named by what is in it."""

    content: bytes
    etag: str

    def unpacked(self) -> bytes:
        return gzip.decompress(self.content)


def packed(document: bytes) -> Packed:
    content = gzip.compress(document, compresslevel=1, mtime=0)
    return Packed(content, blake2b(content, digest_size=16).hexdigest())

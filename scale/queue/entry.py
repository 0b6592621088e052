"""What waits on the queue, as a value, and what makes two entries the same to placement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scale.kernel.resources import Resources
from scale.queue.constraints import key_of

_KEY = "@"  # before the key of what is asked of nodes; no resource is called so


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One execution that waits to be placed."""

    job_id: int
    job_type_id: int
    exe_num: int
    priority: int
    resources: Mapping[str, float]
    queued: datetime
    constraints: Mapping[str, Any] | None  #: the document of what it asks of its node


def shape_of(
    job_type_id: int, priority: int, resources: Mapping[str, float], constraints: Mapping[str, Any] | None = None
) -> str:
    """Name what placement looks at; entries of one shape differ only by age.

    What is asked of nodes is one need more, named by a key: who does not know of such takes it for a resource that no node has.
    """
    needs = ",".join(f"{name}={float(amount)!r}" for name, amount in sorted(resources.items()) if amount)
    if constraints:
        needs = f"{needs},{_KEY}{key_of(constraints)}=1".lstrip(",")
    return f"{priority}/{job_type_id}/{needs}"


def parse_shape(shape: str) -> tuple[int, int, Resources, str]:
    """Read priority, job type and needs back, and the key of what is asked of nodes; empty if nothing is."""
    priority, job_type_id, needs = shape.split("/")
    needs, _, key = needs.partition(_KEY)
    amounts = (need.split("=") for need in needs.split(",") if need)
    return int(priority), int(job_type_id), Resources({name: float(amount) for name, amount in amounts}), key.partition("=")[0]

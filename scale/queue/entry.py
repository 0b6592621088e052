"""What waits on the queue, as a value, and what makes two entries the same to placement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from scale.kernel.resources import Resources


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One execution that waits to be placed."""

    job_id: int
    job_type_id: int
    exe_num: int
    priority: int
    resources: Mapping[str, float]
    queued: datetime


def shape_of(job_type_id: int, priority: int, resources: Mapping[str, float]) -> str:
    """Name what placement looks at; entries of one shape differ only by age."""
    needs = ",".join(f"{name}={float(amount)!r}" for name, amount in sorted(resources.items()) if amount)
    return f"{priority}/{job_type_id}/{needs}"


def parse_shape(shape: str) -> tuple[int, int, Resources]:
    """Read priority, job type and needs back."""
    priority, job_type_id, needs = shape.split("/")
    amounts = (need.split("=") for need in needs.split(",") if need)
    return int(priority), int(job_type_id), Resources({name: float(amount) for name, amount in amounts})

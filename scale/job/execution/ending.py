"""A finished execution out of the history, as far as it is counted. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Ending(NamedTuple):
    job_type_id: int
    node_id: int | None
    status: str
    error_category: str | None
    finished: datetime

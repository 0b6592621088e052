"""What of a job type an operator may change. Pure."""

from __future__ import annotations

from pydantic import Field

from scale.job.submission import MAX_INT
from scale.kernel.reading import Change


class JobTypeChange(Change):
    is_paused: bool = Field(False, description="What waits of a paused type goes on waiting; what runs goes on running.")
    max_scheduled: int | None = Field(None, ge=0, le=MAX_INT, description="How many may run at once; null and 0: any number.")
    is_active: bool = Field(True, description="Of a type that is not active, no new jobs are taken.")

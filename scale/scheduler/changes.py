"""What of the scheduler an operator may change while it runs. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scale.kernel.reading import Change
from scale.queue.ordering import QueueMode


class SchedulerChange(Change):
    is_paused: bool = Field(False, description="A paused scheduler starts nothing new.")
    num_message_handlers: int = Field(1, ge=0, le=1000)
    system_logging_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    queue_mode: QueueMode = Field(QueueMode.FIFO, strict=False, description="Which of two equally urgent jobs goes first.")

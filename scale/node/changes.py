"""What of a node an operator may change. Pure."""

from __future__ import annotations

from pydantic import Field

from scale.kernel.reading import Change, Text


class NodeChange(Change):
    pause_reason: Text | None = Field(None, max_length=250, description="Why it is paused; cleared when it goes on.")
    is_paused: bool = Field(False, description="A paused node gets no new work.")
    is_active: bool = Field(True, description="A node that is not active is deprecated: what runs there is lost.")

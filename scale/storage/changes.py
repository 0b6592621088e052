"""What may be said of a workspace: of a new one, and what of one may be changed. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scale.kernel.reading import Body, Change, Text
from scale.storage.workspace import HostBroker, WorkspaceConfiguration

Name = Annotated[str, Field(pattern="^[a-zA-Z0-9][a-zA-Z0-9_.-]*$", max_length=50)]
Title = Annotated[Text, Field(max_length=50)]
Description = Annotated[Text, Field(max_length=500)]
Url = Annotated[Text, Field(max_length=2000)]

_ACTIVE = "Of a workspace that is not active, no new job reads, and none that starts writes; what runs goes on."
_URL = "Where people find its files, or null."


class NewWorkspace(Body):
    name: Name = Field(description="Letters, digits, `_`, `.` and `-`, a letter or digit first.")
    title: Title = ""
    description: Description = ""
    base_url: Url | None = Field(None, description=_URL)
    is_active: bool = Field(True, description=_ACTIVE)
    configuration: WorkspaceConfiguration


class WorkspaceChange(Change):
    title: Title = ""
    description: Description = ""
    base_url: Url | None = Field(None, description=_URL)
    is_active: bool = Field(True, description=_ACTIVE)
    configuration: WorkspaceConfiguration = Field(
        default_factory=lambda: WorkspaceConfiguration(broker=HostBroker(type="host", host_path="/")),  # never counts
        description="Files keep their paths, and are looked for at the new place.",
    )

"""What may be said of a job type: of a new one, and what of one may be changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from scale.job.submission import MAX_INT
from scale.kernel.reading import Body, Change, Text

_OBJECT = WithJsonSchema({"type": "object", "additionalProperties": {}})
_OBJECT_OR_NULL = WithJsonSchema({"anyOf": [{"type": "object", "additionalProperties": {}}, {"type": "null"}]})
Image = Annotated[Text, Field(pattern=r"^\S*$", max_length=500)]
Icon = Annotated[Text, Field(max_length=20)]
Limit = Annotated[int, Field(ge=0, le=MAX_INT)]

_MANIFEST = "A Seed manifest; with another one, or with another image, the type gets a new revision."
_CONFIGURATION = "Mounts, settings, workspaces of outputs, priority. `*****` as a secret setting keeps the one there is."
_IMAGE = "What its containers are made of; without one, its command is run as a process."


class JobTypeChange(Change):
    """What of a job type to change. What is left out stays as it is."""

    manifest: Annotated[Any, _OBJECT] = Field(None, description=_MANIFEST)
    configuration: Annotated[Any, _OBJECT_OR_NULL] = Field(None, description=_CONFIGURATION)
    docker_image: Image | None = Field(None, description=_IMAGE)
    icon_code: Icon | None = Field(None, description="For clients that draw one.")
    is_published: bool = Field(False, description="What clients may show of it to others.")
    is_active: bool = Field(True, description="Of a type that is not active, no new jobs are taken.")
    is_paused: bool = Field(False, description="What waits of a paused type goes on waiting; what runs goes on running.")
    max_scheduled: Limit | None = Field(None, description="How many may run at once; null and 0: any number.")
    max_tries: int = Field(3, ge=1, le=100, description="How often a job is tried if it does not say so itself.")
    auto_update: bool = Field(True, description="Taken for clients of the original; there are no recipes to update.")


class NewJobType(JobTypeChange):
    """A job type; or, if there is one of this name and version, what of it to change."""

    manifest: Annotated[Any, _OBJECT] = Field(description=_MANIFEST)


class JobTypeDraft(Body):
    """A manifest and a configuration that somebody wants looked at."""

    model_config = {"extra": "ignore"}

    manifest: Annotated[Any, _OBJECT] = Field(None, description="A Seed manifest.")
    configuration: Annotated[Any, _OBJECT] = Field(None, description="What an operator states beside it.")


def columns_of(stated: Mapping[str, Any]) -> dict[str, Any]:
    """What is stated of a job type, by its columns; without what only clients of the original know."""
    columns = {name: value for name, value in stated.items() if name != "auto_update"}
    empty = {"docker_image": "", "configuration": {}}
    return {name: empty.get(name) if value is None else value for name, value in columns.items()}

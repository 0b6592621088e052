"""What a post task tells of an execution's output: one JSON document, version 1.0, on its stdout. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from scale.kernel.errors import ScaleError
from scale.kernel.reading import MAX_ID, Body, Text, faults_of

MOST = 16 << 20  #: bytes that are read


class UnreadableOutput(ScaleError):
    """What the post task says of the output cannot be read."""


class CapturedFile(Body):
    """A file, where it lies now."""

    output: Annotated[Text, Field(max_length=250)]
    workspace: Text
    workspace_id: Annotated[int, Field(ge=1, le=MAX_ID)]
    path: Annotated[Text, Field(min_length=1, max_length=1000)]
    size: Annotated[int, Field(ge=0, le=MAX_ID)]
    media_type: Annotated[Text, Field(max_length=250)]
    meta_data: dict[str, Any]


class Captured(Body):
    version: Literal["1.0"]
    files: tuple[CapturedFile, ...] = Field(strict=False)
    json_: dict[Text, Any] = Field(alias="json")


def read_captured(said: bytes | None) -> Captured:
    """
    :raises UnreadableOutput: with what is wrong with it
    """
    if not said:
        raise UnreadableOutput("the post task has said nothing of the output")
    if len(said) > MOST:
        raise UnreadableOutput(f"the post task has said more than {MOST} bytes of the output")
    try:
        return Captured.model_validate_json(said)
    except ValidationError as error:
        wrong = "; ".join(map(str, faults_of(error, Captured)[:3]))
        raise UnreadableOutput(f"what the post task says of the output cannot be read: {wrong}") from None

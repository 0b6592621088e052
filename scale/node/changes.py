"""What of a node an operator may change. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from scale.kernel.attributes import GIVEN, MAX_ATTRIBUTES, Value, read_name, read_value
from scale.kernel.errors import Fault, Invalid
from scale.kernel.reading import Change, Text


def _settable(name: object) -> str:
    if name in GIVEN:
        raise ValueError("its engine says what it is; nobody sets it")
    return read_name(name)


def _value_or_none(value: object) -> Value | None:
    return None if value is None else read_value(value)


_Name = Annotated[str, BeforeValidator(_settable)]
_Value = Annotated[
    Value | None, PlainValidator(_value_or_none), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]


class NodeChange(Change):
    pause_reason: Text | None = Field(None, max_length=250, description="Why it is paused; cleared when it goes on.")
    is_paused: bool = Field(False, description="A paused node gets no new work.")
    is_active: bool = Field(True, description="A node that is not active is deprecated: what runs there is lost.")
    attributes: Annotated[dict[_Name, _Value], Field(max_length=MAX_ATTRIBUTES)] = Field(
        {}, description="What jobs may ask for, by name; the others stay as they are, and null removes one."
    )


def attributes_merged(before: Mapping[str, Value], changes: Mapping[str, Value | None]) -> dict[str, Value]:
    """
    :raises Invalid: there would be too many
    """
    merged = {name: value for name, value in {**before, **changes}.items() if value is not None}
    if len(merged) > MAX_ATTRIBUTES:
        raise Invalid([Fault("attributes", f"a node has {MAX_ATTRIBUTES} at most; with these it would have {len(merged)}")])
    return merged

"""What a job asks of the nodes that it may run on, as members of a request. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from scale.kernel.attributes import MAX_TEXT
from scale.kernel.reading import Body, Text, shown
from scale.queue.constraints import Constraint, Op, Strategy, document_of, read_constraint

MAX_CONSTRAINTS = 50
MAX_HOSTS = 500

_VALUE = {"type": ["string", "number", "boolean"]}
_SCHEMA = {
    "oneOf": [
        {"type": "string", "description": "Such as `disk=ssd`, `mem_gb>64`, `rack in a,b`, `gpu exists`."},
        {
            "type": "object",
            "properties": {
                "attribute": {"type": "string"},
                "op": {"type": "string", "enum": [op.value for op in Op]},
                "value": {"oneOf": [_VALUE, {"type": "array", "items": _VALUE}]},
            },
            "required": ["attribute", "op"],
        },
    ]
}
_Constraint = Annotated[
    Constraint, PlainValidator(read_constraint), PlainSerializer(lambda one: one.document), WithJsonSchema(_SCHEMA)
]
_Hosts = Annotated[list[Annotated[Text, Field(min_length=1, max_length=MAX_TEXT)]], Field(max_length=MAX_HOSTS)]


class Wishes(Body):
    """What is left out matters not."""

    constraints: Annotated[list[_Constraint], Field(max_length=MAX_CONSTRAINTS)] = Field(
        [], description="What a node's attributes have to be like, all of it."
    )
    hosts: _Hosts = Field([], description="One of these, by hostname.")
    avoid_hosts: _Hosts = Field([], description="None of these, by hostname.")
    placement: Strategy | None = Field(
        None,
        strict=False,
        description="`pack`: the fullest node that has room; `spread`: the one with the most free; null: the first.",
    )

    @field_validator("avoid_hosts")
    @classmethod
    def _not_both(cls, avoided: list[str], info: ValidationInfo) -> list[str]:
        if both := set(avoided).intersection(info.data.get("hosts", ())):
            raise ValueError(f"{shown(min(both))} stands in hosts, too")
        return avoided

    @property
    def asked_of_nodes(self) -> dict[str, Any] | None:
        """What the job keeps of it; None if nothing is asked."""
        return document_of(self.constraints, self.hosts, self.avoid_hosts, self.placement)

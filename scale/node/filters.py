"""Which nodes a caller wants to see. Pure."""

from __future__ import annotations

from pydantic import Field, field_validator

from scale.parameters import Flag, Span, one_of, order_schema

ORDERS = ("id", "hostname", "is_paused", "is_active", "created", "deprecated", "last_modified")


class NodeFilter(Span):
    is_active: Flag | None = None
    order: tuple[str, ...] = Field((), json_schema_extra=order_schema(ORDERS))

    _known_order = field_validator("order")(one_of(ORDERS))

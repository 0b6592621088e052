"""Which errors a caller wants to see. Pure."""

from __future__ import annotations

from pydantic import Field, field_validator

from scale.error.catalog import Category
from scale.kernel.reading import Text
from scale.parameters import Flag, Span, one_of, order_schema

ORDERS = ("id", "name", "title", "job_type_name", "category", "is_builtin", "created", "last_modified")


class ErrorFilter(Span):
    is_builtin: Flag | None = None
    job_type_name: Text | None = None
    name: Text | None = None
    category: Category | None = None
    order: tuple[str, ...] = Field((), json_schema_extra=order_schema(ORDERS))

    _known_order = field_validator("order")(one_of(ORDERS))

"""Which job types a caller wants to see. Pure."""

from __future__ import annotations

from pydantic import Field, field_validator

from scale.kernel.reading import Text
from scale.parameters import Flag, Id, Paged, one_of, order_schema

ORDERS = (
    "id",
    "name",
    "version",
    "title",
    "is_active",
    "is_system",
    "is_paused",
    "is_published",
    "max_scheduled",
    "max_tries",
    "revision_num",
    "created",
    "deprecated",
    "paused",
    "last_modified",
)
NAME_ORDERS = ("name",)


class JobTypeChoice(Paged):
    """Job types, by what they are."""

    keyword: tuple[Text, ...] = Field((), description="A word of its name, title or description.")
    id: tuple[Id, ...] = ()
    is_active: Flag | None = None
    is_system: Flag | None = None


class JobTypeFilter(JobTypeChoice):
    order: tuple[str, ...] = Field((), json_schema_extra=order_schema(ORDERS))

    _known_order = field_validator("order")(one_of(ORDERS))


class JobTypeNameFilter(JobTypeChoice):
    order: tuple[str, ...] = Field((), json_schema_extra=order_schema(NAME_ORDERS))

    _known_order = field_validator("order")(one_of(NAME_ORDERS))


class JobTypeVersionFilter(Paged):
    is_active: Flag | None = None

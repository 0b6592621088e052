"""Which workspaces and files a caller wants to see. Pure."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, field_validator

from scale.kernel.reading import Text
from scale.parameters import Flag, Id, Span, one_of, order_schema

WORKSPACE_ORDERS = ("id", "name", "title", "is_active", "created", "deprecated", "last_modified")
FILE_ORDERS = ("id", "file_name", "file_path", "file_size", "media_type", "workspace", "created", "last_modified")


class TimeField(StrEnum):
    """Which time of a file `started` and `ended` are about."""

    LAST_MODIFIED = "last_modified"
    CREATED = "created"
    DATA = "data"  #: the times that its data is of, as its job said


class WorkspaceFilter(Span):
    name: tuple[Text, ...] = ()
    is_active: Flag | None = None
    order: tuple[str, ...] = Field((), json_schema_extra=order_schema(WORKSPACE_ORDERS))

    _known_order = field_validator("order")(one_of(WORKSPACE_ORDERS))


class FileFilter(Span):
    time_field: TimeField = Field(TimeField.LAST_MODIFIED, description="Which time `started` and `ended` are about.")
    workspace_name: tuple[Text, ...] = ()
    job_id: tuple[Id, ...] = Field((), description="Jobs that made them.")
    file_name: tuple[Text, ...] = ()
    order: tuple[str, ...] = Field((), json_schema_extra=order_schema(FILE_ORDERS))

    _known_order = field_validator("order")(one_of(FILE_ORDERS))

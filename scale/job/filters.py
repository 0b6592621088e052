"""Which jobs, executions and job types a caller means. Pure."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from scale.error.catalog import Category
from scale.job.states import ExecutionStatus, JobStatus
from scale.job.submission import MAX_INT
from scale.kernel.reading import MAX_ID, Body, Text, never_null
from scale.parameters import Cursored, Flag, Id, Moment, Span, one_of, order_schema

ORDERS = (
    "id",
    "name",
    "status",
    "priority",
    "job_type",
    "duration",
    "owner",
    "node",
    "error",
    "num_exes",
    "max_tries",
    "timeout",
    "is_superseded",
    "created",
    "queued",
    "started",
    "ended",
    "last_status_change",
    "superseded",
    "last_modified",
)


class JobFilter(Cursored, Span):
    status: tuple[JobStatus, ...] = ()
    job_id: tuple[Id, ...] = ()
    job_type_id: tuple[Id, ...] = ()
    job_type_name: tuple[Text, ...] = ()
    error_category: tuple[Category, ...] = ()
    error_id: tuple[Id, ...] = ()
    is_superseded: Flag | None = None
    order: tuple[str, ...] = Field((), json_schema_extra=order_schema(ORDERS))

    _known_order = field_validator("order")(one_of(ORDERS))


class ExecutionFilter(Cursored):
    status: tuple[ExecutionStatus, ...] = ()
    node_id: tuple[Id, ...] = ()
    error_id: tuple[Id, ...] = ()
    error_category: tuple[Category, ...] = ()


class JobTypeStatusFilter(Span):
    started: Moment = Field("PT3H", validate_default=True)
    is_active: Flag | None = None


_Ids = Annotated[list[Annotated[int, Field(ge=1, le=MAX_ID)]], Field(min_length=1, max_length=10_000)]


class JobChoice(Body):
    """The jobs that something is to be done with: those that fit everything that is stated."""

    model_config = ConfigDict(json_schema_extra=never_null)

    _beside: ClassVar[frozenset[str]] = frozenset()  #: fields that do not say which jobs

    job_ids: _Ids | None = None
    status: Annotated[list[Annotated[JobStatus, Field(strict=False)]], Field(min_length=1)] | None = None
    job_type_ids: _Ids | None = None
    job_type_names: Annotated[list[Text], Field(min_length=1, max_length=100)] | None = None
    error_ids: _Ids | None = None
    error_categories: Annotated[list[Annotated[Category, Field(strict=False)]], Field(min_length=1)] | None = None
    is_superseded: bool | None = None
    started: Moment | None = None
    ended: Moment | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        if value is None:
            raise ValueError("is null; leave it out, or state it")
        return value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - self._beside:
            raise ValueError("state which jobs: nothing would mean all of them")
        return self

    @property
    def filter(self) -> JobFilter:
        """The same, as the list of jobs is asked."""
        return JobFilter.model_construct(
            status=tuple(self.status or ()),
            job_id=tuple(self.job_ids or ()),
            job_type_id=tuple(self.job_type_ids or ()),
            job_type_name=tuple(self.job_type_names or ()),
            error_id=tuple(self.error_ids or ()),
            error_category=tuple(self.error_categories or ()),
            is_superseded=self.is_superseded,
            started=self.started,
            ended=self.ended,
        )


class RequeueChoice(JobChoice):
    """The jobs to be tried anew, and how urgent they then are; those that neither failed nor were canceled stay as they are."""

    _beside = frozenset({"priority"})

    priority: int | None = Field(None, ge=1, le=MAX_INT, description="The lowest number goes first; else as it was.")

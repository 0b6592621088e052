"""Which jobs, executions and job types a caller means. Pure."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from scale.error.catalog import Category
from scale.job.states import ExecutionStatus, JobStatus
from scale.job.submission import MAX_INT, Labels
from scale.kernel.reading import MAX_ID, Body, Text, never_null
from scale.parameters import Cursored, Flag, Id, Moment, Span, check_later, one_of, order_schema
from scale.storage.filters import TimeField

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


def _label(said: str) -> str:
    if not said.partition("=")[0] or "=" not in said:
        raise ValueError("expected a label and its value, such as team=blue")
    return said


_Label = Annotated[Text, AfterValidator(_label), Field(examples=["team=blue"])]
_NEVER = "Of clients of the original: no job has one, so nothing fits."


class JobFilter(Cursored, Span):
    status: tuple[JobStatus, ...] = ()
    job_id: tuple[Id, ...] = Field((), description="Members of arrays are then listed each for itself.")
    job_type_id: tuple[Id, ...] = ()
    job_type_name: tuple[Text, ...] = ()
    error_category: tuple[Category, ...] = ()
    error_id: tuple[Id, ...] = ()
    is_superseded: Flag | None = None
    name: tuple[Text, ...] = ()
    owner: tuple[Text, ...] = ()
    label: tuple[_Label, ...] = Field((), description="`team=blue`; of several, a job has all.")
    array_id: tuple[Id, ...] = Field((), description="Members of these arrays, each for itself.")
    members: Flag = Field(False, description="Each member of an array for itself; else one stands for all that fit.")
    batch_id: tuple[Id, ...] = Field((), description=_NEVER)
    recipe_id: tuple[Id, ...] = Field((), description=_NEVER)
    source_started: Moment | None = Field(None, description=_NEVER)
    source_ended: Moment | None = Field(None, description=_NEVER)
    source_sensor_class: tuple[Text, ...] = Field((), description=_NEVER)
    source_sensor: tuple[Text, ...] = Field((), description=_NEVER)
    source_collection: tuple[Text, ...] = Field((), description=_NEVER)
    source_task: tuple[Text, ...] = Field((), description=_NEVER)
    order: tuple[str, ...] = Field((), json_schema_extra=order_schema(ORDERS))

    _known_order = field_validator("order")(one_of(ORDERS))

    @property
    def labels(self) -> list[tuple[str, str]]:
        parts = (said.partition("=") for said in self.label)
        return [(name, value) for name, _, value in parts]

    @property
    def is_impossible(self) -> bool:
        """Whether it asks for what no job has."""
        never = [getattr(self, name) for name in type(self).model_fields if name.startswith(("batch_", "recipe_", "source_"))]
        return any(value is not None and value != () for value in never)

    @property
    def tells_members_apart(self) -> bool:
        """Whether it asks for what may differ between the members of an array."""
        of_one = (self.status, self.error_category, self.error_id, self.is_superseded, self.started, self.ended)
        return any(value is not None and value != () for value in of_one)

    @property
    def is_by_line(self) -> bool:
        """Whether an array is to be one line."""
        return not (self.members or self.array_id or self.job_id)


class ExecutionFilter(Cursored):
    status: tuple[ExecutionStatus, ...] = ()
    node_id: tuple[Id, ...] = ()
    error_id: tuple[Id, ...] = ()
    error_category: tuple[Category, ...] = ()


class JobTypeStatusFilter(Span):
    started: Moment = Field("PT3H", validate_default=True)
    is_active: Flag | None = None


class InputFileFilter(Span):
    """Which of the files that a job reads."""

    time_field: TimeField = Field(TimeField.LAST_MODIFIED, description="Which time `started` and `ended` are about.")
    file_name: tuple[Text, ...] = ()
    job_input: tuple[Text, ...] = Field((), description="Inputs of the job, by name.")


_Ids = Annotated[list[Annotated[int, Field(ge=1, le=MAX_ID)]], Field(min_length=1, max_length=10_000)]


_FewIds = Annotated[list[Annotated[int, Field(ge=1, le=MAX_ID)]], Field(max_length=10_000)]
_Texts = Annotated[list[Text], Field(min_length=1, max_length=100)]


class JobTypeNamed(Body):
    """One version of a job type."""

    name: Text
    version: Text


class JobChoice(Body):
    """The jobs that something is to be done with: those that fit everything that is stated."""

    model_config = ConfigDict(json_schema_extra=never_null)

    _beside: ClassVar[frozenset[str]] = frozenset()  #: fields that do not say which jobs

    job_ids: _Ids | None = None
    array_ids: _Ids | None = None
    status: Annotated[list[Annotated[JobStatus, Field(strict=False)]], Field(min_length=1)] | None = None
    job_type_ids: _Ids | None = None
    job_type_names: _Texts | None = None
    job_types: Annotated[list[JobTypeNamed], Field(min_length=1, max_length=100)] | None = None
    error_ids: _Ids | None = None
    error_categories: Annotated[list[Annotated[Category, Field(strict=False)]], Field(min_length=1)] | None = None
    is_superseded: bool | None = None
    names: _Texts | None = None
    owners: _Texts | None = None
    labels: Labels | None = Field(None, min_length=1, description="A job has all of them.")
    batch_ids: _FewIds | None = Field(None, description=_NEVER)
    recipe_ids: _FewIds | None = Field(None, description=_NEVER)
    started: Moment | None = None
    ended: Moment | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        if value is None:
            raise ValueError("is null; leave it out, or state it")
        return value

    @field_validator("ended")
    @classmethod
    def _after_started(cls, ended: Moment | None, info: ValidationInfo) -> Moment | None:
        return check_later(ended, info)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not any(getattr(self, name) not in (None, []) for name in self.model_fields_set - self._beside):
            raise ValueError("state which jobs: nothing would mean all of them")
        return self

    @property
    def filter(self) -> JobFilter:
        """The same, as the list of jobs is asked."""
        return JobFilter.model_construct(
            status=tuple(self.status or ()),
            job_id=tuple(self.job_ids or ()),
            array_id=tuple(self.array_ids or ()),
            name=tuple(self.names or ()),
            owner=tuple(self.owners or ()),
            label=tuple(f"{name}={value}" for name, value in (self.labels or {}).items()),
            batch_id=tuple(self.batch_ids or ()),
            recipe_id=tuple(self.recipe_ids or ()),
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

"""Query parameters as values: how moments, flags and lists are written in a URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Self, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from scale.kernel.errors import Fault, Invalid
from scale.kernel.moments import parse_moment
from scale.kernel.reading import MAX_ID, Text, read

_FLAGS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_DURATION = TypeAdapter(timedelta)
MAX_PAGE_SIZE = 1000


def _moment(value: object, info: ValidationInfo) -> object:
    """A moment with its zone, or how long ago it was."""
    if not isinstance(value, str):
        return value
    try:
        if value.startswith(("P", "-P")):
            return (info.context or {})["when"] - _DURATION.validate_python(value)
        return parse_moment(value).astimezone(UTC)
    except (ValueError, OverflowError, ValidationError):
        raise ValueError("expected a moment with its zone, such as 2026-01-31T12:00:00Z, or a duration, such as PT3H") from None


def _flag(value: object) -> object:
    return _FLAGS.get(value.lower(), value) if isinstance(value, str) else value


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema(
        {
            "type": "string",
            "description": "A moment with its zone, or a duration: that long ago.",
            "examples": ["PT1H", "2026-01-31T12:00:00Z"],
        }
    ),
]
Flag = Annotated[bool, BeforeValidator(_flag)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]


class Parameters(BaseModel):
    """What a URL asks for. A parameter that is not known is refused: unheard, it would answer with too much."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def of(cls, query: Mapping[str, Sequence[str]], when: datetime) -> Self:
        """Read them; one that may stand several times is a list, of any other the last one counts.

        :raises Invalid: with every fault
        """
        stated = {name: list(values) if name in cls._lists() else values[-1] for name, values in query.items()}
        try:
            return read(cls, stated, when=when)
        except Invalid as error:  # in a URL a value of a list has no number
            raise Invalid(Fault(fault.field.partition(".")[0], fault.message) for fault in error.faults) from None

    @classmethod
    def _lists(cls) -> frozenset[str]:
        return frozenset(name for name, field in cls.model_fields.items() if get_origin(field.annotation) is tuple)


class Paged(Parameters):
    page: int = Field(1, ge=1, le=MAX_ID)
    page_size: Annotated[int, AfterValidator(lambda size: min(size, MAX_PAGE_SIZE))] = Field(
        100, ge=1, description=f"At most {MAX_PAGE_SIZE}; more counts as that."
    )


class Cursored(Paged):
    """A list that may be gone through by cursor."""

    cursor: Text | None = Field(
        None, max_length=10_000, description="Instead of pages: empty to begin, then as `next` has it. Nothing is counted then."
    )

    @field_validator("cursor")
    @classmethod
    def _instead_of_a_page(cls, cursor: str | None, info: ValidationInfo) -> str | None:
        if cursor is not None and info.data.get("page", 1) != 1:
            raise ValueError("stands instead of a page; state one of them")
        return cursor


def check_later(ended: datetime | None, info: ValidationInfo) -> datetime | None:
    """The end of a stretch of time, which is later than its `started`."""
    started = info.data.get("started")
    if ended is not None and started is not None and ended <= started:
        raise ValueError("must be later than started")
    return ended


class Span(Paged):
    """A stretch of time in which something last changed."""

    started: Moment | None = None
    ended: Moment | None = None

    @field_validator("ended")
    @classmethod
    def _after_started(cls, ended: datetime | None, info: ValidationInfo) -> datetime | None:
        return check_later(ended, info)


class Bounded(Span):
    """A stretch of time that is stated or has ended now, and is not too long."""

    longest: ClassVar[timedelta]
    usual_days: ClassVar[int] = 7  #: whole days before, where no beginning is stated

    started: Moment | None = Field(
        None, validate_default=True, description="A moment, or a duration; else the midnight (UTC) of seven days ago."
    )
    ended: Moment | None = Field(None, validate_default=True, description="The same; else now.")

    @field_validator("started", mode="before")
    @classmethod
    def _some_days_ago(cls, started: object, info: ValidationInfo) -> object:
        if started is not None:
            return started
        when: datetime = (info.context or {})["when"]
        return when.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=cls.usual_days)

    @field_validator("ended", mode="before")
    @classmethod
    def _now(cls, ended: object, info: ValidationInfo) -> object:
        return (info.context or {})["when"] if ended is None else ended

    @field_validator("ended")
    @classmethod
    def _not_too_long(cls, ended: datetime, info: ValidationInfo) -> datetime:
        started: datetime | None = info.data.get("started")
        if started is not None and ended - started > cls.longest:
            raise ValueError(f"may be at most {cls.longest.days} days after started")
        return ended

    @property
    def span(self) -> tuple[datetime, datetime]:
        assert self.started is not None  # noqa: S101 there is a default
        assert self.ended is not None  # noqa: S101
        return self.started, self.ended


def one_of(names: Sequence[str]) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """A check that an order names columns that there are, each perhaps after a minus."""

    def check(order: tuple[str, ...]) -> tuple[str, ...]:
        if strangers := [name for name in order if name.removeprefix("-") not in names]:
            raise ValueError(f"cannot order by {strangers[0][:100]!r}; known are: {', '.join(names)}")
        return order

    return check


def order_schema(names: Sequence[str]) -> dict[str, Any]:
    return {"items": {"type": "string", "enum": [sign + name for name in names for sign in ("", "-")]}}


def given(**conditions: Any) -> dict[str, Any]:
    """The conditions that were stated: not None, and no empty list."""
    return {name: value for name, value in conditions.items() if value is not None and value != ()}

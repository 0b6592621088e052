"""Draws what ended: each column as a line of values, by the hour or, over a long time, by the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Avg, CharField, Count, F, FloatField, Func, Max, Min, Q, Sum
from django.db.models.expressions import Combinable

from scale.error.catalog import Category
from scale.error.models import Error
from scale.job.models import JobExecutionEnd, JobType
from scale.job.states import ExecutionStatus
from scale.kernel.errors import NotFound
from scale.kernel.moments import moment_text
from scale.metrics.columns import ERRORS, JOB_TYPES, KINDS, Aggregate, Column, Kind
from scale.metrics.filters import PlotFilter

_BY_THE_HOUR = timedelta(days=31)  #: at most; what is longer goes by the day
_HOUR, _DAY = len("2026-01-31 12"), len("2026-01-31")
_AGGREGATES = {Aggregate.SUM: Sum, Aggregate.MIN: Min, Aggregate.MAX: Max, Aggregate.AVG: Avg}
#: what a choice is, by the kind
_KEYS = {JOB_TYPES.name: "job_type_id", ERRORS.name: "error_id"}


class Bin(Func):
    """The hour or the day of a moment, as text in UTC."""

    output_field = CharField()

    def __init__(self, moment: str, length: int) -> None:
        super().__init__(moment, length=length)

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(compiler, connection, template="SUBSTR(%(expressions)s, 1, %(length)s)")

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        text = "TO_CHAR(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')"
        return self.as_sql(compiler, connection, template=f"SUBSTR({text}, 1, %(length)s)")


class Seconds(Func):
    """From one moment to another. SQLite knows milliseconds; the way of the ORM would call Python for each row."""

    output_field = FloatField()

    def __init__(self, start: str, end: str) -> None:
        super().__init__(end, start)

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        template = "ROUND((JULIANDAY(%(expressions)s)) * 86400, 3)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") - JULIANDAY(")

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        template = "EXTRACT(EPOCH FROM %(expressions)s)::double precision"
        return self.as_sql(compiler, connection, template=template, arg_joiner=" - ")


_COUNTED = {
    "completed_count": Q(status=ExecutionStatus.COMPLETED),
    "failed_count": Q(status=ExecutionStatus.FAILED),
    "canceled_count": Q(status=ExecutionStatus.CANCELED),
    "total_count": Q(),
    "error_system_count": Q(error__category=Category.SYSTEM),
    "error_algorithm_count": Q(error__category=Category.ALGORITHM),
    "error_data_count": Q(error__category=Category.DATA),
}
_MEASURED: dict[str, Combinable] = {
    "queue_time": Seconds("queued", "started"),
    "pre_time": Seconds("started", "seed_started"),
    "job_time": Seconds("seed_started", "seed_ended"),
    "post_time": Seconds("seed_ended", "ended"),
    "run_time": Seconds("started", "ended"),
    "cpu_time": F("cpu_seconds"),
    "peak_memory": F("peak_memory"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a line may be drawn of."""

    id: int
    name: str
    version: str | None
    title: str
    description: str
    category: str | None


@dataclass(frozen=True, slots=True)
class Plot:
    """A column, drawn; where nothing ended, there is no value."""

    column: Column
    min_x: datetime | None
    max_x: datetime | None
    min_y: float | None
    max_y: float | None
    values: list[dict[str, Any]]


def kind_found(name: str) -> Kind:
    """:raises NotFound: there is none"""
    kind = KINDS.get(name)
    if kind is None:
        raise NotFound(f"There are no metrics of {name}; there are: {', '.join(KINDS)}.")
    return kind


def choices_of(kind: Kind) -> list[Choice]:
    """All that its lines may be drawn of, by name."""
    if kind is JOB_TYPES:
        types = JobType.objects.order_by("name", "version", "id")
        return [Choice(one.pk, one.name, one.version, one.title, one.description, None) for one in types]
    errors = Error.objects.order_by("name", "job_type_name", "id") if kind is ERRORS else ()
    return [Choice(one.pk, one.name, None, one.title, one.description, one.category) for one in errors]


def plots_drawn(kind: Kind, wanted: PlotFilter) -> list[Plot]:
    """A plot for each column that is wanted, all from one query.

    :raises Invalid: there is no such column or group
    """
    columns = kind.chosen(wanted.column, wanted.group)
    rows = _rows(_KEYS[kind.name], columns, wanted) if columns else []
    return [_plot(column, rows) for column in columns]


def _rows(key: str, columns: Sequence[Column], wanted: PlotFilter) -> list[dict[str, Any]]:
    """Each hour or day, of each choice if there are any."""
    started, ended = wanted.span
    ends = JobExecutionEnd.objects.filter(ended__gte=started, ended__lte=ended, **{f"{key}__isnull": False})
    if wanted.choice_id:
        ends = ends.filter(**{f"{key}__in": wanted.choice_id})
    by = ("bin", key) if wanted.choice_id else ("bin",)
    binned = ends.annotate(bin=Bin("ended", _HOUR if ended - started <= _BY_THE_HOUR else _DAY)).values(*by)
    rows = binned.annotate(**{f"of_{column.name}": _aggregate(column) for column in columns}).order_by(*by)
    return [_row(row, key) for row in rows]


def _aggregate(column: Column) -> Any:
    if column.name in _COUNTED:
        return Count("pk", filter=_COUNTED[column.name] or None)
    return _AGGREGATES[column.aggregate](_MEASURED[column.group])


def _row(row: dict[str, Any], key: str) -> dict[str, Any]:
    moment = datetime.strptime(row["bin"], "%Y-%m-%d %H" if len(row["bin"]) == _HOUR else "%Y-%m-%d").replace(tzinfo=UTC)
    choice = {"id": row[key]} if key in row else {}
    return {**row, "moment": moment, "told": {"datetime": moment_text(moment), **choice}}


def _plot(column: Column, rows: Sequence[dict[str, Any]]) -> Plot:
    known = [(row, row[f"of_{column.name}"]) for row in rows if row[f"of_{column.name}"] is not None]
    values = [{**row["told"], "value": round(value, 3)} for row, value in known]
    if not known:
        return Plot(column, None, None, None, None, [])
    heights = [one["value"] for one in values]
    return Plot(column, known[0][0]["moment"], known[-1][0]["moment"], min(heights), max(heights), values)

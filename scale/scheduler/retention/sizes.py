"""How much there is of everything that grows, found out in bounded time: what is much is estimated, and said to be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.utils.module_loading import import_string

from scale.engines.protocol import LogSource, Volume
from scale.environment import Environment
from scale.job.models import Job, JobExecution, JobExecutionEnd, JobExecutionOutput, TaskUpdate
from scale.metrics.models import JobLoad
from scale.queue.models import Queue
from scale.scheduler.models import SetAside
from scale.scheduler.retention.rules import Retention
from scale.storage.models import File

TABLES: tuple[type[models.Model], ...] = (
    Job,
    JobExecution,
    JobExecutionEnd,
    JobExecutionOutput,
    File,
    TaskUpdate,
    Queue,
    SetAside,
    JobLoad,
)
MOST_ROWS = 1_000_000  #: of a table that are counted
MOST_FILES = 100_000  #: that are looked at
MOST_BYTES = 2 << 30  #: of an SQLite database that is looked through for what belongs to which table


@dataclass(frozen=True, slots=True)
class TableSize:
    name: str
    rows: int
    is_estimate: bool  #: whether the number of rows is
    bytes: int | None  #: with its indexes; None: the database does not tell
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    vendor: str
    bytes: int
    free: int | None  #: bytes of it that hold nothing and are used again; None: the database does not tell
    tables: tuple[TableSize, ...]


def sizes(most_rows: int = MOST_ROWS, most_files: int = MOST_FILES) -> dict[str, Any]:
    environment: Environment = settings.ENVIRONMENT
    return {
        "database": asdict(database_size(most_rows)),
        "task_output": [{"engine": name, **asdict(volume)} for name, volume in _outputs(environment, most_files)],
        "service_logs": [*_service_logs(environment.home)],
        "keep": asdict(Retention.of(environment)),
    }


def database_size(most_rows: int) -> DatabaseSize:
    measure = _measure_postgres if connection.vendor == "postgresql" else _measure_sqlite
    total, free, bytes_of = measure()
    tables = (_table(model, bytes_of.get(model._meta.db_table), most_rows) for model in TABLES)
    return DatabaseSize(connection.vendor, total, free, tuple(tables))


def _table(model: type[models.Model], size: int | None, most_rows: int) -> TableSize:
    rows, is_estimate = _rows(model, most_rows)
    made = "measured" if model is JobLoad else "created"
    oldest = model._default_manager.order_by("pk").values_list(made, flat=True).first()
    return TableSize(model._meta.db_table, rows, is_estimate, size, oldest)


def _rows(model: type[models.Model], most: int) -> tuple[int, bool]:
    """Counted, if there are not too many; else from how far the ids reach, since the oldest go first."""
    rows = model._default_manager.order_by("pk").values_list("pk", flat=True)
    counted = rows.order_by()[: most + 1].count()
    if counted <= most:
        return counted, False
    return rows.reverse()[0] - rows[0] + 1, True


def _measure_postgres() -> tuple[int, int | None, dict[str, int]]:
    names = [model._meta.db_table for model in TABLES]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        total = cursor.fetchone()[0]
        cursor.execute("SELECT name, pg_total_relation_size(name::regclass) FROM unnest(%s) AS name", [names])
        return total, None, dict(cursor.fetchall())


def _measure_sqlite() -> tuple[int, int | None, dict[str, int]]:
    with connection.cursor() as cursor:
        pages, free, page = (_pragma(cursor, name) for name in ("page_count", "freelist_count", "page_size"))
        total = pages * page
        return total + _wal(), free * page, _bytes_by_table(cursor) if total <= MOST_BYTES else {}


def _pragma(cursor: Any, name: str) -> int:
    return int(cursor.execute(f"PRAGMA {name}").fetchone()[0])


def _wal() -> int:
    """What is written and not yet part of the file."""
    try:
        return os.stat(f"{connection.settings_dict['NAME']}-wal").st_size
    except OSError:
        return 0


def _bytes_by_table(cursor: Any) -> dict[str, int]:
    """Nothing, where SQLite was built without the means."""
    if not cursor.execute("SELECT sqlite_compileoption_used('ENABLE_DBSTAT_VTAB')").fetchone()[0]:
        return {}
    said = cursor.execute(
        "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat('main', 1) AS s JOIN sqlite_master AS m ON m.name = s.name GROUP BY 1"
    )
    return dict(said.fetchall())


def _outputs(environment: Environment, most: int) -> Iterator[tuple[str, Volume]]:
    for engine, named in settings.LOG_SOURCES.items():
        if engine in environment.engines:
            source: LogSource = import_string(named)(environment.home)
            yield engine, source.volume(most)


def _service_logs(home: Path) -> Iterator[dict[str, Any]]:
    """Of this machine."""
    for path in sorted([*(home / "logs").glob("*.log*"), *(home / "keeper").glob("log*")]):
        yield {"name": str(path.relative_to(home)), "bytes": path.stat().st_size}

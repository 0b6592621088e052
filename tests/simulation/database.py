"""A database in memory whose statements and commits can fail; it is as new again within a millisecond."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test.utils import override_settings

from scale.job.states import TRANSITIONS
from scale.kernel.locks import locks_held
from scale.scheduler.models import Scheduler
from tests.simulation.fate import Fate

_NOWHERE = Path("/nonexistent")  # no doorbell hangs there
_LEGAL = ", ".join(f"'{source}>{target}'" for target_of, targets in TRANSITIONS.items() for source, target in [
    (target_of.value, target.value) for target in sorted(targets)
])  # fmt: skip

#: broken promises that no later look at the rows could find
_WITNESSES = f"""
CREATE TABLE witness (what TEXT);
CREATE TRIGGER job_moves AFTER UPDATE OF status ON job
    WHEN OLD.status <> NEW.status AND OLD.status || '>' || NEW.status NOT IN ({_LEGAL})
    BEGIN INSERT INTO witness VALUES ('job ' || NEW.id || ' went from ' || OLD.status || ' to ' || NEW.status); END;
CREATE TABLE gone (what TEXT, id INTEGER, ended TEXT);
CREATE TRIGGER job_goes BEFORE DELETE ON job BEGIN
    INSERT INTO gone VALUES ('job', OLD.id, OLD.ended);
    INSERT INTO witness SELECT 'job ' || OLD.id || ' was deleted, and is ' || OLD.status || ', waits or has executions'
        WHERE OLD.status NOT IN ('COMPLETED', 'FAILED', 'CANCELED') OR EXISTS (SELECT 1 FROM queue WHERE job_id = OLD.id)
        OR EXISTS (SELECT 1 FROM job_exe WHERE job_id = OLD.id);
    END;
CREATE TRIGGER exe_goes BEFORE DELETE ON job_exe
    WHEN NOT OLD.has_ended OR (SELECT status FROM job WHERE id = OLD.job_id) NOT IN ('COMPLETED', 'FAILED', 'CANCELED')
    BEGIN INSERT INTO witness VALUES ('job ' || OLD.job_id || ' execution ' || OLD.exe_num || ' was deleted too early'); END;
CREATE TRIGGER update_goes BEFORE DELETE ON task_update BEGIN
    INSERT INTO gone SELECT 'update', OLD.id, max(ended) FROM job_exe_end WHERE job_exe_id = OLD.job_exe_id;
    INSERT INTO witness SELECT 'the update ' || OLD.task_id || ' ' || OLD.status || ' was deleted too early'
        WHERE NOT EXISTS (SELECT 1 FROM job_exe_end WHERE job_exe_id = OLD.job_exe_id);
    END;
CREATE TRIGGER exe_comes AFTER INSERT ON job_exe
    WHEN NEW.node_id IS NOT NULL AND (SELECT status FROM job WHERE id = NEW.job_id) NOT IN ('QUEUED', 'RUNNING')
    BEGIN INSERT INTO witness VALUES ('job ' || NEW.job_id || ' was over and was placed, execution ' || NEW.exe_num); END;
CREATE TRIGGER end_changes AFTER UPDATE ON job_exe_end
    BEGIN INSERT INTO witness VALUES ('the end of job ' || OLD.job_id || ' execution ' || OLD.exe_num || ' was changed'); END;
CREATE TRIGGER end_goes BEFORE DELETE ON job_exe_end BEGIN
    INSERT INTO gone VALUES ('end', OLD.job_exe_id, OLD.ended);
    INSERT INTO witness SELECT 'the end of job ' || OLD.job_id || ' execution ' || OLD.exe_num || ' was deleted too early'
        WHERE (SELECT status FROM job WHERE id = OLD.job_id) NOT IN ('COMPLETED', 'FAILED', 'CANCELED')
        OR NOT (SELECT has_ended FROM job_exe WHERE id = OLD.job_exe_id);
    END;
CREATE TRIGGER exe_revives AFTER UPDATE OF has_ended ON job_exe WHEN OLD.has_ended AND NOT NEW.has_ended
    BEGIN INSERT INTO witness VALUES ('job ' || OLD.job_id || ' execution ' || OLD.exe_num || ' ended and runs again'); END;
"""


class SimulatedDatabase(DatabaseWrapper):
    """Every statement and commit passes by the story's fate, if there is one."""

    fate: Fate | None = None

    def ensure_connection(self) -> None:
        """It is in memory and our own, so that nobody need mark a test as one that uses the database."""
        if self.connection is None:
            with self.wrap_database_errors:
                self.connect()

    def statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        assert not locks_held(), f"a lock is held over a query: {sql}"
        if self.fate is None:
            return execute(sql, params, many, context)
        return self.fate.statement(lambda: execute(sql, params, many, context), sql, in_transaction=self.in_atomic_block)

    def _commit(self) -> None:
        if self.fate is None:
            super()._commit()
        else:
            self.fate.commit(super()._commit, super()._rollback)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Look without passing by fate."""
        return self.connection.execute(sql, values).fetchall()


class Databases:
    """One database, used again and again."""

    def __init__(self, database: SimulatedDatabase, template: sqlite3.Connection) -> None:
        self._database = database
        self._template = template

    def new(self) -> SimulatedDatabase:
        self._database.fate = None
        self._template.backup(self._database.connection)
        return self._database


@contextmanager
def simulated_databases() -> Iterator[Databases]:
    """Have everybody use a database in memory; it is as the migrations leave it."""
    alias = DEFAULT_DB_ALIAS
    ours = {alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": {"transaction_mode": "IMMEDIATE"}}}
    database = SimulatedDatabase(connections.configure_settings(ours)[alias], alias)
    before = connections[alias]
    connections[alias] = database
    try:
        with override_settings(ENVIRONMENT=settings.ENVIRONMENT.model_copy(update={"home": _NOWHERE})):
            call_command("migrate", verbosity=0)
            User.objects.create(username="alice")
            Scheduler.objects.update_or_create(pk=1, defaults={"framework_id": "sim"})
            database.connection.executescript(_WITNESSES)
            template = sqlite3.connect(":memory:")
            database.connection.backup(template)
            database.execute_wrappers.append(database.statement)
            yield Databases(database, template)
            template.close()
    finally:
        connections[alias] = before
        if database.connection is not None:
            database.connection.close()

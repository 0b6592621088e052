"""PostgreSQL as Django speaks to it, in fewer round trips: what nobody awaits an answer to goes along with what comes next.

`BEGIN` goes with the first statement of a transaction, an unawaited statement with the next one, and the last of them with
`COMMIT`. PostgreSQL takes them apart again, in order; after one that fails it takes no other, and the transaction is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import debug_transaction
from django.db.backends.postgresql import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, cursor

_APART = b";\n"


class DatabaseWrapper(base.DatabaseWrapper):
    """psycopg2 leaves transactions to us: to it, each statement is one of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unsent: list[bytes] = []  # what goes with the next statement
        self._is_awaited = True

    @contextmanager
    def unawaited(self) -> Iterator[None]:
        """Of what is executed in here, nobody asks what came of it; if it fails, so does what comes next."""
        self._is_awaited = self.autocommit  # else there is no transaction, and perhaps nothing that comes next
        try:
            yield
        finally:
            self._is_awaited = True

    def complete(self, statement: bytes) -> bytes | None:
        """The statement with what goes before it; None if it is to go with another one."""
        if not self._is_awaited:
            self._unsent.append(statement)
            return None
        return _APART.join([*self._unsent, statement])

    def sent(self) -> None:
        """What was complete has been heard, or has made the transaction fail. A text that cannot be read begins none."""
        if self.autocommit or not self._is_idle():
            self._unsent.clear()

    def send(self) -> None:
        """Have nothing unsent, for what cannot go with it."""
        if self._unsent:
            self.create_cursor().execute(self._unsent.pop())

    def create_cursor(self, name: str | None = None) -> Any:
        if name:
            self.send()
            return super().create_cursor(name)
        made = self.connection.cursor(cursor_factory=_Cursor)
        made.database = self
        made.tzinfo_factory = self.tzinfo_factory
        return made

    def _set_autocommit(self, autocommit: bool) -> None:
        self._unsent = [] if autocommit else [b"BEGIN"]
        if autocommit:
            super()._set_autocommit(autocommit)

    def _commit(self) -> None:
        if self.connection is not None:
            with debug_transaction(self, "COMMIT"), self.wrap_database_errors:
                self._end(b"COMMIT")

    def _rollback(self) -> None:
        self._unsent = []
        if self.connection is not None:
            with debug_transaction(self, "ROLLBACK"), self.wrap_database_errors:
                self._end(b"ROLLBACK")

    def _end(self, how: bytes) -> None:
        """Nothing is sent for a transaction in which nothing was done."""
        try:
            if self._unsent[1:] or not self._is_idle():
                self.create_cursor().execute(how)
        finally:
            self._unsent = []

    def _is_idle(self) -> bool:
        """Whether PostgreSQL knows of no transaction."""
        return bool(self.connection.info.transaction_status == TRANSACTION_STATUS_IDLE)

    def _close(self) -> None:
        self._unsent = []
        super()._close()


class _Cursor(cursor):
    """One whose statements take those along that wait for the next."""

    database: DatabaseWrapper
    query = b""  #: what was executed last, by itself

    def execute(self, query: Any, vars: Any = None) -> None:
        self.query = self.mogrify(query, vars)
        if (text := self.database.complete(self.query)) is not None:
            try:
                super().execute(text)
            finally:
                self.database.sent()

    def executemany(self, query: Any, vars_list: Sequence[Any]) -> None:
        self.database.send()
        super().executemany(query, vars_list)

    def callproc(self, procname: Any, parameters: Any = None) -> Any:
        self.database.send()
        return super().callproc(procname, parameters)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        self.database.send()
        super().copy_expert(sql, file, size)

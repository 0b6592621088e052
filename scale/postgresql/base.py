"""PostgreSQL as Django speaks to it, in fewer round trips, and with statements that it plans once.

What nobody awaits an answer to goes along with what comes next: `BEGIN` with the first statement of a transaction, an unawaited
statement with the next one, and the last of them with `COMMIT`. PostgreSQL takes them apart again, in order; after one that fails
it takes no other, and the transaction is lost. To read and plan a statement costs it as much as to carry it out for one row, so
those that recur are prepared; now and then anew, for a plan that is right for small tables is wrong for large ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple

from django.db.backends.postgresql import base
from django.db.backends.utils import debug_transaction
from psycopg2 import InternalError
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, cursor

from scale.present import clock

_APART = b";\n"
_LIFE = 10.0  # seconds: a plan outlives any growth of its tables, unless somebody has them analyzed


class _Prepared(NamedTuple):
    name: str
    execution: str  #: the statement as it is asked for
    until: float


class DatabaseWrapper(base.DatabaseWrapper):
    """psycopg2 leaves transactions to us: to it, each statement is one of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unsent: list[bytes] = []  # what goes with the next statement
        self._prepared: dict[str, _Prepared] = {}  # the statements that the session knows
        self._names = count(1)  # none of them twice: of what failed nobody knows how far it came
        self._is_doubtful = False  # whether the session may know some that we do not
        self._recurs, self._is_awaited = False, True

    @contextmanager
    def recurring(self, *, is_awaited: bool = True) -> Iterator[None]:
        """What is executed in here comes again and again, with other values.

        :param is_awaited: somebody asks what came of it; else, if it fails, so does what comes next
        """
        self._recurs, self._is_awaited = True, is_awaited or self.autocommit  # then there may be nothing that comes next
        try:
            yield
        finally:
            self._recurs, self._is_awaited = False, True

    def told(self, query: Any) -> Any:
        """How the session is told to do this."""
        if not self._recurs:
            return query
        known, now = self._prepared.get(query), clock().monotonic()
        if known is None or known.until <= now:
            if self._is_doubtful:
                self._unsent.append(b"DEALLOCATE ALL")
                self._is_doubtful = False
            elif known is not None:
                self._unsent.append(f"DEALLOCATE {known.name}".encode())
            name, places = f"recurring_{next(self._names)}", query.count("%s")
            numbered = query % tuple(f"${number}" for number in range(1, places + 1))
            self._unsent.append(f"PREPARE {name} AS {numbered}".encode())
            execution = f"EXECUTE {name} ({', '.join(['%s'] * places)})" if places else f"EXECUTE {name}"
            known = self._prepared[query] = _Prepared(name, execution, now + _LIFE)
        return known.execution

    def complete(self, statement: bytes) -> bytes | None:
        """The statement with what goes before it; None if it is to go with another one."""
        if not self._is_awaited:
            self._unsent.append(statement)
            return None
        return _APART.join([*self._unsent, statement])

    def failed(self) -> None:
        """What was complete has failed; what was prepared with it may not have been, or may be what is wrong."""
        if self._prepared:
            self._prepared.clear()
            self._is_doubtful = True

    def _drop(self) -> None:
        """What is unsent is never sent, and may have been to prepare something."""
        if self._unsent:
            self._unsent.clear()
            self.failed()

    def sent(self) -> None:
        """What was complete has been heard, or has made the transaction fail. A text that cannot be read begins none."""
        if self.autocommit or not self._is_idle():
            self._unsent.clear()

    def send(self) -> None:
        """Have nothing unsent, for what cannot go with it."""
        if self._unsent:
            self.create_cursor().execute(self._unsent.pop())

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._unsent, self._prepared, self._is_doubtful = [], {}, False
        return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:
        if name:
            self.send()
            return super().create_cursor(name)
        made = self.connection.cursor(cursor_factory=_Cursor)
        made.database = self
        made.tzinfo_factory = self.tzinfo_factory
        return made

    def _set_autocommit(self, autocommit: bool) -> None:
        if not autocommit:
            self._unsent.append(b"BEGIN")
        else:
            super()._set_autocommit(autocommit)  # type: ignore[misc]  # the stubs do not know it

    def _commit(self) -> None:
        if self.connection is not None:
            with debug_transaction(self, "COMMIT"), self.wrap_database_errors:
                self._end(b"COMMIT")

    def _savepoint_rollback(self, sid: str) -> None:
        self._drop()  # it came after the savepoint; if it failed now, there would be no way back to that
        super()._savepoint_rollback(sid)  # type: ignore[misc]

    def _rollback(self) -> None:
        self._drop()
        if self.connection is not None:
            with debug_transaction(self, "ROLLBACK"), self.wrap_database_errors:
                self._end(b"ROLLBACK")

    def _end(self, how: bytes) -> None:
        """Nothing is sent for a transaction in which nothing was done."""
        try:
            if self._unsent[1:] or not self._is_idle():
                cursor = self.create_cursor()
                cursor.execute(how)
                if cursor.statusmessage != how.decode():  # what failed is not committed, and PostgreSQL takes that for no error
                    raise InternalError("the transaction was undone: a statement of it had failed, and somebody let that pass")
        finally:
            self._unsent.clear()

    def _is_idle(self) -> bool:
        """Whether PostgreSQL knows of no transaction."""
        return bool(self.connection.info.transaction_status == TRANSACTION_STATUS_IDLE)

    def _close(self) -> None:
        self._drop()
        super()._close()  # type: ignore[misc]


class _Cursor(cursor):  # type: ignore[misc]
    """One whose statements take those along that wait for the next."""

    database: DatabaseWrapper
    _asked: tuple[Any, Any] | None = None

    def execute(self, query: Any, vars: Any = None) -> None:
        self._asked = query, vars
        text = self.database.complete(self.mogrify(self.database.told(query), vars))
        if text is None:
            return
        try:
            super().execute(text)
        except Exception:
            self.database.failed()
            raise
        finally:
            self.database.sent()

    @property
    def query(self) -> bytes | None:
        """What was executed last, as it was asked for."""
        return bytes(self.mogrify(*self._asked)) if self._asked else None

    def executemany(self, query: Any, vars_list: Sequence[Any]) -> None:
        self.database.send()
        super().executemany(query, vars_list)

    def callproc(self, procname: Any, parameters: Any = None) -> Any:
        self.database.send()
        return super().callproc(procname, parameters)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        self.database.send()
        super().copy_expert(sql, file, size)

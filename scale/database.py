"""What the ORM leaves undone: many rows inserted, updated or deleted for little, and which errors pass."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache, wraps
from operator import itemgetter
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

import orjson
from django.db import DatabaseError, InterfaceError, OperationalError, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.base import ModelState

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=models.Model)
Adapters = Sequence[tuple[int, Callable[[Any], Any]]]  #: by the place of a column

_UNLESS_THERE = " ON CONFLICT DO NOTHING"
_TRIES = 5
_LOCK_TIMEOUT = "10s"
_CONFLICTS = ("40001", "40P01")  # of PostgreSQL: serialization failure, deadlock
_PROGRAM_LIMIT = "54"  # class of codes: more than it takes at all, however often it is asked
#: read only; a statement that the schema has outgrown; a missing right; no such schema, table, column; its own mistakes
_OF_THE_SERVER = ("25", "0A000", "42501", "3F000", "42P01", "42703", "XX")


def is_passing(error: BaseException) -> bool:
    """Whether the same statement may do well later: the database is away, full, busy, read only, or somebody was in the way.

    What is missing on the server, such as a right, may come back, too; it says nothing of the values that were written.
    """
    if isinstance(error, OperationalError):
        return not _code(error).startswith(_PROGRAM_LIMIT)
    if isinstance(error, DatabaseError) and _code(error).startswith(_OF_THE_SERVER):
        return True
    return isinstance(error, InterfaceError) and connection.vendor != "sqlite"  # else: a value that it does not know


def again_on_conflict(function: Callable[P, R]) -> Callable[P, R]:
    """Make a transaction again that lost against another one; not within a larger one, which is lost as a whole."""

    @wraps(function)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(_TRIES - 1):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or _code(error) not in _CONFLICTS:
                    raise
        return function(*args, **kwargs)

    return tried


@contextmanager
def not_synced() -> Iterator[None]:
    """Have SQLite not wait for the disk in the transactions within; a power cut may undo them, and the death of a process none.

    What is committed after them elsewhere, and waits, brings them to the disk with it.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    connection.ensure_connection()
    sqlite = connection.connection  # Django's way to a statement costs more than these two
    sqlite.execute("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        sqlite.execute("PRAGMA synchronous=FULL")


def _code(error: BaseException) -> str:
    """What PostgreSQL calls the error; empty elsewhere."""
    return str(getattr(error.__cause__, "pgcode", None) or "")


def use_all_that_sqlite_takes() -> None:
    """Let Django fill its statements as far as the SQLite at hand allows, which it tells itself.

    Django 5.2 takes 999 values for granted, the limit of SQLite before 3.32; Django 6 asks as we do here.
    """
    connection_created.connect(_ask_for_the_limit, dispatch_uid="as many values as SQLite takes")


def wait_for_no_lock_for_ever() -> None:
    """Have PostgreSQL end a statement that waits long for somebody else's lock: trouble that is told, not silence."""
    connection_created.connect(_limit_waits, dispatch_uid="how long to wait for a lock")


def _limit_waits(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # not in the URL's options, which a pooler between may refuse
            cursor.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")


def _ask_for_the_limit(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if isinstance(held := connection.connection, sqlite3.Connection):
        most = held.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        connection.features.max_query_params = most  # of this connection, not of all


@contextmanager
def recurring(*, is_awaited: bool = True) -> Iterator[Any]:
    """A cursor for a statement that comes again and again, with other values: PostgreSQL reads and plans it once.

    :param is_awaited: else it goes to PostgreSQL with the next statement, or with ``COMMIT``, and nobody asks what came of it
    """
    wrapper: Any = connection
    way = wrapper.recurring if connection.vendor == "postgresql" else _as_ever
    with connection.cursor() as cursor, way(is_awaited=is_awaited):  # the cursor first: it may have to connect
        yield cursor


@contextmanager
def _as_ever(*, is_awaited: bool) -> Iterator[None]:
    yield


def update_rows(
    model: type[models.Model], *, match: Sequence[str], assign: Sequence[str], rows: Sequence[Sequence[Any]], only: str
) -> None:
    """``UPDATE`` each row's ``assign`` columns where its ``match`` columns are equal and the SQL condition ``only`` holds.

    ``rows`` hold the values of ``match`` and then of ``assign``, none of them null.
    """
    if not rows:
        return
    way = _way_to_update(model, tuple(match), tuple(assign), connection.vendor)
    with recurring(is_awaited=False) as cursor:
        way.write(cursor, [[*row[len(match) :], *row[: len(match)]] for row in rows], only)


class _Way(NamedTuple):
    """How rows of these columns are written: one at a time, or many in one JSON value, which takes PostgreSQL a third less."""

    one: str
    many: str
    adapters: Adapters

    def write(self, cursor: Any, rows: Sequence[Sequence[Any]], ending: str) -> None:
        if connection.vendor == "sqlite":
            cursor.executemany(self.one + ending, [_written(row, self.adapters) for row in rows])
        elif len(rows) == 1:
            cursor.execute(self.one + ending, _written(rows[0], self.adapters))
        else:
            cursor.execute(self.many + ending, [_as_json(rows)])


@cache
def _way_to_update(model: type[models.Model], match: tuple[str, ...], assign: tuple[str, ...], vendor: str) -> _Way:
    table = connection.ops.quote_name(model._meta.db_table)
    keys, columns = ([_column(model, name) for name in names] for names in (match, assign))
    sets, equal = ", ".join(f"{name} = %s" for name in columns), " AND ".join(f"{key} = %s" for key in keys)
    one = f"UPDATE {table} SET {sets} WHERE {equal} AND "  # noqa: S608 no value stands in it
    sets = ", ".join(f"{name} = v.column{number}" for number, name in enumerate(columns))
    equal = " AND ".join(f"{table}.{key} = v.column{number}" for number, key in enumerate(keys, len(columns)))
    names = (*assign, *match)
    many = f"UPDATE {table} SET {sets} FROM {_rows_in_json(model, names)} WHERE {equal} AND "  # noqa: S608 no value stands in it
    return _Way(one, many, _adapters(model, names, vendor))


def _rows_in_json(model: type[models.Model], names: Sequence[str]) -> str:
    """What `_as_json` has made, as a table: PostgreSQL takes each value apart faster than a statement that holds all of them."""
    columns = (f"column{number} {_field(model, name).db_type(connection)}" for number, name in enumerate(names))
    return f"json_to_recordset(%s) AS v({', '.join(columns)})"


def _as_json(rows: Sequence[Sequence[Any]]) -> str:
    return orjson.dumps([{f"column{number}": value for number, value in enumerate(row)} for row in rows]).decode()


def delete_rows(model: type[models.Model], ids: Sequence[int]) -> None:
    """``DELETE`` these in one statement.

    Django would first read all of them and what might refer to them. That nothing does, the foreign keys of the database
    see to when the transaction is committed.
    """
    if ids:
        with recurring(is_awaited=False) as cursor:
            cursor.execute(_deletion(model, ids), _listed(ids))


def delete_counted(model: type[models.Model], ids: Sequence[int]) -> int:
    """The same; returns how many there were."""
    if not ids:
        return 0
    with recurring() as cursor:
        cursor.execute(_deletion(model, ids), _listed(ids))
        return int(cursor.rowcount)


def _deletion(model: type[models.Model], ids: Sequence[int]) -> str:
    table, key = connection.ops.quote_name(model._meta.db_table), _column(model, model._meta.pk.name)
    return f"DELETE FROM {table} WHERE {key} {_among(ids)}"  # noqa: S608 no value stands in it


def _among(ids: Sequence[int]) -> str:
    """The SQL condition to be one of them; to PostgreSQL the same however many there are."""
    return "= ANY(%s)" if connection.vendor == "postgresql" else f"IN ({', '.join(['%s'] * len(ids))})"


def _listed(ids: Sequence[int]) -> list[Any]:
    """The values for that."""
    return [f"{{{','.join(map(str, ids))}}}"] if connection.vendor == "postgresql" else list(ids)


def insert_rows(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    """``INSERT`` rows of values in the order of these attributes, in a transaction; returns their ids in the same order.

    It asks nothing of the ORM but how each field is written, once for a column; that is a tenth of what `bulk_create` costs.
    """
    if not rows:
        return []
    if connection.vendor == "sqlite" and len(rows) > 1:
        return _insert_numbered(model, names, rows)
    way, returning = _way_to_insert(model, tuple(names), connection.vendor), f" RETURNING {_column(model, 'pk')}"
    with recurring() as cursor:
        if len(rows) == 1:
            cursor.execute(way.one + returning, _written(rows[0], way.adapters))
        else:
            cursor.execute(way.many + returning, [_as_json(rows)])
        return sorted(row[0] for row in cursor.fetchall())  # they are given out in the order of the rows


def _insert_numbered(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    """With the ids that SQLite would give: nobody else writes during our transaction, and it binds faster than it reads SQL."""
    way = _way_to_insert(model, ("pk", *names), connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        (last,) = cursor.fetchone() or (0,)
        ids = range(last + 1, last + 1 + len(rows))
        way.write(cursor, [(pk, *row) for pk, row in zip(ids, rows, strict=True)], "")
    return list(ids)


def record_rows(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """``INSERT`` rows whose ids nobody asks for; one that is there already stays as it is."""
    if not rows:
        return
    way = _way_to_insert(model, tuple(names), connection.vendor)
    with recurring(is_awaited=False) as cursor:
        way.write(cursor, rows, _UNLESS_THERE)


def _written(row: Sequence[Any], adapters: Adapters) -> list[Any]:
    """The row's values as the database takes them."""
    values = list(row)
    for place, write in adapters:
        if (value := values[place]) is not None:
            values[place] = write(value)
    return values


class Select:
    """A ``SELECT`` that is put together once; what it finds comes as plain values. The ORM would do both anew each time.

    :param columns: models and the names of their fields, in the order of the values
    :param ending: all from ``FROM`` on, with ``{is_one}`` where the condition goes to be one of these ids
    :param locks: the tables whose rows the transaction is to have for itself, where a database locks rows
    :param waits: for those that somebody else has; else they are left out
    """

    def __init__(
        self, columns: Sequence[tuple[type[models.Model], str]], ending: str, *, locks: str = "", waits: bool = False
    ) -> None:
        self._columns = columns
        self._ending = ending
        self._lock = f" FOR UPDATE OF {locks}{'' if waits else ' SKIP LOCKED'}" if locks else ""
        self._made: dict[str, tuple[str, list[Callable[[Any], Any] | None]]] = {}  # by vendor

    def rows(self, values: Sequence[Any] = (), ids: Sequence[int] | None = None) -> list[list[Any]]:
        """:param ids: come after all values; among none, nothing is looked for"""
        if ids is not None and not ids:
            return []
        with recurring() as cursor:
            self._execute(cursor, values, ids)
            found = cursor.fetchall()
        _, readers = self._made[connection.vendor]
        return [[read(value) if read else value for value, read in zip(row, readers, strict=True)] for row in found]

    def lock(self, ids: Sequence[int]) -> None:
        """Have these rows for the transaction, where a database locks rows, before whatever is asked next."""
        if ids and connection.features.has_select_for_update:
            with recurring(is_awaited=False) as cursor:
                self._execute(cursor, (), ids)

    def _execute(self, cursor: Any, values: Sequence[Any], ids: Sequence[int] | None) -> None:
        start, _ = self._made.get(connection.vendor) or self._make()
        ending = self._ending if ids is None else self._ending.format(is_one=_among(ids))
        lock = self._lock if connection.features.has_select_for_update else ""
        cursor.execute(f"{start} {ending}{lock}", [*map(_given, values), *(_listed(ids) if ids else ())])

    def _make(self) -> tuple[str, list[Callable[[Any], Any] | None]]:
        names = [f"{model._meta.db_table}.{_column(model, name)}" for model, name in self._columns]
        readers = [_reader(_field(model, name), connection.vendor) for model, name in self._columns]
        made = f"SELECT {', '.join(names)}", readers
        self._made[connection.vendor] = made
        return made


def _given(value: Any) -> Any:
    return _moment_text(value) if isinstance(value, datetime) and connection.vendor == "sqlite" else value


class SelectModels(Generic[M]):
    """The same for all columns of one model; what it finds comes as instances.

    :param ending: all that follows the name of the table
    """

    def __init__(self, model: type[M], ending: str) -> None:
        self._model = model
        self._ending = ending

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self._model._meta.concrete_fields]

    @cached_property
    def _select(self) -> Select:
        return Select([(self._model, name) for name in self._names], f"FROM {self._model._meta.db_table} {self._ending}")

    def all(self, values: Sequence[Any] = ()) -> list[M]:
        return [saved(self._model, **dict(zip(self._names, row, strict=True))) for row in self._select.rows(values)]


def _reader(field: Any, vendor: str) -> Callable[[Any], Any] | None:
    """How a value of this field is read; None: as it is."""
    if isinstance(field, models.JSONField):
        return lambda value: None if value is None else orjson.loads(value)
    if isinstance(field, models.DateTimeField) and vendor == "sqlite":
        return lambda value: None if value is None else value.replace(tzinfo=UTC)
    return None


@cache
def _way_to_insert(model: type[models.Model], names: tuple[str, ...], vendor: str) -> _Way:
    """Worked out once: for a single row that costs more than to insert it."""
    columns = ", ".join(_column(model, name) for name in names)
    into = f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} ({columns})"
    one = f"{into} VALUES ({', '.join(['%s'] * len(names))})"
    many = f"{into} SELECT * FROM {_rows_in_json(model, names)}"  # noqa: S608 no value stands in it
    return _Way(one, many, _adapters(model, names, vendor))


def instance(model: type[M], **values: Any) -> M:
    """``model(**values)`` for a tenth of the cost: every name is a column's, and what is not given is its plain default."""
    made = model.__new__(model)
    made.__dict__.update(_defaults(model), _state=ModelState(), **values)  # as an instance is made that was pickled
    return made


def saved(model: type[M], **values: Any) -> M:
    """`instance` for what is a row of the database."""
    made = instance(model, **values)
    made._state.adding, made._state.db = False, connection.alias
    return made


@cache
def _defaults(model: type[models.Model]) -> dict[str, Any]:
    """A default that is made anew for each row, such as ``{}``, is none of these."""
    fields = model._meta.concrete_fields
    return {one.attname: None if one.has_default() and callable(one.default) else one.get_default() for one in fields}


def record_models(objects: Sequence[M]) -> None:
    """`record_rows` for instances of one model; ids that the database gives out are not set."""
    if objects:
        model = type(objects[0])
        names = [field.attname for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
        values = itemgetter(*names)
        record_rows(model, names, [values(one.__dict__) for one in objects])


def _adapters(model: type[models.Model], names: Sequence[str], vendor: str) -> Adapters:
    """How the values of these fields are written that are not written as they are; none of them is null."""
    written = ((place, _adapter(_field(model, name), vendor)) for place, name in enumerate(names))
    return [(place, write) for place, write in written if write is not None]


def _adapter(field: Any, vendor: str) -> Callable[[Any], Any] | None:
    if isinstance(field, models.JSONField):
        return lambda value: orjson.dumps(value).decode()
    if isinstance(field, models.DateTimeField) and vendor == "sqlite":
        return _moment_text
    return None


@lru_cache(maxsize=4096)
def _moment_text(moment: datetime) -> str:
    """As SQLite keeps it; many rows of a batch share theirs."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def _column(model: type[models.Model], name: str) -> str:
    field = _field(model, name)
    if not isinstance(field, models.Field) or field.column is None:
        raise TypeError(f"{model.__name__}.{name} has no column")
    return connection.ops.quote_name(field.column)


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)

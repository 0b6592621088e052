"""Bounds how long a process waits for a PostgreSQL that says nothing: one that is stopped keeps its connections, but is mute."""

from __future__ import annotations

import select
from functools import partial
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg2 import OperationalError
from psycopg2.extensions import POLL_OK, POLL_READ, set_wait_callback

LONGEST = "how long a statement may take"
_SHARE = 0.9  # of our patience, for statements


def bear_no_silence_for_ever(seconds: float) -> None:
    """Let every call of PostgreSQL fail when nothing has come for so long, and with it its connection; COPY is not possible then.

    `tcp_user_timeout` and keepalives notice a machine that is gone, `statement_timeout` is the server's own: none of them helps
    against a server whose machine goes on. One that is merely busy is told to end a statement by itself a little before: else it
    would go on with what nobody waits for, and whoever asks again would have it do the same once more.
    """
    set_wait_callback(partial(_wait, seconds=seconds))
    connection_created.connect(partial(_bound, seconds=seconds * _SHARE), weak=False, dispatch_uid=LONGEST)


def _bound(connection: BaseDatabaseWrapper, *, seconds: float, **_: Any) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {int(seconds * 1000)}")


def _wait(connection: Any, *, seconds: float) -> None:
    while (state := connection.poll()) != POLL_OK:
        poll = select.poll()
        poll.register(connection, select.POLLIN if state == POLL_READ else select.POLLOUT)
        if not poll.poll(seconds * 1000):
            raise OperationalError(f"PostgreSQL has said nothing for {seconds:g} seconds")

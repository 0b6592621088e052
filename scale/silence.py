"""Bounds how long a process waits for a PostgreSQL that says nothing: one that is stopped keeps its connections, but is mute."""

from __future__ import annotations

import select
from functools import partial
from typing import Any

from psycopg2 import OperationalError
from psycopg2.extensions import POLL_OK, POLL_READ, set_wait_callback


def bear_no_silence_for_ever(seconds: float) -> None:
    """Let every call of PostgreSQL fail when nothing has come for so long, and with it its connection; COPY is not possible then.

    `tcp_user_timeout` and keepalives notice a machine that is gone, `statement_timeout` is the server's own: none of them helps
    against a server whose machine goes on.
    """
    set_wait_callback(partial(_wait, seconds=seconds))


def _wait(connection: Any, *, seconds: float) -> None:
    while (state := connection.poll()) != POLL_OK:
        poll = select.poll()
        poll.register(connection, select.POLLIN if state == POLL_READ else select.POLLOUT)
        if not poll.poll(seconds * 1000):
            raise OperationalError(f"PostgreSQL has said nothing for {seconds:g} seconds")

"""A way to PostgreSQL that counts the round trips: whatever the client sends as one query, however much is in it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import connection

_VERSION_3 = 3 << 16  # of the protocol, as the first message that is no question says it


class Trips:
    """How many there were so far."""

    number = 0


@contextmanager
def round_trips() -> Iterator[Trips]:
    """Those of this thread's connection, which is a new one in here."""
    trips, told = Trips(), dict(connection.settings_dict)
    with socket.create_server(("127.0.0.1", 0)) as door:
        connection.close()
        connection.settings_dict.update(HOST="127.0.0.1", PORT=door.getsockname()[1])
        threading.Thread(target=_serve, args=(door, (told["HOST"], int(told["PORT"])), trips), daemon=True).start()
        try:
            yield trips
        finally:
            connection.close()
            connection.settings_dict.update(told)


def _serve(door: socket.socket, server: tuple[str, int], trips: Trips) -> None:
    with suppress(OSError):
        while True:
            client, _ = door.accept()
            upstream = socket.create_connection(server)
            threading.Thread(target=_answer, args=(upstream, client), daemon=True).start()
            threading.Thread(target=_ask, args=(client, upstream, trips), daemon=True).start()


def _answer(upstream: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while data := upstream.recv(1 << 16):
            client.sendall(data)


def _ask(client: socket.socket, upstream: socket.socket, trips: Trips) -> None:
    source: Any = client.makefile("rb")
    with suppress(OSError), source, upstream:
        is_begun = False
        while head := source.read(5 if is_begun else 4):
            (length,) = struct.unpack("!i", head[-4:])
            body = source.read(length - 4)
            trips.number += head[:1] == b"Q" and is_begun
            is_begun = is_begun or struct.unpack("!i", body[:4]) == (_VERSION_3,)
            upstream.sendall(head + body)

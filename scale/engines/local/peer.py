"""The engine, as the runner sees it: a socket that never makes us wait."""

from __future__ import annotations

import contextlib
import socket

from scale.engines.local import terms, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK = 1 << 18
_LAST_WORDS = 2.0  # seconds to wait for an engine that does not read, when we go


class Peer:
    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._lines = wire.Lines()
        self._unsent = b""
        self.term = terms.NONE  #: whose orders it brings

    @property
    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def is_full(self) -> bool:
        """Whether some of what we said waits until the engine reads."""
        return bool(self._unsent)

    def send(self, message: dict[str, Any]) -> None:
        self._unsent += wire.line(message)
        self.flush()

    def flush(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:  # it is gone: reading will tell
            self._unsent = b""

    def receive(self) -> tuple[list[dict[str, Any]], bool]:
        """All that has come in, and whether more may come."""
        messages: list[dict[str, Any]] = []
        try:
            while data := self._socket.recv(_CHUNK):
                messages += self._lines.feed(data)
        except BlockingIOError:
            return messages, True
        except (OSError, ValueError):  # a killed engine gives ECONNRESET; a line that is none ends the talk
            pass
        return messages, False

    def close(self) -> None:
        self.flush()
        self._socket.close()

    def finish(self) -> None:
        """Say what is unsaid, and hang up."""
        self._socket.settimeout(_LAST_WORDS)
        with contextlib.suppress(OSError):
            self._socket.sendall(self._unsent)
        self._socket.close()

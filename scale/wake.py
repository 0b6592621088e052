"""A doorbell between processes: the web rings, the scheduler wakes. It carries no content and may be missed.

It is a Unix datagram socket in the data directory. Where web and scheduler do not share one, the scheduler finds new
work at its next look, within a second.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

NAME = "doorbell"


class Doorbell:
    """The listening end."""

    def __init__(self, home: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._path = home / NAME
        self._path.unlink(missing_ok=True)
        with _short_path(home) as path:
            self._socket.bind(path)
        self._file = self._path.stat().st_ino

    def wait(self, timeout: float) -> bool:
        """Wait until somebody rings, or for this many seconds; however often it rang, it counts as once."""
        self._socket.settimeout(timeout)
        try:
            self._socket.recv(1)
        except TimeoutError:
            return False
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(1)
        return True

    def close(self) -> None:
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._file:  # else another scheduler has put up its own
                self._path.unlink()

    def __enter__(self) -> Doorbell:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def ring(home: Path) -> None:
    """Wake the scheduler of this data directory, if there is one."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller,
        contextlib.suppress(FileNotFoundError, ConnectionRefusedError, BlockingIOError),
        _short_path(home) as path,
    ):
        caller.setblocking(False)
        caller.sendto(b"!", path)


@contextlib.contextmanager
def _short_path(home: Path) -> Iterator[str]:
    """A path to the socket that fits into the 108 bytes of a Unix address, however long the directory's own is."""
    directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{NAME}"
    finally:
        os.close(directory)

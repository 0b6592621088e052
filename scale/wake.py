"""A doorbell between processes: the web rings, the scheduler wakes. It says of what kind the news is, and may be missed.

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
JOBS, ANYTHING = b"j", b"!"  #: new jobs, and nothing else; whatever it is


class Doorbell:
    """The listening end."""

    def __init__(self, home: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._path = home / NAME
        self._path.unlink(missing_ok=True)
        with _short_path(home) as path:
            self._socket.bind(path)
        self._file = self._path.stat().st_ino

    def wait(self, timeout: float) -> bytes | None:
        """Wait until somebody rings, or for this many seconds; however often it rang, it counts as once.

        Returns what all of them rang for, `JOBS` or `ANYTHING`; None: nobody did.
        """
        self._socket.settimeout(timeout)
        try:
            said = {self._socket.recv(1)}
        except TimeoutError:
            return None
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                said.add(self._socket.recv(1))
        return JOBS if said == {JOBS} else ANYTHING

    def close(self) -> None:
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._file:  # else another scheduler has put up its own
                self._path.unlink()

    def __enter__(self) -> Doorbell:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def ring(home: Path, news: bytes = ANYTHING) -> None:
    """Wake the scheduler of this data directory, if there is one."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller,
        contextlib.suppress(FileNotFoundError, ConnectionRefusedError, BlockingIOError),
        _short_path(home) as path,
    ):
        caller.setblocking(False)
        caller.sendto(news, path)


@contextlib.contextmanager
def _short_path(home: Path) -> Iterator[str]:
    """A path to the socket that fits into the 108 bytes of a Unix address, however long the directory's own is."""
    directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{NAME}"
    finally:
        os.close(directory)

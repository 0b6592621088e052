"""A doorbell between processes: the web rings, the scheduler wakes. It says of what kind the news is, and may be missed.

It is a Unix datagram socket in the data directory. Where web and scheduler do not share one, the scheduler finds new
work at its next look, within a second.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import TracebackType

NAME = "doorbell"
_LONGEST = 108  #: bytes of a Unix address, the NUL at its end counted
JOBS, ANYTHING = b"j", b"!"  #: new jobs, and nothing else; whatever it is


class Doorbell:
    """The listening end, for one thread: it hears other processes, and other threads of its own.

    So whom they wake is who does the work. To be woken through a thread that listens would take twice as long.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / NAME
        self._file = 0  # its inode
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._inside = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._poll.register(self._inside, select.POLLIN)

    def open(self) -> None:
        """Put it up in place of the one before."""
        self._path.unlink(missing_ok=True)
        with _short_path(self._home) as path:
            self._socket.bind(path)
        self._file = self._path.stat().st_ino

    def wait(self, timeout: float) -> bool:
        """Wait until somebody rings, or for this many seconds; whether somebody did."""
        return bool(self._poll.poll(timeout * 1000))

    def set(self) -> None:
        """Ring from within this process."""
        os.eventfd_write(self._inside, 1)

    def clear(self) -> None:
        """Forget that somebody rang from within."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._inside)

    def heard(self) -> bytes | None:
        """What other processes rang for since this was asked last, `JOBS` or `ANYTHING`, however often; None: nobody did."""
        said = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                said.add(self._socket.recv(1))
        if not said:
            return None
        return JOBS if said == {JOBS} else ANYTHING

    def close(self) -> None:
        self._socket.close()
        inside, self._inside = self._inside, -1
        os.close(inside)
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._file:  # else another scheduler has put up its own
                self._path.unlink()

    def __enter__(self) -> Doorbell:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def ring(home: Path, news: bytes = ANYTHING) -> None:
    """Wake the scheduler of this data directory, if there is one."""
    with contextlib.suppress(FileNotFoundError, ConnectionRefusedError, BlockingIOError), _short_path(home) as path:
        _caller().sendto(news, path)


@cache
def _caller() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)


@contextlib.contextmanager
def _short_path(home: Path) -> Iterator[str]:
    """A path to the socket that fits into the 108 bytes of a Unix address, however long the directory's own is."""
    path = os.path.join(home, NAME)
    if len(os.fsencode(path)) < _LONGEST:
        yield path
        return
    directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{NAME}"
    finally:
        os.close(directory)

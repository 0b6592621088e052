"""The signals that a process gets, as something to wait for.

Handlers are set instead of signals blocked, because a child would inherit a blocked signal and never hear it. What is
waited for is a pipe that the kernel's own handler writes to, whichever thread it runs in.
"""

from __future__ import annotations

import contextlib
import select
import signal
import socket
from collections.abc import Iterable
from types import TracebackType
from typing import Self

_ROUSED = 0  #: no signal has this number


class Signals:
    """Use as a context manager, in the main thread."""

    def __init__(self, heeded: Iterable[signal.Signals]) -> None:
        self._heeded = set(heeded)

    def __enter__(self) -> Self:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            self._heeded.discard(signal.SIGHUP)  # we were started by nohup
        self._former_fd = signal.set_wakeup_fd(self._write.fileno())
        self._former = {heard: signal.signal(heard, _heard) for heard in self._heeded}
        return self

    def wait(self, timeout: float | None) -> frozenset[int]:
        """The signals that came since the last time; empty if none came for this many seconds, or if roused."""
        select.select([self._read], [], [], timeout)
        with contextlib.suppress(BlockingIOError):
            return frozenset(self._read.recv(4096)) - {_ROUSED}
        return frozenset()

    def rouse(self) -> None:
        """End a wait, from any thread."""
        with contextlib.suppress(BlockingIOError):
            self._write.send(bytes([_ROUSED]))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        signal.set_wakeup_fd(self._former_fd)
        for heard, handler in self._former.items():
            signal.signal(heard, handler)
        self._read.close()
        self._write.close()


def _heard(_number: int, _frame: object) -> None:
    """The pipe tells; a handler must only be there."""

"""A lock that knows whether this thread holds it, so that a guard can forbid queries and engine calls under it."""

from __future__ import annotations

import threading
from types import TracebackType


class _Held(threading.local):
    count = 0


_held = _Held()


class OwnedLock:
    """A plain, non-reentrant lock that its holder can be asked about."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        _held.count += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _held.count -= 1
        self._lock.release()


def locks_held() -> int:
    """How many owned locks this thread holds now."""
    return _held.count

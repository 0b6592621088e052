"""The runner's parent: starts it again when it dies, and meanwhile sees how its tasks end.

It is a child subreaper: when the runner dies, its tasks become our children, and their exit status and usage are still
to be had. It does as little as possible, so that it has no reason to die.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

from scale.engines.local import orphans, processes, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_DOUBTFUL = 1000
_STEADY = 5.0  # seconds after which a runner has proved itself
_LONGEST_WAIT = 5.0
_MOST_DEATHS = 60  # in a row; then an engine may try a keeper of its own, perhaps a newer one


def guard(run: Callable[[int, list[dict[str, Any]]], int]) -> int:
    """Keep a runner alive until one ends of its own will, or none can live.

    :param run: the runner; gets the end of a pipe that tells the ends of orphans, and those that the disk had no room for;
        returns its exit status
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    deaths, wait = 0, 0.0
    unwritten: list[dict[str, Any]] = []
    while deaths < _MOST_DEATHS:
        watch = Watch(run, unwritten)
        if watch.until_it_ends() == 0:
            return 0
        is_steady = watch.age > _STEADY
        deaths = 0 if is_steady else deaths + 1
        wait = 0.0 if is_steady else min(2 * wait + 0.05, _LONGEST_WAIT)
        signal.sigtimedwait((), wait)  # a runner that dies at once must not take a cpu
    return 1


class Watch:
    """One runner's life.

    :param unwritten: ends that the disk had no room for, which the next runner gets from our memory
    """

    def __init__(self, run: Callable[[int, list[dict[str, Any]]], int], unwritten: list[dict[str, Any]]) -> None:
        self._born = processes.now()
        self._doubtful: list[dict[str, Any]] = []
        self._unwritten = unwritten
        self._runner, self._notes = _fork(lambda notes: run(notes, unwritten))

    @property
    def age(self) -> float:
        return processes.now() - self._born

    def until_it_ends(self) -> int:
        """Reap until the runner is gone; its wait status."""
        while True:
            status = self._reap()
            if status is not None:
                self._keep(self._doubtful)
                os.close(self._notes)
                return status
            signal.sigwait({signal.SIGCHLD})

    def _reap(self) -> int | None:
        ended = None
        for pid in processes.ended_children():
            stat = processes.stat_of(pid)
            _, status, usage = os.wait4(pid, 0)
            if pid == self._runner:
                ended = status
            elif stat and stat.group == pid:
                self._orphan(pid, stat.start, status, usage)
        return ended

    def _orphan(self, pid: int, start: float, status: int, usage: Any) -> None:
        orphan = {
            "pid": pid,
            "start": start,
            "status": status,
            "cpu": usage.ru_utime + usage.ru_stime,
            "mem": usage.ru_maxrss / 1024,
            "when": processes.wall(),
        }
        if start <= self._born:
            self._keep([orphan])
        else:  # a stray of a living runner's task, or the task itself of a runner that has died just now
            self._doubtful = [*self._doubtful[-_DOUBTFUL:], orphan]

    def _keep(self, ends: list[dict[str, Any]]) -> None:
        if not ends:
            return
        self._unwritten += ends
        with contextlib.suppress(OSError):
            orphans.append(self._unwritten)
            self._unwritten.clear()
        with contextlib.suppress(OSError):  # the runner does not read: it will find the tasks gone
            os.write(self._notes, b"".join(map(wire.line, ends)))


def _fork(run: Callable[[int], int]) -> tuple[int, int]:
    """Start a runner; its pid, and the pipe on which it hears of orphans."""
    theirs, ours = os.pipe()
    os.set_blocking(ours, False)
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, ours
    status = 1
    try:
        os.close(ours)
        status = run(theirs)
    except BaseException:  # noqa: BLE001 whatever it is, the words go to the log and a new runner starts
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)

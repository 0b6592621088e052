"""The files that tasks write to, made by the runner; a task whose files exist was launched before."""

from __future__ import annotations

import os

from scale.engines.local import places

_CREATE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_DAYS_REMEMBERED = 7  # a look into each costs a microsecond per launch


class Output:
    """Makes the output files of today's tasks."""

    def __init__(self, logs: str) -> None:
        self._logs = logs
        self._day = ""
        self._before: list[str] = []

    def open(self, day: str, name: str) -> tuple[int, int] | None:
        """New files for stdout and stderr; None when the task had some before.

        :raises OSError: the disk will not have them
        """
        for folder in self._before:
            if os.access(f"{folder}/{name}{places.OUT}", os.F_OK):
                return None
        stem = f"{self._logs}/{day}/{name}"
        try:
            out = os.open(stem + places.OUT, _CREATE, 0o640)
        except FileExistsError:
            return None
        try:
            return out, os.open(stem + places.ERR, _CREATE, 0o640)
        except OSError:
            os.close(out)
            os.unlink(stem + places.OUT)
            raise

    def remove(self, day: str, name: str) -> None:
        """Have it be as if the task had never been here."""
        os.unlink(f"{self._logs}/{day}/{name}{places.ERR}")
        os.unlink(f"{self._logs}/{day}/{name}{places.OUT}")

    def begin(self, day: str) -> bool:
        """Make the day's directory; False when it is there."""
        if day == self._day:
            return False
        os.makedirs(f"{self._logs}/{day}", exist_ok=True)
        earlier = [name for name in places.days(self._logs) if name != day]
        self._before = [f"{self._logs}/{name}" for name in earlier[:_DAYS_REMEMBERED]]
        self._day = day
        return True

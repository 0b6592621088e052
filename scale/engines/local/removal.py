"""Removes what tasks wrote long ago. It works beside the keeper, on days that the keeper writes no new files to."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from scale.engines.local import places
from scale.engines.local.logs import date_of
from scale.engines.protocol import Keep
from scale.kernel.errors import ClusterTrouble
from scale.kernel.ids import TaskId

_FILES = (places.MARKS, places.ERR, places.OUT)  # the last one is the mark that the task was launched
_ESCAPED = "%"  # begins a name that no task id can be read from; Scale gives its tasks no such ids


def remove_output(logs: str, before: datetime, keep: Keep, most: int) -> int:
    """Of how many tasks the output is gone. What cannot be removed is passed by.

    :raises ClusterTrouble: not even the days can be listed
    """
    gone = 0
    for day in _days_over(logs, before):
        gone += _empty(f"{logs}/{day}", before, keep, most - gone)
        if gone >= most:
            break
        with contextlib.suppress(OSError):  # something stays
            os.rmdir(f"{logs}/{day}")
    return gone


def _days_over(logs: str, before: datetime) -> list[str]:
    """The days on which no task was launched since, the oldest first."""
    try:
        return [day for day in reversed(places.days(logs)) if (date := date_of(day)) and date < before.astimezone(UTC).date()]
    except OSError as error:
        raise ClusterTrouble(f"old output cannot be removed from {logs}: {error.strerror}") from None


def _empty(folder: str, before: datetime, keep: Keep, most: int) -> int:
    gone = 0
    names = _old_names(folder, before.timestamp())
    while gone < most and (some := list(islice(names, most - gone))):
        kept = {*keep([TaskId(name) for name in some])}
        gone += sum(_remove(f"{folder}/{name}") for name in some if name not in kept)
    return gone


def _old_names(folder: str, before: float) -> Iterator[str]:
    """The tasks whose files were all written before, each once."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name, ending = os.path.splitext(entry.name)
            if ending == places.OUT and not name.startswith(_ESCAPED) and _written(f"{folder}/{name}") < before:
                yield name


def _written(stem: str) -> float:
    """When the task has last written."""
    moments = [0.0]
    for ending in _FILES:
        with contextlib.suppress(OSError):
            moments.append(os.stat(stem + ending).st_mtime)
    return max(moments)


def _remove(stem: str) -> bool:
    try:
        for ending in _FILES:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(stem + ending)
    except OSError:
        return False
    return True

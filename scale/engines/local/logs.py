"""Reads the output of local tasks, for the web process, which has no engine."""

from __future__ import annotations

import os
from pathlib import Path

from scale.engines.local import places
from scale.engines.protocol import Stream
from scale.kernel.ids import TaskId

Mark = tuple[int, int]

_FILES = {
    Stream.STDOUT: (places.OUT,),
    Stream.STDERR: (places.ERR,),
    Stream.COMBINED: (places.OUT, places.ERR),
}


class LocalLogs:
    """Finds a task's files by looking into each day's directory, the newest first: one look-up per day that is kept."""

    def __init__(self, home: Path) -> None:
        self._logs = str(home / places.LOGS)

    def size(self, task_id: TaskId, stream: Stream) -> int | None:
        stem = self._stem(task_id)
        return None if stem is None else sum(_size(stem + ending) for ending in _FILES[stream])

    def read(self, task_id: TaskId, stream: Stream, start: int = 0, stop: int | None = None) -> bytes | None:
        stem = self._stem(task_id)
        if stem is None:
            return None
        if stream is not Stream.COMBINED:
            return _content(stem + _FILES[stream][0], start, stop)
        marks = parse_marks(_content(stem + places.MARKS) or b"")
        return combined(_content(stem + places.OUT) or b"", _content(stem + places.ERR) or b"", marks)[start:stop]

    def _stem(self, task_id: TaskId) -> str | None:
        name = places.file_name(task_id)
        stems = (f"{self._logs}/{day}/{name}" for day in places.days(self._logs))
        return next((stem for stem in stems if os.access(stem + places.OUT, os.F_OK)), None)


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except FileNotFoundError:
        return 0


def _content(path: str, start: int = 0, stop: int | None = None) -> bytes | None:
    """These bytes of a file, found without reading those before them."""
    try:
        with Path(path).open("rb") as file:
            file.seek(start)
            return file.read(-1 if stop is None else stop - start)
    except FileNotFoundError:
        return None


def parse_marks(text: bytes) -> list[Mark]:
    """How far the two streams were, look by look; a torn line is left out."""
    pairs = (line.split() for line in text.splitlines())
    return [(int(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2 and all(word.isdigit() for word in pair)]


def combined(out: bytes, err: bytes, marks: list[Mark]) -> bytes:
    """Both streams, interleaved as the marks say; between two marks stdout comes first."""
    parts: list[bytes] = []
    at_out = at_err = 0
    for to_out, to_err in [*marks, (len(out), len(err))]:
        parts += out[at_out:to_out], err[at_err:to_err]
        at_out, at_err = max(at_out, to_out), max(at_err, to_err)
    return b"".join(parts)

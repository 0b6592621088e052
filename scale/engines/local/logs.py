"""Reads the output of local tasks, for the web process, which has no engine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from itertools import islice
from pathlib import Path

from scale.engines.local import places
from scale.engines.protocol import Stream, Volume
from scale.kernel.ids import TaskId

Mark = tuple[int, int]
Piece = tuple[int, int, int]  #: which stream, from where, to where

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
        paths = (stem + places.OUT, stem + places.ERR)
        pieces = interleaved(_size(paths[0]), _size(paths[1]), marks)
        parts = within(pieces, start, stop)
        return b"".join(_content(paths[number], begin, end) or b"" for number, begin, end in parts)

    def volume(self, most: int) -> Volume:
        """The newest days first: what is not looked at is the oldest."""
        days = places.days(self._logs)
        files = (file for day in days for file in _files(f"{self._logs}/{day}"))
        sizes = [*islice(map(_size, files), most)]
        oldest = date_of(days[-1]) if days else None
        return Volume(len(sizes), sum(sizes), len(days), oldest, next(files, None) is None)

    def _stem(self, task_id: TaskId) -> str | None:
        name = places.file_name(task_id)
        stems = (f"{self._logs}/{day}/{name}" for day in places.days(self._logs))
        return next((stem for stem in stems if os.access(stem + places.OUT, os.F_OK)), None)


def date_of(day: str) -> date | None:
    """The date of a day's directory; None: it is not ours."""
    try:
        return date.fromisoformat(day[:10])
    except ValueError:
        return None


def _files(folder: str) -> Iterator[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from (entry.path for entry in entries)


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


def interleaved(out: int, err: int, marks: Iterable[Mark]) -> Iterator[Piece]:
    """The pieces of two streams of these sizes in the order of the marks; between two marks stdout comes first."""
    at, sizes = [0, 0], (out, err)
    for mark in [*marks, sizes]:
        for number, size in enumerate(sizes):
            end = min(mark[number], size)
            if end > at[number]:
                yield number, at[number], end
                at[number] = end


def within(pieces: Iterable[Piece], start: int, stop: int | None) -> Iterator[Piece]:
    """What of these pieces, strung together, lies between two places."""
    place = 0
    for number, begin, end in pieces:
        first, last = max(start - place, 0), end - begin if stop is None else min(stop - place, end - begin)
        if first < last:
            yield number, begin + first, begin + last
        place += end - begin

"""Keeps log files small that others append to for ever: what is in one goes into a copy, and those who write notice nothing.

A file is copied and then cut to nothing, not renamed: a program that has it open goes on writing to it. They all append, so
it begins at nothing again. A line that is written between the last look and the cut is lost.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from scale.cli.home import private

MOST_BYTES = 50 << 20  #: that a file may have before it is copied away
COPIES = 3


def rotate_large(files: Iterable[Path], most: int = MOST_BYTES) -> list[str]:
    """Copy away those that are too large; what went wrong, in words."""
    trouble = []
    for file in files:
        try:
            if file.stat().st_size > most:
                rotate(file)
        except FileNotFoundError:  # nothing has been written yet
            pass
        except OSError as error:
            trouble.append(f"{file} is large and cannot be copied away: {error.strerror}")
    return trouble


def rotate(file: Path) -> None:
    """Make it the first of its copies; the last one goes.

    :raises OSError: the disk will not have it; then all is as it was
    """
    fresh = _copy(file, "new")
    try:
        with file.open("r+b") as source, open(fresh, "wb", opener=private) as target:
            shutil.copyfileobj(source, target, 1 << 20)
            target.flush()
            target.write(source.read())  # what came meanwhile
            target.close()
            source.truncate(0)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    for number in range(COPIES, 1, -1):
        if (before := _copy(file, number - 1)).exists():
            before.replace(_copy(file, number))
    fresh.replace(_copy(file, 1))


def _copy(file: Path, which: int | str) -> Path:
    return file.with_name(f"{file.name}.{which}")

"""A small disk of its own that a test can fill, so that what happens on a full one is not imagined."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

_CHUNK = bytes(4096)


class SmallDisk:
    """By default less than a MiB and some three hundred files.

    :param lacks: what runs out when it is filled: bytes, or files
    """

    def __init__(self, root: Path, lacks: str) -> None:
        self.root = root
        self._lacks = lacks
        self._filling = root / "filling"
        self._filling.mkdir()

    def fill(self) -> None:
        """Leave no room at all."""
        with suppress(OSError):  # no space left
            for number in count():
                with (self._filling / str(number)).open("wb", buffering=0) as file:
                    while self._lacks == "bytes" and file.write(_CHUNK):
                        pass

    def empty(self) -> None:
        """Make room again."""
        for file in self._filling.iterdir():
            file.unlink()


@contextmanager
def small_disk(root: Path, lacks: str, *, size: str = "1m", files: int = 300) -> Iterator[SmallDisk]:
    """One that is mounted here; the test is skipped where nothing may be mounted."""
    root.mkdir()
    mount = shutil.which("mount") or "/bin/mount"
    try:
        words = [mount, "-t", "tmpfs", "-o", f"size={size},nr_inodes={files}", "tmpfs", root]
        subprocess.run(words, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here: {getattr(error, 'stderr', '') or error}")
    try:
        yield SmallDisk(root, lacks)
    finally:
        subprocess.run([shutil.which("umount") or "/bin/umount", "-l", root], check=True)

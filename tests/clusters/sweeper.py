"""Sweeps a kit's directory once its stdin is closed: ends whatever works below, with all that has started, and removes it.

A kit that is killed cannot end the jobs of its cluster, for they belong to programs that outlive every daemon. This one
outlives the kit.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

TRIES = 50
PAUSE = 0.1  # seconds
FREEZER = Path("/sys/fs/cgroup/freezer")


class Sweeper:
    """Sweeps this directory when it is told to, or when we are gone."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(root)], stdin=subprocess.PIPE, cwd="/", start_new_session=True
        )

    def sweep(self) -> None:
        self._process.communicate()
        assert not self._process.returncode, "something below the directory cannot be ended"


def working_below(root: Path) -> Iterator[psutil.Process]:
    """By where they stand; what they have started may stand elsewhere."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd().removesuffix(" (deleted)")).is_relative_to(root):
                yield from (*process.children(recursive=True), process)


def end(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()
    with suppress(OSError):  # a suspended job of Slurm is frozen, and hears of nothing
        for line in Path(f"/proc/{process.pid}/cgroup").read_text().splitlines():
            _, kind, group = line.split(":", 2)
            if kind == "freezer" and group != "/":
                (FREEZER / group.lstrip("/") / "freezer.state").write_text("THAWED")


def main(root: Path) -> int:
    sys.stdin.buffer.read()
    for _ in range(TRIES):
        remaining = set(working_below(root))
        if not remaining:
            shutil.rmtree(root, ignore_errors=True)
            return 0
        for process in remaining:
            end(process)
        psutil.wait_procs(remaining, PAUSE)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

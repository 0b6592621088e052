"""Keeps what squeue and sacct said, for tests that have no Slurm: SCALE_TEST_RECORD names the folder, where it is set."""

from __future__ import annotations

import os
from pathlib import Path

from scale.batch import LocalHost

#: stands where the mark was, which is different each time
MARK = "<mark>"
PROGRAMS = ("squeue", "sacct")


class RecordingHost(LocalHost):
    """This machine; of each job each state that a program told is kept, as it was told first."""

    mark: str

    def __init__(self, **how) -> None:
        super().__init__(**how)
        self._said: dict[str, dict[tuple[str, ...], str]] = {program: {} for program in PROGRAMS}

    def execute(self, command, workdir=None, stdin=""):
        done = super().execute(command, workdir, stdin)
        if command[0] in PROGRAMS:
            for record in done.stdout.split(f"{self.mark}\n")[:-1]:
                self._said[command[0]].setdefault(tuple(record.split(self.mark)[:2]), record)
        return done

    def write(self) -> None:
        if folder := os.environ.get("SCALE_TEST_RECORD"):
            for program, records in self._said.items():
                text = "".join(f"{record}{self.mark}\n" for record in records.values()).replace(self.mark, MARK)
                Path(folder, f"{program}.txt").write_text(text)

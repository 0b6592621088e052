"""What `scale demo` submits, and what must come of each job."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import scale

HERE = Path(scale.__file__).parent
_FILES = 24
_SMALL = {"cpus": 0.1, "mem": 32}  # so that many run side by side, on a small machine too


@dataclass(frozen=True, slots=True)
class Piece:
    """One job of the demo and its expected outcome."""

    group: str
    command: str | list[str]
    outcome: str = "COMPLETED"
    output: bytes | None = None  #: what it must write to stdout; None if that does not matter
    is_canceled: bool = False  #: we cancel it as soon as it runs
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def request(self) -> dict[str, Any]:
        """What goes to POST jobs/."""
        return {"command": self.command, "name": self.group, "working_dir": str(HERE), "resources": _SMALL, **self.fields}


def pieces() -> list[Piece]:
    """The slow ones first, so that they pass while the others run."""
    return [
        Piece("cancel while it runs", ["sleep", "300"], "CANCELED", is_canceled=True),
        Piece("run over the timeout", ["sleep", "300"], "FAILED timeout", fields={"timeout": 1}),
        Piece("end with exit code 3", "echo it fails; exit 3", "FAILED exit code 3", b"it fails\n"),
        Piece("no such program", ["/nowhere/no-such-program"], "FAILED command-not-found"),
        *_over_files(),
    ]


def outcome(job: Mapping[str, Any]) -> str:
    """How a job ended, in the words of `Piece.outcome`."""
    execution = job.get("execution") or {}
    error = (job.get("error") or execution.get("error") or {}).get("name", "")
    code = execution.get("exit_code") if error == "algorithm-unknown" else None
    return f"{job['status']} {f'exit code {code}' if code else error}".rstrip()


def _over_files() -> list[Piece]:
    checksums, counts = [], []
    for path in sorted(path for path in HERE.rglob("*.py") if path.stat().st_size)[:_FILES]:
        name, content = str(path.relative_to(HERE)), path.read_bytes()
        checksum = f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()
        lines = b"%d\n" % content.count(b"\n")
        checksums.append(Piece("checksum a file", ["sha256sum", name], output=checksum))
        counts.append(Piece("count its lines", f"wc -l < {shlex.quote(name)}", output=lines))
    return checksums + counts

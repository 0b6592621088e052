"""Starts a service for the demo, and leaves nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from scale.cli.home import CannotStart
from scale.cli.supervise import death, last_lines
from scale.client import ScaleClient
from scale.kernel.clock import SystemClock
from scale.orphan import PARENT

_READY_WITHIN = 90.0
_STOPPED_WITHIN = 120.0


@contextlib.contextmanager
def service_in(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], ScaleClient]]:
    """A whole service in this directory, on a free port; it ends with us, however we end."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SCALE_")}
    variables |= {"SCALE_HOME": str(home), "SCALE_LISTEN": "127.0.0.1:0"}
    log = home / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            (sys.executable, "-P", "-m", "scale.cli.main", "up", "--end-tasks"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**variables, PARENT: str(os.getpid())},
            start_new_session=True,  # Ctrl-C is for us; we tell it when to stop
        )
    try:
        typer.echo(f"Scale starts in {home}", err=True)
        _wait(process, log, (home / "url").exists)
        with ScaleClient.from_environment(variables) as scale:
            _wait(process, log, scale.is_ready)
            yield process, scale
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], log: Path, is_so: Callable[[], bool]) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + _READY_WITHIN
    while not is_so():
        if process.poll() is not None:
            raise CannotStart("\n  ".join([f"scale up {death(process.returncode)}:", *last_lines(log)]))
        if clock.monotonic() > deadline:
            raise CannotStart(f"the service was not ready within {_READY_WITHIN:g} s")
        threading.Event().wait(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient Ctrl-C must not leave anything behind
    try:
        process.send_signal(signal.SIGINT)
        process.wait(_STOPPED_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        signal.signal(signal.SIGINT, former)

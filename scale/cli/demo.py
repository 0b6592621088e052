"""`scale demo`: a service of its own, real work through it, and a look at whether all came as expected."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from scale.cli.access import AsJson

if TYPE_CHECKING:
    from scale.client import ScaleClient


def demo(as_json: AsJson = False) -> None:
    """Start a service of its own, run some fifty real jobs through it and show what came of them.

    It uses a fresh data directory and a free port, and no SCALE_* setting of yours. On a terminal it then stays until Ctrl-C;
    otherwise it stops and ends with 0 only if every outcome was the expected one.
    """
    from scale.cli.demo_service import service_in

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    home = Path(tempfile.mkdtemp(prefix="scale-demo-"))
    well = False
    try:
        with service_in(home) as (process, scale):
            well = _walk(scale, home, as_json=as_json)
            if not as_json and sys.stdin.isatty() and sys.stdout.isatty():
                typer.echo("\nIt stays up until you press Ctrl-C.")
                with contextlib.suppress(KeyboardInterrupt):
                    process.wait()
    finally:
        if well:
            shutil.rmtree(home, ignore_errors=True)
            if not as_json:
                typer.echo("Stopped, and nothing is left of it.")
        else:
            typer.echo(f"Data and logs are kept in {home}", err=True)
    raise typer.Exit(0 if well else 1)


def _walk(scale: ScaleClient, home: Path, *, as_json: bool) -> bool:
    """Submit, watch, show; whether every outcome was the expected one."""
    from scale.cli import demo_show
    from scale.cli.demo_run import Run, settled_status
    from scale.cli.demo_work import pieces

    work = pieces()
    if as_json:
        results = Run(scale, work, lambda _: None).results()
        demo_show.document(results, settled_status(scale, results))
    else:
        with demo_show.progress(work) as tell:
            results = Run(scale, work, tell).results()
        demo_show.outcomes(results)
        demo_show.status(settled_status(scale, results))
        demo_show.where(scale.url, home)
    return all(result.is_expected for result in results)


def _leave(number: int, _frame: object) -> None:
    """End as by Ctrl-C: what we started is stopped on the way out."""
    sys.exit(128 + number)

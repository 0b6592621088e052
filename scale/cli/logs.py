"""`scale logs`: what a job has written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from scale.cli import show
from scale.cli.access import FAILED, AsJson, JobId, service

if TYPE_CHECKING:
    from scale.client import Stream


def logs(
    job_id: JobId,
    stdout: Annotated[bool, typer.Option("--stdout", help="Only what it wrote to stdout.")] = False,
    stderr: Annotated[bool, typer.Option("--stderr", help="Only what it wrote to stderr.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what the latest execution of a job has written until now."""
    stream: Stream = "combined" if stdout == stderr else "stdout" if stdout else "stderr"
    with service() as scale:
        execution = scale.job(job_id).get("execution")
        if not execution:
            typer.echo(f"scale: job {job_id} has not run yet", err=True)
            raise typer.Exit(FAILED)
        if as_json:
            return show.print_json(scale.log_document(execution["id"], stream))
        written = scale.logs(execution["id"], stream)
    sys.stdout.buffer.write(written)

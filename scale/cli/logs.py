"""`scale logs`: what a job has written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from scale.cli import show
from scale.cli.access import FAILED, AsJson, JobId, service

if TYPE_CHECKING:
    from scale.client import ScaleClient, Stream


def logs(
    job_id: JobId,
    stdout: Annotated[bool, typer.Option("--stdout", help="Only what it wrote to stdout.")] = False,
    stderr: Annotated[bool, typer.Option("--stderr", help="Only what it wrote to stderr.")] = False,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on until the job has ended, through all its tries; Ctrl-C ends it before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print what the latest execution of a job has written until now."""
    stream: Stream = "combined" if stdout == stderr else "stdout" if stdout else "stderr"
    if follow and as_json:
        raise typer.BadParameter("what is still to come is no JSON", param_hint="--json")
    with service() as scale:
        if follow:
            return _follow(scale, job_id, stream)
        execution = scale.job(job_id).get("execution")
        if not execution:
            typer.echo(f"scale: job {job_id} has not run yet", err=True)
            raise typer.Exit(FAILED)
        if as_json:
            return show.print_json(scale.log_document(execution["id"], stream))
        written = scale.logs(execution["id"], stream)
    sys.stdout.buffer.write(written)


def _follow(scale: ScaleClient, job_id: int, stream: Stream) -> None:
    """Of two streams combined, the order of what was written before may change; so each is followed for itself."""
    streams: tuple[Stream, ...] = ("stdout", "stderr") if stream == "combined" else (stream,)
    for written in scale.follow(job_id, *streams):
        sys.stdout.buffer.write(written)
        sys.stdout.buffer.flush()

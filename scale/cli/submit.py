"""`scale submit`: put a job on the queue, and wait for its end if asked to."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scale.cli import show
from scale.cli.access import AsJson, service

if TYPE_CHECKING:
    from scale.client import Json, ScaleClient

TIMED_OUT = 124
NO_EXIT_CODE = 125
_SIGNALED = 128


def submit(  # noqa: PLR0917 they are the options of the command
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="COMMAND...",
            help="What to run. Several words are a program and its arguments, run as they are. One word alone that holds a space"
            " or anything else that means something to a shell is run by /bin/sh -c.",
            show_default=False,
        ),
    ],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end, print what the job wrote, and end with its exit code.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    env: Annotated[list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="A variable; repeatable.")] = None,
    label: Annotated[list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="A label; repeatable.")] = None,
    working_dir: Annotated[str | None, typer.Option(help="Where it runs; else in a directory of its own.")] = None,
    cpus: Annotated[float | None, typer.Option(help="Cpus, such as 0.5.")] = None,
    mem: Annotated[float | None, typer.Option(help="Memory in MiB.")] = None,
    disk: Annotated[float | None, typer.Option(help="Disk in MiB.")] = None,
    gpus: Annotated[float | None, typer.Option(help="GPUs.")] = None,
    timeout: Annotated[int | None, typer.Option(help="Seconds that it may run.")] = None,
    max_tries: Annotated[int | None, typer.Option(help="How often it is tried at most.")] = None,
    retry_on: Annotated[
        str | None,
        typer.Option(metavar="system|failure|never", help="Which failures are tried again."),
    ] = None,
    priority: Annotated[int | None, typer.Option(help="The lowest number goes first.")] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option("--constraint", metavar="TEXT", help="What a node must be like, such as 'disk=ssd'; repeatable."),
    ] = None,
    host: Annotated[list[str] | None, typer.Option("--host", metavar="NAME", help="A node to use; repeatable.")] = None,
    avoid_host: Annotated[
        list[str] | None, typer.Option("--avoid-host", metavar="NAME", help="A node not to use; repeatable.")
    ] = None,
    placement: Annotated[
        str | None, typer.Option(metavar="pack|spread", help="The fullest node that has room, or the one with the most free.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a job on the queue and print its id.

    With --wait, its output is printed when it has ended, and the exit code is the job's own; 128+n if signal n ended it,
    124 if it ran over its timeout, 125 if it was canceled or failed without an exit code.
    """
    resources = {"cpus": cpus, "mem": mem, "disk": disk, "gpus": gpus}
    fields: dict[str, Any] = {
        "name": name,
        "env": _pairs("--env", env),
        "labels": _pairs("--label", label),
        "working_dir": working_dir,
        "resources": {key: amount for key, amount in resources.items() if amount is not None} or None,
        "timeout": timeout,
        "max_tries": max_tries,
        "retry_on": retry_on,
        "priority": priority,
        "constraints": constraint or None,
        "hosts": host or None,
        "avoid_hosts": avoid_host or None,
        "placement": placement,
    }
    with service() as scale:
        job = scale.submit(_command(command), **{key: value for key, value in fields.items() if value is not None})
        if not wait:
            show.print_json(job) if as_json else typer.echo(job["id"])
            return
        job = _ended(scale, job["id"])
        if as_json:
            show.print_json(job)
        else:
            _print_output(scale, job)
    raise typer.Exit(exit_code(job))


def exit_code(job: Json) -> int:
    """What a shell is told of an ended job."""
    execution = job.get("execution") or {}
    if job["status"] == "COMPLETED":
        return 0
    if job["status"] == "CANCELED":
        return NO_EXIT_CODE
    if ((execution.get("error") or job.get("error") or {}).get("name")) == "timeout":
        return TIMED_OUT
    if execution.get("signal"):
        return _SIGNALED + int(execution["signal"])
    return execution.get("exit_code") or NO_EXIT_CODE


def _command(words: list[str]) -> str | list[str]:
    return words[0] if len(words) == 1 and shlex.quote(words[0]) != words[0] else words


def _pairs(option: str, given: list[str] | None) -> dict[str, str] | None:
    if not given:
        return None
    for pair in given:
        if not pair.partition("=")[1] or pair.startswith("="):
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint=option)
    return dict((name, value) for name, _, value in (pair.partition("=") for pair in given))


def _ended(scale: ScaleClient, job_id: int) -> Json:
    try:
        return scale.wait(job_id)
    except KeyboardInterrupt:
        typer.echo(f"Job {job_id} goes on; `scale cancel {job_id}` ends it.", err=True)
        raise


def _print_output(scale: ScaleClient, job: Json) -> None:
    execution = job.get("execution")
    if execution:
        sys.stdout.buffer.write(scale.logs(execution["id"], "stdout"))
        sys.stdout.flush()
        sys.stderr.buffer.write(scale.logs(execution["id"], "stderr"))
        sys.stderr.flush()
    if job["status"] != "COMPLETED":
        typer.echo(f"scale: job {job['id']} {show.plain(ending(job))}", err=True)


def ending(job: Json) -> str:
    """How a job ended, in half a sentence."""
    execution = job.get("execution") or {}
    if job["status"] != "FAILED":
        return str(job["status"]).lower()
    error = execution.get("error") or job.get("error") or {}
    how = [str(error.get("title") or "").lower(), str(execution.get("message") or "")]
    return "failed: " + (", ".join(word for word in how if word) or "no reason is known")

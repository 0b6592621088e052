"""`scale submit`: put a job on the queue, and wait for its end if asked to."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scale.cli import complete, show, words
from scale.cli.access import FAILED, AsJson, service
from scale.cli.options import taking
from scale.cli.typed import Typed

if TYPE_CHECKING:
    from scale.client import Json, ScaleClient

TIMED_OUT = 124
NO_EXIT_CODE = 125
_SIGNALED = 128


@taking(typed=Typed)
def submit(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND...",
            help="What to run. Several words are a program and its arguments, run as they are. One word alone that holds a space"
            " or anything else that means something to a shell is run by /bin/sh -c.",
            show_default=False,
        ),
    ] = None,
    *,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end, print what the job wrote, and end with its exit code.")
    ] = False,
    typed: Typed,
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
        typer.Option("--retry-on", metavar="system|failure|never", help="Which failures are tried again."),
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
        str | None,
        typer.Option("--placement", metavar="pack|spread", help="The fullest node that has room, or the one with the most free."),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(
            "--after",
            metavar="JOB[:success|end|failure]",
            help="Wait for this job to complete, to end however it does, or to fail; repeatable.",
            autocompletion=complete.job_ids,
        ),
    ] = None,
    array: Annotated[
        str | None, typer.Option("--array", metavar="COUNT|FIRST-LAST", help="That many alike, told apart by $SCALE_ARRAY_INDEX.")
    ] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Do not place it before `scale release`.")] = False,
    supersedes: Annotated[
        int | None,
        typer.Option(
            "--supersedes",
            metavar="JOB",
            min=1,
            help="Take the place of this job, and cancel it.",
            autocompletion=complete.job_ids,
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option("--idempotency-key", metavar="TEXT", help="A name of yours: submitted again under it, it is the same job."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a job on the queue and print its id: a command, or a job of a job type.

    With --wait, its output is printed when it has ended, and the exit code is the job's own; 128+n if signal n ended it,
    124 if it ran over its timeout, 125 if it was canceled or failed without an exit code. Of an array, the exit code is 0 if all
    of it has completed, else 1.
    """
    if bool(command) == bool(typed.job_type):
        raise typer.BadParameter("state a command, or a job type with --type", param_hint="COMMAND")
    resources = {"cpus": cpus, "mem": mem, "disk": disk, "gpus": gpus}
    fields: dict[str, Any] = {
        "name": name,
        "env": words.pairs("--env", env),
        "labels": words.pairs("--label", label),
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
        "depends_on": [words.dependency(word) for word in after or ()] or None,
        "array": None if array is None else words.indexes(array),
        "hold": hold or None,
        "supersedes": supersedes,
    }
    stated = {key: value for key, value in fields.items() if value is not None}
    with service() as scale:
        stated |= typed.fields(scale)
        job = scale.submit(_command(command) if command else None, idempotency_key=idempotency_key, **stated)
        if not wait:
            return _tell(job, as_json)
        code = _waited_for_array(scale, job, as_json) if job.get("array") else _waited_for(scale, job, as_json)
    raise typer.Exit(code)


def _tell(job: Json, as_json: bool) -> None:
    """What was made: of a job its id alone, for scripts; of an array one line."""
    if as_json:
        show.print_json(job)
    elif array := job.get("array"):
        first, last = job["job_ids"][0], job["job_ids"][-1]
        typer.echo(f"array {array['id']}: {array['size']} jobs, {first} to {last}")
    else:
        typer.echo(job["id"])


def _waited_for(scale: ScaleClient, job: Json, as_json: bool) -> int:
    with _going_on(f"Job {job['id']} goes on; `scale cancel {job['id']}` ends it."):
        job = scale.wait(job["id"])
    if as_json:
        show.print_json(job)
    else:
        _print_output(scale, job)
    return exit_code(job)


def _waited_for_array(scale: ScaleClient, job: Json, as_json: bool) -> int:
    number = job["array"]["id"]
    with _going_on(f"Array {number} goes on; `scale cancel --array {number}` ends it."):
        array = scale.wait_array(number)
    if as_json:
        show.print_json(array)
    else:
        typer.echo(f"array {number}: {show.counts(array['counts'])}")
    return 0 if array["counts"]["COMPLETED"] == array["size"] else FAILED


@contextlib.contextmanager
def _going_on(how: str) -> Iterator[None]:
    """Who stops waiting is told how it is with the job."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(how, err=True)
        raise


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

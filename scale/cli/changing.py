"""`scale cancel`, `requeue`, `uncancel`, `hold`, `release`: something done with jobs by their ids, or with all that fit."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from scale.cli import complete, show
from scale.cli.access import FAILED, AsJson, service
from scale.cli.choosing import Which
from scale.cli.options import taking

if TYPE_CHECKING:
    from scale.client import Json, ScaleClient

MANY = 1000  #: jobs; so many are asked about before


@dataclass(frozen=True)
class Targets(Which):
    """The jobs that are meant, and whether somebody is to be asked."""

    job_ids: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="ID...", min=1, help="The ids of the jobs; or state options that they fit.", autocompletion=complete.job_ids
        ),
    ] = None
    yes: Annotated[bool, typer.Option("-y", "--yes", help=f"Do not ask, however many there are; {MANY:,} are asked about.")] = (
        False
    )


class _Kind(NamedTuple):
    verb: str  #: as the client has it
    done: str
    unchanged: str  #: what is said of a job that was named and did not change
    among: tuple[str, ...]  #: statuses of the jobs that it changes


_OPEN = ("PENDING", "BLOCKED", "QUEUED")
CANCEL = _Kind("cancel", "canceled", "had ended already", (*_OPEN, "RUNNING", "FAILED"))
REQUEUE = _Kind("requeue", "put on the queue again", "neither failed nor was canceled", ("FAILED", "CANCELED"))
UNCANCEL = _Kind("uncancel", "no longer canceled", "was not canceled before it was queued", ("CANCELED",))
HOLD = _Kind("hold", "held", "runs, is over or was held already", _OPEN)
RELEASE = _Kind("release", "released", "was not held", _OPEN)


@taking(targets=Targets)
def cancel(targets: Targets, as_json: AsJson = False) -> None:
    """Cancel jobs, by id or all that fit. One that is unknown makes the exit code 1."""
    _change(CANCEL, targets, as_json)


@taking(targets=Targets)
def requeue(
    targets: Targets,
    priority: Annotated[int | None, typer.Option(min=1, help="The lowest number goes first; else as it was.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try jobs anew that failed or were canceled, by id or all that fit. One that is unknown makes the exit code 1."""
    _change(REQUEUE, targets, as_json, {} if priority is None else {"priority": priority})


@taking(targets=Targets)
def uncancel(targets: Targets, as_json: AsJson = False) -> None:
    """Take back the cancel of jobs that never were on the queue. One that is unknown makes the exit code 1."""
    _change(UNCANCEL, targets, as_json)


@taking(targets=Targets)
def hold(targets: Targets, as_json: AsJson = False) -> None:
    """Keep jobs from being placed until they are released. One that is unknown makes the exit code 1."""
    _change(HOLD, targets, as_json)


@taking(targets=Targets)
def release(targets: Targets, as_json: AsJson = False) -> None:
    """Let jobs that were held be placed again. One that is unknown makes the exit code 1."""
    _change(RELEASE, targets, as_json)


def _change(kind: _Kind, targets: Targets, as_json: bool, beside: Json | None = None) -> None:
    job_ids = targets.job_ids or ()
    if not job_ids and not targets.is_stated():
        raise typer.BadParameter("state the ids of the jobs, or options such as --status that they fit", param_hint="ID")
    with service() as scale:
        if not job_ids and not targets.yes:
            _ask(scale, kind, targets)
        answer = getattr(scale, kind.verb)(*job_ids, **targets.choice(scale), **(beside or {}))
        if as_json:
            show.print_json(answer)
        else:
            _tell(scale, kind, answer, is_named=bool(job_ids))
    if answer["unknown_job_ids"]:
        raise typer.Exit(FAILED)


def _ask(scale: ScaleClient, kind: _Kind, which: Which) -> None:
    """Have a person say yes to very many; where there is no person, that is for --yes to say."""
    parameters = {"status": kind.among, "members": "true", **which.parameters(scale)}
    page = scale.jobs(page_size=1, **parameters)
    if page["count"] < MANY:
        return
    these = f"{'about ' if page.get('count_is_estimate') else ''}{page['count']:,} jobs"
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{these} fit; say --yes if they are meant", param_hint="--yes")
    typer.confirm(f"{kind.verb.capitalize()} up to {these}?", abort=True, err=True)


def _tell(scale: ScaleClient, kind: _Kind, answer: Json, *, is_named: bool) -> None:
    """What became of the jobs; of those that were named only trouble is worth words."""
    if command := answer.get("command"):
        typer.echo(f"{_jobs(_followed(scale, command['id']))} {kind.done}.")
    elif not is_named:
        typer.echo(f"{_jobs(len(answer['job_ids']))} {kind.done}.")
    for job_id in answer["unchanged_job_ids"]:
        typer.echo(f"Job {job_id} {kind.unchanged}.", err=True)
    for job_id in answer["unknown_job_ids"]:
        typer.echo(f"scale: there is no job {job_id}", err=True)


def _followed(scale: ScaleClient, command_id: int) -> int:
    """Wait until the scheduler has worked it off, and tell how many jobs have changed."""
    screen = show.console(stderr=True)
    try:
        with screen.status(f"command {command_id}") as line:
            command = scale.wait_command(
                command_id, lambda command: line.update(f"command {command_id}: {_jobs(command['changed'])} until now")
            )
    except KeyboardInterrupt:
        typer.echo(f"The scheduler goes on with it, as command {command_id}.", err=True)
        raise
    return int(command["changed"])


def _jobs(number: int) -> str:
    return f"{number:,} job" if number == 1 else f"{number:,} jobs"

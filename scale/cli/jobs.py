"""`scale jobs`, `scale job`, `scale explain`, `scale cancel`, `scale requeue`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scale.cli import show
from scale.cli.access import FAILED, AsJson, JobId, JobIds, service
from scale.cli.submit import ending

if TYPE_CHECKING:
    from rich.table import Table

    from scale.client import Json

_COLUMNS = ("ID", "STATUS", "CREATED (UTC)", "TOOK", "ERROR", "NAME OR COMMAND")
_PAGE = 1000  # the most that the service gives at once


def jobs(
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="QUEUED, RUNNING, COMPLETED, FAILED, CANCELED...; repeatable."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=_PAGE, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first."""
    with service() as scale:
        page = scale.jobs(status=[word.upper() for word in status or ()], page_size=limit)
    if as_json:
        return show.print_json(page)
    show.console().print(show.table(_COLUMNS, map(_row, page["results"]), right=("ID", "TOOK")))
    if page["count"] > len(page["results"]):
        about = "about " if page.get("count_is_estimate") else ""
        show.console(stderr=True).print(f"{len(page['results'])} of {about}{page['count']}; --limit shows more")


def job(job_id: JobId, as_json: AsJson = False) -> None:
    """Show one job and how its latest execution went."""
    with service() as scale:
        found = scale.job(job_id)
    if as_json:
        return show.print_json(found)
    show.console().print(_sheet(found))


def explain(job_id: JobId, as_json: AsJson = False) -> None:
    """Say why a job waits: for what, since when, and at which place of the queue."""
    with service() as scale:
        found = scale.job(job_id)
    waiting = found.get("waiting")
    if as_json:
        return show.print_json({"id": job_id, "status": found["status"], "waiting": waiting})
    if waiting is None:
        how = "being placed" if found["status"] == "QUEUED" else show.plain(ending(found))
        return typer.echo(f"Job {job_id} does not wait: it is {how}.")
    show.console().print(
        show.facts(
            [
                ("job", job_id),
                ("waits", waiting["text"]),
                ("code", waiting["code"]),
                ("nodes", _named(waiting["nodes"])),
                ("since", _utc(waiting["since"])),
                ("position", waiting["position"]),
            ]
        )
    )


def cancel(job_ids: JobIds, as_json: AsJson = False) -> None:
    """Cancel jobs: what waits leaves the queue, what runs is ended. One that is unknown makes the exit code 1."""
    with service() as scale:
        answer = scale.cancel(*job_ids)
    _tell(answer, "Job {} had ended already.", as_json)


def requeue(
    job_ids: JobIds,
    priority: Annotated[int | None, typer.Option(min=1, help="The lowest number goes first; else as it was.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try jobs anew that failed or were canceled. One that is unknown makes the exit code 1."""
    with service() as scale:
        answer = scale.requeue(*job_ids, priority=priority)
    _tell(answer, "Job {} neither failed nor was canceled.", as_json)


def _tell(answer: Json, unchanged: str, as_json: bool) -> None:
    """What became of the jobs that were named; only trouble is worth words."""
    if as_json:
        show.print_json(answer)
    if command := answer.get("command"):
        typer.echo(f"These are many; the scheduler goes through them as command {command['id']}.", err=True)
    for job_id in answer["unchanged_job_ids"]:
        typer.echo(unchanged.format(job_id), err=True)
    for job_id in answer["unknown_job_ids"]:
        typer.echo(f"scale: there is no job {job_id}", err=True)
    if answer["unknown_job_ids"]:
        raise typer.Exit(FAILED)


def _row(job: Json) -> tuple[show.Cell, ...]:
    error = job.get("error") or {}
    return (
        job["id"],
        show.state(job["status"]),
        show.moment(job.get("created")),
        show.took(job.get("started"), job.get("ended")),
        error.get("name", ""),
        _title(job),
    )


def _title(job: Json) -> str:
    title = job.get("name") or show.command_text(job.get("command"))
    return f"{title} (of {array['size']})" if (array := job.get("array")) else title


def _sheet(job: Json) -> Table:
    execution = job.get("execution") or {}
    return show.facts(
        [
            ("job", job["id"]),
            ("status", show.state(job["status"])),
            ("how", ending(job) if job["status"] == "FAILED" else ""),
            ("name", job.get("name")),
            ("command", show.command_text(job.get("command"))),
            ("directory", job.get("working_dir")),
            ("labels", _named(job.get("labels"))),
            ("asks for", _named(job.get("resources"))),
            ("priority", job.get("priority")),
            ("timeout", f"{job['timeout']} s" if job.get("timeout") else ""),
            ("tries", f"{job.get('num_exes', 0)} of {job.get('max_tries', 1)}"),
            ("node", (job.get("node") or {}).get("hostname")),
            ("created", _utc(job.get("created"))),
            ("started", _utc(job.get("started"))),
            ("ended", _utc(job.get("ended"))),
            ("took", show.took(job.get("started"), job.get("ended"))),
            ("exit code", execution.get("exit_code")),
            ("signal", execution.get("signal")),
            ("cpu time", f"{execution['cpu_seconds']:.2f} s" if execution.get("cpu_seconds") is not None else ""),
            ("peak memory", f"{execution['peak_memory']:.1f} MiB" if execution.get("peak_memory") is not None else ""),
        ]
    )


def _utc(moment: str | None) -> str:
    return f"{show.moment(moment)} UTC" if moment else ""


def _named(values: Json | None) -> str:
    texts = {name: f"{value:g}" if isinstance(value, float) else value for name, value in (values or {}).items()}
    return ", ".join(f"{name} {text}" for name, text in texts.items())

"""`scale jobs`, `scale job`, `scale explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scale.cli import sheet, show
from scale.cli.access import AsJson, JobId, service
from scale.cli.choosing import Which
from scale.cli.options import taking
from scale.cli.submit import ending

if TYPE_CHECKING:
    from scale.client import Json

_COLUMNS = ("ID", "STATUS", "CREATED (UTC)", "TOOK", "ERROR", "NAME OR COMMAND")
_PAGE = 1000  # the most that the service gives at once
_ROLLED_UP = ("RUNNING", "QUEUED", "PENDING", "BLOCKED", "FAILED", "CANCELED", "COMPLETED")  # the first that a member is


@taking(which=Which)
def jobs(
    *,
    which: Which,
    members: Annotated[bool, typer.Option("--members", help="Each member of an array on a line of its own.")] = False,
    order: Annotated[
        str,
        typer.Option("--order", metavar="FIELD", help="Such as priority or -ended; with - the largest first.", show_default=True),
    ] = "-id",
    limit: Annotated[int, typer.Option(min=1, max=_PAGE, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first: all, or those that fit everything stated. An array is one line."""
    with service() as scale:
        filters = which.parameters(scale) | ({"members": "true"} if members else {})
        page = scale.jobs(order=order, page_size=limit, **filters)
    if as_json:
        return show.print_json(page)
    is_by_line = not (members or which.array)
    rows = (_array_row(job) if job.get("array") and is_by_line else _row(job) for job in page["results"])
    show.console().print(show.table(_COLUMNS, rows, right=("ID", "TOOK")))
    show.rest(page)


def job(job_id: JobId, as_json: AsJson = False) -> None:
    """Show one job: what it is, what it waits for, and how its latest execution went."""
    with service() as scale:
        found = scale.job(job_id)
        if as_json:
            return show.print_json(found)
        files = sheet.files_of(scale, found)
    show.console().print(sheet.sheet(found, files))


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
                ("nodes", sheet.named(waiting["nodes"])),
                ("since", sheet.utc(waiting["since"])),
                ("position", waiting["position"]),
            ]
        )
    )


def _row(job: Json) -> tuple[show.Cell, ...]:
    error = job.get("error") or {}
    index = f"[{job['array']['index']}] " if job.get("array") else ""
    return (
        job["id"],
        show.state("HELD" if job.get("held") and job["status"] == "QUEUED" else job["status"]),
        show.moment(job.get("created")),
        show.took(job.get("started"), job.get("ended")),
        error.get("name", ""),
        index + sheet.title(job),
    )


def _array_row(job: Json) -> tuple[show.Cell, ...]:
    """One line for all members; the id is that of the first that fits."""
    array = job["array"]
    status = next((status for status in _ROLLED_UP if array["counts"][status]), job["status"])
    done = [f"{array['counts']['COMPLETED']}/{array['size']}"]
    done += [f"{number} {status.lower()}" for status in ("FAILED", "CANCELED") if (number := array["counts"][status])]
    about = f"array {array['id']} ({', '.join(done)}): {sheet.title(job)}"
    return (job["id"], show.state(status), show.moment(job.get("created")), "", "", about)

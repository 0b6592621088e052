"""All of one job on a page: what it is, what it was given, what it waits for, how it went and what it gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scale.cli import show
from scale.cli.submit import ending

if TYPE_CHECKING:
    from rich.table import Table

    from scale.client import Json, ScaleClient

_FEW = 10  #: files of one input or output that are shown


def title(job: Json) -> str:
    """A few words for a job: its name, else its command, else its type."""
    return str(job.get("name") or show.command_text(job.get("command")) or type_of(job))


def type_of(job: Json) -> str:
    """The job type, but not that of plain commands."""
    job_type = job.get("job_type") or {}
    return "" if job.get("command") or not job_type else f"{job_type['name']}:{job_type['version']}"


def files_of(scale: ScaleClient, job: Json) -> dict[int, str]:
    """Where the files are that a job reads or has made, by their ids."""
    read = scale.input_files(job["id"])["results"] if _part(job, "input", "files") else []
    made = scale.files(job_id=job["id"], page_size=1000)["results"] if _part(job, "output", "files") else []
    return {file["id"]: f"{file['workspace']['name']}:{file['file_path']}" for file in (*read, *made)}


def sheet(job: Json, files: Mapping[int, str]) -> Table:
    return show.facts([*_wanted(job), *_given(job, "input", files), *_went(job), *_given(job, "output", files)])


def _wanted(job: Json) -> Iterator[tuple[str, show.Cell]]:
    yield "job", job["id"]
    yield "status", show.state(job["status"])
    yield "held", f"since {utc(job['held'])}" if job.get("held") else ""
    yield "how", ending(job) if job["status"] == "FAILED" else ""
    yield "waiting", (job.get("waiting") or {}).get("text")
    yield "name", job.get("name")
    yield "type", type_of(job)
    yield "command", show.command_text(job.get("command"))
    yield "owner", job.get("owner")
    yield "array", _array(job.get("array"))
    for dependency in job.get("depends_on") or ():
        yield "after", f"{dependency['when']} of job {dependency['job']}, which is {dependency['status'].lower()}"
    yield "supersedes", _number(job.get("superseded_job"))
    yield "superseded by", _number(job.get("superseded_by_job"))
    yield "directory", job.get("working_dir")
    yield "labels", named(job.get("labels"))
    yield "asks for", named(job.get("resources"))
    yield "constraints", ", ".join(map(_constraint, job.get("constraints") or ()))
    yield "hosts", ", ".join(job.get("hosts") or ())
    yield "avoids", ", ".join(job.get("avoid_hosts") or ())
    yield "placement", job.get("placement")
    yield "priority", job.get("priority")
    yield "timeout", f"{job['timeout']} s" if job.get("timeout") else ""
    yield "tries", f"{job.get('num_exes', 0)} of {job.get('max_tries', 1)}"


def _went(job: Json) -> Iterator[tuple[str, show.Cell]]:
    execution = job.get("execution") or {}
    yield "node", (job.get("node") or {}).get("hostname")
    yield "created", utc(job.get("created"))
    yield "started", utc(job.get("started"))
    yield "ended", utc(job.get("ended"))
    yield "took", show.took(job.get("started"), job.get("ended"))
    yield "exit code", execution.get("exit_code")
    yield "signal", execution.get("signal")
    yield "cpu time", f"{execution['cpu_seconds']:.2f} s" if execution.get("cpu_seconds") is not None else ""
    yield "peak memory", f"{execution['peak_memory']:.1f} MiB" if execution.get("peak_memory") is not None else ""


def _given(job: Json, part: str, files: Mapping[int, str]) -> Iterator[tuple[str, show.Cell]]:
    """The files and values of an input or output, by their names."""
    for name, ids in _part(job, part, "files").items():
        listed = ids if isinstance(ids, list) else [ids]
        for one in listed[:_FEW]:
            yield f"{part} {name}", files.get(one, f"file {one}") if isinstance(one, int) else show.plain(one)
        if len(listed) > _FEW:
            yield f"{part} {name}", f"and {len(listed) - _FEW} more"
    for name, value in _part(job, part, "json").items():
        yield f"{part} {name}", show.short_json(value)


def _part(job: Json, part: str, kind: str) -> Json:
    found = (job.get(part) or {}).get(kind)
    return found if isinstance(found, dict) else {}


def _array(array: Json | None) -> str:
    return f"{array['id']}, number {array['index']} of {array['size']} ({show.counts(array['counts'])})" if array else ""


def _number(other: Json | None) -> show.Cell:
    return other["id"] if other else None


def _constraint(constraint: Any) -> str:
    from scale.queue.constraints import read_constraint

    return str(read_constraint(constraint))


def utc(moment: str | None) -> str:
    return f"{show.moment(moment)} UTC" if moment else ""


def named(values: Json | None) -> str:
    texts = {name: f"{value:g}" if isinstance(value, float) else value for name, value in (values or {}).items()}
    return ", ".join(f"{name} {text}" for name, text in texts.items())

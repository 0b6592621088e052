"""`scale status`, `scale queue`, `scale load`, `scale version`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from scale.cli import show, words
from scale.cli.access import AsJson, service

if TYPE_CHECKING:
    from rich.table import Table

    from scale.client import Json

_ORDER = ("cpus", "mem", "disk", "gpus")
_MIB = ("mem", "disk")
_KINDS = ("running", "offered", "free", "unavailable", "total")


def status(as_json: AsJson = False) -> None:
    """Show how the cluster is now."""
    with service() as scale:
        document = scale.status()
        waiting = 0 if as_json else sum(entry["count"] for entry in scale.queue_status()["results"])
    if as_json:
        return show.print_json(document)
    screen = show.console()
    screen.print(show.facts(summary(document, waiting)))
    screen.print()
    screen.print(resources(document))


def queue(as_json: AsJson = False) -> None:
    """Show how many jobs wait and run, by job type."""
    with service() as scale:
        waiting, running = scale.queue_status(), scale.running()
    if as_json:
        return show.print_json({"queued": waiting["results"], "running": running["results"]})
    columns = ("TYPE", "WAIT", "RUN", "FIRST CAME (UTC)")
    show.console().print(show.table(columns, _by_type(waiting["results"], running["results"]), right=("WAIT", "RUN")))


def load(
    started: Annotated[str, typer.Option("--started", metavar="TIME", help="From then on: 12h, 7d, PT12H, or a moment.")] = "1d",
    as_json: AsJson = False,
) -> None:
    """Show how many jobs were pending, queued and running at each full hour."""
    with service() as scale:
        page = scale.load(started=words.moment(started))
    if as_json:
        return show.print_json(page)
    columns = ("HOUR (UTC)", "PENDING", "QUEUED", "RUNNING")
    show.console().print(show.table(columns, map(_load_row, page["results"]), right=columns[1:]))


def version(as_json: AsJson = False) -> None:
    """Print the service's version."""
    with service() as scale:
        answer = scale.version()
    show.print_json(answer) if as_json else typer.echo(answer["version"])


def summary(document: Json, waiting: int | None = None) -> Iterator[tuple[str, show.Cell]]:
    """The status document in a few lines."""
    scheduler = document["scheduler"]
    yield "scheduler", f"{scheduler['state']['title']} on {scheduler['hostname']}, as of {show.moment(document['timestamp'])} UTC"
    if leader := scheduler.get("leader"):
        others = [f"process {one['pid']} on {one['hostname']}" for one in scheduler["standbys"]]
        by = f"process {leader['pid']} on {leader['hostname']}, term {leader['term']} since {show.moment(leader['since'])} UTC"
        yield "leader", f"{by}; standing by: {', '.join(others)}" if others else by
    for warning in scheduler.get("warnings") or ():
        yield "", f"{warning['title']}: {warning['description']}"
    yield "nodes", ", ".join(f"{node['hostname']} {node['state']['title'].lower()}" for node in document["nodes"]) or "none"
    for node in document["nodes"]:
        for trouble in (*node["errors"], *node["warnings"]):
            yield "", f"{node['hostname']}: {trouble['title']}"
    if waiting is not None:
        yield "waiting", waiting
    yield "running", count_of(document, "running")
    yield "completed", f"{count_of(document, 'completed')} in the last three hours"
    failed = {category: count_of(document, "failed", category) for category in ("algorithm", "data", "system")}
    yield "failed", f"{count_of(document, 'failed')} ({', '.join(f'{category} {n}' for category, n in failed.items())})"


def resources(document: Json) -> Table:
    """Amounts of the whole cluster."""
    amounts = document["resources"]
    names = sorted(amounts, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    rows = [
        (f"{name} (MiB)" if name in _MIB else name, *(float(amounts[name].get(kind, 0)) for kind in _KINDS)) for name in names
    ]
    headings = [kind.upper() for kind in _KINDS]
    return show.table(["RESOURCE", *headings], rows, right=headings)


def count_of(document: Json, kind: str, category: str | None = None) -> int:
    """A count of executions, over all nodes."""
    counts = (node["job_executions"][kind] for node in document["nodes"])
    return sum((count[category] if category else count)["total"] for count in counts)


def _by_type(waiting: list[Json], running: list[Json]) -> Iterator[tuple[show.Cell, ...]]:
    """A line for each type of which something waits or runs."""
    waits = {_type_of(entry): entry for entry in waiting}
    runs = {_type_of(entry): entry["count"] for entry in running}
    for name in sorted({*waits, *runs}):
        entry = waits.get(name, {})
        yield name, entry.get("count", 0), runs.get(name, 0), show.moment(entry.get("longest_queued"))


def _type_of(entry: Json) -> str:
    return f"{entry['job_type']['name']}:{entry['job_type']['version']}"


def _load_row(hour: Json) -> tuple[show.Cell, ...]:
    return show.moment(hour["time"])[:-3], hour["pending_count"], hour["queued_count"], hour["running_count"]

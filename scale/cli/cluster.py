"""`scale status`, `scale nodes`, `scale types`, `scale version`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from scale.cli import show
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


def nodes(as_json: AsJson = False) -> None:
    """List the machines that run jobs."""
    with service() as scale:
        page = scale.nodes()
    if as_json:
        return show.print_json(page)
    columns = ("ID", "HOSTNAME", "ACTIVE", "PAUSED", "WHY", "SINCE (UTC)")
    show.console().print(show.table(columns, map(_node_row, page["results"]), right=("ID",)))


def types(as_json: AsJson = False) -> None:
    """List the kinds of jobs."""
    with service() as scale:
        page = scale.job_types()
    if as_json:
        return show.print_json(page)
    columns = ("NAME", "VERSION", "ACTIVE", "PAUSED", "AT MOST", "TITLE")
    show.console().print(show.table(columns, map(_type_row, page["results"]), right=("AT MOST",)))


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


def _type_row(job_type: Json) -> tuple[show.Cell, ...]:
    return (
        job_type["name"],
        job_type["version"],
        _yes(job_type["is_active"]),
        _yes(job_type["is_paused"]),
        job_type["max_scheduled"] or None,
        job_type["title"],
    )


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _node_row(node: Json) -> tuple[show.Cell, ...]:
    return (
        node["id"],
        node["hostname"],
        _yes(node["is_active"]),
        _yes(node["is_paused"]),
        node.get("pause_reason"),
        show.moment(node.get("created")),
    )

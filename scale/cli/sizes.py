"""`scale sizes`: how much there is of everything that grows, and how long it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scale.cli import show
from scale.cli.access import AsJson, service

if TYPE_CHECKING:
    from scale.client import Json

_COLUMNS = ("WHAT", "HOW MANY", "SIZE", "SINCE (UTC)", "KEPT")
_KEPT_BY = {"job": "jobs", "job_exe": "jobs", "job_exe_end": "jobs", "task_update": "task_updates", "scheduler_set_aside": "jobs"}


def sizes(as_json: AsJson = False) -> None:
    """Show how much there is of everything that grows, and how long it is kept. For staff."""
    with service() as scale:
        told = scale.sizes()
    if as_json:
        return show.print_json(told)
    show.console().print(show.table(_COLUMNS, [*_tables(told), *_outputs(told), *_logs(told)], right=("HOW MANY", "SIZE")))


def _tables(told: Json) -> Iterator[tuple[show.Cell, ...]]:
    database = told["database"]
    for table in database["tables"]:
        rows = f"{'about ' if table['is_estimate'] else ''}{table['rows']:,}"
        kept = _kept(told, _KEPT_BY[table["name"]]) if table["name"] in _KEPT_BY else None
        yield f"table {table['name']}", rows, show.size(table["bytes"]), show.moment(table["oldest"]), kept
    free = f"{show.size(database['free'])} of it free" if database["free"] else None
    yield f"database ({database['vendor']})", None, show.size(database["bytes"]), None, free


def _outputs(told: Json) -> Iterator[tuple[show.Cell, ...]]:
    for output in told["task_output"]:
        least = "" if output["is_complete"] else "at least "
        files = f"{least}{output['files']:,} files"
        yield f"output of tasks ({output['engine']})", files, show.size(output["bytes"]), output["oldest"], _kept(told, "logs")


def _logs(told: Json) -> Iterator[tuple[show.Cell, ...]]:
    for log in told["service_logs"]:
        yield log["name"], None, show.size(log["bytes"]), None, None


def _kept(told: Json, what: str) -> str:
    days = told["keep"][what]
    return "for ever" if days is None else f"{days} days"

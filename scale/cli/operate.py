"""`scale pause`, `scale resume`, `scale drain`: what operators do to the scheduler, to nodes and to job types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scale.cli import complete, show, words
from scale.cli.access import AsJson, service
from scale.cli.typed import version_of

if TYPE_CHECKING:
    from scale.client import Json, ScaleClient

DRAINED = "drained"
_TAKES_JOBS = ("READY", "SCHEDULER_STOPPED")  # states of a node that is not paused, as far as it knows

_Node = Annotated[str | None, typer.Option("--node", metavar="NODE", help="Only this node.", autocompletion=complete.nodes)]
_Type = Annotated[
    str | None,
    typer.Option("--type", metavar="NAME[:VERSION]", help="Only this job type.", autocompletion=complete.job_types),
]


def pause(
    node: _Node = None,
    job_type: _Type = None,
    reason: Annotated[str | None, typer.Option(help="Why, for those who look; of a node.")] = None,
    as_json: AsJson = False,
) -> None:
    """Start nothing new: nowhere, or not on one node, or not of one job type. What runs goes on."""
    if reason is not None and node is None:
        raise typer.BadParameter("only a node keeps a reason", param_hint="--reason")
    _set_paused(node, job_type, as_json, is_paused=True, reason=reason)


def resume(node: _Node = None, job_type: _Type = None, as_json: AsJson = False) -> None:
    """End a pause: of the scheduler, of one node, or of one job type."""
    _set_paused(node, job_type, as_json, is_paused=False)


def drain(
    node: Annotated[str, typer.Argument(metavar="NODE", help="The node's host name.", autocompletion=complete.nodes)],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until nothing runs there any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a node run empty: it gets nothing new, and what runs there goes on to its end."""
    with service() as scale:
        drained = _pause_node(scale, node, is_paused=True, reason=DRAINED)
        if wait:
            _wait_until_empty(scale, node)
    if as_json:
        show.print_json(drained)


def _set_paused(node: str | None, job_type: str | None, as_json: bool, *, is_paused: bool, reason: str | None = None) -> None:
    if node is not None and job_type is not None:
        raise typer.BadParameter("a node or a job type, not both", param_hint="--type")
    with service() as scale:
        if node is not None:
            told = _pause_node(scale, node, is_paused=is_paused, reason=reason)
        elif job_type is not None:
            told = _pause_type(scale, job_type, is_paused=is_paused)
        else:
            scale.change_scheduler(is_paused=is_paused)
            told = scale.scheduler() if as_json else {}
    if as_json:
        show.print_json(told)


def _pause_node(scale: ScaleClient, hostname: str, *, is_paused: bool, reason: str | None) -> Json:
    node_id = scale.node_named(hostname)["id"]
    why = {} if reason is None else {"pause_reason": reason}
    scale.change_node(node_id, is_paused=is_paused, **why)
    return scale.node(node_id)


def _pause_type(scale: ScaleClient, named: str, *, is_paused: bool) -> Json:
    wanted = words.type_name(named)
    version = version_of(scale, wanted)
    scale.change_job_type(wanted.name, version, is_paused=is_paused)
    return scale.job_type(wanted.name, version)


def _wait_until_empty(scale: ScaleClient, hostname: str) -> None:
    """Wait for a status document that knows of the pause and counts nothing there."""

    def is_empty(document: Json) -> bool:
        theirs = [node for node in document["nodes"] if node["hostname"] == hostname]
        return all(node["state"]["name"] not in _TAKES_JOBS and not node["job_executions"]["running"]["total"] for node in theirs)

    try:
        scale.wait_for(scale.status, is_empty)
    except KeyboardInterrupt:
        typer.echo(f"{hostname} stays paused; `scale resume --node {hostname}` ends that.", err=True)
        raise

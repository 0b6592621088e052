"""`scale nodes`: the machines that run jobs, and what they are like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from scale.cli import complete, show, words
from scale.cli.access import AsJson, service, telling

if TYPE_CHECKING:
    from scale.client import Json
    from scale.kernel.attributes import Value

_COLUMNS = ("ID", "HOSTNAME", "ACTIVE", "PAUSED", "ATTRIBUTES")
_GIVEN = frozenset({"hostname", "engine"})  # each has them; nobody sets them

_Node = Annotated[str, typer.Argument(metavar="NODE", help="The node's host name.", autocompletion=complete.nodes)]

app = typer.Typer(name="nodes", rich_markup_mode=None, help="List the machines that run jobs; say what they are like.")


@app.callback(invoke_without_command=True)
@telling
def nodes(context: typer.Context, as_json: AsJson = False) -> None:
    """List the machines that run jobs; say what they are like."""
    if context.invoked_subcommand is not None:
        return
    with service() as scale:
        page = scale.nodes()
    if as_json:
        return show.print_json(page)
    show.console().print(show.table(_COLUMNS, map(_row, page["results"]), right=("ID",)))


@app.command("set")
@telling
def set_(
    node: _Node,
    attributes: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUE...",
            help="Attributes that jobs may ask for, as they are to be written there; with a comma, in double quotes.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Give a node attributes, such as disk=ssd rack=a mem_gb=128. Others stay as they are."""
    _change(node, dict(map(_attribute, attributes)), as_json)


@app.command()
@telling
def unset(
    node: _Node,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The attributes.")],
    as_json: AsJson = False,
) -> None:
    """Take attributes away from a node."""
    _change(node, dict.fromkeys(names), as_json)


def _change(hostname: str, attributes: dict[str, Value | None], as_json: bool) -> None:
    with service() as scale:
        node_id = scale.node_named(hostname)["id"]
        scale.change_node(node_id, attributes=attributes)
        if as_json:
            show.print_json(scale.node(node_id))


def _attribute(word: str) -> tuple[str, Value]:
    """As in a constraint, so that the same text means the same."""
    from scale.queue.constraints import Op, parse_constraint

    words.pair("NAME=VALUE", word)
    try:
        stated = parse_constraint(word)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="NAME=VALUE") from None
    if stated.op is not Op.EQUAL:
        raise typer.BadParameter(f"{word!r} is not NAME=VALUE", param_hint="NAME=VALUE")
    return stated.attribute, stated.values[0]


def _shown(attributes: Mapping[str, Value]) -> str:
    from scale.queue.constraints import Constraint, Op

    return " ".join(str(Constraint(name, Op.EQUAL, (value,))) for name, value in attributes.items() if name not in _GIVEN)


def _row(node: Json) -> tuple[show.Cell, ...]:
    reason = node.get("pause_reason")
    return (
        node["id"],
        node["hostname"],
        show.yes(node["is_active"]),
        f"{show.yes(node['is_paused'])}{f': {reason}' if reason else ''}",
        _shown(node.get("attributes") or {}),
    )

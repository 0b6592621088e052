"""`scale workspaces` and `scale files`: where jobs read and write, and which files they have read and made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scale.cli import complete, show
from scale.cli.access import AsJson, service, telling

if TYPE_CHECKING:
    from scale.client import Json

_COLUMNS = ("NAME", "ACTIVE", "CREATED (UTC)", "TITLE")
_FILE_COLUMNS = ("ID", "SIZE", "JOB", "CHANGED (UTC)", "FILE")
_PAGE = 1000

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The workspace.", autocompletion=complete.workspaces)]

app = typer.Typer(name="workspaces", rich_markup_mode=None, help="List where files are kept; make and change workspaces.")


@app.callback(invoke_without_command=True)
@telling
def workspaces(context: typer.Context, as_json: AsJson = False) -> None:
    """List where files are kept; make and change workspaces."""
    if context.invoked_subcommand is not None:
        return
    with service() as scale:
        page = scale.workspaces()
    if as_json:
        return show.print_json(page)
    show.console().print(show.table(_COLUMNS, map(_row, page["results"])))


@app.command()
@telling
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, _ . and -.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="The directory, on every machine that runs jobs.")],
    title: Annotated[str | None, typer.Option(help="For people.")] = None,
    description: Annotated[str | None, typer.Option(help="For people.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a directory a workspace. It must be there."""
    stated = {"title": title, "description": description}
    fields = {member: value for member, value in stated.items() if value is not None}
    with service() as scale:
        made = scale.create_workspace(name, str(Path(path).absolute()), **fields)
    show.print_json(made) if as_json else typer.echo(f"{name} is new.")


@app.command("show")
@telling
def show_(name: _Name, as_json: AsJson = False) -> None:
    """Show a workspace, with its directory."""
    with service() as scale:
        found = scale.workspace_named(name)
    if as_json:
        return show.print_json(found)
    pairs = [
        ("workspace", found["name"]),
        ("title", found["title"]),
        ("about", found["description"]),
        ("directory", found["configuration"]["broker"]["host_path"]),
        ("address", found["base_url"]),
        ("active", show.yes(found["is_active"])),
        ("created", f"{show.moment(found['created'])} UTC"),
    ]
    show.console().print(show.facts(pairs))


@app.command()
@telling
def deactivate(name: _Name, as_json: AsJson = False) -> None:
    """Let no new job read from it, and none write into it; its files stay."""
    _change(name, as_json, "no longer active", is_active=False)


@app.command()
@telling
def activate(name: _Name, as_json: AsJson = False) -> None:
    """Let jobs use it again."""
    _change(name, as_json, "active", is_active=True)


def _change(name: str, as_json: bool, how: str, **fields: Any) -> None:
    with service() as scale:
        number = scale.workspace_named(name)["id"]
        scale.change_workspace(number, **fields)
        if as_json:
            return show.print_json(scale.workspace(number))
    typer.echo(f"{name} is {how}.")


def files(
    workspace: Annotated[
        list[str] | None,
        typer.Option("--workspace", metavar="NAME", help="Of this workspace; repeatable.", autocompletion=complete.workspaces),
    ] = None,
    name: Annotated[list[str] | None, typer.Option(help="Of this file name; repeatable.")] = None,
    job: Annotated[
        list[int] | None,
        typer.Option("--job", metavar="ID", min=1, help="Made by this job; repeatable.", autocompletion=complete.job_ids),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=_PAGE, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the files that jobs have read or made, the newest first; JOB made it."""
    stated = {"workspace_name": workspace, "file_name": name, "job_id": job}
    with service() as scale:
        page = scale.files(page_size=limit, **{member: value for member, value in stated.items() if value})
    if as_json:
        return show.print_json(page)
    show.console().print(show.table(_FILE_COLUMNS, map(_file_row, page["results"]), right=("ID", "SIZE", "JOB")))
    show.rest(page)


def _row(workspace: Json) -> tuple[show.Cell, ...]:
    return workspace["name"], show.yes(workspace["is_active"]), show.moment(workspace["created"]), workspace["title"]


def _file_row(file: Json) -> tuple[show.Cell, ...]:
    return (
        file["id"],
        show.size(file["file_size"]),
        (file["job"] or {}).get("id"),
        show.moment(file["last_modified"]),
        f"{file['workspace']['name']}:{file['file_path']}" + (" (deleted)" if file["is_deleted"] else ""),
    )

"""`scale types`: the kinds of jobs: list, make, look at, pause and take out of use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scale.cli import complete, show, words
from scale.cli.access import FAILED, AsJson, service, telling
from scale.cli.typed import found, version_of

if TYPE_CHECKING:
    from scale.client import Json

_COLUMNS = ("NAME", "VERSION", "ACTIVE", "PAUSED", "AT MOST", "TITLE")

_Named = Annotated[
    str,
    typer.Argument(
        metavar="NAME[:VERSION]", help="The job type; without a version, the newest.", autocompletion=complete.job_types
    ),
]
_File = Annotated[str, typer.Argument(metavar="FILE", help="A Seed manifest, JSON; - reads what comes in.")]
_Configuration = Annotated[
    str | None,
    typer.Option("--configuration", metavar="FILE", help="Settings, mounts, workspaces of outputs, priority: a JSON file."),
]

app = typer.Typer(name="types", rich_markup_mode=None, help="List the kinds of jobs; make and change them.")


@app.callback(invoke_without_command=True)
@telling
def types(
    context: typer.Context,
    keyword: Annotated[
        list[str] | None,
        typer.Option("--keyword", metavar="TEXT", help="With this in its name, title or description; repeatable."),
    ] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Only the newest version of each.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the kinds of jobs; make and change them."""
    if context.invoked_subcommand is not None:
        return
    wanted: Json = {"keyword": keyword} if keyword else {}
    with service() as scale:
        page = scale.job_types(**wanted)
        latest = {(one["name"], one["latest_version"]) for one in scale.job_type_names(**wanted)["results"]} if newest else set()
    if newest:
        kept = [one for one in page["results"] if (one["name"], one["version"]) in latest]
        page = {**page, "count": len(kept), "results": kept}
    if as_json:
        return show.print_json(page)
    show.console().print(show.table(_COLUMNS, map(_row, page["results"]), right=("AT MOST",)))


@app.command()
@telling
def create(
    file: _File,
    *,
    configuration: _Configuration = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="NAME", help="What its containers are made of; else it is a process.")
    ] = None,
    max_scheduled: Annotated[int | None, typer.Option(min=0, help="How many may run at once; 0 is any number.")] = None,
    max_tries: Annotated[int | None, typer.Option(min=1, help="How often a job is tried if it does not say so itself.")] = None,
    icon: Annotated[str | None, typer.Option("--icon", metavar="CODE", help="For clients that draw one.")] = None,
    paused: Annotated[bool | None, typer.Option("--paused/--not-paused", help="Whether its jobs have to wait.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a job type from its manifest, or change the one that has its name and version."""
    fields = {
        "configuration": None if configuration is None else words.document(configuration, "--configuration"),
        "docker_image": image,
        "max_scheduled": max_scheduled,
        "max_tries": max_tries,
        "icon_code": icon,
        "is_paused": paused,
    }
    manifest = words.document(file, "FILE")
    with service() as scale:
        is_new, answer = scale.define_job_type(manifest, **{name: value for name, value in fields.items() if value is not None})
        if as_json:
            return show.print_json(answer)
        report = scale.validate_job_type(manifest, fields["configuration"]) if is_new else answer
    typer.echo(f"{manifest['job']['name']}:{manifest['job']['jobVersion']} is {'new' if is_new else 'changed'}.")
    for line in _findings(report["warnings"]):
        typer.echo(f"warning: {line}", err=True)


@app.command()
@telling
def validate(file: _File, configuration: _Configuration = None, as_json: AsJson = False) -> None:
    """Say what is wrong with a manifest, and make nothing. Errors make the exit code 1."""
    beside = None if configuration is None else words.document(configuration, "--configuration")
    with service() as scale:
        report = scale.validate_job_type(words.document(file, "FILE"), beside)
    if as_json:
        show.print_json(report)
    else:
        for level in ("error", "warning"):
            for line in _findings(report[f"{level}s"]):
                typer.echo(f"{level}: {line}")
        if not report["errors"]:
            typer.echo("This can be taken.")
    if not report["is_valid"]:
        raise typer.Exit(FAILED)


@app.command("show")
@telling
def show_(named: _Named, as_json: AsJson = False) -> None:
    """Show a job type: what it takes, gives and needs, and how its exit codes are read."""
    with service() as scale:
        job_type = found(scale, words.type_name(named, "NAME[:VERSION]"))
    if as_json:
        return show.print_json(job_type)
    show.console().print(show.facts(_facts(job_type)))


@app.command()
@telling
def pause(named: _Named, as_json: AsJson = False) -> None:
    """Let no more of its jobs start; what runs goes on."""
    _change(named, as_json, "paused", is_paused=True)


@app.command()
@telling
def resume(named: _Named, as_json: AsJson = False) -> None:
    """End a pause."""
    _change(named, as_json, "no longer paused", is_paused=False)


@app.command()
@telling
def deactivate(named: _Named, as_json: AsJson = False) -> None:
    """Take no new jobs of it; those there are go on."""
    _change(named, as_json, "no longer active", is_active=False)


@app.command()
@telling
def activate(named: _Named, as_json: AsJson = False) -> None:
    """Take new jobs of it again."""
    _change(named, as_json, "active", is_active=True)


def _change(named: str, as_json: bool, how: str, **fields: Any) -> None:
    wanted = words.type_name(named, "NAME[:VERSION]")
    with service() as scale:
        version = version_of(scale, wanted)
        scale.change_job_type(wanted.name, version, **fields)
        if as_json:
            return show.print_json(scale.job_type(wanted.name, version))
    typer.echo(f"{wanted.name}:{version} is {how}.")


def _findings(findings: Iterable[Json]) -> Iterator[str]:
    for finding in findings:
        yield show.plain(f"{finding['pointer']}: {finding['description']} ({finding['name']})")


def _row(job_type: Json) -> tuple[show.Cell, ...]:
    return (
        job_type["name"],
        job_type["version"],
        show.yes(job_type["is_active"]),
        show.yes(job_type["is_paused"]),
        job_type["max_scheduled"] or None,
        job_type["title"],
    )


def _facts(job_type: Json) -> Iterator[tuple[str, show.Cell]]:
    manifest = (job_type.get("manifest") or {}).get("job") or {}
    interface = manifest.get("interface") or {}
    yield "type", f"{job_type['name']}:{job_type['version']}"
    yield "title", job_type["title"]
    yield "about", job_type["description"]
    yield "state", ", ".join(_state(job_type))
    yield "revision", job_type["revision_num"]
    yield "at most", f"{job_type['max_scheduled']} at once" if job_type["max_scheduled"] else ""
    yield "image", job_type.get("docker_image")
    yield "command", interface.get("command")
    yield "timeout", f"{manifest['timeout']} s" if manifest.get("timeout") else ""
    for need in (manifest.get("resources") or {}).get("scalar", ()):
        factor = f" + {need['inputMultiplier']:g} MiB for each MiB of input" if need.get("inputMultiplier") else ""
        yield "needs", f"{need['name']} {need['value']:g}{factor}"
    yield from _interface(interface)
    yield from _configured(job_type.get("configuration") or {})
    for error in manifest.get("errors") or ():
        title = f": {error['title']}" if error.get("title") else ""
        yield "exit code", f"{error['code']} is {error['name']} ({error.get('category', 'job')}){title}"


def _state(job_type: Json) -> Iterator[str]:
    yield "active" if job_type["is_active"] else "not active"
    if job_type["is_paused"]:
        yield "paused"


def _interface(interface: Json) -> Iterator[tuple[str, show.Cell]]:
    inputs, outputs = interface.get("inputs") or {}, interface.get("outputs") or {}
    for one in inputs.get("files", ()):
        yield "input", f"{one['name']}: {'files' if one.get('multiple') else 'a file'}{_media(one)}{_optional(one)}"
    for one in inputs.get("json", ()):
        yield "input", f"{one['name']}: {one['type']}{_optional(one)}"
    for one in interface.get("settings", ()):
        yield "setting", f"{one['name']}{', secret' if one.get('secret') else ''}"
    for one in interface.get("mounts", ()):
        yield "mount", f"{one['name']} at {one['path']}"
    for one in outputs.get("files", ()):
        yield "output", f"{one['name']}: {'files' if one.get('multiple') else 'a file'} {one['pattern']}{_optional(one)}"
    for one in outputs.get("json", ()):
        yield "output", f"{one['name']}: {one['type']}{_optional(one)}"


def _media(one: Json) -> str:
    return f", {' or '.join(one['mediaTypes'])}" if one.get("mediaTypes") else ""


def _optional(one: Json) -> str:
    return "" if one.get("required", True) else ", may be left out"


def _configured(configuration: Json) -> Iterator[tuple[str, show.Cell]]:
    for name, value in (configuration.get("settings") or {}).items():
        yield "is set", f"{name} = {value}"
    workspaces = configuration.get("output_workspaces") or {}
    yield "outputs to", workspaces.get("default")
    for name, workspace in (workspaces.get("outputs") or {}).items():
        yield "outputs to", f"{workspace} ({name})"
    yield "priority", configuration.get("priority")

"""What `scale submit` says of a job of a job type: the words of the command line, read as the interface of the type has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scale.cli import complete, words

if TYPE_CHECKING:
    from scale.client import Json, ScaleClient

INPUT, SETTING, MOUNT, OUTPUT = "--input", "--setting", "--mount", "--output-workspace"


@dataclass(frozen=True)
class Typed:
    """The options that only a job of a job type has."""

    job_type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="NAME[:VERSION]",
            help="A job type instead of a command; without a version, the newest.",
            autocompletion=complete.job_types,
        ),
    ] = None
    given: Annotated[
        list[str] | None,
        typer.Option(
            INPUT,
            metavar="NAME=VALUE",
            help="Of a job type: an input; repeatable. A file is WORKSPACE:PATH or a file's id, several are stated one by one."
            " Any other value is text or JSON, as the type has it; @FILE reads it from a file.",
        ),
    ] = None
    settings: Annotated[
        list[str] | None,
        typer.Option(
            SETTING,
            metavar="NAME=VALUE",
            help="Of a job type: a setting; repeatable. @FILE reads it from a file, @- from what comes in: so a secret stays off"
            " the command line.",
        ),
    ] = None
    mounts: Annotated[
        list[str] | None,
        typer.Option(MOUNT, metavar="NAME=PATH", help="Of a job type: the directory of the node behind a mount; repeatable."),
    ] = None
    outputs: Annotated[
        list[str] | None,
        typer.Option(
            OUTPUT,
            metavar="[OUTPUT=]WORKSPACE",
            help="Of a job type: where its output goes, or one of its outputs; repeatable.",
        ),
    ] = None

    def fields(self, scale: ScaleClient) -> Json:
        """The members of the request that say all this."""
        if self.job_type is None:
            options = ((INPUT, self.given), (SETTING, self.settings), (MOUNT, self.mounts), (OUTPUT, self.outputs))
            for option, stated in options:
                if stated:
                    raise typer.BadParameter("is for jobs of a --type", param_hint=option)
            return {}
        job_type = found(scale, words.type_name(self.job_type))
        fields: Json = {"job_type": {"name": job_type["name"], "version": job_type["version"]}}
        if self.given:
            fields["input"] = inputs(self.given, job_type["manifest"]["job"].get("interface", {}).get("inputs", {}))
        if configuration := self._configuration():
            fields["configuration"] = configuration
        return fields

    def _configuration(self) -> Json:
        """What is to be other than the job type has it."""
        settings = {name: _setting(value) for name, value in _pairs(SETTING, self.settings)}
        mounts = {name: {"type": "host", "host_path": path} for name, path in _pairs(MOUNT, self.mounts)}
        parts = {"settings": settings, "mounts": mounts, "output_workspaces": _workspaces(self.outputs or ())}
        return {name: part for name, part in parts.items() if part}


def found(scale: ScaleClient, named: words.TypeName) -> Json:
    """The job type, with its manifest."""
    return scale.job_type(named.name, version_of(scale, named))


def version_of(scale: ScaleClient, named: words.TypeName) -> str:
    """The version that is named, else the newest release that is active, and so on down to what there is."""
    from scale.seed.versions import newest

    if named.version:
        return named.version
    known = scale.job_type_versions(named.name)["results"]
    active = [one["version"] for one in known if one["is_active"]]
    return newest(active or [one["version"] for one in known]) or ""


def inputs(given: Iterable[str], interface: Json) -> Json:
    """What the job gets, by the names of its inputs."""
    kinds = {one["name"]: one["type"] for one in interface.get("json", ())}
    names = {one["name"] for one in interface.get("files", ())}
    read: Json = {"files": {}, "json": {}}
    for name, value in (words.pair(INPUT, word) for word in given):
        if name in names:
            read["files"].setdefault(name, []).append(_file(name, value))
        elif name not in kinds:
            known = ", ".join(sorted({*names, *kinds})) or "none"
            raise typer.BadParameter(f"the job type has no input {name}; it has: {known}", param_hint=INPUT)
        elif name in read["json"]:
            raise typer.BadParameter(f"{name} is one value, and is stated twice", param_hint=INPUT)
        else:
            read["json"][name] = _value(name, value, kinds[name])
    return {part: values for part, values in read.items() if values}


def _file(name: str, value: str) -> int | dict[str, str]:
    if value.isascii() and value.isdigit():
        return int(value)
    workspace, colon, path = value.partition(":")
    if not (workspace and colon and path):
        raise typer.BadParameter(f"{name} is a file: WORKSPACE:PATH or a file's id, not {value!r}", param_hint=INPUT)
    return {"workspace": workspace, "path": path}


def _value(name: str, word: str, kind: str) -> Any:
    text = words.content(word[1:], INPUT) if word.startswith("@") else word
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise typer.BadParameter(f"{name} is of type {kind}, written as JSON, and not {word!r}", param_hint=INPUT) from None


def _pairs(option: str, given: Iterable[str] | None) -> Iterator[tuple[str, str]]:
    return (words.pair(option, word) for word in given or ())


def _workspaces(outputs: Iterable[str]) -> Json:
    workspaces: Json = {}
    for output, _, workspace in (word.rpartition("=") for word in outputs):
        place = workspaces.setdefault("outputs", {}) if output else workspaces
        place[output or "default"] = workspace
    return workspaces


def _setting(word: str) -> str:
    """A file's last line ends with a newline that nobody means."""
    return words.content(word[1:], SETTING).removesuffix("\n") if word.startswith("@") else word

"""A job of a job type, as somebody asks for it: read from raw JSON, and held against the interface of its type. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, isfinite
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, Field, RootModel, ValidationError, WithJsonSchema, model_validator

from scale.job.arrays.span import Arrayed
from scale.job.dependencies import Termed
from scale.job.states import RetryOn
from scale.job.submission import (
    MAX_ENV,
    MAX_INT,
    MAX_JOBS,
    InvalidSubmission,
    Labels,
    Submission,
    check_texts,
    parse_submission,
    printable,
)
from scale.job.wishes import Wishes
from scale.kernel.errors import Fault
from scale.kernel.reading import MAX_ID, Body, Text, faults_of, shown
from scale.seed import Interface, Report, Workspaces, read_configuration, variable
from scale.seed.configuration import HIDDEN
from scale.seed.manifest import FileInput, JsonInput
from scale.storage.workspace import FilePath

MAX_FILES = 2_000  #: of one input
MAX_INPUT = 524_288  #: bytes of all names of its files; pre is told them in its environment
_DEEPEST = 100  #: lists and objects within each other, of a value; the same as of those that programs give
_MIB = 1024 * 1024
_MARKS = frozenset({"job_type_id", "job_type"})  #: whoever states one of them asks for a job of a type

_FILE = {
    "anyOf": [
        {"type": "integer"},
        {
            "type": "object",
            "properties": {"workspace": {"type": "string"}, "path": {"type": "string"}},
            "required": ["workspace", "path"],
        },
    ]
}
_INPUT = {
    "type": "object",
    "properties": {
        "files": {
            "type": "object",
            "description": "By name of an input: the ids of its files, or where they are.",
            "additionalProperties": {"anyOf": [*_FILE["anyOf"], {"type": "array", "items": _FILE}]},
        },
        "json": {"type": "object", "description": "By name of an input: its value."},
        "version": {"type": "string", "enum": ["6", "7"]},
    },
}


class TypeName(Body):
    """A job type by its name."""

    name: Text
    version: Text


class JobRequest(Termed, Wishes, Arrayed):
    """A job of a job type, or an array of them: its type, by id or by name, and what it gets."""

    job_type_id: Annotated[int, Field(ge=1, le=MAX_ID)] | None = None
    job_type: TypeName | None = None
    input: Annotated[dict[str, Any], WithJsonSchema(_INPUT)] = Field({}, description="What its program is given.")
    configuration: dict[str, Any] = Field(
        {},
        description="What is to be other than the job type's: `settings`, `mounts`, `output_workspaces`, `priority`.",
        repr=False,
    )
    name: Annotated[str, AfterValidator(printable)] = Field("", max_length=200)
    max_tries: int | None = Field(None, ge=1, le=100, description="Else as the job type has it.")
    retry_on: RetryOn = Field(RetryOn.SYSTEM, strict=False)
    priority: int | None = Field(None, ge=1, le=MAX_INT, description="Else that of the configuration.")
    labels: Labels = {}

    @model_validator(mode="after")
    def _one_type(self) -> JobRequest:
        if (self.job_type_id is None) == (self.job_type is None):
            raise ValueError("state the job type once: `job_type_id`, or `job_type` with `name` and `version`")
        return self


Asked = Submission | JobRequest


class AnyJob(RootModel[Asked]):
    """A plain command, or a job of a job type."""


class AnyJobs(Body):
    """Many of either, of which all are taken or none."""

    jobs: Annotated[list[AnyJob], Field(min_length=1, max_length=MAX_JOBS)]


def parse_asked(raw: object) -> Asked:
    """Read a plain command, or a job of a type.

    :raises InvalidSubmission: with every fault of its shape
    """
    if not isinstance(raw, Mapping) or _MARKS.isdisjoint(raw):
        return parse_submission(raw)
    try:
        return JobRequest.model_validate(raw)
    except ValidationError as error:
        raise InvalidSubmission(faults_of(error, JobRequest)) from None


class Input(NamedTuple):
    """What a job gets, as it was named."""

    files: Mapping[str, Sequence[int | FilePath]]
    json: Mapping[str, Any]


def read_input(raw: Mapping[str, Any], interface: Interface) -> tuple[Input, list[Fault]]:
    """What of a raw input fits the interface, and every fault of the rest."""
    faults = [Fault(f"input.{shown(str(name))}", "is not known; known are: files, json") for name in raw.keys() - _PARTS]
    if raw.get("version", "7") not in ("6", "7"):
        faults.append(Fault("input.version", 'expected "6" or "7"'))
    files, json = _part(raw, "files", faults), _part(raw, "json", faults)
    named = {one.name: one for one in interface.inputs.files}
    values = {one.name: one for one in interface.inputs.json_}
    faults += _strangers("files", files, named, values) + _strangers("json", json, values, named)
    faults += [*_missing("files", files, named.values()), *_missing("json", json, values.values())]
    read_files = {name: _files(named[name], value, faults) for name, value in files.items() if name in named}
    read_json = {name: value for name, value in json.items() if name in values}
    wrong = {name: list(_json_faults(values[name], value)) for name, value in read_json.items()}
    faults += [fault for of_value in wrong.values() for fault in of_value]
    faults += _sizes(value for name, value in read_json.items() if not wrong[name])
    return Input(read_files, read_json), faults


_PARTS = frozenset({"files", "json", "version"})
_KINDS = {"files": "files", "json": "JSON"}


def _part(raw: Mapping[str, Any], part: str, faults: list[Fault]) -> dict[str, Any]:
    found = raw.get(part, {})
    if isinstance(found, dict):
        return found
    faults.append(Fault(f"input.{part}", "expected a JSON object: values by the names of inputs"))
    return {}


def _strangers(part: str, given: Mapping[str, Any], known: Mapping[str, Any], others: Mapping[str, Any]) -> list[Fault]:
    """What is given under a name that the interface does not have, or has for the other kind."""
    other = "json" if part == "files" else "files"
    there = f"it has: {', '.join(map(shown, sorted(known)[:10]))}" if known else "it has none"
    return [
        Fault(
            f"input.{part}.{shown(name)}",
            f"is an input of {_KINDS[other]}; state it in input.{other}"
            if name in others
            else f"the job type has no such input of {_KINDS[part]}; {there}",
        )
        for name in given
        if name not in known
    ]


def _missing(part: str, given: Mapping[str, Any], known: Any) -> Iterator[Fault]:
    for one in known:
        if one.required and one.name not in given:
            yield Fault(f"input.{part}.{one.name}", "is required")


def _files(wanted: FileInput, raw: object, faults: list[Fault]) -> list[int | FilePath]:
    place = f"input.files.{wanted.name}"
    listed = raw if isinstance(raw, list) else [raw]
    found: dict[int | FilePath, None] = {}
    for number, one in enumerate(listed[:MAX_FILES]):
        read = _file(one)
        if read is None:
            faults.append(Fault(f"{place}.{number}", 'expected the id of a file, or {"workspace": ..., "path": ...}'))
        elif read in found:
            faults.append(Fault(f"{place}.{number}", "is the same file again"))
        else:
            found[read] = None
    if not listed and wanted.required:
        faults.append(Fault(place, "is required; it names no file"))
    if len(listed) > 1 and not wanted.multiple:
        faults.append(Fault(place, f"takes one file, not {len(listed)}"))
    if len(listed) > MAX_FILES:
        faults.append(Fault(place, f"names {len(listed)} files; it takes at most {MAX_FILES}"))
    return list(found)


def _file(raw: object) -> int | FilePath | None:
    match raw:
        case bool():
            return None
        case int() if 1 <= raw <= MAX_ID:
            return raw
        case {"workspace": str(workspace), "path": str(path), **rest} if not rest:
            return FilePath(workspace, path)
        case _:
            return None


#: of each type of JSON: how it is called to people, and what is one; true is no number
_TYPES: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "array": ("a list", list),
    "boolean": ("true or false", bool),
    "integer": ("a whole number", int),
    "number": ("a number", (int, float)),
    "object": ("an object", dict),
    "string": ("text", str),
}


def is_of_type(value: object, kind: str) -> bool:
    """Whether a JSON value is of this type of the Seed standard."""
    return isinstance(value, _TYPES[kind][1]) and (kind == "boolean" or not isinstance(value, bool))


def _json_faults(wanted: JsonInput, value: object) -> Iterator[Fault]:
    place = f"input.json.{wanted.name}"
    if not is_of_type(value, wanted.type):
        yield Fault(place, f"expected {_TYPES[wanted.type][0]}")
        return
    try:
        _check_storable(value)
        check_texts({"it": f"{variable(wanted.name)}={json_text(value)}"}, MAX_ENV)
    except ValueError as error:
        yield Fault(place, str(error))


def json_text(value: object) -> str:
    """As a program finds it in its environment: text as it is, everything else as JSON.

    Of whatever a database gives back: one may have made a whole number of 1e300.
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _check_storable(value: object) -> None:
    """Refuse what, however deep within, no database takes, or JSON does not have."""
    left = [(value, 0)]
    while left:
        match left.pop():
            case (_, depth) if depth > _DEEPEST:
                raise ValueError(f"is nested deeper than {_DEEPEST}")
            case (str(text), _) if "\0" in text:
                raise ValueError("holds a NUL byte")
            case (float(number), _) if not isfinite(number):
                raise ValueError("holds a number that is none of JSON, or too large")
            case (int(number), _) if not -(2**63) <= number < 2**64:
                raise ValueError("holds a whole number of more than 64 bits")
            case (list(items), depth):
                left += [(item, depth + 1) for item in items]
            case (dict(members), depth):
                left += [(item, depth + 1) for item in (*members, *members.values())]
            case _:
                pass


def _sizes(values: Iterable[object]) -> Iterator[Fault]:
    if sum(len(json_text(value).encode()) for value in values) > MAX_ENV:
        yield Fault("input.json", f"is longer than {MAX_ENV} bytes altogether")


class KnownFile(NamedTuple):
    """What is known of a file that an input names."""

    name: str
    size: int  #: bytes
    media_type: str = ""
    wrong: str = ""  #: why it cannot be read, if it cannot
    workspace: str = ""


def file_faults(given: Input, known: Mapping[int | FilePath, KnownFile]) -> Iterator[Fault]:
    """Of the files that an input names, those that are not there or not to be read."""
    for name, references in given.files.items():
        for number, wrong in _wrong_ones(references, known):
            yield Fault(f"input.files.{name}.{number}", wrong)
    if sum(len(known[one].name.encode(errors="replace")) + 200 for one in _all(given) if one in known) > MAX_INPUT:
        yield Fault("input.files", f"are too many: their names take more than {MAX_INPUT} bytes")


def _wrong_ones(references: Sequence[int | FilePath], known: Mapping[int | FilePath, KnownFile]) -> Iterator[tuple[int, str]]:
    """By their number; an id and a path, or two ways to write a path, may be the same file."""
    seen: set[tuple[str, str]] = set()
    for number, reference in enumerate(references):
        file = known.get(reference)
        if file is None or file.wrong:
            yield number, file.wrong if file else f"there is no file {reference}"
        elif (file.workspace, file.name) in seen:
            yield number, "is the same file again"
        else:
            seen.add((file.workspace, file.name))


def media_types_off(given: Input, interface: Interface, known: Mapping[int | FilePath, KnownFile]) -> list[str]:
    """Files of another media type than their input wants; a doubt, since a media type is often only guessed."""
    wanted = {one.name: one.media_types for one in interface.inputs.files if one.media_types}
    return [
        f"input.files.{name}: {shown(known[one].name)} is {known[one].media_type}, not {' or '.join(wanted[name])}"
        for name, references in given.files.items()
        for one in references
        if name in wanted and known[one].media_type not in wanted[name]
    ]


def input_mib(given: Input, known: Mapping[int | FilePath, KnownFile]) -> int:
    """How large all files are together, rounded up."""
    return ceil(sum(known[one].size for one in _all(given)) / _MIB)


def _all(given: Input) -> Iterator[int | FilePath]:
    for references in given.files.values():
        yield from references


#: what of a configuration is wrong with a job, although it is only doubtful in that of a type
_STRICT = frozenset({"UNKNOWN_SETTING", "UNKNOWN_MOUNT", "UNKNOWN_OUTPUT", "DEPRECATED_WORKSPACE"})


def configuration_faults(
    own: Mapping[str, Any], of_type: Mapping[str, Any], interface: Interface, workspaces: Workspaces
) -> list[Fault]:
    """What is wrong with a job's own configuration, and with that of its type under it.

    Nothing unknown is taken: a secret under a wrong name would be kept as if it were none.
    """
    alone = read_configuration(dict(own), None, workspaces).report
    if alone.errors:
        return _told(alone, frozenset())
    strict = read_configuration(dict(own), interface, workspaces).report
    merged = read_configuration(merge(of_type, own), interface, workspaces).report
    unknown = [finding for finding in strict.warnings if finding.code in _STRICT]
    return list(dict.fromkeys([*_told(Report(tuple(unknown)), frozenset()), *_told(merged, {"DEPRECATED_WORKSPACE"})]))


def _told(report: Report, strict: frozenset[str] | set[str]) -> list[Fault]:
    found = [*report.errors, *(finding for finding in report.warnings if finding.code in strict)]
    return [Fault(".".join(["configuration", *map(shown, map(str, finding.place))]), finding.message) for finding in found]


def merge(of_type: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a job: its own, and where that is silent the type's."""
    merged = {**of_type, **own}
    for part in ("settings", "mounts"):
        merged[part] = {**of_type.get(part, {}), **own.get(part, {})}
    above, mine = of_type.get("output_workspaces", {}), own.get("output_workspaces", {})
    outputs = {**({} if "default" in mine else above.get("outputs", {})), **mine.get("outputs", {})}
    merged["output_workspaces"] = {**above, **mine, "outputs": outputs}
    return merged


def without_secrets(own: Mapping[str, Any], interface: Interface) -> tuple[dict[str, Any], dict[str, str]]:
    """A job's own configuration with nothing to be seen of its secrets; and these."""
    settings = own.get("settings", {})
    secrets = {name: value for name, value in settings.items() if name in interface.secrets and value != HIDDEN}
    if not settings:
        return dict(own), {}
    return {
        **own,
        "settings": {name: HIDDEN if name in interface.secrets else value for name, value in settings.items()},
    }, secrets

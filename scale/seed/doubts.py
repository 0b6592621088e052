"""What is valid in a manifest and was hardly meant: the warnings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from scale.kernel.reading import shown
from scale.seed.document import at, could_stand, objects, texts
from scale.seed.findings import Finding, Place
from scale.seed.manifest import LEAST, SHARED_MEM, Manifest
from scale.seed.names import INPUT_METADATA, OUTPUT_DIR, RELIED_ON
from scale.seed.places import INPUTS, INTERFACE, OUTPUTS, SCALARS, exit_codes, variables

_MOST = 10  #: variables of a command that are compared with known ones
_MOST_KNOWN = 200
_LONGEST = 100  #: characters of a name that is compared
STANDARD = ("cpus", "mem", "disk", "gpus", SHARED_MEM)

_NAMED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_MEDIA_TYPE = re.compile(r"[\w.+!#$&^-]+/[\w.+!#$&^*-]+(\s*;.*)?", re.ASCII)
_EXIT_CODES = range(1, 256)


def doubts(raw: object, manifest: Manifest | None) -> Iterator[Finding]:
    """Looked for in the raw document, beside its faults; `manifest` is there if it has none."""
    for check in _DOUBTS:
        yield from check(raw)
    if manifest is not None and not manifest.image.is_reference:
        yield Finding(
            "INVALID_IMAGE_NAME",
            ("job",),
            f"`{shown(str(manifest.image))}` names no image: a registry knows neither capitals in a name nor `+`",
            "an image of this job has to be named otherwise, and its name told as `docker_image`",
        )


def _hidden(raw: object) -> Iterator[Finding]:
    for place, name, what in variables(raw):
        if name in RELIED_ON:
            yield Finding(
                "HIDDEN_VARIABLE", place, f"{what} takes the place of {name}", "programs rely on it; choose another name"
            )


def _unknown_variables(raw: object) -> Iterator[Finding]:
    command = at(raw, *INTERFACE, "command")
    known = [name for _, name, _ in variables(raw)] + [OUTPUT_DIR, INPUT_METADATA]
    found = dict.fromkeys(_NAMED.findall(command)) if isinstance(command, str) else ()
    for name in [name for name in found if name not in known and len(name) <= _LONGEST][:_MOST]:
        near = get_close_matches(name, known[:_MOST_KNOWN], n=1, cutoff=0.8)
        if near:
            wrong = f"the command names the variable {shown(name)}, which nothing sets"
            yield Finding("UNKNOWN_VARIABLE", (*INTERFACE, "command"), wrong, f"did you mean {near[0]}?")


def _command(raw: object) -> Iterator[Finding]:
    where = (*INTERFACE, "command")
    command = at(raw, *where)
    if could_stand(at(raw, "job"), *where[1:]) and (command is None or (isinstance(command, str) and not command.strip())):
        yield Finding("NO_COMMAND", where, "there is no command", "state what is to be run, unless the image knows it")


def _timeout(raw: object) -> Iterator[Finding]:
    if at(raw, "job", "timeout") == 0:
        right = "state how many seconds the program may run"
        yield Finding("NO_TIMEOUT", ("job", "timeout"), "`timeout` is 0, which is no time at all", right)


def _unreachable(raw: object) -> Iterator[Finding]:
    for place, code in exit_codes(raw):
        if code not in _EXIT_CODES:
            wrong = f"no failed program ends with exit code {code}"
            yield Finding("UNREACHABLE_EXIT_CODE", place, wrong, "expected one from 1 to 255")


def _resource_names(raw: object) -> Iterator[Finding]:
    for place, name in texts(raw, *SCALARS, member="name"):
        if name.lower() not in STANDARD:
            near = get_close_matches(name.lower()[:_LONGEST], STANDARD, n=1)
            right = f"did you mean {near[0]}?" if near else f"usual are: {', '.join(STANDARD)}"
            yield Finding("UNKNOWN_RESOURCE", place, f"the resource {shown(name)!r} is on few nodes, if any", right)


def _low_resources(raw: object) -> Iterator[Finding]:
    for where, scalar in objects(raw, *SCALARS):
        name, value = str(scalar.get("name")).lower(), scalar.get("value")
        least = LEAST.get(name, 0.0)
        if isinstance(value, int | float) and 0 <= value < least and not scalar.get("inputMultiplier"):
            wrong = f"{value:g} of {name} is less than every job gets"
            yield Finding("LOW_RESOURCE", (*where, "value"), wrong, f"it will be {least:g}; state at least as much")


def _single_patterns(raw: object) -> Iterator[Finding]:
    for where, output in objects(raw, *OUTPUTS[0]):
        pattern = output.get("pattern")
        if output.get("multiple") is True and isinstance(pattern, str) and not set(pattern) & set("*?["):
            wrong = f"the pattern {shown(pattern)!r} fits one file, where `multiple` is true"
            yield Finding("SINGLE_PATTERN", (*where, "pattern"), wrong, "use `*` in it, or leave `multiple` out")


def _media_types(raw: object) -> Iterator[Finding]:
    for place, text in _all_media_types(raw):
        if not _MEDIA_TYPE.fullmatch(text):
            yield Finding(
                "INVALID_MEDIA_TYPE", place, f"{shown(text)!r} is no media type", "expected `type/subtype`, as in image/tiff"
            )


def _all_media_types(raw: object) -> Iterator[tuple[Place, str]]:
    yield from texts(raw, *OUTPUTS[0], member="mediaType")
    for where, entry in objects(raw, *INPUTS[0]):
        listed = entry.get("mediaTypes")
        for number, text in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(text, str):
                yield (*where, "mediaTypes", number), text


_DOUBTS = (
    _command,
    _unknown_variables,
    _timeout,
    _hidden,
    _resource_names,
    _low_resources,
    _media_types,
    _single_patterns,
    _unreachable,
)

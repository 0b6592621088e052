"""What of a program's output directory counts as its output: files by pattern, values of `seed.outputs.json`, side-cars."""

from __future__ import annotations

import fnmatch
import json
import math
import os

from scale.steps.common import INVALID_RESULTS, MISSING_OUTPUT, MULTIPLE_OUTPUTS, Failed, within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, NamedTuple

    class Found(NamedTuple):
        """A file of the output."""

        output: str
        path: str  #: below the output directory
        location: str  #: without symbolic links
        meta_data: dict[str, Any]
else:
    from collections import namedtuple

    Found = namedtuple("Found", "output path location meta_data")

RESULTS = "seed.outputs.json"
SIDE_CAR = ".metadata.json"
MOST = 4 << 20  #: bytes of a document that a program writes
#: what one is, of each type of JSON; true is no number
_TYPES: dict[str, Any] = {"array": list, "boolean": bool, "integer": int, "number": (int, float), "object": dict, "string": str}


def files_of(directory: str, outputs: Sequence[Mapping[str, Any]]) -> list[Found]:
    """
    :raises Failed: an output is missing, or there are several where one is wanted
    """
    return [found for output in outputs for found in _files(directory, output)]


def _files(directory: str, output: Mapping[str, Any]) -> Iterator[Found]:
    found = sorted(_matches(directory, output["pattern"]))
    if not found and output["required"]:
        raise Failed(MISSING_OUTPUT, f"there is no file {output['pattern']} for the output {output['name']}")
    if len(found) > 1 and not output["multiple"]:
        raise Failed(MULTIPLE_OUTPUTS, f"there are {len(found)} files {output['pattern']} for the output {output['name']}")
    for path, location in found:
        yield Found(output["name"], path, location, _side_car(directory, path))


def _matches(directory: str, pattern: str) -> Iterator[tuple[str, str]]:
    """Regular files, where they are; not what a symbolic link has elsewhere, and nothing that says something of another."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if not parts or pattern.endswith("/"):
        return
    for path in set(_fitting(directory, "", parts)):
        location = within(directory, path)
        if location is None or not os.path.isfile(location) or path == RESULTS or _is_side_car(directory, path):
            continue
        yield path, location


def _fitting(root: str, below: str, parts: Sequence[str]) -> Iterator[str]:
    """Paths below the root, hidden ones too. `**` is any directories, but none behind symbolic links: those may go round."""
    part, rest = parts[0], parts[1:]
    folders = _folders(root, below) if part == "**" else (below,)
    while rest and part == "**":
        part, rest = rest[0], rest[1:]
    for folder in folders:
        for name in _names(root, folder):
            if fnmatch.fnmatchcase(name, part):
                path = os.path.join(folder, name)
                yield from _fitting(root, path, rest) if rest else (path,)


def _folders(root: str, below: str) -> Iterator[str]:
    left = [below]
    while left:
        yield (one := left.pop())
        left += [path for name in _names(root, one) if _is_folder(os.path.join(root, path := os.path.join(one, name)))]


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _names(root: str, folder: str) -> list[str]:
    """What is in it; nothing if it is none, or may not be read."""
    try:
        return os.listdir(os.path.join(root, folder))
    except OSError:
        return []


def _is_side_car(directory: str, path: str) -> bool:
    return path.endswith(SIDE_CAR) and os.path.isfile(os.path.join(directory, path.removesuffix(SIDE_CAR)))


def _side_car(directory: str, path: str) -> dict[str, Any]:
    location = within(directory, path + SIDE_CAR)
    if location is None or not os.path.isfile(location):
        return {}
    read = _document(location, path + SIDE_CAR)
    if not isinstance(read, dict):
        raise Failed(INVALID_RESULTS, f"{path}{SIDE_CAR} is no JSON object")
    return read


def values_of(directory: str, outputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """
    :raises Failed: a value is missing or of another type, or the document cannot be read
    """
    location = within(directory, RESULTS)
    if not outputs:
        return {}
    read = _document(location, RESULTS) if location and os.path.isfile(location) else {}
    if not isinstance(read, dict):
        raise Failed(INVALID_RESULTS, f"{RESULTS} is no JSON object")
    values = {output["name"]: read[output["key"]] for output in outputs if read.get(output["key"]) is not None}
    for output in outputs:
        _check_value(output, values)
    return values


def _check_value(output: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    name = output["name"]
    if name not in values:
        if output["required"]:
            raise Failed(MISSING_OUTPUT, f"{RESULTS} has no {output['key']} for the output {name}")
        return
    kind, value = output["type"], values[name]
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        raise Failed(INVALID_RESULTS, f"{output['key']} in {RESULTS} is not of the type {kind}")


def _document(location: str, name: str) -> Any:
    """JSON that a database can hold.

    :raises Failed: it is none
    """
    if os.path.getsize(location) > MOST:
        raise Failed(INVALID_RESULTS, f"{name} has more than {MOST} bytes")
    try:
        with open(location, encoding="utf-8") as file:
            read = json.load(file, parse_constant=_no_number)
        _check(read)
    except (ValueError, RecursionError) as error:
        raise Failed(INVALID_RESULTS, f"{name} cannot be read: {error}") from None
    return read


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def _check(value: object) -> None:
    left, depth = [(value, 0)], 0
    while left:
        one, depth = left.pop()
        if depth > 100:
            raise ValueError("it is nested deeper than 100")
        if isinstance(one, str) and ("\0" in one or any("\ud800" <= character <= "\udfff" for character in one)):
            raise ValueError("text in it holds a NUL byte or a lone surrogate")
        if isinstance(one, float) and not math.isfinite(one):
            raise ValueError("a number in it is too large")
        if isinstance(one, int) and not -(2**63) <= one < 2**63:
            raise ValueError("a whole number in it has more than 64 bits")
        if isinstance(one, (list, dict)):
            inside = one if isinstance(one, list) else [*one, *one.values()]
            left += [(item, depth + 1) for item in inside]

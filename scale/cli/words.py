"""Reads what stands in one word of a command line: pairs, job types, times, documents. Pure but for `document`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import typer

_AGO = re.compile(r"(\d+)([smhd])")
_ALL = re.compile(r"(?:(\d+)-)?(\d+)")
_END = re.compile(r"(\d+)(?::(.*))?")
AFTER = ("success", "end", "failure")


class TypeName(NamedTuple):
    name: str
    version: str | None  #: None is the newest

    def __str__(self) -> str:
        return f"{self.name}:{self.version}" if self.version else self.name


def type_name(word: str, option: str = "--type") -> TypeName:
    """NAME or NAME:VERSION."""
    name, colon, version = word.partition(":")
    if not name or (colon and not version):
        raise typer.BadParameter(f"{word!r} is not NAME or NAME:VERSION", param_hint=option)
    return TypeName(name, version or None)


def pair(option: str, word: str) -> tuple[str, str]:
    """NAME=VALUE."""
    name, equals, value = word.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{word!r} is not NAME=VALUE", param_hint=option)
    return name, value


def pairs(option: str, given: Iterable[str] | None) -> dict[str, str] | None:
    """NAME=VALUE, several times; of two with the same name the last one counts."""
    return dict(pair(option, word) for word in given or ()) or None


def moment(word: str | None) -> str | None:
    """As the API takes it: a moment, or how long ago: `3h` as well as `PT3H`."""
    if word is None or not (ago := _AGO.fullmatch(word)):
        return word
    number, unit = ago.groups()
    return f"P{number}D" if unit == "d" else f"PT{number}{unit.upper()}"


def indexes(word: str) -> dict[str, int]:
    """`100`, or from the first to the last, as `0-99`."""
    found = _ALL.fullmatch(word)
    first, last = (int(found[1] or 0), int(found[2]) - (found[1] is None)) if found else (1, 0)
    if last < first:
        raise typer.BadParameter(f"{word!r} is neither a count such as 100 nor a range such as 0-99", param_hint="--array")
    return {"first": first, "count": last - first + 1}


def dependency(word: str) -> dict[str, object]:
    """JOB, or JOB:success, JOB:end, JOB:failure."""
    found = _END.fullmatch(word)
    when = (found[2] if found[2] is not None else "success") if found else ""
    if not found or when not in AFTER:
        raise typer.BadParameter(f"{word!r} is not JOB, or JOB:success, JOB:end, JOB:failure", param_hint="--after")
    return {"job": int(found[1]), "when": when}


def document(path: str, option: str) -> Any:
    """The JSON in a file; `-` is what comes in."""
    try:
        return json.loads(content(path, option))
    except ValueError as error:
        raise typer.BadParameter(f"{path} holds no JSON: {error}", param_hint=option) from None


def content(path: str, option: str) -> str:
    """The text in a file; `-` is what comes in."""
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}", param_hint=option) from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} holds no UTF-8 text", param_hint=option) from None

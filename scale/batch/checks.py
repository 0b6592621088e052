"""What may get into a script or a command: every text and number of a job is looked at here before it does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from scale.batch.errors import InvalidFieldError
from scale.batch.resources import DependencyType, ProcessPlacement, QResources
from scale.kernel.errors import Fault

#: C0, DEL, C1, the two that Unicode says end a line, and halves of characters, which no file can hold
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_IN_QUOTES: Final = re.compile(rf"{_CONTROL.pattern}|['\\]")
_NOT_IN_A_FILE: Final = re.compile("[\x00\ud800-\udfff]")
#: what ends or quotes a word in the header of some batch system, or is looked at by a shell
_NOT_BARE: Final = re.compile(r"[\s\"'\\#`;&|<>()$*?!~]")
#: an id that no pattern is wanted for; a dash at the start would be an option
HARMLESS_ID: Final = re.compile(r"[A-Za-z0-9_.\[\]:@+][A-Za-z0-9_.\[\]:@+,%-]*")
_USER: Final = re.compile(r"[A-Za-z0-9_.@\\+][A-Za-z0-9_.@\\+$-]*")
_NAME: Final = re.compile(r"[A-Za-z0-9_.:@/+-]+")


def printable(field: str, text: str) -> str:
    """This text, if it stays on its line."""
    if found := _CONTROL.search(text):
        raise InvalidFieldError([Fault(field, f"{text[:100]!r} has the control character {found[0]!r}; leave it out")])
    return text


def writable(field: str, text: str) -> str:
    """This text, if a script can hold it, be it on many lines."""
    if found := _NOT_IN_A_FILE.search(text):
        around = text[max(0, found.start() - 20) : found.end() + 20]
        raise InvalidFieldError([Fault(field, f"{around!r} has {found[0]!r}, which no script can hold; leave it out")])
    return text


def one_word(field: str, text: str) -> str:
    """This text as one word of a script for bash, on one line also if it has many."""
    if not _CONTROL.search(writable(field, text)):
        return shlex.quote(text)
    return "$'" + _NOT_IN_QUOTES.sub(lambda found: "".join(f"\\x{byte:02x}" for byte in found[0].encode()), text) + "'"


def no_option(path: str) -> str:
    """The same path, which no program takes for an option."""
    return f"./{path}" if path.startswith("-") else path


def bare_word(field: str, text: str) -> str:
    """This text, if it is one word for any shell and any batch system."""
    if found := _NOT_BARE.search(printable(field, text)):
        raise InvalidFieldError([Fault(field, f"{text[:100]!r} has {found[0]!r}, which would end the word; leave it out")])
    return text


def verbatim_lines(field: str, text: str | None, prefix: str) -> Iterator[str]:
    """Lines for a header as they are: directives and comments, nothing that a shell would run."""
    for line in (text or "").split("\n"):
        if not line.strip():
            continue
        if not printable(field, line).startswith("#"):
            raise InvalidFieldError([Fault(field, f"{line[:100]!r} is no line of a header; start it with {prefix}")])
        yield line


def user(name: str | None) -> str | None:
    if name is not None and not _USER.fullmatch(name):
        raise InvalidFieldError([Fault("user", f"{name[:100]!r} is no login")])
    return name


def check_resources(resources: QResources) -> None:
    """Every value is of its kind and without control characters.

    :raises InvalidFieldError: all faults at once, each with its field
    """
    faults = [Fault(*fault) for name, value in resources.given().items() for fault in _faults(name, value)]
    if faults:
        raise InvalidFieldError(faults)


def _faults(name: str, value: Any) -> Iterator[tuple[str, str]]:
    message = _RULES.get(name, _text)(value)
    if message:
        yield name, message
    for text in _texts(value) if name != "scheduler_kwargs" else ():
        if found := _CONTROL.search(text):
            yield name, f"{text[:100]!r} has the control character {found[0]!r}; leave it out"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str | PurePath):
        yield str(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _text(value: Any) -> str | None:
    return None if isinstance(value, str | PurePath) else f"must be a text, not {value!r}"


def _count(value: Any) -> str | None:
    right = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return None if right else f"must be a whole number above 0, not {value!r}"


def _priority(value: Any) -> str | None:
    right = isinstance(value, int | str) and not isinstance(value, bool)
    return None if right else f"must be a whole number or a text, not {value!r}"


def _switch(value: Any) -> str | None:
    return None if isinstance(value, bool) else f"must be True or False, not {value!r}"


def _member(value: Any) -> str | None:
    return None if isinstance(value, ProcessPlacement) else f"must be a member of ProcessPlacement, not {value!r}"


def _dependencies(value: Any) -> str | None:
    if not isinstance(value, Mapping) or not all(isinstance(kind, DependencyType) for kind in value):
        return f"must be ids of jobs by DependencyType, not {value!r}"
    wrong = [job for jobs in value.values() for job in jobs if not isinstance(job, str) or not HARMLESS_ID.fullmatch(job)]
    return f"{wrong[0]!r} is no job id" if wrong else None


def _licenses(value: Any) -> str | None:
    right = isinstance(value, Mapping) and all(_is_name(name) and not _count(count) for name, count in value.items())
    return None if right else f"must be counts by name, like {{'matlab': 2}}, not {value!r}"


def _constraints(value: Any) -> str | None:
    right = isinstance(value, Sequence) and not isinstance(value, str) and all(map(_is_name, value))
    return None if right else f"must be a list of features, like ['avx512', 'ib'], not {value!r}"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(_NAME.fullmatch(value))


def _kwargs(value: Any) -> str | None:
    right = isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    return None if right else f"must be options by name, not {value!r}"


_RULES: Final[Mapping[str, Callable[[Any], str | None]]] = {
    **dict.fromkeys(
        (
            "memory_per_thread",
            "nodes",
            "processes",
            "processes_per_node",
            "threads_per_process",
            "gpus_per_job",
            "time_limit",
            "njobs",
        ),
        _count,
    ),
    "priority": _priority,
    "process_placement": _member,
    "rerunnable": _switch,
    "hold": _switch,
    "dependencies": _dependencies,
    "licenses": _licenses,
    "constraints": _constraints,
    "scheduler_kwargs": _kwargs,
}

"""What nodes are told apart by beside their resources: attributes, each with a name and a plain value. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Final

Value = str | int | float | bool

MAX_NAME: Final = 100
MAX_TEXT: Final = 250
MAX_NUMBER: Final = 1e15  #: up to it whole numbers are exact
MAX_ATTRIBUTES: Final = 100  #: of one node
HOSTNAME: Final = "hostname"
ENGINE: Final = "engine"

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_NAME}}}")


def read_name(name: object) -> str:
    """:raises ValueError: it names no attribute"""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"an attribute is named by 1 to {MAX_NAME} letters, digits, '_', '.' or '-'")
    return name


def read_value(value: object) -> Value:
    """A whole number is one however it is written: 64.0 is 64.

    :raises ValueError: it is none that an attribute may have
    """
    match value:
        case bool():
            return value
        case int() | float() if abs(value) <= MAX_NUMBER:
            return int(value) if value == int(value) else value
        case int() | float():
            raise ValueError(f"a number may not be beyond {MAX_NUMBER:.0e}")
        case str() if len(value) <= MAX_TEXT and not any(unicodedata.category(c) in ("Cc", "Cs") for c in value):
            return value
        case str():
            raise ValueError(f"a text may have {MAX_TEXT} characters at most, and no control characters")
        case _:
            raise ValueError("expected text, a number, true or false")


def token(value: Value) -> str:
    """How it is written: 12 and the text 12 are the same, 1.1 and the text 1.10 are not."""
    return value if isinstance(value, str) else json.dumps(read_value(value))


def number(value: Value) -> float | None:
    """What it is as a number, if it reads as one."""
    text = token(value)
    return float(text) if _NUMBER.fullmatch(text) else None


def given(hostname: str, engine: str) -> dict[str, Value]:
    """The attributes that every node has, and that nobody sets."""
    return {HOSTNAME: hostname, ENGINE: engine}


GIVEN: Final = frozenset(given("", ""))

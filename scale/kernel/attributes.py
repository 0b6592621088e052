"""What nodes are told apart by beside their resources: attributes, each with a name and a plain value. Pure."""

from __future__ import annotations

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


def token(value: Value) -> tuple[bool, Value]:
    """The same for the same value only: true is not 1, and neither is the text 1."""
    return isinstance(value, bool), value


def given(hostname: str, engine: str) -> dict[str, Value]:
    """The attributes that every node has, and that nobody sets."""
    return {HOSTNAME: hostname, ENGINE: engine}


GIVEN: Final = frozenset(given("", ""))

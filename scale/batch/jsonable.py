"""Values and enums as JSON and back, in the form that users of qtoolkit have stored: `@module` and `@class` beside fields.

What qtoolkit (or monty's encoder) wrote is read as it is: `@module` and `@version` are passed over, `@class` must be
the class that is asked to read. A path is written, and comes back, as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from enum import Enum
from pathlib import PurePath
from typing import Any, ClassVar, Self, cast

from pydantic_core import CoreSchema, core_schema

from scale.batch.errors import InvalidFieldError
from scale.kernel.errors import Fault

#: everything is importable from there, wherever its file is
MODULE = "scale.batch"


class QTKObject:
    """A dataclass that can be written as JSON."""

    #: how a field is read whose JSON form is not its value
    readers: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}

    def as_dict(self) -> dict[str, Any]:
        return _tagged(self) | {name: plain(getattr(self, name)) for name in self._names()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote, here or in qtoolkit.

        :raises InvalidFieldError: it names a field that there is not, or a value that a field cannot have
        """
        given = _own(cls, data)
        faults = [
            Fault(name, f"there is no such field{suggestion(name, cls._names())}") for name in given if name not in cls._names()
        ]
        values: dict[str, Any] = {}
        for name in given.keys() & cls._names():
            try:
                values[name] = cls._read(name, given[name])
            except InvalidFieldError as error:
                faults.extend(Fault(".".join(filter(None, (name, fault.field))), fault.message) for fault in error.faults)
        if faults:
            raise InvalidFieldError(faults)
        return cls(**values)

    def to_json(self) -> str:
        return json.dumps(self.as_dict())

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls.from_dict(json.loads(text))

    @classmethod
    def _read(cls, name: str, value: Any) -> Any:
        if value is None:
            return None
        return cls.readers.get(name, _text_of_path)(value)

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cast(Any, cls)))

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> CoreSchema:
        return _schema(cls, cls.from_dict)

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: object) -> dict[str, Any]:
        return {"type": "object", "title": cls.__name__}


class QTKEnum(Enum):
    """An enum that can be written as JSON; read from a member, its value, or the object that `as_dict` makes of it."""

    def as_dict(self) -> dict[str, Any]:
        return _tagged(self) | {"value": self.value}

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Read a member.

        :raises InvalidFieldError: there is no such member; the message lists those that there are
        """
        value = _own(cls, data).get("value") if isinstance(data, Mapping) else data
        try:
            return cls(value)
        except ValueError:
            known = ", ".join(str(member.value) for member in cls)
            raise InvalidFieldError([Fault("", f"{value!r} is no {cls.__name__}; there are {known}")]) from None

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> CoreSchema:
        return _schema(cls, cls.from_dict)

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: object) -> dict[str, Any]:
        return {"title": cls.__name__, "anyOf": [{"enum": [member.value for member in cls]}, {"type": "object"}]}


def plain(value: Any) -> Any:
    """This value in words of JSON."""
    if isinstance(value, QTKObject | QTKEnum):
        return value.as_dict()
    if isinstance(value, Mapping):
        return {key.value if isinstance(key, Enum) else str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, PurePath) else value


def suggestion(name: str, known: tuple[str, ...] | list[str] | frozenset[str]) -> str:
    """` (did you mean 'x'?)` for a name that is close to a known one."""
    close = get_close_matches(name, known, n=3, cutoff=0.65)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""


def _tagged(value: object) -> dict[str, Any]:
    return {"@module": MODULE, "@class": type(value).__name__}


def _own(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields alone, after a look at whom they are for."""
    if not isinstance(data, Mapping):
        raise InvalidFieldError([Fault("", f"a {cls.__name__} is an object with fields, not {data!r}")])
    meant = data.get("@class", cls.__name__)
    if meant != cls.__name__:
        raise InvalidFieldError([Fault("@class", f"this is a {meant}, and a {cls.__name__} is wanted")])
    return {str(name): value for name, value in data.items() if not str(name).startswith("@")}


def _text_of_path(value: Any) -> Any:
    """monty writes a path as an object of its own."""
    return value["string"] if isinstance(value, Mapping) and value.get("@module") == "pathlib" else value


def _schema(cls: type, read: Callable[[Any], Any]) -> CoreSchema:
    """How pydantic reads and writes it as a field of a model."""
    return core_schema.no_info_plain_validator_function(
        lambda value: value if isinstance(value, cls) else read(value),
        serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.as_dict(), when_used="unless-none"),
    )

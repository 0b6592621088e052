"""What the documents of this package are made of: strict objects, kinds of fields, and the rule of each field, by its place."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from scale.kernel.reading import Body, Text

MAX_INT = 2**31 - 1
MAX_AMOUNT = 1e12
EACH = "*"  #: in the place of a rule: whatever number or name stands there

MAX_ARGUMENT = 131_071  #: bytes; what Linux gives one argument or variable, without the NUL at its end
MAX_TOGETHER = 524_288  #: bytes of all settings; with command and inputs it stays below what an exec may carry

Item = TypeVar("Item")


class Part(Body):
    """An object of a document; its members are written in camel case."""

    model_config = ConfigDict(alias_generator=to_camel)


def _whole(raw: object) -> object:
    """2.0 is a whole number in JSON."""
    return int(raw) if isinstance(raw, float) and raw.is_integer() else raw


def _passable(text: str) -> str:
    if len(text.encode()) > MAX_ARGUMENT:
        raise PydanticCustomError("too_large", "has more than {most} bytes", {"most": MAX_ARGUMENT})
    return text


Whole = Annotated[int, BeforeValidator(_whole)]
Amount = Annotated[float, Field(ge=0, le=MAX_AMOUNT)]
#: what a process can be given as an argument or a variable
Passable = Annotated[Text, AfterValidator(_passable)]
Label = Annotated[Text, Field(min_length=1, max_length=250)]
Named = dict[Label, Item]
Many = Annotated[tuple[Item, ...], Field(strict=False)]


class Rule(NamedTuple):
    """What may stand at a place."""

    place: tuple[str, ...]
    kind: str
    required: bool
    default: Any
    text: str


def rules(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[Rule]:
    """Of every field of a document, each object before what is in it."""
    for name, field in model.model_fields.items():
        place = (*above, field.alias or name)
        required = field.is_required()
        default = None if required else field.get_default(call_default_factory=True)
        yield Rule(place, _kind(field.annotation), required, default, field.description or "")
        yield from _inside(field.annotation, place)


def _inside(annotation: Any, place: tuple[str, ...]) -> Iterator[Rule]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from rules(annotation, place)
        return
    below = (*place, EACH) if get_origin(annotation) in (tuple, dict) else place
    for inner in get_args(annotation):
        yield from _inside(inner, below)


_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false", NoneType: "null"}


def _kind(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return f"list of {_kind(inner[0])}"
    if origin is dict:
        return f"object of {_kind(inner[1])}"
    if origin is Annotated:
        return _kind(inner[0])
    if inner:
        return " or ".join(part if isinstance(part, str) else _kind(part) for part in inner if part is not NoneType)
    return _KINDS.get(annotation, "object")

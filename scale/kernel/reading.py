"""Reads what comes from outside into pydantic values; whatever is wrong becomes faults with the field named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from scale.kernel.errors import Fault, Invalid

_MOST_FAULTS = 100  #: an answer is for a reader
_LONGEST_SHOWN = 100
#: the largest id that a table can hold
MAX_ID = 2**63 - 1

Model = TypeVar("Model", bound=BaseModel)


class Body(BaseModel):
    """The JSON object of a request: types as they are written, nothing unknown, nothing infinite."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def never_null(schema: dict[str, Any]) -> None:
    """Of a model whose fields are None only where they were left out: no field takes null."""
    for field in schema["properties"].values():
        choices = [choice for choice in field.pop("anyOf", ()) if choice != {"type": "null"}]
        if choices:
            del field["default"]
            field |= choices[0] if len(choices) == 1 else {"anyOf": choices}


def states_a_change(schema: dict[str, Any]) -> None:
    """Of a model that leaves alone what is left out: a client that sent defaults would change it."""
    for field in schema["properties"].values():
        field.pop("default", None)
    schema["minProperties"] = 1


class Change(Body):
    """A body that states what to change, and only that."""

    model_config = ConfigDict(json_schema_extra=states_a_change)

    @property
    def stated(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


def read(model: type[Model], raw: object, *, when: datetime | None = None) -> Model:
    """Read a value of this kind; `when` is what a duration in it counts back from.

    :raises Invalid: with every fault
    """
    try:
        return model.model_validate(raw, context={"when": when})
    except ValidationError as error:
        raise Invalid(faults_of(error, model)) from None


def read_change(model: type[Change], raw: object) -> dict[str, Any]:
    """Read what is to be changed.

    :raises Invalid: with every fault; stating nothing is one
    """
    stated = read(model, raw).stated
    if not stated:
        raise Invalid([Fault("", f"state at least one of: {', '.join(model.model_fields)}")])
    return stated


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Every fault that pydantic found, in our words where its own speak of Python."""
    found = error.errors(include_url=False, include_input=False)
    return [_fault(details, model) for details in found[:_MOST_FAULTS]]


def shown(text: str) -> str:
    """A stranger's text, short and printable, for a message."""
    printable = _printable(text)
    return printable if len(printable) <= _LONGEST_SHOWN else printable[:_LONGEST_SHOWN] + "…"


def _fault(details: Mapping[str, Any], model: type[BaseModel]) -> Fault:
    if details["loc"][-1:] == ("[key]",):
        return _fault_of_name(details)
    where = ".".join(shown(str(part)) for part in details["loc"])
    if details["type"] == "extra_forbidden":
        return Fault(where, _unknown(details["loc"], model))
    return Fault(where, _MESSAGES.get(details["type"]) or _message(details))


#: what is said better than by the library
_MESSAGES = {
    "missing": "is required",
    "model_type": "expected a JSON object",
    "dict_type": "expected a JSON object",
    "string_unicode": "holds a lone surrogate, which is no character",
}


def _message(details: Mapping[str, Any]) -> str:
    told = details.get("ctx", {})
    if told.get("field_type") == "Value":  # a text whose length is checked last
        bound = f"at most {told['max_length']}" if "max_length" in told else f"at least {told['min_length']}"
        return f"must have {bound} characters, not {told['actual_length']}"
    return _printable(details["msg"].removeprefix("Value error, "))


def _fault_of_name(details: Mapping[str, Any]) -> Fault:
    """A fault of a name in an object whose names are free, such as labels."""
    *above, name, _ = map(str, details["loc"])
    wrong = _message(details) if name else "may not be empty"
    return Fault(".".join(above), f"the name {shown(name)!r}: {wrong}")


def _unknown(where: Sequence[int | str], model: type[BaseModel]) -> str:
    """Say that there is no such field, and what may have been meant."""
    *above, last = map(str, where)
    for part in above:
        if part in model.model_fields:  # else it is the number of an item
            model = next(iter(_models(model.model_fields[part].annotation)), model)
    names = list(model.model_fields)
    near = get_close_matches(last, names, n=1) if len(last) <= _LONGEST_SHOWN else []
    return f"is not known; did you mean {near[0]}?" if near else f"is not known; known are: {', '.join(names)}"


def _models(annotation: object) -> list[type[BaseModel]]:
    """The models in a type such as ``list[Model] | None``."""
    own = [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []
    return [*own, *(model for part in get_args(annotation) for model in _models(part))]


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL byte")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a lone surrogate, which is no character")
    return text


#: text that any database and any process can take
Text = Annotated[str, AfterValidator(_storable)]

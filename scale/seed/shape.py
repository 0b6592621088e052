"""Whether a document is as its schema says: every fault that pydantic finds, in our words, with the rule of the field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar

from pydantic import ValidationError

from scale.kernel.reading import shown
from scale.seed.document import MOST_CHARACTERS, MOST_VALUES
from scale.seed.findings import Finding, Place
from scale.seed.parts import EACH, MAX_ARGUMENT, Part, Rule, rules

Document = TypeVar("Document", bound=Part)
CODE = "JSON_VALIDATION_ERROR"
TOO_LARGE = Finding(
    CODE, (), "the document is too large", f"expected at most {MOST_VALUES} values and {MOST_CHARACTERS} characters altogether"
)
_NAME = "expected: 1 to 250 characters, and no NUL"
_LONGEST = 100  #: characters of a name that is compared with known ones

#: what pydantic's kinds of faults are called here
_WRONG = {
    "missing": "is missing",
    "model_type": "is not an object",
    "dict_type": "is not an object",
    "tuple_type": "is not a list",
    "string_type": "is not text",
    "string_unicode": "holds a lone surrogate, which is no character",
    "bool_type": "is neither true nor false",
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "literal_error": "is something else",
    "string_pattern_mismatch": "is not of this form",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "string_too_long": "is too long",
    "too_long": "is too long",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
}
_RIGHT: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "too_large": lambda _: f"expected at most {MAX_ARGUMENT} bytes",
}


def read(model: type[Document], raw: object) -> tuple[Document | None, list[Finding]]:
    """The document as a value, or what is wrong with its shape."""
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        return None, [_finding(model, details) for details in error.errors(include_url=False, include_input=False)]


def _finding(model: type[Part], details: Mapping[str, Any]) -> Finding:
    place: Place = details["loc"]
    kind = details["type"]
    if kind == "extra_forbidden":
        return Finding(CODE, place, f"{_subject(place)} is not known", _known(model, place))
    wrong = _WRONG.get(kind) or details["msg"].removeprefix("Value error, ")
    if place[-1:] == ("[key]",):
        return Finding(CODE, place[:-1], f"the name of {_subject(place[:-1])} {wrong}", _NAME)
    right = _RIGHT[kind](details) if kind in _RIGHT else f"expected: {_rule(model, place)}"
    return Finding(CODE, place, f"{_subject(place)} {wrong}", right)


def _subject(place: Place) -> str:
    match place:
        case [*_, str() as name, int() as number]:
            return f"item {number} of `{name}`"
        case [*_, name]:
            return f"`{shown(str(name))}`"
        case _:
            return "the document"


def _known(model: type[Part], place: Place) -> str:
    """What may have been meant by a name that is not known."""
    names = sorted({rule.place[-1] for rule in _rules(model) if _is_at(rule.place[:-1], place[:-1])})
    last = str(place[-1])
    near = get_close_matches(last, names, n=1) if len(last) <= _LONGEST else []
    return f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(names)}"


def _rule(model: type[Part], place: Place) -> str:
    """What may stand there, without the full stop."""
    found = next(_told(model, place), "an object")
    return found[:1].lower() + found[1:].rstrip(".")


def _told(model: type[Part], place: Place) -> Iterator[str]:
    yield from (rule.text for rule in _rules(model) if _is_at(rule.place, place))
    yield from (_of_one(rule) for rule in _rules(model) if place and _is_at((*rule.place, EACH), place))


def _of_one(rule: Rule) -> str:
    kind = rule.kind.removeprefix("list of ").removeprefix("object of ")
    return "an object" if kind == "object" else kind


def _is_at(pattern: tuple[str, ...], place: Place) -> bool:
    return len(pattern) == len(place) and all(known in (EACH, part) for known, part in zip(pattern, place, strict=True))


@cache
def _rules(model: type[Part]) -> tuple[Rule, ...]:
    return tuple(rules(model))

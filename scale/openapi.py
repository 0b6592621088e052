"""Makes the OpenAPI document exact enough for programs that write clients from it. Pure; drf-spectacular calls `mended` last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

Json = dict[str, Any]

_NULL = {"type": "null"}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
_PREFIX = "#/components/schemas/"

#: headers that come with every answer of a status
_HEADERS = {
    "201": {"Location": "Where that which was made can be read, if it is one thing."},
    "202": {"Location": "Where it can be read how far it is, if it was not done at once."},
    "401": {"WWW-Authenticate": "How to say who asks."},
    "503": {"Retry-After": "Seconds."},
}


def mended(result: Json, **_: Any) -> Json:
    """The document as its readers need it; it is changed in place."""
    schemas = result["components"]["schemas"]
    schemas.pop("NullEnum", None)
    same = _names_of_enums(schemas)
    for name, better in same.items():
        schemas.setdefault(better, schemas.pop(name))
    named = {_values(schema): name for name, schema in schemas.items() if "enum" in schema}
    for name, schema in schemas.items():
        if "enum" not in schema:
            schemas[name] = _everywhere(schema, lambda one: _by_name(_plain(one, same), named))
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            methods[method] = _everywhere(operation, lambda one: _by_name(_plain(one, same), named))
            _complete(path, method, methods[method])
    return result


def _everywhere(node: Any, change: Callable[[Json], Json]) -> Any:
    """The same tree, each object changed, the innermost first."""
    if isinstance(node, dict):
        return change({key: _everywhere(value, change) for key, value in node.items()})
    return [_everywhere(item, change) for item in node] if isinstance(node, list) else node


def _values(schema: Json) -> tuple[str, ...]:
    return tuple(sorted(map(str, schema["enum"])))


def _names_of_enums(schemas: Json) -> dict[str, str]:
    """By the name of an enum a better one: that of the same enum, if it is there twice, and none that ends with Enum."""
    enums = {name: _values(schema) for name, schema in schemas.items() if "enum" in schema}
    shortest = {values: name for name, values in sorted(enums.items(), key=lambda one: -len(one[0]))}
    better = {name: shortest[values].removesuffix("Enum") for name, values in enums.items()}
    return {name: other for name, other in better.items() if other != name and enums.get(other) in (None, enums[name])}


def _plain(schema: Json, same: dict[str, str]) -> Json:
    """One way to say null, no name twice, and no title but those that people wrote."""
    match schema:
        case {"$ref": str(ref)}:
            name = ref.removeprefix(_PREFIX)
            return dict(_NULL) if name == "NullEnum" else {**schema, "$ref": _PREFIX + same.get(name, name)}
        case {"title": str(), "type": _} | {"title": str(), "anyOf": _} | {"title": str(), "enum": _}:
            return _plain({key: value for key, value in schema.items() if key != "title"}, same)
        case {"oneOf": [*choices]} if _NULL in choices:
            return {**{key: value for key, value in schema.items() if key != "oneOf"}, **_nullable(choices)}
        case _:
            return schema


def _nullable(choices: list[Json]) -> Json:
    """Any of these or null. Of `oneOf` exactly one has to fit: null would fit twice where anything goes."""
    others = [choice for choice in choices if choice != _NULL]
    return {} if {} in others else {"anyOf": [*others, _NULL]}


def _by_name(schema: Json, named: dict[tuple[str, ...], str]) -> Json:
    """An enum that has a name is called by it, in parameters too."""
    match schema:
        case {"type": "string", "enum": [*_]} if _values(schema) in named:
            rest = {key: value for key, value in schema.items() if key not in ("type", "enum")}
            return {"$ref": _PREFIX + named[_values(schema)], **rest}
        case {"enum": [*values]} if any(str(value).startswith("-") for value in values):
            return {**schema, "x-enum-varnames": [_name_of_order(value) for value in values]}
        case _:
            return schema


def _name_of_order(value: str) -> str:
    """What a program calls one of the values of `order`."""
    return value.removeprefix("-") + ("_descending" if value.startswith("-") else "")


def _complete(path: str, method: str, operation: Json) -> None:
    """A tag by what it is about, no login where none is needed, and every status that it may answer with."""
    about = path.removeprefix("/api/v7/").partition("/")[0] if path.startswith("/api/v7/") else "login"
    operation["tags"] = [about]
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
    is_open = operation.get("security") == [{}]
    if is_open:
        operation["security"] = []
    answers = operation["responses"]
    for status in _statuses(method, operation, is_open=is_open):
        answers.setdefault(status, {"content": dict(_PROBLEM)})
    if is_open:
        answers.pop("401", None)
    for status, answer in answers.items():
        answer["description"] = answer.get("description") or HTTPStatus(int(status)).phrase
        for name, words in _HEADERS.get(status, {}).items():
            answer.setdefault("headers", {})[name] = {"schema": {"type": "string"}, "description": words}
    operation["responses"] = dict(sorted(answers.items()))


def _statuses(method: str, operation: Json, *, is_open: bool) -> Iterator[str]:
    """The troubles that an operation may have because of what it takes."""
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    if "requestBody" in operation:
        yield from ("400", "413", "415")
    if "query" in places:
        yield "400"
    if "path" in places:
        yield "404"
    if set(operation["responses"].get("200", {}).get("content", ())) <= {"application/json"}:
        yield "406"
    if not is_open:
        yield from ("401", "503")
        if method != "get":
            yield "403"

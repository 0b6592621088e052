"""What to ask of each operation, taken from the OpenAPI document: values that fit a parameter, and values that do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scale.job.models import JobCommand, JobExecution
from tests.api.answers import Shelf
from tests.api.documented import document, validator

Json = dict[str, Any]

#: values that a schema cannot say: of query parameters by name, and of parts of an address that stand in no list
SENSIBLE: dict[str, str] = {"cursor": "", "column": "total_count", "group": "overview"}
PLACES = {"job_exe_id": lambda: JobExecution.objects.order_by("pk")[0].pk, "command_id": lambda: JobCommand.objects.get().pk}

#: of each kind one; what a field takes of them is left out
ANYTHING = (None, True, 7.5, -1, 10**30, "no-such\0", "", [], [[]], [None], {}, {"a": []})


class FullShelf(Shelf):
    """A log source that holds something of whatever it is asked for."""

    def size(self, task_id, stream):
        return 6

    def read(self, task_id, stream, start=0, stop=None):
        return b"hello\n"[start:stop]


def operations(*methods: str) -> list[tuple[str, str]]:
    """Of these methods, all that the document has: path and method."""
    return [(path, method) for path, ways in document()["paths"].items() for method in ways if method in methods]


def query_parameters(path: str) -> list[Json]:
    return [one for one in document()["paths"][path]["get"].get("parameters", ()) if one["in"] == "query"]


def fitting(parameter: Json) -> list[list[str]]:
    """Values that the schema takes; each is a list, for a parameter may stand several times."""
    schema = resolved(parameter["schema"])
    if schema.get("type") == "array":
        items = _fitting(parameter["name"], resolved(schema["items"]))
        return [[item] for item in items] + [items[:2] * 2]
    return [[value] for value in _fitting(parameter["name"], schema)]


def _fitting(name: str, schema: Json) -> list[str]:
    match schema:
        case {"enum": values} | {"examples": values}:
            return [str(value) for value in values]
        case {"type": "boolean"}:
            return ["true", "false"]
        case {"type": "integer" | "number"}:
            return [str(schema.get("minimum", 1))]
        case _:
            return [SENSIBLE.get(name, str(schema.get("default") or "x"))]


def wrong(parameter: Json) -> list[str]:
    schema = resolved(parameter["schema"])
    schema = resolved(schema["items"]) if schema.get("type") == "array" else schema
    match schema:
        case {"type": "integer" | "number"}:
            bounds = {"minimum": -1, "maximum": 1}
            return ["x", *(str(schema[bound] + beyond) for bound, beyond in bounds.items() if bound in schema)]
        case {"enum": _} | {"examples": _} | {"type": "boolean"}:
            return ["no-such"]
        case _:
            return ["\0"]


def bodies(path: str, method: str) -> list[Json]:
    """The objects that the body may be."""
    schema = resolved(document()["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"])
    return [resolved(choice) for choice in schema.get("anyOf") or schema.get("oneOf") or [schema]]


def takes(schema: Json, value: object) -> bool:
    return validator(schema, document()).is_valid(value)


def resolved(schema: Json) -> Json:
    if "$ref" not in schema:
        return schema
    found: Json = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def address(person: Any, path: str, method: str) -> str:
    """An address of this operation at which there is something."""
    found, row = "", None
    for part in _parts(path):
        if not part.startswith("{"):
            found, row = f"{found}/{part}", None
            continue
        name = part[1:-1]
        if values := _stated(path, method, name).get("enum"):
            value = values[0]
        elif name in PLACES:
            value = PLACES[name]()
        else:
            row = row or _first_at(person, path, found)
            value = row.get(name, row.get("id"))
        found = f"{found}/{value}"
    return found + "/"


def _parts(path: str) -> Iterator[str]:
    yield from path.strip("/").split("/")


def _stated(path: str, method: str, name: str) -> Json:
    parameters = document()["paths"][path][method]["parameters"]
    return resolved(next(one["schema"] for one in parameters if one["name"] == name))


def _first_at(person: Any, path: str, found: str) -> Json:
    """The first of the list that is read there."""
    answer = person.client.get(found + "/")
    assert answer.status_code == 200, f"say in PLACES what stands in {path}: there is no list at {found}/"
    results = answer.json()["results"]
    assert results, f"put something into the list at {found}/, for the walk to {path}"
    first: Json = results[0]
    return first

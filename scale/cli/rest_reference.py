"""Writes docs/reference/api.md: every operation of the REST API, from the OpenAPI schema. `make docs` runs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scale.cli.rest_examples import Example, by_operation, examples, shown

Schema = Mapping[str, Any]

HEAD = (
    "# REST, operation by operation",
    "",
    "<!-- Made by `make docs`; change the code instead. -->",
    "",
    "The same as a document for programs: `/api/schema/`; to try it out in a browser: `/api/docs/`. What holds for all of it,",
    "such as login, problem documents and pages, stands in [REST](rest.md). The examples are parts of one story: a number that",
    "names something names the same thing in all of them, and another one on your cluster.",
)


def page(schema: Schema, told: Sequence[Example]) -> str:
    lines, known = [*HEAD], by_operation(told)
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            lines += ["", f"## {method.upper()} `{path}`", "", *_operation(operation, schema)]
            lines += shown(known.get(operation["operationId"], ()))
    return "\n".join([*lines, ""])


def _operation(operation: Schema, schema: Schema) -> Iterator[str]:
    yield operation.get("description", "").strip() or operation["operationId"]
    if parameters := operation.get("parameters"):
        yield from ("", "| parameter | in | type | |", "|---|---|---|---|")
        for one in parameters:
            yield f"| `{one['name']}` | {one['in']} | {_type(one['schema'], schema)} | {_words(one)} |"
    if body := operation.get("requestBody"):
        named = _resolved(next(iter(body["content"].values()))["schema"], schema)
        for choice in named.get("anyOf", [named]):
            yield from _fields(_resolved(choice, schema), schema)
    answers = {code: _answer(answer) for code, answer in operation["responses"].items()}
    problems = ", ".join(code for code, shape in answers.items() if shape == "ProblemOut")
    good = ", ".join(f"{code} {shape}".strip() for code, shape in answers.items() if shape != "ProblemOut")
    yield from ("", f"Answers: {good}{f'; problems: {problems}' if problems else ''}.")


def _fields(named: Schema, schema: Schema) -> Iterator[str]:
    """A body, or one of those that it may be."""
    yield from ("", "| field of the body | type | |", "|---|---|---|")
    for name, field in named.get("properties", {}).items():
        required = "required" if name in named.get("required", ()) else _default(field)
        yield f"| `{name}` | {_type(field, schema)} | {' '.join(filter(None, (required, _words(field))))} |"


def _resolved(shape: Schema, schema: Schema) -> Schema:
    if "$ref" in shape and schema:
        found: Schema = schema["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
        return found
    return shape


def _type(shape: Schema, schema: Schema) -> str:
    if "$ref" in shape:
        named = _resolved(shape, schema)
        return _type(named, schema) if "enum" in named else str(shape["$ref"]).rpartition("/")[2]
    choices = shape.get("anyOf") or shape.get("oneOf") or shape.get("allOf")
    if choices:
        return " or ".join(dict.fromkeys(_type(choice, schema) for choice in choices))
    if "enum" in shape:
        return ", ".join(f"`{value}`" for value in shape["enum"])
    kind = shape.get("type", "any")
    if kind == "array":
        return f"list of {_type(shape.get('items', {}), schema)}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _default(shape: Schema) -> str:
    default = shape.get("default")
    return "" if default in (None, "", {}, []) else f"default `{default}`"


def _words(shape: Schema) -> str:
    return " ".join(str(shape.get("description", "")).split()).replace("|", "\\|")


def _answer(answer: Schema) -> str:
    content = answer.get("content", {})
    return _type(next(iter(content.values()))["schema"], {}) if content else ""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scale.settings")
    import django

    django.setup()
    from drf_spectacular.generators import SchemaGenerator

    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    docs = Path(sys.argv[1])
    (docs / "reference" / "api.md").write_text(page(schema, examples(docs)))


if __name__ == "__main__":
    main()

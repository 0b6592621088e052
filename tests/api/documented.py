"""A test client that holds every answer against the OpenAPI document: what is not stated there fails the test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from django.test import Client
from django.urls import Resolver404
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator, FormatChecker

from scale.kernel.moments import parse_moment

Json = dict[str, Any]

_ENOUGH = 20  #: items of a long list that are looked at
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
#: what servers, caches and browsers say to each other, whatever the operation
_PLAIN_HEADERS = {
    "Allow",
    "Cache-Control",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Cross-Origin-Opener-Policy",
    "Referrer-Policy",
    "Set-Cookie",
    "Vary",
    "X-Content-Type-Options",
    "X-Frame-Options",
}
formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or parse_moment(value) is not None


@cache
def document() -> Json:
    """The document as clients get it."""
    found: Json = SchemaGenerator().get_schema(request=None, public=True)
    return found


@cache
def _strict() -> Json:
    """The same, but no object has members that are not stated."""
    closed = deepcopy(document())
    for schema in _objects(closed["components"]["schemas"]):
        schema.setdefault("additionalProperties", False)
    return closed


def _objects(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            yield node
        for value in node.values():
            yield from _objects(value)
    elif isinstance(node, list):
        for item in node:
            yield from _objects(item)


@cache
def operation_of(path: str, method: str) -> Json | None:
    found: Json | None = _strict()["paths"].get(path, {}).get(method)
    return found


@cache
def _answer_check(path: str, method: str, status: str, content_type: str) -> Draft202012Validator:
    schema = _strict()["paths"][path][method]["responses"][status]["content"][content_type]["schema"]
    return validator(schema, _strict())


@cache
def _body_check(path: str, method: str) -> Draft202012Validator:
    return validator(_strict()["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"], _strict())


def validator(schema: Json, of: Json) -> Draft202012Validator:
    """Of a schema that stands in this document."""
    return Draft202012Validator({**schema, "components": of["components"]}, format_checker=formats)


class DocumentedClient(Client):
    """Asks as Django's test client does."""

    #: operations whose tests put something else in the place of their answer
    unchecked: frozenset[str] = frozenset({"status"})

    def generic(self, method: str, path: str, data: Any = "", content_type: str = "", **rest: Any) -> Any:
        answer = super().generic(method, path, data, content_type or "application/octet-stream", **rest)
        self._check(method.lower(), answer, data, content_type)
        return answer

    def _check(self, method: str, answer: Any, data: Any, content_type: str) -> None:
        template = _template(answer)
        if template is None or method in ("head", "options"):
            return
        operation = operation_of(template, method)
        if operation is None:
            assert answer.status_code == 405, f"the document does not have {method.upper()} {template}"
            return
        where = f"{method.upper()} {template}: {answer.status_code}"
        check_answer(where, template, method, answer, is_free=operation["operationId"] in self.unchecked)
        if answer.status_code < 300 and not template.endswith("/validation/"):  # there, whatever comes is judged
            _check_request(where, template, method, answer, data, content_type)


def check_answer(where: str, template: str, method: str, answer: Any, *, is_free: bool = False) -> None:
    """Status, headers and body are as they are stated."""
    operation = operation_of(template, method)
    assert operation is not None
    status = str(answer.status_code)
    if status == "500":  # of no operation, and a problem all the same
        assert answer["Content-Type"] == "application/problem+json", where
        return
    assert status in operation["responses"], f"{where} is not documented"
    stated = operation["responses"][status]
    strangers = {*answer.headers} - _PLAIN_HEADERS - {*stated.get("headers", {})}
    assert not strangers, f"{where}: headers that are not documented: {strangers}"
    if "content" not in stated:
        assert answer.streaming or not answer.content, f"{where} has a body, and none is documented"
        return
    kind = answer["Content-Type"].partition(";")[0]
    assert kind in stated["content"], f"{where} is of an undocumented type: {kind}"
    if kind.endswith("json") and not is_free:
        _assert_valid(where, _answer_check(template, method, status, kind), _shortened(answer.json()))


def _check_request(where: str, template: str, method: str, answer: Any, data: Any, content_type: str) -> None:
    """What was taken is what may be asked."""
    operation = operation_of(template, method)
    assert operation is not None
    known = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
    asked = set(parse_qs(answer.wsgi_request.META.get("QUERY_STRING", ""), keep_blank_values=True))
    assert asked <= known or not known, f"{where}: parameters that are taken and not documented: {asked - known}"
    if data and content_type.startswith("application/json"):
        _assert_valid(f"{where}, the body that was taken", _body_check(template, method), _shortened(json.loads(data)))


def _assert_valid(where: str, check: Draft202012Validator, value: object) -> None:
    error = next(check.iter_errors(value), None)
    if error is not None:
        raise AssertionError(f"{where}: at {error.json_path}: {error.message[:500]}")


def _shortened(value: Any) -> Any:
    """A long list is judged by its first items."""
    if not isinstance(value, dict):
        return value
    return {key: item[:_ENOUGH] if isinstance(item, list) else item for key, item in value.items()}


def _template(answer: Any) -> str | None:
    """The address as the document writes it; None where the API has none."""
    try:
        route: str = answer.resolver_match.route
    except Resolver404:
        return None
    if not route.startswith(("api/v", "api-token-auth")):
        return None
    return "/" + _PARAMETER.sub(r"{\1}", route).replace("api/v6/", "api/v7/", 1)

"""The OpenAPI document is mended for programs that write clients from it."""

from __future__ import annotations

from typing import Any

import pytest

from scale.openapi import mended

NULL = {"type": "null"}
CHEESE = {"$ref": "#/components/schemas/Cheese"}
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}


def a_document(operation: dict[str, Any] | None = None, method: str = "get", **schemas: Any) -> dict[str, Any]:
    paths = {"/api/v7/cheese/{name}/": {method: {"responses": {}, **operation}}} if operation is not None else {}
    return {"paths": paths, "components": {"schemas": schemas}}


def the_operation(document: dict[str, Any]) -> dict[str, Any]:
    (methods,) = document["paths"].values()
    (operation,) = methods.values()
    return operation


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"oneOf": [CHEESE, NULL], "readOnly": True}, {"anyOf": [CHEESE, NULL], "readOnly": True}),
        ({"oneOf": [{"type": "string"}, NULL, NULL]}, {"anyOf": [{"type": "string"}, NULL]}),
        ({"oneOf": [{}, NULL], "description": "Whatever."}, {"description": "Whatever."}),
        ({"oneOf": [{"type": "string"}, {"$ref": "#/components/schemas/NullEnum"}]}, {"anyOf": [{"type": "string"}, NULL]}),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"oneOf": [{"type": "string"}, {"type": "integer"}]}),
        ({"type": "string", "title": "Name"}, {"type": "string"}),
        ({"type": "object", "properties": {"title": NULL}}, {"type": "object", "properties": {"title": NULL}}),
    ],
)
def test_null_is_said_in_one_way_and_titles_that_nobody_wrote_are_left_out(before, after):
    document = mended(a_document(Cheese=before, NullEnum=NULL))
    assert document["components"]["schemas"] == {"Cheese": after}


def test_an_enum_has_one_name_and_is_called_by_it_everywhere():
    ripe = {"type": "string", "enum": ["young", "old"]}
    named = {"$ref": "#/components/schemas/Age"}
    operation = {"parameters": [{"in": "query", "name": "age", "schema": {"type": "array", "items": ripe}}]}
    cheese = {
        "type": "object",
        "properties": {"age": {"$ref": "#/components/schemas/AgeEnum"}, "other": {**ripe, "default": "old"}},
    }
    document = mended(a_document(operation, Age={**ripe, "enum": ["old", "young"]}, AgeEnum=ripe, Cheese=cheese))
    assert set(document["components"]["schemas"]) == {"Age", "Cheese"}
    assert document["components"]["schemas"]["Cheese"]["properties"] == {"age": named, "other": {**named, "default": "old"}}
    assert the_operation(document)["parameters"][0]["schema"]["items"] == named


def test_an_enum_is_not_called_enum():
    young = {"type": "string", "enum": ["young"]}
    document = mended(a_document(AgeEnum=young, Cheese={"$ref": "#/components/schemas/AgeEnum"}))
    assert document["components"]["schemas"] == {"Age": young, "Cheese": {"$ref": "#/components/schemas/Age"}}


def test_an_order_has_names_that_a_program_can_use():
    order = {"type": "string", "enum": ["age", "-age"]}
    document = mended(a_document({"parameters": [{"in": "query", "name": "order", "schema": order}]}))
    names = the_operation(document)["parameters"][0]["schema"]["x-enum-varnames"]
    assert names == ["age", "age_descending"]


@pytest.mark.parametrize(
    ("method", "operation", "statuses"),
    [
        ("get", {}, ["401", "406", "503"]),
        ("get", {"responses": {"200": {"content": {"text/plain": {}}}}}, ["200", "401", "503"]),
        ("get", {"parameters": [{"in": "query"}]}, ["400", "401", "406", "503"]),
        ("get", {"parameters": [{"in": "path"}, {"in": "header"}]}, ["401", "404", "406", "503"]),
        ("post", {"requestBody": {}}, ["400", "401", "403", "406", "413", "415", "503"]),
        ("post", {"requestBody": {}, "security": [{}], "responses": {"401": {}}}, ["400", "406", "413", "415"]),
    ],
)
def test_every_trouble_that_an_operation_may_have_is_told(method, operation, statuses):
    told = the_operation(mended(a_document(operation, method)))
    assert list(told["responses"]) == statuses
    assert told["tags"] == ["cheese"]
    assert all(answer["description"] for answer in told["responses"].values())
    assert told.get("requestBody") == ({"required": True} if "requestBody" in operation else None)
    assert told.get("security") == ([] if "security" in operation else None)


def test_headers_that_come_with_a_status_are_told():
    answers = the_operation(mended(a_document({"responses": {"201": {"description": "Made."}}}, "post")))["responses"]
    assert answers["201"]["description"] == "Made."
    assert [[*answers[status]["headers"]] for status in ("201", "401", "503")] == [
        ["Location"],
        ["WWW-Authenticate"],
        ["Retry-After"],
    ]
    assert answers["403"] == {"content": PROBLEM, "description": "Forbidden"}


def test_what_is_no_part_of_the_api_is_about_the_login():
    document = {"paths": {"/token/": {"post": {"responses": {}, "security": [{}]}}}, "components": {"schemas": {}}}
    assert the_operation(mended(document))["tags"] == ["login"]

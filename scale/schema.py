"""How the API describes itself: query parameters, pages and problems, in the words of OpenAPI."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from scale.parameters import Parameters
from scale.problem import MEDIA_TYPE


class FaultOut(serializers.Serializer[Any]):
    """One field of the request that must change."""

    field = serializers.CharField(help_text="A dotted path, such as `resources.cpus`; empty for the whole.")
    message = serializers.CharField()
    code = serializers.CharField(required=False, help_text="Of a fault in a manifest or a configuration: which rule it breaks.")
    pointer = serializers.CharField(required=False, help_text="Of the same: its place, as a JSON pointer (RFC 6901).")


class ProblemOut(serializers.Serializer[Any]):
    """A problem document (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for a person.")
    instance = serializers.CharField()
    errors = FaultOut(many=True, required=False)  # type: ignore[assignment]  # no attribute: DRF takes it out


def problems(*statuses: int) -> dict[Any, Any]:
    """What an endpoint answers when it cannot; 401 and 503 may come from any."""
    return {(status, MEDIA_TYPE): ProblemOut for status in sorted({*statuses, 401, 503})}


def answer_headers(*statuses: int, **words: str) -> list[OpenApiParameter]:
    """The headers that come with answers of these statuses, and what they say."""
    return [
        OpenApiParameter(name, location=OpenApiParameter.HEADER, response=list(statuses), description=said)
        for name, said in words.items()
    ]


@cache
def page_of(shape: type[serializers.BaseSerializer[Any]]) -> serializers.Serializer[Any]:
    return inline_serializer(
        f"{shape.__name__.removesuffix('Out')}Page",
        {
            "count": serializers.IntegerField(),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": shape(many=True),
        },
    )


def long_page_of(shape: type[serializers.BaseSerializer[Any]]) -> serializers.Serializer[Any]:
    return inline_serializer(
        f"{shape.__name__.removesuffix('Out')}LongPage",
        {
            "count": serializers.IntegerField(allow_null=True, help_text="Null where a cursor is used."),
            "count_is_estimate": serializers.BooleanField(
                help_text="Whether the count is: of very many rows, not all are counted."
            ),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True, help_text="Null where a cursor is used."),
            "results": shape(many=True),
        },
    )


def newest_version(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Of the addresses that several versions have alike, those of the newest one; the document is about them."""
    return [one for one in endpoints if not one[0].startswith("/api/v6/")]


def parameters_of(model: type[Parameters]) -> list[OpenApiParameter]:
    document = model.model_json_schema()
    return [_parameter(name, schema, document.get("$defs", {})) for name, schema in document["properties"].items()]


def _parameter(name: str, schema: dict[str, Any], definitions: dict[str, Any]) -> OpenApiParameter:
    plain = _plain(schema, definitions)
    return OpenApiParameter(
        name, type=plain, description=plain.pop("description", ""), explode=True if "items" in plain else None
    )


def _plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema without references, and without null, which a URL cannot say."""
    if "$ref" in schema:
        return {"type": "string", "enum": definitions[schema["$ref"].rpartition("/")[2]]["enum"]}
    if "anyOf" in schema:
        return _plain(next(choice for choice in schema["anyOf"] if choice.get("type") != "null"), definitions)
    kept = {key: value for key, value in schema.items() if key != "title" and value is not None}
    return {**kept, "items": _plain(kept["items"], definitions)} if "items" in kept else kept

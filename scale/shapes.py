"""Turns rows into the shapes of the API. Each shape is built once: to build one costs more than to use it."""

from __future__ import annotations

from functools import cache
from typing import Any

from rest_framework.serializers import BaseSerializer


def shaped(shape: type[BaseSerializer[Any]], row: Any) -> dict[str, Any]:
    """A row in this shape, ready to be sent."""
    sent: dict[str, Any] = _built(shape).to_representation(row)  # type: ignore[arg-type]  # mypy hashes its instances, not the class
    return sent


@cache
def _built(shape: type[BaseSerializer[Any]]) -> BaseSerializer[Any]:
    return shape()

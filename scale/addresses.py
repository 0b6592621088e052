"""Addresses: what may stand in one, and how one is told to who asks.

Ids and names are those that a database can hold; anything else is nothing that could be found.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import register_converter, reverse
from django.urls.converters import IntConverter, StringConverter


class IdConverter(IntConverter):
    regex = "[0-9]{1,18}"


class TextConverter(StringConverter):
    regex = r"[^/\0]+"


register_converter(IdConverter, "id")
register_converter(TextConverter, "text")


def address_for(request: HttpRequest, name: str, *args: object) -> str:
    """The address of this name, in the version of the API that the request came by."""
    version = request.resolver_match.namespace if request.resolver_match else ""
    return reverse(f"{version}:{name}" if version else name, args=args)

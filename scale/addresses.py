"""What may stand in an address: ids and names that a database can hold. Anything else is nothing that could be found."""

from __future__ import annotations

from django.urls import register_converter
from django.urls.converters import IntConverter, StringConverter


class IdConverter(IntConverter):
    regex = "[0-9]{1,18}"


class TextConverter(StringConverter):
    regex = r"[^/\0]+"


register_converter(IdConverter, "id")
register_converter(TextConverter, "text")

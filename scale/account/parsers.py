"""Reads request bodies: JSON, and for the login also forms; what cannot be read is told as the caller's mistake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.http import QueryDict
from rest_framework import parsers
from rest_framework.exceptions import ParseError

MAX_BODY = 32 * 1024 * 1024


class JsonParser(parsers.BaseParser):
    """JSON as Python reads it: NaN and Infinity pass, so that the field that holds one can be named."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        try:
            return json.loads(_body(stream, parser_context).decode())
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        except RecursionError:
            raise ParseError("The body is nested too deep.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}.") from None


class FormParser(parsers.BaseParser):
    """A form, as a browser or `curl -d` sends it."""

    media_type = "application/x-www-form-urlencoded"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return QueryDict(_body(stream, parser_context), encoding="utf-8").dict()


def _body(stream: IO[Any], context: Mapping[str, Any] | None) -> bytes:
    """The whole body, unless it is larger than any request has reason to be."""
    stated = context["request"].META.get("CONTENT_LENGTH") if context else None
    if stated and int(stated) > MAX_BODY:
        raise RequestDataTooBig(f"The body is larger than {MAX_BODY} bytes.")
    body: bytes = stream.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise RequestDataTooBig(f"The body is larger than {MAX_BODY} bytes.")
    return body

"""Reads request bodies: JSON, and for the login also forms; what cannot be read is told as the caller's mistake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.message import Message
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.http import QueryDict
from rest_framework import parsers
from rest_framework.exceptions import ParseError, UnsupportedMediaType

MAX_BODY = 32 * 1024 * 1024
_MOST_DIGITS = 400  #: longer numbers are beyond what any float holds


class JsonParser(parsers.BaseParser):
    """JSON as Python reads it: NaN and Infinity pass, so that the field that holds one can be named."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        try:
            body = _body(stream, parser_context)
            _refuse_other_encodings(media_type, parser_context)
            return json.loads(body.decode(), object_pairs_hook=_object, parse_int=_whole_number)
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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose every name stands once: of two values nobody could say which was meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"{twice!r} stands twice in one object.")
    return found


def _whole_number(digits: str) -> int | float:
    """One of absurd length is infinite, and so is refused with its field named."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _refuse_other_encodings(media_type: str | None, context: Mapping[str, Any] | None) -> None:
    charset = Message()
    charset["content-type"] = media_type or "application/json"
    named = charset.get_param("charset", "utf-8")
    packed = context["request"].META.get("HTTP_CONTENT_ENCODING", "identity") if context else "identity"
    if str(named).lower() not in ("utf-8", "utf8", "us-ascii") or packed.lower() != "identity":
        raise UnsupportedMediaType(f"{media_type}, encoded as {packed}", "Send JSON as plain UTF-8.")


def _body(stream: IO[Any], context: Mapping[str, Any] | None) -> bytes:
    """The whole body, unless it is larger than any request has reason to be."""
    stated = context["request"].META.get("CONTENT_LENGTH") if context else None
    if stated and int(stated) > MAX_BODY:
        raise RequestDataTooBig(f"The body is larger than {MAX_BODY} bytes.")
    body: bytes = stream.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise RequestDataTooBig(f"The body is larger than {MAX_BODY} bytes.")
    return body

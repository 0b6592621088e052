"""Serves the status document from a web process, which reads each version once and holds the newest."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from django.utils.http import parse_etags

from scale.scheduler.selectors import status_document
from scale.scheduler.status import Packed

_TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")


class Newest:
    """Thread-safe: of many who ask for a new version, one reads it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._packed = Packed(b"", "")
        self._plain: tuple[str, bytes] = ("", b"")

    def get(self, etag: str, *, is_packed: bool) -> tuple[str, bytes]:
        """This version, or one that is newer still, and its name; packed or as JSON."""
        with self._lock:
            if self._packed.etag != etag:
                self._packed = status_document()
            name = self._packed.etag
            if is_packed:
                return name, self._packed.content
            if self._plain[0] != name:
                self._plain = name, self._packed.unpacked()
            return self._plain


_newest = Newest()


class Answer(NamedTuple):
    """What is sent, by whatever server."""

    status: HTTPStatus
    headers: Mapping[str, str]
    content: bytes


def status_answer(etag: str, *, encodings: str, known: str) -> Answer:
    """The document, or that the caller has it already; compressed for those who take that.

    :param encodings: the header Accept-Encoding
    :param known: the header If-None-Match
    """
    is_packed = _TAKES_GZIP.search(encodings) is not None
    if known and _names(known, etag):
        return Answer(HTTPStatus.NOT_MODIFIED, _headers(etag, is_packed=is_packed), b"")
    etag, content = _newest.get(etag, is_packed=is_packed)
    return Answer(HTTPStatus.OK, {"Content-Type": "application/json", **_headers(etag, is_packed=is_packed)}, content)


def _names(known: str, etag: str) -> bool:
    """Whether the version is among the known ones, be they weak or strong (RFC 9110, 13.1.2)."""
    return any(one == "*" or one.removeprefix("W/") == f'"{etag}"' for one in parse_etags(known))


def _headers(etag: str, *, is_packed: bool) -> dict[str, str]:
    """The same bytes have the same strong name; what is merely the same when unpacked has a weak one."""
    headers = {"ETag": f'"{etag}"', "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    return {**headers, "ETag": f'W/"{etag}"', "Content-Encoding": "gzip"} if is_packed else headers

"""Serves the status document from a web process, which reads each version once and holds the newest."""

from __future__ import annotations

import re
import threading

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response

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


def status_answer(request: HttpRequest, etag: str) -> HttpResponseBase:
    """The document, or that the caller has it already; compressed for those who take that."""
    is_packed = _TAKES_GZIP.search(request.headers.get("Accept-Encoding", "")) is not None
    answer = HttpResponse(content_type="application/json", headers=_headers(etag, is_packed=is_packed))
    conditional = get_conditional_response(request, etag=answer["ETag"], response=answer)
    if conditional is not None and conditional is not answer:
        return conditional
    etag, content = _newest.get(etag, is_packed=is_packed)
    return HttpResponse(content, content_type="application/json", headers=_headers(etag, is_packed=is_packed))


def _headers(etag: str, *, is_packed: bool) -> dict[str, str]:
    """The same bytes have the same strong name; what is merely the same when unpacked has a weak one."""
    headers = {"ETag": f'"{etag}"', "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    return {**headers, "ETag": f'W/"{etag}"', "Content-Encoding": "gzip"} if is_packed else headers

"""How an error is told over HTTP: a problem document (RFC 9457). Knows no framework, for the server itself has errors to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"
MISTAKE = "Scale made a mistake; its log tells more."


def problem_document(path: str, status: int, detail: str, faults: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """`detail` is a sentence for a person, `errors` names each field."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "instance": path,
    }
    return {**document, "errors": list(faults)} if faults else document

"""The name that a client gives a submission, so that it may send it again. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from scale.kernel.errors import Fault, Invalid

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST = 255
KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Key:
    """A name, and what it was given to."""

    name: str
    digest: str


def key_of(header: str | None, what: str, body: object, secret: str) -> Key | None:
    """Read the header; None if there is none.

    :param secret: without it nobody finds out by trying what was in the body
    :raises Invalid: it is no name
    """
    if header is None:
        return None
    if not 1 <= len(header) <= LONGEST:
        raise Invalid([Fault(HEADER, f"must have 1 to {LONGEST} characters, not {len(header)}")])
    if any(unicodedata.category(character) == "Cc" for character in header):
        raise Invalid([Fault(HEADER, "holds a control character")])
    told = f"{what} {json.dumps(body, sort_keys=True)}"
    return Key(header, hmac.new(secret.encode(), told.encode(), hashlib.sha256).hexdigest())

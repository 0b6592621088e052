"""What a door does with an Idempotency-Key: the first answer again to whoever sends the same again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from scale.account.permissions import user_of
from scale.job.once.key import HEADER, LONGEST, REPLAYED, key_of
from scale.job.once.services import submit_once
from scale.present import clock
from scale.schema import answer_headers

T = TypeVar("T")

_TOLD = "`true` if it was sent before: these are the jobs that were made then."
_KEY = f"A name of yours, 1 to {LONGEST} characters. Sent again within a day, the same body makes nothing new."
#: the parameters of an operation that does this
ONCE = [
    OpenApiParameter(HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, description=_KEY),
    *answer_headers(201, **{REPLAYED: _TOLD}),
]


def once(
    request: Request, make: Callable[[], T], *, ids_of: Callable[[T], list[int]], found: Callable[[list[int]], T]
) -> tuple[T, dict[str, str]]:
    """Make it, or find what was made under the same key before; with the headers that tell so."""
    address = str(request.resolver_match and request.resolver_match.url_name)
    key = key_of(request.headers.get(HEADER), address, request.data, settings.SECRET_KEY)
    if key is None:
        return make(), {}
    made: list[T] = []

    def submit() -> list[int]:
        made[:] = [make()]
        return ids_of(made[0])

    ids, is_replayed = submit_once(key=key, by=user_of(request), when=clock().now(), submit=submit)
    return (found(ids), {REPLAYED: "true"}) if is_replayed else (made[0], {})

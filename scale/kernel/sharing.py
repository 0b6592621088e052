"""Equal values that many hold are kept once: a hundred thousand executions have few commands, names and times between them."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import TypeVar, cast

V = TypeVar("V", bound=Hashable)


def shared(value: V) -> V:
    """This value, or one that is equal and was here not long ago."""
    return cast(V, _kept(value))


@lru_cache(maxsize=10_000, typed=True)
def _kept(value: Hashable) -> Hashable:
    return value

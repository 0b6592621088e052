"""Whose orders the keeper takes: those of the newest term that it has seen, which outlives it in a file."""

from __future__ import annotations

import json

from scale.engines.local import disk, places, processes, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NONE = ("", 0)


def is_older(term: tuple[str, int], other: tuple[str, int]) -> bool:
    """As `scale.engines.protocol.Term.is_older_than`, which is too heavy for the keeper; a test compares them. Pure."""
    return term[1] < other[1] if term[0] == other[0] else not term[0]


def parse(words: Any) -> tuple[str, int]:
    """What came as a term; an engine or a file of another version may have none. Pure."""
    match words:
        case [str(installation), int(number)]:
            return installation, number
        case _:
            return NONE


class Terms:
    """What a full disk does not take is kept here, and tried again."""

    def __init__(self) -> None:
        self.newest = _remembered()
        self.retry_at: float | None = None  #: when to try again to write it down

    def follow(self, term: tuple[str, int]) -> None:
        """From now on this is the newest."""
        if term != self.newest:
            self.newest = term
            self.save()

    def save(self) -> None:
        try:
            disk.replace(places.TERM, wire.line(self.newest))
            self.retry_at = None
        except OSError:
            self.retry_at = processes.now() + disk.AGAIN


def _remembered() -> tuple[str, int]:
    try:
        return parse(json.loads(processes.read(places.TERM)))
    except (OSError, ValueError):
        return NONE

"""Moments as text and back: ISO 8601, always with a zone, UTC written as Z."""

from __future__ import annotations

from datetime import datetime


def moment_text(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")


def parse_moment(text: str) -> datetime:
    """Read an aware moment.

    :raises ValueError: the text is no ISO 8601 moment, or has no zone
    """
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write it like 2026-01-31T12:00:00Z")
    return when

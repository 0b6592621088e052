"""Which part of something a client wants: the header `Range` of HTTP (RFC 9110), for one range of bytes. Pure."""

from __future__ import annotations

import re

from scale.kernel.errors import BadRequest

_ONE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII)


class NothingThere(BadRequest):
    """There are no such bytes (yet)."""


def part_wanted(header: str | None, size: int) -> tuple[int, int] | None:
    """Where the part begins and ends; None is the whole. As HTTP has it, what cannot be understood is not heard.

    :raises NothingThere: it begins behind the end
    """
    found = _ONE.fullmatch(header.strip()) if header else None
    if found is None:
        return None
    first, last, tail = found.groups()
    if tail is not None:
        start, stop = max(size - int(tail), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= stop:
        raise NothingThere(f"There are {size} bytes until now, and none of those that were asked for.")
    return start, stop

"""A way through a raw document that is never surprised: what is not as it should be is passed by, for the schema tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from scale.seed.findings import Place

MOST_VALUES = 10_000  #: of one document; a member of an object is one
MOST_CHARACTERS = 1_000_000


def is_too_large(raw: object) -> bool:
    """Whether this is far more than anybody has to say, and not worth to be looked at."""
    left, values, characters = [raw], 1, 0
    while left:
        one = left.pop()
        if isinstance(one, str):
            characters += len(one)
        inside = one if isinstance(one, list | dict) else ()
        values += len(inside)
        if values > MOST_VALUES or characters > MOST_CHARACTERS:
            return True
        left += inside if not isinstance(inside, dict) else chain.from_iterable(inside.items())
    return False


def at(raw: object, *place: str) -> object:
    """What stands there, or None."""
    for name in place:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw


def objects(raw: object, *place: str) -> Iterator[tuple[Place, dict[str, object]]]:
    """The objects of a list, each with its place."""
    found = at(raw, *place)
    for number, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, dict):
            yield (*place, number), item


def texts(raw: object, *place: str, member: str) -> Iterator[tuple[Place, str]]:
    """That member of the objects of a list, where it is text and not empty."""
    for where, item in objects(raw, *place):
        text = item.get(member)
        if isinstance(text, str) and text:
            yield (*where, member), text


def members(raw: object, *place: str) -> Iterator[tuple[Place, object]]:
    """What is in an object, each with its place."""
    found = at(raw, *place)
    for name, inner in found.items() if isinstance(found, dict) else ():
        yield (*place, name), inner


def could_stand(raw: object, *place: str) -> bool:
    """Whether something may be there: whatever is above it, and is stated, is an object."""
    for name in place:
        if not isinstance(raw, dict):
            return False
        if name not in raw:
            return True
        raw = raw[name]
    return True

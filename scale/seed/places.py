"""Where things stand in a raw manifest, and what of them a program would find in its environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scale.kernel.reading import shown
from scale.seed.document import objects, texts
from scale.seed.findings import Place
from scale.seed.names import allocated, variable

INTERFACE = ("job", "interface")
INPUTS = ((*INTERFACE, "inputs", "files"), (*INTERFACE, "inputs", "json"))
OUTPUTS = ((*INTERFACE, "outputs", "files"), (*INTERFACE, "outputs", "json"))
MOUNTS = (*INTERFACE, "mounts")
SETTINGS = (*INTERFACE, "settings")
SCALARS = ("job", "resources", "scalar")
ERRORS = ("job", "errors")


class Variable(NamedTuple):
    place: Place
    name: str
    what: str


def variables(raw: object) -> Iterator[Variable]:
    """What would be set for the program, in the order in which a name is taken."""
    for place, name in texts(raw, *SCALARS, member="name"):
        yield Variable(place, allocated(name), f"the resource {shown(name)!r}")
    for where in INPUTS:
        for place, name in texts(raw, *where, member="name"):
            yield Variable(place, variable(name), f"the input {shown(name)!r}")
    for place, name in texts(raw, *SETTINGS, member="name"):
        yield Variable(place, variable(name), f"the setting {shown(name)!r}")


def exit_codes(raw: object) -> Iterator[tuple[Place, int]]:
    for where, entry in objects(raw, *ERRORS):
        code = entry.get("code")
        if isinstance(code, int | float) and not isinstance(code, bool) and -(2**31) < code < 2**31 and code == int(code):
            yield (*where, "code"), int(code)

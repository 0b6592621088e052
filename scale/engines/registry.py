"""Finds an engine by the name of its entry point; says what is installed when it is not there."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Protocol

from scale.engines.protocol import Engine
from scale.environment import Environment
from scale.kernel.clock import Clock
from scale.kernel.errors import Fault, Invalid

GROUP = "scale.engines"


class EngineFactory(Protocol):
    """What an entry point names: usually the engine's class itself."""

    @classmethod
    def from_environment(cls, environment: Environment, clock: Clock) -> Engine: ...


class UnknownEngine(Invalid):
    """There is no engine of that name."""


def find_engine(name: str) -> type[EngineFactory]:
    """Load the engine's class.

    :raises UnknownEngine: with the names that are installed
    """
    found = entry_points(group=GROUP)
    if name not in found.names:
        installed = ", ".join(sorted(found.names))
        raise UnknownEngine([Fault("SCALE_ENGINES", f"there is no engine {name!r}; installed are: {installed}")])
    factory: type[EngineFactory] = found[name].load()
    return factory

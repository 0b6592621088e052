"""Finds an engine by the name of its entry point."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Protocol

from scale.engines.protocol import Engine
from scale.environment import ENGINES, Environment
from scale.kernel.clock import Clock


class EngineFactory(Protocol):
    """What an entry point names: usually the engine's class itself."""

    @classmethod
    def from_environment(cls, environment: Environment, clock: Clock) -> Engine: ...


def find_engine(name: str) -> type[EngineFactory]:
    """Load the engine's class; `Environment` has seen to it that there is one of this name."""
    factory: type[EngineFactory] = entry_points(group=ENGINES)[name].load()
    return factory

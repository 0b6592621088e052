"""A node as an engine reported it last. Pure."""

from __future__ import annotations

from typing import NamedTuple

from scale.engines.protocol import NodeReport


class SeenNode(NamedTuple):
    engine: str
    report: NodeReport

"""Keeps the columns of placement equal to what the managers say of nodes; what did not change is not touched."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from scale.kernel.attributes import given
from scale.kernel.resources import IMAGES
from scale.node.conditions import KnownNode
from scale.node.manager import NodeManager
from scale.scheduler.allocations import Allocations
from scale.scheduler.placement.columns import NodeColumns, Slot

_ANY_IMAGES = {IMAGES: 1e9}  # there is no limit


class NodeTracker:
    """The schedule loop's own."""

    def __init__(
        self, nodes: NodeManager, allocations: Allocations, holding: Collection[str], containing: Collection[str] = ()
    ) -> None:
        """
        :param holding: the engines that hold tasks back until there is room for them
        :param containing: the engines that start tasks from images
        """
        self._nodes = nodes
        self._holding = holding
        self._containing = containing
        self._allocations = allocations
        self.columns = NodeColumns()
        self._known: Sequence[KnownNode] = ()  # as they stand in the columns
        self._version: int | None = None
        self._was_paused = False

    def update(self, *, is_paused: bool) -> bool:
        """Bring the columns up to date; whether anything had changed."""
        changed = self._allocations.nodes_changed("placement")
        has_news = self._update_nodes(is_paused=is_paused)
        for node_id in changed:
            self.columns.hold(node_id, self._allocations.held(node_id))
        return has_news or bool(changed)

    def _update_nodes(self, *, is_paused: bool) -> bool:
        version = self._nodes.version  # first: what changes from now on has another one
        if version == self._version and is_paused == self._was_paused:
            return False
        known = self._nodes.get_nodes()
        if [node.id for node in known] != [node.id for node in self._known]:
            self._replace(known, is_paused=is_paused)
        else:
            for place, (before, node) in enumerate(zip(self._known, known, strict=True)):
                if node is not before or is_paused != self._was_paused:
                    self.columns.change(place, self._slot(node, is_paused=is_paused))
        self._known, self._version, self._was_paused = known, version, is_paused
        return True

    def _replace(self, known: Sequence[KnownNode], *, is_paused: bool) -> None:
        self.columns.replace(self._slot(node, is_paused=is_paused) for node in known)
        for node in known:
            self.columns.hold(node.id, self._allocations.held(node.id))

    def _slot(self, node: KnownNode, *, is_paused: bool) -> Slot:
        state = node.state(scheduler_is_paused=is_paused)
        holds_back = node.engine in self._holding
        offered = node.offered + _ANY_IMAGES if node.engine in self._containing else node.offered
        attributes = {**node.attributes, **given(node.hostname, node.engine)}
        return Slot(node.id, node.hostname, offered, state.takes_new_jobs, state.description, holds_back, attributes)

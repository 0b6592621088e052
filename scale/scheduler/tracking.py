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

    def update(self) -> bool:
        """Bring the columns up to date; whether anything had changed."""
        changed = self._allocations.nodes_changed("placement")
        has_news = self._update_nodes()
        for node_id in changed:
            self.columns.hold(node_id, self._allocations.held(node_id))
        return has_news or bool(changed)

    def _update_nodes(self) -> bool:
        version = self._nodes.version  # first: what changes from now on has another one
        if version == self._version:
            return False
        before, known = self._known, self._nodes.get_nodes()
        if [node.id for node in known[: len(before)]] == [node.id for node in before]:
            for place, (one, node) in enumerate(zip(before, known, strict=False)):
                if node is not one:
                    self.columns.change(place, self._slot(node))
            if new := known[len(before) :]:
                self._append(new)
        else:
            self.columns.replace(())
            self._append(known)
        self._known, self._version = known, version
        return True

    def _append(self, new: Sequence[KnownNode]) -> None:
        self.columns.append(map(self._slot, new))
        for node in new:
            self.columns.hold(node.id, self._allocations.held(node.id))

    def _slot(self, node: KnownNode) -> Slot:
        state = node.state(scheduler_is_paused=False)  # a paused scheduler places nothing, whatever its nodes take
        holds_back = node.engine in self._holding
        offered = node.offered + _ANY_IMAGES if node.engine in self._containing else node.offered
        attributes = {**node.attributes, **given(node.hostname, node.engine)}
        return Slot(node.id, node.hostname, offered, state.takes_new_jobs, state.description, holds_back, attributes)

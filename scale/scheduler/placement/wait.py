"""Why an ask is not placed: a code for programs, a sentence for people, and how many nodes refuse it for what. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scale.scheduler.placement import filters
from scale.scheduler.placement.columns import Needs, NodeColumns
from scale.scheduler.placement.filters import Nodes, Passed
from scale.scheduler.placement.snapshot import Ask

NO_ROOM = "no-room"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why an ask is not placed, nor any of its shape that follows it."""

    ask: Ask
    code: str
    text: str
    nodes: Mapping[str, int] = field(default_factory=dict)


def wait_of(ask: Ask, needs: Needs, nodes: Nodes, passed: Passed, columns: NodeColumns) -> Wait:
    """Why the nodes that there are do not do, so many filters let each pass."""
    counts, count = filters.refusals(passed), len(passed)
    if not count:
        return Wait(ask, "no-nodes", "there are no nodes")
    if counts.get(filters.RUNS_IMAGES.code) == count:
        return Wait(ask, filters.RUNS_IMAGES.code, "needs a container engine for its image, and no node has one", counts)
    unmet = counts.get(filters.MEETING.code, 0)
    if nodes.asked and unmet == count:
        return Wait(ask, "no-such-node", columns.attributes.nobody_meets(nodes.asked), counts)
    of_these = f"needs {nodes.asked}, which {count - unmet} of {count} nodes have; " if unmet else ""
    if counts.get(filters.LARGE_ENOUGH.code, 0) + unmet == count:
        return Wait(ask, "too-large", of_these + _too_large(nodes, needs), counts)
    if filters.FREE.code not in counts and filters.UNRESERVED.code not in counts:
        return Wait(ask, "no-node-ready", of_these + "no node that is large enough takes new jobs", counts)
    return Wait(ask, NO_ROOM, of_these + _no_room(nodes, needs, passed, counts), counts)


#: why not of a node, and of several, in the order in which they are told
_REFUSALS = {
    filters.FREE.code: ("has {} free", "have {} free"),
    filters.UNRESERVED.code: ("keeps its room for a more urgent job", "keep their room for more urgent jobs"),
    filters.READY.code: ("takes no new jobs", "take no new jobs"),
    filters.LARGE_ENOUGH.code: ("is too small", "are too small"),
    filters.RUNS_IMAGES.code: ("runs no images", "run no images"),
}
_MEASURED = {"mem", "disk"}  # less of what is measured, fewer of what is counted


def _no_room(nodes: Nodes, needs: Needs, passed: Passed, counts: Mapping[str, int]) -> str:
    """Name what there is too little of, and how many nodes refuse for what."""
    names = filters.lacking(needs, nodes, filters.could_hold(passed))
    wanted = " and ".join(f"{amount:g} {nodes.names[row]}" for row, amount in needs if nodes.names[row] in names)
    free = "less" if names & _MEASURED else "fewer"
    told = [
        f"{counts[code]} {'node' if counts[code] == 1 else 'nodes'} {phrases[counts[code] > 1].format(free)}"
        for code, phrases in _REFUSALS.items()
        if code in counts
    ]
    return f"needs {wanted}; {', '.join(told)}"


def _too_large(nodes: Nodes, needs: Needs) -> str:
    """Name the resources of which no node has enough; if each is somewhere, but never together, say that."""
    largest = (nodes.offered if nodes.meeting is None else nodes.offered[:, nodes.meeting]).max(axis=1)
    lacking = [
        f"needs {amount:g} {nodes.names[row]}, the largest node has {largest[row]:g}"
        for row, amount in needs
        if amount > largest[row]
    ]
    return "; ".join(lacking) or "no single node has all that it needs"

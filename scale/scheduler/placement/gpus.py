"""Which GPUs of its node an execution gets: by index, the lowest free ones first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count, islice

from scale.scheduler.placement.plan import Placement
from scale.scheduler.placement.snapshot import Occupant


def hand_out(placements: Iterable[Placement], occupants: Callable[[int], Sequence[Occupant]]) -> dict[int, tuple[int, ...]]:
    """The indices of each queue entry that wants GPUs; none is held by an occupant of its node, none is given twice.

    A plan fits its nodes, so none is given that a node does not have.
    """
    taken: dict[int, set[int]] = {}
    given = {}
    for ask, node_id in placements:
        if wanted := round(ask.needs["gpus"]):
            if node_id not in taken:
                taken[node_id] = {index for occupant in occupants(node_id) for index in occupant.gpus}
            given[ask.entry_id] = _lowest(wanted, taken[node_id])
    return given


def _lowest(wanted: int, taken: set[int]) -> tuple[int, ...]:
    """Takes them, too."""
    indices = tuple(islice((index for index in count() if index not in taken), wanted))
    taken.update(indices)
    return indices

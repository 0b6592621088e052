"""Which GPUs of its node an execution gets: by index, the lowest free ones first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count, islice

from scale.scheduler.placement.plan import Placement
from scale.scheduler.placement.snapshot import Slot


def hand_out(placements: Iterable[Placement], slots: Iterable[Slot]) -> dict[int, tuple[int, ...]]:
    """The indices of each queue entry that wants GPUs; none is held by an occupant, none is given twice.

    A plan fits its nodes, so none is given that a node does not have.
    """
    taken = {slot.node_id: {index for occupant in slot.occupants for index in occupant.gpus} for slot in slots}
    given = {}
    for placement in placements:
        wanted = round(placement.ask.needs["gpus"])
        if wanted:
            given[placement.ask.entry_id] = _lowest(wanted, taken.setdefault(placement.node_id, set()))
    return given


def _lowest(wanted: int, taken: set[int]) -> tuple[int, ...]:
    """Takes them, too."""
    indices = tuple(islice((index for index in count() if index not in taken), wanted))
    taken.update(indices)
    return indices

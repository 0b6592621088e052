"""All that one decision looks at, as columns."""

from __future__ import annotations

from scale.scheduler.placement.snapshot import Snapshot
from tests.builders import a_slot, an_ask, an_occupant


def test_standard_resources_come_first_and_the_others_by_name():
    snapshot = Snapshot([an_ask(zebras=1)], [a_slot(fpgas=2)])
    assert snapshot.names == ("cpus", "mem", "disk", "gpus", "fpgas", "zebras")
    assert list(snapshot.column({"zebras": 3, "cpus": 1})) == [1, 0, 0, 0, 0, 3]


def test_what_occupants_hold_is_not_free():
    snapshot = Snapshot([], [a_slot(cpus=4, occupants=[an_occupant(cpus=1), an_occupant(cpus=2)]), a_slot(2, cpus=8)])
    assert list(snapshot.free[:, 0]) == [1, 8]
    assert list(snapshot.offered[:, 0]) == [4, 8]


def test_what_is_free_is_never_negative():
    assert Snapshot([], [a_slot(cpus=1, occupants=[an_occupant(cpus=9, gpus=1)])]).free.min() == 0


def test_without_nodes_there_are_columns_all_the_same():
    snapshot = Snapshot([an_ask()], [])
    assert (snapshot.free.shape, snapshot.is_ready.shape) == ((0, 4), (0,))

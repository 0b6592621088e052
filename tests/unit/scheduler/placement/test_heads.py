"""How much of the queue one pass looks at."""

from __future__ import annotations

import pytest

from scale.kernel.resources import Resources
from scale.queue.entry import shape_of
from scale.scheduler.placement.heads import Line, capacity, heads
from scale.scheduler.placement.snapshot import Snapshot
from tests.builders import a_slot, an_occupant


def a_line(size, cpus=1.0, priority=100, first_id=1, job_type_id=10):
    return Line(shape_of(job_type_id, priority, {"cpus": cpus}), size, first_id)


def nodes(*slots, **settings):
    return Snapshot((), slots, **settings)


def test_of_each_shape_as_many_as_fit_and_one_that_waits():
    line = a_line(100)
    assert heads([line], nodes(a_slot(), a_slot(2)), most=1000) == {line.shape: 9}


def test_no_more_than_there_are():
    line = a_line(3)
    assert heads([line], nodes(a_slot()), most=1000) == {line.shape: 3}


def test_shapes_that_cannot_be_placed_hide_nobody():
    hopeless = [a_line(50, cpus=100 + number, priority=1) for number in range(20)]
    line = a_line(10)
    wanted = heads([*hopeless, line], nodes(a_slot()), most=4)
    assert wanted[line.shape] == 5
    assert all(wanted[each.shape] == 1 for each in hopeless)


def test_the_most_urgent_shapes_come_first_and_use_up_what_a_pass_may_look_at():
    urgent, less, late = a_line(9, priority=1, first_id=9), a_line(9, first_id=1), a_line(9, cpus=0.5, first_id=2)
    wanted = heads([late, less, urgent], nodes(a_slot(cpus=9)), most=10)
    assert list(wanted.items()) == [(urgent.shape, 9), (less.shape, 2), (late.shape, 1)]


@pytest.mark.parametrize(
    ("slots", "needs", "count"),
    [
        ([], {"cpus": 1}, 0),
        ([a_slot(cpus=4), a_slot(2, cpus=3)], {"cpus": 2}, 3),
        ([a_slot(cpus=4, occupants=[an_occupant(cpus=1)])], {"cpus": 2}, 1),
        ([a_slot(cpus=4, is_ready=False)], {"cpus": 2}, 0),
        ([a_slot(cpus=4, mem=5)], {"cpus": 1, "mem": 5}, 1),
        ([a_slot(cpus=1)], {"cpus": 0.1}, 10),
        ([a_slot()], {"gpus": 1}, 0),
        ([a_slot()], {}, 99),
    ],
)
def test_how_many_fit_side_by_side(slots, needs, count):
    assert capacity(Resources(needs), nodes(*slots), 99) == count


def test_a_paused_scheduler_has_room_for_none():
    assert capacity(Resources(cpus=1), nodes(a_slot(), is_paused=True), 99) == 0

"""What goes ahead of its room, how much of it, and where."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from scale.kernel.resources import Resources
from scale.scheduler.placement.ahead import DEEPEST, HORIZON, MOST, Pace
from scale.scheduler.placement.columns import NodeColumns, Slot
from scale.scheduler.placement.plan import decide
from scale.scheduler.placement.snapshot import Snapshot
from tests.builders import an_ask
from tests.reference.placement import lines_of

NEEDS = Resources(cpus=1)


def pace_of(*seconds):
    pace = Pace()
    for each in seconds:
        pace.learn(1, NEEDS, timedelta(seconds=each))
    return pace


def columns(*cpus, holds_back=True, **more):
    return NodeColumns(
        Slot(number, f"node-{number}", Resources(cpus=amount), True, holds_back=holds_back, **more)
        for number, amount in enumerate(cpus, 1)
    )


def plan(asks, nodes, depth=2, **settings):
    return decide(Snapshot(lines_of(asks), nodes, lambda _: (), depth=lambda line: depth, **settings))


def load(decision):
    return Counter(placement.node_id for placement in decision.placements)


def some(number, first=1, **what):
    return [an_ask(entry, **what) for entry in range(first, first + number)]


def test_of_what_nothing_is_known_none_goes_ahead():
    assert Pace().depth(1, NEEDS) == 0
    assert pace_of(0.001).depth(2, NEEDS) == 0


@pytest.mark.parametrize(("seconds", "depth"), [(0.0, DEEPEST), (0.0001, DEEPEST), (HORIZON / 4, 4), (HORIZON * 1.01, 0)])
def test_as_many_go_ahead_as_are_over_within_the_horizon(seconds, depth):
    assert pace_of(seconds).depth(1, NEEDS) == depth


def test_one_long_one_ends_it_and_many_short_ones_begin_it_anew():
    pace = pace_of(*[0.001] * 100, 10)
    assert pace.depth(1, NEEDS) == 0
    for _ in range(100):
        pace.learn(1, NEEDS, timedelta(milliseconds=1))
    assert pace.depth(1, NEEDS) > 10


def test_one_that_was_taken_back_ends_it_at_once():
    pace = pace_of(0)
    pace.doubt(1, NEEDS)
    assert pace.depth(1, NEEDS) == 0


def test_a_clock_that_was_set_back_is_no_time_at_all():
    assert pace_of(-5).depth(1, NEEDS) == DEEPEST


def test_what_needs_gpus_of_its_own_never_goes_ahead():
    pace = Pace()
    pace.learn(1, Resources(cpus=1, gpus=1), timedelta())
    assert pace.depth(1, Resources(cpus=1, gpus=1)) == 0


def test_resources_of_which_none_is_wanted_make_no_difference():
    assert pace_of(0).depth(1, Resources(cpus=1, gpus=0)) == DEEPEST


def test_so_many_wait_for_each_that_runs():
    decision = plan(some(20), columns(3))
    assert (load(decision), decision.ahead) == ({1: 3 + 2 * 3}, 6)
    assert [wait.ask.entry_id for wait in decision.waits] == [10]


def test_nobody_goes_ahead_where_nobody_holds_back():
    assert plan(some(20), columns(3, holds_back=False)).ahead == 0
    assert plan(some(20), columns(3), depth=0).ahead == 0


def test_what_waits_there_already_counts():
    nodes = columns(2)
    nodes.hold(1, Resources(cpus=5))
    decision = plan(some(20), nodes)
    assert (decision.ahead, load(decision)) == (1, {1: 1})
    assert nodes.crowded() == [1]
    nodes.hold(1, Resources(cpus=6))
    assert plan(some(20), nodes).ahead == 0


def test_room_is_taken_first_and_what_goes_ahead_is_spread():
    decision = plan(some(9), columns(2, 3))
    assert (load(decision), decision.ahead) == ({1: 4, 2: 5}, 4)


def test_no_node_gets_more_than_the_most():
    decision = plan(some(1000), columns(100), depth=DEEPEST)
    assert decision.ahead == MOST


def test_only_nodes_that_could_hold_it_get_it():
    assert load(plan(some(9, cpus=2), columns(1, 2))) == {2: 3}
    assert plan(some(9), columns(2), depth=2, is_paused=True).ahead == 0


def test_a_type_that_may_run_so_often_goes_by_that():
    asks = some(20)
    assert load(plan(asks, columns(3), room={asks[0].job_type_id: 5})) == {1: 3}


def test_nobody_goes_ahead_to_a_node_that_is_kept_for_a_more_urgent_one():
    nodes = columns(4)
    nodes.hold(1, Resources(cpus=1))
    large = an_ask(100, cpus=4, priority=1)
    decision = decide(
        Snapshot(lines_of([large, *some(20)]), nodes, lambda _: (), depth=lambda line: 0 if line.needs["cpus"] > 1 else 5)
    )
    assert decision.ahead == 0


def test_two_lines_share_what_may_wait():
    asks = [*some(20), *some(20, first=21, priority=500)]
    decision = plan(asks, columns(2))
    assert decision.ahead == 4
    assert {placement.ask.entry_id for placement in decision.placements} == {1, 2, 3, 4, 5, 6}

"""Which ask goes to which node, and why the rest waits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scale.kernel.resources import Resources
from scale.queue.ordering import QueueMode
from scale.scheduler.placement.plan import decide as fast_decide
from scale.scheduler.placement.snapshot import Occupant
from scale.scheduler.placement.snapshot import Snapshot as Lines
from tests.builders import a_slot, an_ask, an_occupant, later
from tests.reference.placement import OneByOne, Snapshot, decide, lines_of, nodes_of


def plan(asks, slots, **settings):
    return decide(Snapshot(asks, slots, **settings))


def placed(decision):
    return {placement.ask.entry_id: placement.node_id for placement in decision.placements}


def codes(decision):
    return {wait.ask.entry_id: wait.code for wait in decision.waits}


def test_nothing_to_place_is_a_plan_too():
    assert placed(plan([], [])) == codes(plan([], [a_slot()])) == {}


def test_an_ask_goes_where_there_is_room():
    assert placed(plan([an_ask()], [a_slot(1, cpus=0), a_slot(2)])) == {1: 2}


def test_two_small_ones_fit_and_a_large_one_waits():
    decision = plan([an_ask(1), an_ask(2), an_ask(3, cpus=4)], [a_slot()])
    assert placed(decision) == {1: 1, 2: 1}
    assert codes(decision) == {3: "no-room"}


def test_the_most_urgent_chooses_first():
    decision = plan([an_ask(1, cpus=4), an_ask(2, cpus=4, priority=1)], [a_slot()])
    assert (placed(decision), codes(decision)) == ({2: 1}, {1: "no-room"})


@pytest.mark.parametrize(("mode", "first"), [(QueueMode.FIFO, 1), (QueueMode.LIFO, 3)])
def test_of_equals_the_first_or_the_last_to_come(mode, first):
    asks = [an_ask(number, cpus=4) for number in (2, 1, 3)]
    assert placed(plan(asks, [a_slot()], queue_mode=mode)) == {first: 1}


def test_the_first_node_that_has_room_is_taken():
    slots = [a_slot(1, cpus=1), a_slot(2, cpus=8), a_slot(3, cpus=2)]
    assert placed(plan([an_ask(cpus=2)], slots)) == {1: 2}


def test_a_node_is_filled_up_before_the_next_is_begun():
    asks = [an_ask(number) for number in range(1, 5)]
    assert set(placed(plan(asks, [a_slot(1), a_slot(2)])).values()) == {1}


def test_what_runs_takes_room():
    assert codes(plan([an_ask(cpus=2)], [a_slot(cpus=4, occupants=[an_occupant(9, cpus=3)])])) == {1: "no-room"}


def test_a_node_that_holds_more_than_it_offers_now_has_no_room():
    assert codes(plan([an_ask()], [a_slot(cpus=2, occupants=[an_occupant(9, cpus=8)])])) == {1: "no-room"}


def test_a_resource_that_no_node_knows_is_fine_only_if_none_is_wanted():
    decision = plan([an_ask(1, fpgas=1), an_ask(2, fpgas=0)], [a_slot()])
    assert (placed(decision), codes(decision)) == ({2: 1}, {1: "too-large"})


def test_fractions_add_up():
    asks = [an_ask(number, cpus=0.1) for number in range(10)]
    assert len(plan(asks, [a_slot(cpus=1)]).placements) == 10


def wait_of(decision):
    (wait,) = decision.waits
    return wait


def test_a_paused_scheduler_places_nothing():
    wait = wait_of(plan([an_ask()], [a_slot()], is_paused=True))
    assert (wait.code, wait.text) == ("scheduler-paused", "the scheduler is paused")


def test_a_paused_type_holds_back_only_its_own():
    decision = plan([an_ask(1), an_ask(2, job_type_id=11)], [a_slot()], paused_types=frozenset({10}))
    assert (placed(decision), codes(decision)) == ({2: 1}, {1: "type-paused"})


def test_a_type_with_a_limit_of_4_and_1_running_gets_3_more():
    decision = plan([an_ask(number, cpus=0.1) for number in range(1, 6)], [a_slot()], room={10: 3})
    assert sorted(placed(decision)) == [1, 2, 3]
    assert codes(decision) == {4: "type-limit", 5: "type-limit"}


@pytest.mark.parametrize("room", [0, -1])
def test_a_type_at_or_over_its_limit_gets_none(room):
    assert codes(plan([an_ask()], [a_slot()], room={10: room})) == {1: "type-limit"}


def test_what_is_held_back_keeps_no_node():
    asks = [an_ask(1, cpus=4), an_ask(2, job_type_id=11)]
    slots = [a_slot(occupants=[an_occupant(9)])]
    assert placed(plan(asks, slots, paused_types=frozenset({10}))) == {2: 1}


def test_without_nodes_it_says_so():
    assert wait_of(plan([an_ask()], [])).code == "no-nodes"


def test_what_no_node_could_ever_hold_says_what_is_too_much():
    wait = wait_of(plan([an_ask(cpus=9, mem=10)], [a_slot(1, mem=99), a_slot(2, cpus=8, mem=99)]))
    assert (wait.code, wait.text) == ("too-large", "needs 9 cpus, the largest node has 8")
    assert wait.nodes == {"too-small": 2}


def test_what_no_single_node_has_together_says_that():
    wait = wait_of(plan([an_ask(cpus=8, mem=99)], [a_slot(1, mem=99), a_slot(2, cpus=8, mem=1)]))
    assert (wait.code, wait.text) == ("too-large", "no single node has all that it needs")


def test_nodes_that_take_no_jobs_are_told_apart():
    wait = wait_of(plan([an_ask(cpus=3)], [a_slot(1, is_ready=False), a_slot(2, cpus=2)]))
    assert (wait.code, wait.nodes) == ("no-node-ready", {"not-ready": 1, "too-small": 1})


def test_a_wait_for_room_counts_the_nodes_by_reason():
    slots = [a_slot(1, occupants=[an_occupant(9, cpus=4)]), a_slot(2, cpus=1), a_slot(3, is_ready=False)]
    wait = wait_of(plan([an_ask(cpus=2)], slots))
    assert wait.nodes == {"busy": 1, "too-small": 1, "not-ready": 1}
    assert wait.text == "needs 2 cpus; 1 node has fewer free, 1 node takes no new jobs, 1 node is too small"


def test_a_wait_for_room_names_what_there_is_too_little_of():
    held = an_occupant(9, cpus=1, mem=80)
    slots = [a_slot(number, cpus=8, mem=99, gpus=4, occupants=[held]) for number in (1, 2)]
    assert wait_of(plan([an_ask(cpus=1, mem=50)], slots)).text == "needs 50 mem; 2 nodes have less free"
    assert wait_of(plan([an_ask(cpus=8, mem=50)], slots)).text == "needs 8 cpus and 50 mem; 2 nodes have less free"
    assert wait_of(plan([an_ask(cpus=8, gpus=4)], slots)).text == "needs 8 cpus; 2 nodes have fewer free"


def test_room_that_is_kept_for_another_is_told_as_such():
    slots = [a_slot(1, cpus=4, occupants=[an_occupant(9, cpus=2, priority=1)])]
    first, second = plan([an_ask(1, cpus=4, priority=5), an_ask(2, cpus=1)], slots).waits
    assert first.text == "needs 4 cpus; 1 node has fewer free"
    assert second.text == "needs 1 cpus; 1 node keeps its room for a more urgent job"


def test_what_was_placed_in_this_pass_makes_a_node_busy():
    assert wait_of(plan([an_ask(1, cpus=3), an_ask(2, cpus=2)], [a_slot()])).nodes == {"busy": 1}


# --- room that is kept


def test_a_node_is_kept_for_a_large_ask_from_less_urgent_ones():
    slots = [a_slot(occupants=[an_occupant(0, cpus=3)])]
    decision = plan([an_ask(1, cpus=4), an_ask(2, cpus=1)], slots)
    assert codes(decision) == {1: "no-room", 2: "no-room"}
    assert decision.waits[1].nodes == {"reserved": 1}


def test_small_ones_still_run_beside_a_large_one_on_what_it_will_not_need():
    slots = [a_slot(cpus=4, occupants=[an_occupant(0, cpus=2)])]
    decision = plan([an_ask(1, cpus=3), an_ask(2, cpus=1), an_ask(3, cpus=1)], slots)
    assert placed(decision) == {2: 1}
    assert codes(decision) == {1: "no-room", 3: "no-room"}


def test_what_less_urgent_ones_hold_already_is_not_spared_again():
    slots = [a_slot(cpus=4, occupants=[an_occupant(0, cpus=1), an_occupant(9, cpus=1)])]
    decision = plan([an_ask(1, cpus=3), an_ask(10, cpus=1)], slots)
    assert placed(decision) == {}


def test_other_nodes_are_free_for_all():
    slots = [a_slot(1, cpus=8, occupants=[an_occupant(0, cpus=1)]), a_slot(2, cpus=4)]
    decision = plan([an_ask(1, cpus=8), an_ask(2, cpus=4)], slots)
    assert placed(decision) == {2: 2}


def test_the_node_that_comes_closest_is_kept():
    slots = [a_slot(1, occupants=[an_occupant(0, cpus=3)]), a_slot(2, occupants=[an_occupant(0, cpus=1)])]
    decision = plan([an_ask(1, cpus=4), an_ask(2, cpus=1)], slots)
    assert placed(decision) == {2: 1}


def test_a_node_that_could_never_hold_the_ask_is_not_kept_for_it():
    slots = [a_slot(1, cpus=8, occupants=[an_occupant(0, cpus=7)]), a_slot(2, cpus=4)]
    assert placed(plan([an_ask(1, cpus=5), an_ask(2, cpus=4)], slots)) == {2: 2}


def test_a_more_urgent_ask_may_use_what_is_kept_for_a_less_urgent_one():
    slots = [a_slot(occupants=[an_occupant(0, cpus=3)])]
    assert placed(plan([an_ask(1, cpus=4), an_ask(2, cpus=1, priority=1)], slots)) == {2: 1}


def test_what_is_too_large_for_any_node_keeps_nothing():
    decision = plan([an_ask(1, cpus=9), an_ask(2, cpus=4)], [a_slot()])
    assert (placed(decision), codes(decision)) == ({2: 1}, {1: "too-large"})


def test_no_node_that_takes_no_jobs_is_kept():
    slots = [a_slot(1, cpus=8, is_ready=False), a_slot(2, occupants=[an_occupant(0, cpus=1)])]
    decision = plan([an_ask(1, cpus=8), an_ask(2, cpus=3)], slots)
    assert (placed(decision), codes(decision)) == ({2: 2}, {1: "no-node-ready"})


def test_two_large_asks_keep_two_nodes():
    slots = [a_slot(number, occupants=[an_occupant(0, cpus=1)]) for number in (1, 2, 3)]
    asks = [an_ask(1, cpus=4), an_ask(2, cpus=4, mem=0, job_type_id=11), *(an_ask(number) for number in range(3, 9))]
    assert set(placed(plan(asks, slots)).values()) == {3}


# --- pass after pass


class Cluster:
    """Places pass after pass; what was placed runs for a while."""

    def __init__(self, *sizes):
        self.sizes = sizes
        self.queue = []
        self.running = {}
        self.started = {}

    def turn(self, now, durations):
        for number in [number for number, (_, _, until) in self.running.items() if until <= now]:
            del self.running[number]
        decision = plan(self.queue, [self.slot(row, size) for row, size in enumerate(self.sizes)])
        for number, node_id in placed(decision).items():
            ask = next(ask for ask in self.queue if ask.entry_id == number)
            self.running[number] = (ask, node_id, now + durations(number))
            self.started[number] = now
        self.queue = [ask for ask in self.queue if ask.entry_id not in self.started]

    def slot(self, row, size):
        holders = [ask for ask, node_id, _ in self.running.values() if node_id == row]
        occupants = [Occupant(ask.priority, ask.queued, ask.job_id, ask.needs) for ask in holders]
        return a_slot(row, cpus=size, occupants=occupants)


@pytest.mark.parametrize("sizes", [(8,), (8, 8), (8, 4, 6)])
@pytest.mark.parametrize("cpus", [5, 8])
def test_a_large_job_is_not_starved_by_a_stream_of_small_ones(sizes, cpus):
    cluster = Cluster(*sizes)
    cluster.queue = [an_ask(100 + each) for each in range(sum(sizes))]
    cluster.turn(0, lambda number: 1 + number % 7)
    cluster.queue = [an_ask(500, cpus=cpus)]
    for now in range(1, 60):
        cluster.queue += [an_ask(1000 + now * 12 + each, cpus=1 + each % 2) for each in range(12)]
        cluster.turn(now, lambda number: 1 + number % 7)
    assert cluster.started[500] <= 7
    assert len(cluster.started) > 60


def test_a_stream_of_small_ones_goes_on_beside_a_large_job_that_waits_long():
    cluster = Cluster(8)
    cluster.queue = [an_ask(1, cpus=7)]
    cluster.turn(0, lambda number: 100)
    cluster.queue.append(an_ask(2, cpus=4))
    for now in range(1, 50):
        cluster.queue.append(an_ask(100 + now, cpus=1))
        cluster.turn(now, lambda number: 1)
    assert len(cluster.started) > 40
    assert 2 not in cluster.started


# --- whatever comes

amounts = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 9.0])
occupants = st.builds(
    lambda number, priority, cpus, mem: Occupant(priority, later(seconds=number), number, Resources(cpus=cpus, mem=mem)),
    st.integers(0, 50),
    st.sampled_from([1, 100]),
    amounts,
    amounts,
)
slots = st.lists(st.tuples(amounts, amounts, st.booleans(), st.lists(occupants, max_size=3)), max_size=5).map(
    lambda rows: [
        a_slot(n, cpus=cpus, mem=mem, is_ready=ready, occupants=held) for n, (cpus, mem, ready, held) in enumerate(rows)
    ]
)
asks = st.lists(st.tuples(amounts, amounts, st.sampled_from([1, 50, 100]), st.integers(10, 12)), max_size=12).map(
    lambda rows: [
        an_ask(number, cpus=cpus, mem=mem, priority=priority, job_type_id=kind)
        for number, (cpus, mem, priority, kind) in enumerate(rows)
    ]
)
snapshots = st.builds(
    Snapshot,
    asks,
    slots,
    room=st.dictionaries(st.integers(10, 11), st.integers(-1, 3)),
    paused_types=st.frozensets(st.just(12)),
    is_paused=st.sampled_from([False, False, False, True]),
    queue_mode=st.sampled_from(QueueMode),
)


KINDS = [{"cpus": 0.1}, {"cpus": 1.0, "mem": 0.3}, {"cpus": 2.0, "mem": 1.0}, {"cpus": 3.0}, {"cpus": 0.0}]
crowds = st.lists(st.tuples(st.integers(0, len(KINDS) - 1), st.integers(0, 9), st.sampled_from([1, 1, 100])), max_size=50).map(
    lambda rows: [
        an_ask(number, **KINDS[kind], priority=priority, job_type_id=10 + kind % 3, queued=later(seconds=seconds))
        for number, (kind, seconds, priority) in enumerate(rows)
    ]
)
many = st.builds(
    Snapshot, crowds, slots, room=st.dictionaries(st.integers(10, 11), st.integers(-1, 9)), queue_mode=st.sampled_from(QueueMode)
)  #: many asks of few shapes, in any order


@given(snapshots)
def test_every_ask_is_placed_or_explained_and_never_both(snapshot):
    decision = decide(snapshot)
    answered = [placement.ask.entry_id for placement in decision.placements] + [wait.ask.entry_id for wait in decision.waits]
    assert sorted(answered) == [ask.entry_id for ask in snapshot.asks]
    assert all(wait.code and wait.text for wait in decision.waits)


@given(snapshots)
def test_no_node_is_oversubscribed_and_only_ready_ones_are_used(snapshot):
    by_node = {slot.node_id: slot for slot in snapshot.slots}
    held = {slot.node_id: sum((each.holds for each in slot.occupants), Resources()) for slot in snapshot.slots}
    for placement in decide(snapshot).placements:
        held[placement.node_id] += placement.ask.needs
        assert by_node[placement.node_id].is_ready
        if any(placement.ask.needs.values()):
            needs = Resources({name: amount for name, amount in held[placement.node_id].items() if placement.ask.needs[name]})
            assert needs.fits_in(by_node[placement.node_id].offered)


@given(snapshots)
def test_limits_and_pauses_hold(snapshot):
    kinds = [placement.ask.job_type_id for placement in decide(snapshot).placements]
    assert all(kinds.count(kind) <= max(room, 0) for kind, room in snapshot.room.items())
    assert not set(kinds) & snapshot.paused_types
    assert not (snapshot.is_paused and kinds)


@given(snapshots, st.randoms())
def test_the_order_of_the_input_does_not_matter(snapshot, random):
    shuffled = random.sample(snapshot.asks, len(snapshot.asks))
    settings = {"room": snapshot.room, "paused_types": snapshot.paused_types, "is_paused": snapshot.is_paused}
    other = Snapshot(shuffled, snapshot.slots, queue_mode=snapshot.queue_mode, **settings)
    assert decide(other) == decide(snapshot)


@given(snapshots)
def test_what_is_not_held_back_waits_only_if_no_ready_node_has_room_that_is_not_kept(snapshot):
    if snapshot.is_paused or not snapshot.slots:
        return
    decision = decide(snapshot)
    if decision.placements or any(wait.code == "no-room" and "reserved" in wait.nodes for wait in decision.waits):
        return
    for wait in decision.waits:
        if wait.code not in ("type-paused", "type-limit"):
            assert not any(wait.ask.needs.fits_in(slot.free) for slot in snapshot.slots if slot.is_ready)


@given(snapshots | many)
def test_shape_by_shape_says_what_ask_by_ask_would(snapshot):
    placements, waits = OneByOne(snapshot).decide()
    fast = decide(snapshot)
    first = {wait.ask.shape: wait for wait in reversed(fast.waits)}
    assert list(fast.placements) == placements
    assert sorted((wait.ask.entry_id, wait.code, wait.nodes) for wait in first.values()) == sorted(
        (ask.entry_id, code, nodes) for ask, code, nodes in waits
    )


@given(snapshots | many, st.integers(0, 12))
def test_a_pass_that_is_cut_does_the_first_of_it(snapshot, most):
    whole, cut = decide(snapshot), decide(snapshot, most)
    assert cut.placements == whole.placements[:most]
    assert cut.is_cut or cut == whole


#: when each took the node that fitted it best, the fifth lost its place as a fifth node came
NEEDS = [(3, 2), (1, 3), (2, 0), (1, 2), (2, 4), (2, 0), (4, 4), (2, 0), (1, 1)]
NODES = [(3, 5), (2, 6), (6, 3), (2, 5)]
LOST_BY_BEST_FIT = Snapshot(
    [an_ask(number, cpus=cpus, mem=mem) for number, (cpus, mem) in enumerate(NEEDS)],
    [a_slot(number, cpus=cpus, mem=mem) for number, (cpus, mem) in enumerate(NODES)],
)


@given(snapshots, amounts, amounts)
@example(LOST_BY_BEST_FIT, 1.0, 3.0)
def test_a_free_node_more_takes_a_place_from_nobody_but_for_somebody_more_urgent(snapshot, cpus, mem):
    before = placed(decide(snapshot))
    after = placed(decide(replace(snapshot, slots=[*snapshot.slots, a_slot(99, cpus=cpus, mem=mem)])))
    in_order = sorted(snapshot.asks, key=lambda ask: ask.urgency(snapshot.queue_mode))
    changed = [ask.entry_id for ask in in_order if (ask.entry_id in before) != (ask.entry_id in after)]
    assert not changed or changed[0] in after


def test_a_line_that_runs_dry_ends_the_pass_and_is_named():
    """What is not known of it may be more urgent than the lines after it."""
    lines = lines_of([an_ask(1), an_ask(2, cpus=2, priority=200)])
    lines[0].is_whole = False
    slots = [a_slot(1, cpus=64)]
    decision = fast_decide(Lines(lines, nodes_of(slots), lambda node_id: ()))
    assert placed(decision) == {1: 1}
    assert (decision.dry, decision.is_cut) == (lines[0].shape, True)


def test_an_image_waits_for_an_engine_that_runs_images():
    decision = fast_decide(Lines(lines_of([an_ask(1, images=1), an_ask(2)]), nodes_of([a_slot()]), lambda _: ()))
    (wait,) = decision.waits
    assert (wait.ask.entry_id, wait.code, dict(wait.nodes)) == (1, "no-engine", {"no-engine": 1})
    assert placed(decision) == {2: 1}

"""Asks that not every node will do for, and that do not take just the first: which node they get, and why they wait."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.queue.constraints import Strategy, constraints_of, document_of, key_of, parse_constraint
from scale.queue.ordering import QueueMode
from scale.scheduler.placement import filters
from scale.scheduler.placement.filters import Nodes
from scale.scheduler.placement.plan import decide as fast_decide
from scale.scheduler.placement.scores import best, free_share, ranked
from scale.scheduler.placement.snapshot import Snapshot as Lines
from tests.builders import a_slot, an_ask, an_occupant, later
from tests.reference.placement import OneByOne, Snapshot, decide, lines_of, nodes_of


def asking(*texts, **more):
    return document_of(map(parse_constraint, texts), **more)


def known(*documents):
    """What asks want, by key."""
    return {key_of(document): constraints_of(document) for document in documents if document}


SSD, NVME, TWO, NOT_TWO = asking("disk=ssd"), asking("disk=nvme"), asking(hosts=["node-2"]), asking(avoid_hosts=["node-2"])
PACK, SPREAD = asking(strategy=Strategy.PACK), asking(strategy=Strategy.SPREAD)
SSD_SPREAD, HDD_PACK = asking("disk=ssd", strategy=Strategy.SPREAD), asking("disk!=ssd", strategy=Strategy.PACK)
WISHES = (None, None, SSD, NVME, TWO, NOT_TWO, PACK, SPREAD, SSD_SPREAD, HDD_PACK)
EVERYTHING = known(*WISHES)


def plan(asks, slots, **settings):
    return decide(Snapshot(asks, slots, asked=EVERYTHING, **settings))


def placed(decision):
    return {placement.ask.entry_id: placement.node_id for placement in decision.placements}


def told(decision):
    return {wait.ask.entry_id: (wait.code, wait.text, dict(wait.nodes)) for wait in decision.waits}


def with_disk(number, disk, cpus=4.0, occupants=(), **more):
    return a_slot(number, cpus, occupants, attributes={"disk": disk}, **more)


def test_an_ask_goes_to_the_first_node_that_is_as_it_wants():
    slots = [a_slot(1), with_disk(2, "hdd"), with_disk(3, "ssd"), with_disk(4, "ssd")]
    assert placed(plan([an_ask(1, asks=SSD), an_ask(2)], slots)) == {1: 3, 2: 1}


def test_hosts_are_used_and_avoided():
    assert placed(plan([an_ask(1, asks=TWO), an_ask(2, asks=NOT_TWO)], [a_slot(2), a_slot(3)])) == {1: 2, 2: 3}


def test_what_no_node_meets_waits_with_the_reason_and_keeps_no_room_from_others():
    asks = [an_ask(1, cpus=4, asks=NVME, priority=1), an_ask(2)]
    slots = [with_disk(1, "ssd", occupants=[an_occupant(9)])]
    decision = plan(asks, slots)
    assert placed(decision) == {2: 1}
    assert told(decision) == {1: ("no-such-node", "no node has disk=nvme", {"constraints": 1})}


def test_room_is_kept_on_nodes_that_meet_it_only():
    busy = [an_occupant(9, cpus=3)]
    slots = [with_disk(1, "hdd", occupants=busy), with_disk(2, "ssd", occupants=busy)]
    decision = plan([an_ask(1, cpus=4, asks=SSD, priority=1), an_ask(2), an_ask(3)], slots)
    assert placed(decision) == {2: 1}
    assert told(decision)[3][2] == {"busy": 1, "reserved": 1}


def test_a_wait_for_room_says_how_many_nodes_would_do():
    slots = [a_slot(1), a_slot(3), with_disk(2, "ssd", occupants=[an_occupant(9, cpus=4)])]
    text = "needs disk=ssd, which 1 of 3 nodes have; needs 2 cpus; 1 node has fewer free"
    assert told(plan([an_ask(1, cpus=2, asks=SSD)], slots)) == {1: ("no-room", text, {"busy": 1, "constraints": 2})}


def test_too_large_is_what_is_too_large_for_the_nodes_that_would_do():
    slots = [a_slot(1, cpus=64), with_disk(2, "ssd")]
    text = "needs disk=ssd, which 1 of 2 nodes have; needs 8 cpus, the largest node has 4"
    assert told(plan([an_ask(1, cpus=8, asks=SSD)], slots)) == {1: ("too-large", text, {"too-small": 1, "constraints": 1})}


def test_nodes_that_would_do_and_take_no_jobs_are_told_apart():
    code, text, nodes = told(plan([an_ask(1, asks=SSD)], [a_slot(1), with_disk(2, "ssd", is_ready=False)]))[1]
    assert (code, nodes) == ("no-node-ready", {"not-ready": 1, "constraints": 1})
    assert text.startswith("needs disk=ssd, which 1 of 2 nodes have; no node")


def test_without_nodes_that_is_the_reason():
    assert told(plan([an_ask(1, asks=SSD)], []))[1][0] == "no-nodes"


def test_spread_gives_equal_nodes_equal_shares():
    asks = [an_ask(number, asks=SPREAD) for number in range(1, 9)]
    slots = [a_slot(number, cpus=8) for number in range(4)]
    assert Counter(placed(plan(asks, slots)).values()) == dict.fromkeys(range(4), 2)


def test_spread_goes_by_the_share_that_is_free_of_what_is_scarcest():
    slots = [a_slot(1, cpus=8, mem=10), a_slot(2, cpus=4, mem=99), a_slot(3, cpus=4, mem=99, occupants=[an_occupant(9)])]
    assert placed(plan([an_ask(n, asks=SPREAD, mem=1) for n in (1, 2)], slots)) == {1: 1, 2: 2}


def test_pack_fills_the_fullest_before_the_next():
    slots = [a_slot(1), a_slot(2, occupants=[an_occupant(9)]), a_slot(3, occupants=[an_occupant(8, cpus=4)])]
    asks = [an_ask(number, asks=PACK) for number in range(1, 6)]
    assert placed(plan(asks, slots)) == {1: 2, 2: 2, 3: 2, 4: 1, 5: 1}


def test_who_needs_nothing_goes_to_the_first():
    for wish in (PACK, SPREAD):
        assert placed(plan([an_ask(n, cpus=0, asks=wish) for n in (1, 2)], [a_slot(1), a_slot(2)])) == {1: 1, 2: 1}


def test_a_limit_holds_over_all_shapes_of_a_type():
    asks = [an_ask(number, cpus=0.1, asks=WISHES[number % len(WISHES)], priority=number % 3 + 1) for number in range(40)]
    decision = plan(asks, [with_disk(1, "ssd"), with_disk(2, "hdd")], room={10: 7})
    assert len(decision.placements) == 7
    assert {code for code, _, _ in told(decision).values()} == {"type-limit", "no-such-node"}


def test_a_line_is_known_when_what_it_asks_is():
    plain, wishful = lines_of([an_ask(1), an_ask(2, asks=SSD)], asked=EVERYTHING)
    assert plain.is_known
    assert wishful.is_known
    wishful.constraints = None
    assert not wishful.is_known


def test_a_person_is_told_what_a_node_has_instead():
    slots = [with_disk(1, "hdd"), a_slot(2)]
    nodes = nodes_of(slots)
    asked = constraints_of(asking("disk=ssd", "gpu exists"))
    as_asked = Nodes(nodes.names, nodes.offered, nodes.free, nodes.free, nodes.is_ready, asked, nodes.meeting({"k": asked})["k"])
    assert filters.explain(slots[0], (), as_asked, 0) == "node-1: needs disk=ssd, has hdd; needs gpu exists, has nothing"


def test_the_best_is_the_first_of_equals_that_fits():
    shares = np.array([0.5, 0.2, 0.2 + 1e-9, 0.9, 0.9 - 1e-9])
    fits = np.array([True, True, True, False, True])
    assert [best(ranked(strategy, shares, fits)) for strategy in (Strategy.PACK, Strategy.SPREAD)] == [1, 4]
    assert best(ranked(Strategy.SPREAD, shares, fits & False)) == best(np.array([])) == -1


def test_a_node_that_has_nothing_of_what_is_wanted_is_not_free_at_all():
    offered, usable = np.array([[4.0, 0.0], [10.0, 10.0]]), np.array([[1.0, 0.0], [10.0, 5.0]])
    with np.errstate(all="raise"):
        assert list(free_share(((0, 1.0), (1, 1.0)), usable, offered)) == [0.25, 0]


# --- whatever comes

amounts = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0])
disks = st.sampled_from([{}, {"disk": "ssd"}, {"disk": "hdd"}])
slots = st.lists(st.tuples(amounts, amounts, st.booleans(), disks, amounts), min_size=1, max_size=5).map(
    lambda rows: [
        a_slot(n, cpus, [an_occupant(99, cpus=held)], mem=mem, is_ready=ready, attributes=disk)
        for n, (cpus, mem, ready, disk, held) in enumerate(rows)
    ]
)
asks = st.lists(
    st.tuples(amounts, amounts, st.sampled_from([1, 1, 100]), st.sampled_from(WISHES), st.integers(0, 5)), max_size=25
).map(
    lambda rows: [
        an_ask(n, cpus, priority, mem=mem, asks=wish, job_type_id=10 + n % 2, queued=later(seconds=seconds))
        for n, (cpus, mem, priority, wish, seconds) in enumerate(rows)
    ]
)
snapshots = st.builds(
    Snapshot,
    asks,
    slots,
    room=st.dictionaries(st.just(11), st.integers(-1, 5)),
    queue_mode=st.sampled_from(QueueMode),
    asked=st.just(EVERYTHING),
)


@given(snapshots)
def test_shape_by_shape_says_what_ask_by_ask_would(snapshot):
    placements, waits = OneByOne(snapshot).decide()
    fast = decide(snapshot)
    first = {wait.ask.shape: wait for wait in reversed(fast.waits)}
    assert list(fast.placements) == placements
    assert sorted((wait.ask.entry_id, wait.code, wait.nodes) for wait in first.values()) == sorted(
        (ask.entry_id, code, nodes) for ask, code, nodes in waits
    )


@given(snapshots)
def test_no_ask_goes_to_a_node_that_is_not_as_it_wants(snapshot):
    attributes = {slot.node_id: slot.attributes for slot in snapshot.slots}
    reference = OneByOne(snapshot)
    for placement in decide(snapshot).placements:
        asked = reference.constraints(placement.ask)
        assert all(one.accepts(attributes[placement.node_id].get(one.attribute)) for one in asked.each)


@given(snapshots)
def test_what_no_node_meets_might_as_well_not_be_there(snapshot):
    without = [ask for ask in snapshot.asks if ask.shape not in {a_wait.ask.shape for a_wait in nobodys(snapshot)}]
    assert decide(replace(snapshot, asks=without)).placements == decide(snapshot).placements


def nobodys(snapshot):
    return [wait for wait in decide(snapshot).waits if wait.code == "no-such-node"]


@given(snapshots, amounts, amounts, disks)
def test_a_free_node_more_takes_a_place_from_nobody_who_takes_the_first(snapshot, cpus, mem, disk):
    """But for somebody more urgent; who wishes to be packed or spread has no place of their own."""
    firsts = [ask for ask in snapshot.asks if OneByOne(snapshot).constraints(ask).strategy is None]
    snapshot = replace(snapshot, asks=firsts)
    before = placed(decide(snapshot))
    after = placed(decide(replace(snapshot, slots=[*snapshot.slots, a_slot(99, cpus, mem=mem, attributes=disk)])))
    changed = [ask.entry_id for ask in snapshot.in_order if (ask.entry_id in before) != (ask.entry_id in after)]
    assert not changed or changed[0] in after


@given(st.integers(1, 30), st.integers(1, 5), st.sampled_from([0.1, 0.5, 1.0]), st.booleans())
def test_spread_over_equal_nodes_differs_by_one_at_most(jobs, nodes, cpus, has_constraint):
    asks = [an_ask(number, cpus, asks=SSD_SPREAD if has_constraint else SPREAD) for number in range(jobs)]
    counts = Counter(placed(plan(asks, [with_disk(number, "ssd", cpus=8) for number in range(nodes)])).values())
    of_each = [counts[number] for number in range(nodes)]
    assert sum(of_each) == min(jobs, nodes * int(8 / cpus))
    assert max(of_each) - min(of_each) <= 1


def test_what_waits_ahead_of_its_room_waits_at_nodes_that_meet_it():
    slots = [with_disk(1, "hdd", occupants=[an_occupant(9, cpus=4)]), with_disk(2, "ssd", occupants=[an_occupant(8, cpus=4)])]
    nodes = nodes_of(slots)
    nodes.holds_back[:] = True
    lines = lines_of([an_ask(n, asks=SSD) for n in (1, 2)], asked=EVERYTHING)
    occupants = {slot.node_id: slot.occupants for slot in slots}
    decision = fast_decide(Lines(lines, nodes, occupants.__getitem__, depth=lambda line: 1))
    assert (placed(decision), decision.ahead) == ({1: 2, 2: 2}, 2)


@pytest.mark.parametrize("wish", [SSD, SPREAD, PACK])
def test_asks_of_a_wish_are_taken_by_age_among_the_others(wish):
    asks = [an_ask(1, cpus=3), an_ask(2, cpus=1, asks=wish), an_ask(3, cpus=1)]
    assert placed(plan(asks, [with_disk(1, "ssd")])) == {1: 1, 2: 1}

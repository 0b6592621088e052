"""Why a node is not for an ask: for all nodes at once, and for one in words."""

from __future__ import annotations

import numpy as np
import pytest

from scale.scheduler.placement import filters
from scale.scheduler.placement.columns import NodeColumns, Slot
from scale.scheduler.placement.filters import Nodes, could_hold, explain, feasible, lacking, passed, refusals
from tests.builders import a_slot, an_amount, an_occupant
from tests.reference.placement import nodes_of

SLOTS = [
    a_slot(1),
    a_slot(2, is_ready=False, not_ready="Node is paused."),
    a_slot(3, cpus=1),
    a_slot(4, occupants=[an_occupant(0, cpus=3)]),
    a_slot(5),
    a_slot(6, is_ready=False),
]


def columns(kept=4):
    """The nodes of above, of which row ``kept`` is kept for somebody, and an ask for two cpus."""
    nodes = nodes_of(SLOTS)
    usable = nodes.free
    usable[:, kept] = 0
    return nodes.needs({"cpus": 2, "mem": 0}), Nodes(nodes.names, nodes.offered, nodes.free, usable, nodes.is_ready)


def test_only_what_every_filter_lets_pass_is_feasible():
    needs, nodes = columns()
    assert list(np.flatnonzero(feasible(needs, nodes))) == [0]
    assert list(feasible(needs, nodes)) == list(np.logical_and.reduce([each.mask(needs, nodes) for each in filters.FILTERS]))


def test_a_node_could_hold_an_ask_whatever_runs_there_now():
    assert list(np.flatnonzero(could_hold(passed(*columns())))) == [0, 3, 4]


def test_each_node_is_counted_for_the_first_reason_alone():
    assert refusals(passed(*columns())) == {"too-small": 1, "not-ready": 2, "busy": 1, "reserved": 1}


def test_what_is_lacking_is_told_of_the_nodes_that_one_asks_about():
    needs, nodes = columns()
    assert lacking(needs, nodes, could_hold(passed(needs, nodes))) == {"cpus"}
    assert lacking(needs, nodes, np.arange(len(SLOTS)) == 0) == frozenset()


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (0, ""),
        (1, "node-2: Node is paused."),
        (2, "node-3: needs 2 cpus, has 1 in all"),
        (3, "node-4: needs 2 cpus, has 1 free"),
        (4, "node-5: needs 2 cpus, has 0 that is not kept for a more urgent job"),
        (5, "node-6: does not take new jobs"),
    ],
)
def test_a_person_is_told_in_words(place, sentence):
    assert explain(SLOTS[place], *columns(), place) == sentence


def test_the_sentence_and_the_mask_agree():
    needs, nodes = columns()
    told = [not explain(slot, needs, nodes, place) for place, slot in enumerate(SLOTS)]
    assert told == list(feasible(needs, nodes))


def test_what_lasts_is_told_before_what_passes():
    codes = ["no-engine", "constraints", "too-small", "not-ready", "busy", "reserved"]
    assert [each.code for each in filters.FILTERS] == codes


def test_what_has_an_image_goes_where_images_are_run():
    plain = NodeColumns([Slot(1, "plain", an_amount(), True), Slot(2, "docks", an_amount(images=1e9), True)])
    needs = plain.needs(an_amount(1, 1, images=1))
    nodes = Nodes(plain.names, plain.offered, plain.free, plain.free, plain.is_ready)
    assert feasible(needs, nodes).tolist() == [False, True]
    assert refusals(passed(needs, nodes)) == {"no-engine": 1}
    assert explain(plain.slots[0], needs, nodes, 0) == "plain: its engine runs no images"

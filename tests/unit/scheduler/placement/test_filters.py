"""Why a node is not for an ask: for all nodes at once, and for one in words."""

from __future__ import annotations

import numpy as np
import pytest

from scale.scheduler.placement import filters
from scale.scheduler.placement.filters import Nodes, explain, feasible, refusals
from scale.scheduler.placement.snapshot import Snapshot
from tests.builders import a_slot, an_ask, an_occupant

SLOTS = [
    a_slot(1),
    a_slot(2, is_ready=False, not_ready="Node is paused."),
    a_slot(3, cpus=1),
    a_slot(4, occupants=[an_occupant(0, cpus=3)]),
    a_slot(5),
    a_slot(6, is_ready=False),
]
ASK = an_ask(cpus=2, mem=0)


def columns(kept=4):
    """The nodes of above, of which row ``kept`` is kept for somebody."""
    snapshot = Snapshot([ASK], SLOTS)
    usable = snapshot.free.copy()
    usable[kept] = 0
    return snapshot.column(ASK.needs), Nodes(snapshot.names, snapshot.offered, snapshot.free, usable, snapshot.is_ready)


def test_only_what_every_filter_lets_pass_is_feasible():
    assert list(np.flatnonzero(feasible(*columns()))) == [0]


def test_each_node_is_counted_for_the_first_reason_alone():
    assert refusals(*columns()) == {"too-small": 1, "not-ready": 2, "busy": 1, "reserved": 1}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (0, ""),
        (1, "node-2: Node is paused."),
        (2, "node-3: needs 2 cpus, has 1 in all"),
        (3, "node-4: needs 2 cpus, has 1 free"),
        (4, "node-5: needs 2 cpus, has 0 that is not kept for a more urgent job"),
        (5, "node-6: does not take new jobs"),
    ],
)
def test_a_person_is_told_in_words(row, sentence):
    needs, nodes = columns()
    assert explain(ASK, SLOTS, needs, nodes, row) == sentence


def test_the_sentence_and_the_mask_agree():
    needs, nodes = columns()
    told = [not explain(ASK, SLOTS, needs, nodes, row) for row in range(len(SLOTS))]
    assert told == list(feasible(needs, nodes))


def test_what_lasts_is_told_before_what_passes():
    assert [each.code for each in filters.FILTERS] == ["too-small", "not-ready", "busy", "reserved"]

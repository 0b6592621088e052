"""What passes found is kept: the next one looks again only at nodes that changed."""

from __future__ import annotations

import numpy as np
import pytest

from scale.kernel.resources import Resources
from scale.queue.ordering import QueueMode
from scale.scheduler.placement.columns import NodeColumns, Slot
from scale.scheduler.placement.findings import Finding, Findings
from scale.scheduler.placement.plan import decide
from scale.scheduler.placement.snapshot import Snapshot
from tests.builders import an_ask
from tests.reference.placement import lines_of

SHAPES = 5
LENGTH = 40  # of each line


class Counted(Findings):
    """Knows at how many nodes the lines of a pass have looked."""

    looked = 0

    def new(self, ask, passed):
        self.looked += len(passed)
        return super().new(ask, passed)

    def news_to(self, found):
        news = super().news_to(found)
        self.looked += len(news)
        return news


class Cluster:
    """A hundred nodes of four cpus, all of them taken, and lines that wait for more of one than there is room."""

    def __init__(self, findings=None):
        self.columns = NodeColumns(self.node(number) for number in range(1, 101))
        self.findings = findings or Counted()
        for number in range(1, 101):
            self.columns.hold(number, Resources(cpus=4))
        self.asks = [an_ask(number, cpus=1 + number // LENGTH / 10) for number in range(SHAPES * LENGTH)]

    def node(self, number, cpus=4.0, **attributes):
        return Slot(number, f"node-{number}", Resources(cpus=cpus, mem=99), is_ready=True, attributes=attributes)

    def decide(self, **settings):
        """The plan, and at how many nodes was looked for it; the same as without findings."""
        self.findings.looked = 0
        snapshot = Snapshot(lines_of(self.asks), self.columns, lambda node_id: (), **settings)
        plan, looked = decide(snapshot, self.findings), self.findings.looked
        assert plan == decide(snapshot)
        return plan, looked


@pytest.fixture
def cluster():
    cluster = Cluster()
    assert cluster.decide()[1] == SHAPES * 100
    cluster.decide()  # what each keeps, the others hear once
    return cluster


def test_where_nothing_changed_nobody_looks(cluster):
    assert cluster.decide()[1] == 0


def test_a_new_node_is_all_that_is_looked_at(cluster):
    cluster.columns.append([cluster.node(101, cpus=0.5)])
    plan, looked = cluster.decide()
    assert (looked, {wait.nodes["too-small"] for wait in plan.waits}) == (SHAPES, {1})


def test_a_resource_that_nobody_had_spoken_of_may_be_asked_for(cluster):
    cluster.asks.append(an_ask(999, cpus=1, licences=1))
    plan, _ = cluster.decide()
    assert [wait.code for wait in plan.waits].count("too-large") == 1


def test_a_node_on_which_something_ended_is_all_that_is_looked_at(cluster):
    cluster.columns.hold(7, Resources(cpus=3.5))
    plan, looked = cluster.decide()
    assert not plan.placements
    assert looked <= 3 * SHAPES  # that node, and those that are kept no more


def test_of_a_new_shape_all_nodes_are_looked_at_once(cluster):
    cluster.asks.append(an_ask(500, cpus=2.5))
    assert cluster.decide()[1] == 100
    cluster.asks.append(an_ask(501, cpus=2.5))  # behind one that waits
    assert cluster.decide()[1] == SHAPES, "that it keeps a node now, the others hear once"
    assert cluster.decide()[1] == 0


def test_what_waits_first_takes_the_new_node_and_what_follows_hears_of_it(cluster):
    cluster.columns.append([cluster.node(101, cpus=1.25)])
    plan, _ = cluster.decide()
    assert [(placement.ask.entry_id, placement.node_id) for placement in plan.placements] == [(0, 101)]
    assert [wait.ask.entry_id for wait in plan.waits] == [1, 40, 80, 120, 160]
    assert cluster.decide()[0] == plan, "nobody claimed it"


def test_nodes_that_are_others_are_all_looked_at(cluster):
    cluster.columns.replace([cluster.node(1)])
    assert len(cluster.decide()[0].placements) > 0


def test_in_another_order_all_is_looked_at(cluster):
    assert cluster.decide(queue_mode=QueueMode.LIFO)[1] >= SHAPES * 100


def test_what_is_held_back_keeps_nothing(cluster):
    assert {wait.code for wait in cluster.decide(is_paused=True)[0].waits} == {"scheduler-paused"}
    assert cluster.decide()[1] == SHAPES * 100


def test_where_too_much_would_have_to_be_kept_all_is_looked_at_each_time():
    cluster = Cluster(Findings(most_bytes=250))
    cluster.asks.append(an_ask(900, cpus=99))  # too large, so it keeps nothing
    for number in range(300):
        cluster.columns.hold(3, Resources(cpus=4 - number % 3))
        cluster.decide()


def test_one_that_is_new_stays_so_until_it_is_told():
    found = Finding(an_ask(), np.zeros(2, dtype=np.uint8), 0)
    found.look_again([2], np.array([6], dtype=np.uint8), 3)
    assert (found.passed.tolist(), found.news, found.candidates()) == ([0, 0, 6], None, None)

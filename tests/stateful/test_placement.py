"""A cluster that changes from pass to pass, and what placement makes of it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scale.kernel.resources import Resources
from scale.queue.constraints import Constraints, Strategy, constraints_of, document_of, key_of, parse_constraint
from scale.scheduler.placement.columns import NodeColumns
from scale.scheduler.placement.findings import Findings
from scale.scheduler.placement.snapshot import Occupant
from tests.builders import a_slot, an_ask
from tests.reference.placement import OneByOne, Snapshot, bring_up_to_date, decide, key_in

picks = st.integers(0, 10_000)
sizes = st.sampled_from([1.0, 2.0, 4.0, 6.0])
amounts = st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0, 3.0, 4.0])
disks = st.sampled_from(["ssd", "hdd", None])
WISHES = (
    None,
    None,
    document_of([parse_constraint("disk=ssd")]),
    document_of([parse_constraint("disk!=ssd")], strategy=Strategy.PACK),
    document_of(hosts=["node-1", "node-4"]),
    document_of(avoid_hosts=["node-0"], strategy=Strategy.SPREAD),
)
ASKED = {key_of(wish): constraints_of(wish) for wish in WISHES if wish}
wishes = st.sampled_from(WISHES)
KINDS = (10, 11)
LIMITED = 11
MOST = 2  # of the limited kind


class PlacementLife(RuleBasedStateMachine):
    """Jobs come and end, nodes come, go away and come back."""

    @initialize(size=sizes, disk=disks)
    def begin(self, size, disk):
        self.nodes = []  # what each has, whether it takes jobs, and its disk
        self.queue = {}  # asks by number
        self.running = {}  # ask and row of the node, by number
        self.came = 0
        self.is_paused = False
        self.columns, self.findings, self.known = NodeColumns(), Findings(), []  # kept from pass to pass
        self.a_node_comes(size, size, disk)

    @rule(cpus=sizes, mem=sizes, disk=disks)
    def a_node_comes(self, cpus, mem, disk):
        if len(self.nodes) < 6:
            self.nodes.append([cpus, mem, True, disk])

    @rule(pick=picks, disk=disks)
    def an_operator_says_something_else_of_a_node(self, pick, disk):
        self.nodes[pick % len(self.nodes)][3] = disk

    @rule(pick=picks)
    def a_node_is_paused_or_resumed(self, pick):
        node = self.nodes[pick % len(self.nodes)]
        node[2] = not node[2]

    @rule(
        cpus=amounts, mem=amounts, priority=st.sampled_from([1, 100]), kind=st.sampled_from(KINDS), wish=st.sampled_from(WISHES)
    )
    def a_job_is_queued(self, cpus, mem, priority, kind, wish):
        self.came += 1
        self.queue[self.came] = an_ask(self.came, cpus, priority, job_type_id=kind, mem=mem, asks=wish)

    @rule(picked=st.lists(picks, max_size=3))
    def jobs_end(self, picked):
        for pick in picked:
            if names := sorted(self.running):
                del self.running[names[pick % len(names)]]

    @rule()
    def the_scheduler_is_paused_or_resumed(self):
        self.is_paused = not self.is_paused

    def _slot(self, row, node):
        cpus, mem, is_ready, _ = node
        held = [Occupant(ask.priority, ask.queued, ask.job_id, ask.needs) for ask, at in self.running.values() if at == row]
        return a_slot(row, cpus, held, mem=mem, is_ready=is_ready, attributes=self._attributes(row))

    def _attributes(self, row):
        disk = self.nodes[row][3]
        return {"hostname": f"node-{row}", **({"disk": disk} if disk else {})}

    def _snapshot(self, *more):
        running = sum(ask.job_type_id == LIMITED for ask, _ in self.running.values())
        slots = [*(self._slot(row, node) for row, node in enumerate(self.nodes)), *more]
        return Snapshot(list(self.queue.values()), slots, {LIMITED: MOST - running}, is_paused=self.is_paused, asked=ASKED)

    def _asked(self, ask):
        return ASKED.get(key_in(ask.shape), Constraints())

    def _placed(self, snapshot):
        return {placement.ask.entry_id: placement.node_id for placement in decide(snapshot).placements}

    @rule(most=st.sampled_from([0, 1, 2, 1000]))
    def a_pass_is_made_and_forgotten(self, most):
        """Nothing of it could be claimed."""
        self._decide(most)

    def _decide(self, most=1000):
        """A pass that looks only at what has changed says what one says that looks at everything, and what ask by ask does."""
        snapshot = self._snapshot()
        bring_up_to_date(self.columns, self.known, snapshot.slots)
        self.known = snapshot.slots
        plan = decide(snapshot, most, self.columns, self.findings)
        assert plan == decide(snapshot, most)
        if not plan.is_cut:
            placements, waits = OneByOne(snapshot).decide()
            assert list(plan.placements) == placements
            first = {wait.ask.shape: (wait.ask, wait.code, wait.nodes) for wait in reversed(plan.waits)}
            assert first == {ask.shape: (ask, code, nodes) for ask, code, nodes in waits}
        return plan

    @rule()
    def a_pass_is_made(self):
        plan = self._decide()
        answered = [placement.ask.entry_id for placement in plan.placements] + [wait.ask.entry_id for wait in plan.waits]
        assert sorted(answered) == sorted(self.queue), "every ask is placed or explained, and never both"
        assert all(wait.code and wait.text for wait in plan.waits)
        for placement in plan.placements:
            assert self.nodes[placement.node_id][2], "this node takes no jobs"
            asked = self._asked(placement.ask)
            has = self._attributes(placement.node_id)
            assert all(one.accepts(has.get(one.attribute)) for one in asked.each), "this node is not as the job wants it"
            self.running[placement.ask.entry_id] = (self.queue.pop(placement.ask.entry_id), placement.node_id)

    @rule(cpus=sizes, mem=sizes)
    def a_free_node_more_would_take_no_place_but_for_somebody_more_urgent(self, cpus, mem):
        """Who wishes to be packed or spread has no place of their own that could be kept for them."""
        if any(self._asked(ask).strategy for ask in self.queue.values()):
            return
        snapshot = self._snapshot()
        before, after = self._placed(snapshot), self._placed(self._snapshot(a_slot(99, cpus, mem=mem)))
        in_order = sorted(self.queue.values(), key=lambda ask: ask.urgency(snapshot.queue_mode))
        changed = [ask.entry_id for ask in in_order if (ask.entry_id in before) != (ask.entry_id in after)]
        assert not changed or changed[0] in after

    @invariant()
    def no_node_is_oversubscribed(self):
        for row, (cpus, mem, *_) in enumerate(self.nodes):
            held = sum((ask.needs for ask, at in self.running.values() if at == row), Resources())
            assert held.fits_in(Resources(cpus=cpus + 1e-5, mem=mem + 1e-5))

    @invariant()
    def no_limit_is_passed(self):
        assert sum(ask.job_type_id == LIMITED for ask, _ in self.running.values()) <= MOST

    def teardown(self):
        """When jobs end and all take jobs, nobody waits for ever but for what is too large for every node."""
        if not hasattr(self, "nodes"):
            return
        self.is_paused = False
        for node in self.nodes:
            node[2] = True
        for _ in range(len(self.queue) + 1):
            self.running.clear()
            self.a_pass_is_made()
        assert {wait.code for wait in decide(self._snapshot()).waits} <= {"too-large", "no-such-node"}


TestPlacementLife = PlacementLife.TestCase

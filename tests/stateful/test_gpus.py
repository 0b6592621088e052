"""GPUs are handed out by index: stories of executions that come, go, and are found again by a new scheduler."""

from __future__ import annotations

from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scale.job.execution.configuration import ExecutionConfiguration, command_configuration
from scale.job.execution.job_exe import RunningJobExecution
from scale.kernel.ids import cluster_id
from scale.kernel.resources import Resources
from scale.queue.entry import shape_of
from scale.scheduler.allocations import Allocations
from scale.scheduler.placement.gpus import hand_out
from scale.scheduler.placement.snapshot import Ask
from tests.builders import NOW, a_job_exe, a_job_type
from tests.reference.placement import Slot, Snapshot, decide

NODES = (1, 2)


def placed(number, node_id, needs, gpus):
    """The execution that stands in the database."""
    configuration = command_configuration(
        cluster_id("f", number, 1), "true", env={}, working_dir=None, resources=needs, job_id=number, exe_num=1, gpus=gpus
    )
    return a_job_exe(number, node_id=node_id, resources=dict(needs), configuration=configuration)


def running(row):
    return RunningJobExecution("agent-1", row, a_job_type(), ExecutionConfiguration(row.configuration), 100)


class Gpus(RuleBasedStateMachine):
    @initialize(sizes=st.tuples(*(st.integers(0, 5) for _ in NODES)))
    def begin(self, sizes):
        self.sizes = dict(zip(NODES, sizes, strict=True))
        self.rows = {}
        self.numbers = count(1)
        self.restart()

    @rule()
    def restart(self):
        """A new scheduler knows only what stands in the database."""
        self.allocations = Allocations()
        self.allocations.add(map(running, self.rows.values()))

    @rule(wanted=st.lists(st.integers(0, 3), min_size=1, max_size=6))
    def place(self, wanted):
        asks = []
        for gpus in wanted:
            number, needs = next(self.numbers), Resources(cpus=1, gpus=gpus)
            asks.append(Ask(number, number, 10, 100, NOW, needs, shape_of(10, 100, needs)))
        slots = [
            Slot(node, f"host-{node}", Resources(cpus=100, gpus=size), True, occupants=self.allocations.occupants(node))
            for node, size in self.sizes.items()
        ]
        plan = decide(Snapshot(asks, slots))
        gpus = hand_out(plan.placements, self.allocations.occupants)
        for placement in plan.placements:
            ask = placement.ask
            given = gpus.get(ask.entry_id, ())
            assert len(given) == ask.needs["gpus"]
            self.rows[ask.job_id] = placed(ask.job_id, placement.node_id, ask.needs, given)
        self.allocations.add(running(self.rows[placement.ask.job_id]) for placement in plan.placements)

    @rule(data=st.data())
    def end_one(self, data):
        if self.rows:
            row = self.rows.pop(data.draw(st.sampled_from(sorted(self.rows))))
            self.allocations.remove([running(row)])

    @rule(node=st.sampled_from(NODES), size=st.integers(0, 5))
    def a_node_changes(self, node, size):
        """Only upwards: what is held when a node gets smaller, it may hold above its size."""
        self.sizes[node] = max(self.sizes[node], size)

    @invariant()
    def no_index_is_held_twice_and_none_is_above_the_nodes(self):
        for node in NODES:
            held = [index for occupant in self.allocations.occupants(node) for index in occupant.gpus]
            assert len(held) == len(set(held)) == self.allocations.held(node)["gpus"]
            assert all(0 <= index < self.sizes[node] for index in held)


TestGpus = Gpus.TestCase

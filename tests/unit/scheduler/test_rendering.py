"""The document whose nodes are kept as bytes is, byte for byte, the one that is worked out from nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from scale.engines.protocol import Condition
from scale.job.execution.manager import JobExecutionManager
from scale.job.tasks.manager import TaskManager
from scale.job.tasks.node_task import NodeTask
from scale.job.tasks.update import TaskStatus
from scale.kernel.clock import ManualClock
from scale.kernel.resources import Resources
from scale.node.manager import NodeManager
from scale.node.models import Node
from scale.scheduler.allocations import Allocations
from scale.scheduler.rendering import StatusRenderer
from scale.scheduler.status import NodeResources, Parts, document
from tests.builders import NOW, a_job_type, a_node_report, a_running_exe, an_update, later

NODES = st.integers(1, 4)
AMOUNTS = st.sampled_from([0.0, 0.1, 0.125, 1 / 3, 1.005, 2.0, 1e9])


def a_node_task(number, agent_id="agent-1"):
    words = {"task_type": "cleanup", "title": "Cleanup", "description": "cleans up"}
    return NodeTask(f"scale_cleanup_f_{number}", agent_id, running_timeout=timedelta(minutes=10), **words)


class Surroundings:
    """All managers, one renderer, and the same document the plain way."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.nodes, self.tasks, self.allocations = NodeManager(), TaskManager(), Allocations()
        self.job_exes = JobExecutionManager(clock=self.clock)
        self.renderer = StatusRenderer(self.nodes, self.job_exes, self.tasks, self.allocations)
        self.is_paused = False

    def parts(self) -> Parts:
        return Parts(
            when=self.clock.now(), hostname="h", is_paused=self.is_paused, rates={}, warnings=(), database_ready=NOW, job_types=()
        )

    def rendered(self) -> bytes:
        return self.renderer.render(self.parts())

    def plain(self) -> bytes:
        told = self.nodes.generate_status_json(scheduler_is_paused=self.is_paused)
        self.job_exes.generate_status_json(told, self.clock.now())
        self.tasks.generate_status_json(told)
        online = [node for node in self.nodes.get_nodes() if node.is_online]
        resources = {node.id: NodeResources(node.total, node.offered, self.allocations.held(node.id)) for node in online}
        return orjson.dumps(document(replace(self.parts(), nodes=told, resources=resources)))

    def node(self, number: int, *, is_active: bool = True, is_paused: bool = False, **report) -> None:
        self.nodes.handle_report("local", a_node_report(number, **report))
        row = Node(pk=number, hostname=f"node-{number}", is_active=is_active, is_paused=is_paused, created=NOW)
        self.nodes.register([row], self.nodes.unregistered())

    def place(self, number: int, node_id: int, **columns):
        exe = a_running_exe(number=number, node_id=node_id, agent_id=f"agent-{node_id}", clock=self.clock, **columns)
        self.job_exes.schedule_job_exes([exe], [])
        self.allocations.add([exe])
        return exe

    def end(self, exe, status: TaskStatus = TaskStatus.FINISHED, when=None) -> None:
        """Counted first, and freed later, as the scheduler does it."""
        when = when or self.clock.now()
        task = exe.current_task or exe.start_next_task()
        task.launch(when)
        for one in (TaskStatus.RUNNING, status):
            update = an_update(task, one, when, exit_code=0 if status is TaskStatus.FINISHED else 1)
            task.update(update)
            self.job_exes.handle_task_update(update)


class Histories(RuleBasedStateMachine):
    """Anything may happen between two documents, and in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Surroundings()
        self.running, self.counted, self.numbers = [], [], iter(range(1, 10_000))

    @initialize()
    def begin(self) -> None:
        self.world.node(1)

    @rule(number=NODES, online=st.booleans(), active=st.booleans(), paused=st.booleans(), low=st.booleans(), extra=AMOUNTS)
    def a_node_changes(self, number, online, active, paused, low, extra) -> None:
        conditions = (Condition.LOW_DISK_SPACE,) if low else ()
        amounts = Resources(cpus=4, mem=1024, **({"fpgas": extra} if extra else {}))
        self.world.node(
            number, is_active=active, is_paused=paused, is_online=online, conditions=conditions, total=amounts, offered=amounts
        )

    @rule(node=NODES, kind=st.integers(1, 3), cpus=AMOUNTS, fpgas=AMOUNTS)
    def one_is_placed(self, node, kind, cpus, fpgas) -> None:
        resources = {"cpus": cpus, "mem": 0.1, "fpgas": fpgas}
        exe = self.world.place(next(self.numbers), node, job_type=a_job_type(pk=kind), resources=resources)
        self.running.append(exe)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), status=st.sampled_from([TaskStatus.FINISHED, TaskStatus.FAILED]), ago=st.integers(0, 200))
    def one_ends(self, data, status, ago) -> None:
        exe = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.world.end(exe, status, self.world.clock.now() - timedelta(minutes=ago))
        self.counted.append(exe)

    @precondition(lambda self: self.running)
    @rule()
    def all_are_canceled(self) -> None:
        self.counted += self.world.job_exes.cancel_all(self.world.clock.now())
        self.running = []

    @precondition(lambda self: self.counted)
    @rule()
    def what_ended_is_freed(self) -> None:
        self.world.allocations.remove(self.counted)
        self.counted = []

    @rule(number=st.integers(1, 3), node=NODES)
    def a_node_task_runs(self, number, node) -> None:
        self.world.tasks.launch_tasks([a_node_task(number, f"agent-{node}")], self.world.clock.now())

    @rule(number=st.integers(1, 3))
    def a_node_task_ends(self, number) -> None:
        self.world.tasks.handle_task_update(an_update(a_node_task(number), TaskStatus.LOST))

    @rule(minutes=st.sampled_from([0.1, 4.9, 5, 30, 175, 200]))
    def time_passes(self, minutes) -> None:
        self.world.clock.move(timedelta(minutes=minutes))

    @rule()
    def somebody_pauses_or_resumes(self) -> None:
        self.world.is_paused = not self.world.is_paused

    @rule()
    def the_counting_begins_anew(self) -> None:
        self.world.job_exes.init_with_database(lambda since: ())

    @rule()
    def it_is_rendered(self) -> None:
        assert self.world.rendered() == self.world.plain()

    def teardown(self) -> None:
        self.it_is_rendered()


TestHistories = Histories.TestCase


def world_of(nodes: int) -> Surroundings:
    world = Surroundings()
    for number in range(1, nodes + 1):
        world.node(number)
    world.rendered()
    return world


def test_only_nodes_of_which_something_changed_are_rendered_anew():
    world = world_of(5)
    before = {number: one.fragment for number, one in world.renderer._rendered.items()}
    exe = world.place(1, 2)
    world.end(world.place(2, 3), when=later(minutes=-1))
    world.nodes.handle_report("local", a_node_report(4))  # nothing new in it
    world.nodes.handle_report("local", a_node_report(5, is_online=False))
    assert world.rendered() == world.plain()
    after = {number: one.fragment for number, one in world.renderer._rendered.items()}
    assert [number for number in before if after[number] is not before[number]] == [2, 3, 5]
    world.allocations.remove([exe])
    world.rendered()
    assert [number for number in after if world.renderer._rendered[number].fragment is not after[number]] == [2]


def test_a_node_whose_counts_grow_old_is_rendered_anew():
    world = world_of(2)
    world.end(world.place(1, 2))
    world.rendered()
    world.clock.move(timedelta(hours=3, minutes=11))
    told = orjson.loads(world.rendered())
    assert [node["job_executions"]["completed"]["total"] for node in told["nodes"]] == [0, 0]
    assert world.rendered() == world.plain()


def test_what_met_trouble_is_rendered_the_next_time():
    world = world_of(1)
    world.place(1, 1)
    held, world.allocations.held = world.allocations.held, None
    try:
        world.rendered()
    except TypeError:
        world.allocations.held = held
    assert world.rendered() == world.plain()


def test_the_lock_of_the_executions_is_given_back_between_bites_however_many_grow_old():
    world = world_of(250)
    for number in range(1, 251):
        world.end(world.place(number, number))
    when = world.clock.move(timedelta(hours=3, minutes=11))
    metrics = world.job_exes._metrics
    assert [metrics.forget_old(when) for _ in range(3)] == [True, True, False]
    assert len(metrics.take_changed()) == 250
    assert world.rendered() == world.plain()


def test_when_the_counting_begins_anew_nothing_old_is_told():
    world = world_of(2)
    world.end(world.place(1, 2))
    world.rendered()
    world.job_exes.init_with_database(lambda since: ())
    assert world.rendered() == world.plain()
    world.place(2, 1)
    world.rendered()
    world.job_exes.clear()
    assert world.rendered() == world.plain()

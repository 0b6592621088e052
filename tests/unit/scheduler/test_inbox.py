"""One report in, every manager told, in order."""

from __future__ import annotations

import pytest

from scale.engines.protocol import Reason, TaskReport, TaskState, Usage
from scale.job.execution.manager import JobExecutionManager
from scale.job.states import ExecutionStatus
from scale.job.tasks.manager import TaskManager
from scale.kernel.clock import ManualClock
from scale.node.manager import NodeManager
from scale.node.models import Node
from scale.scheduler.inbox import Inbox, Ready
from scale.scheduler.rates import Rates
from tests.builders import NOW, a_node_report, a_running_exe, later


class World:
    """An inbox and those whom it tells."""

    def __init__(self):
        self.tasks = TaskManager()
        self.job_exes = JobExecutionManager(clock=ManualClock(NOW))
        self.nodes = NodeManager()
        self.rates = Rates(NOW)
        self.inbox = Inbox(self.tasks, self.job_exes, self.nodes, self.rates)

    def run(self, tasks=("main",), number=1):
        exe = a_running_exe(tasks, number)
        self.job_exes.schedule_job_exes([exe], [])
        self.tasks.launch_tasks([exe.start_next_task()], NOW)
        return exe

    def take(self, *reports, heard=NOW):
        return self.inbox.take("local", reports, heard)

    def say(self, exe, state, when=NOW, **more):
        return self.take(a_report(exe.current_task.id, state, when, **more), heard=when)


def a_report(task_id, state=TaskState.RUNNING, when=NOW, **more):
    return TaskReport(task_id, state, when, "agent-1", **more)


@pytest.fixture
def world():
    return World()


def test_a_task_that_runs_is_told_to_the_task(world):
    exe = world.run()
    outcome = world.say(exe, TaskState.RUNNING)
    assert exe.current_task.has_started
    assert (outcome.finished, outcome.strangers, outcome.concerns_placement) == ([], [], False)
    assert world.inbox.drain().ready == ()


def test_the_end_of_the_last_task_finishes_the_execution(world):
    exe = world.run()
    outcome = world.say(exe, TaskState.FINISHED, exit_code=0)
    assert outcome.finished == [exe]
    assert outcome.concerns_placement
    assert world.tasks.get_all_tasks() == world.job_exes.get_running_job_exes() == []


def test_the_end_of_another_task_makes_the_next_one_ready_once_it_is_recorded(world):
    exe = world.run(["pull", "main"])
    pull = exe.current_task.id
    outcome = world.say(exe, TaskState.FINISHED)
    assert (outcome.finished, outcome.concerns_placement) == ([], False)
    drained = world.inbox.drain()
    assert drained.ready == (Ready(exe.cluster_id, ("local", pull)),)
    assert drained.ends == ()


def test_a_lost_task_is_ready_to_run_again_under_its_new_name(world):
    exe = world.run()
    world.say(exe, TaskState.LOST)
    assert [ready.cluster_id for ready in world.inbox.drain().ready] == [exe.cluster_id]
    assert exe.next_task().id == "scale_job_f_1x1_main_lost-1"
    assert not exe.next_task().has_been_launched


def test_the_task_knows_before_its_execution_does(world):
    exe = world.run()
    world.say(exe, TaskState.RUNNING)
    usage = Usage(3.0, 12.0)
    world.say(exe, TaskState.FAILED, exit_code=2, usage=usage, when=later(seconds=9))
    (ends, _) = world.job_exes.get_messages()
    (end,) = ends.job_exe_ends
    assert (end.exit_code, end.cpu_seconds, end.seed_started, end.seed_ended) == (2, 3.0, NOW, later(seconds=9))


def test_what_the_engine_could_not_start_is_named(world):
    exe = world.run()
    world.say(exe, TaskState.FAILED, reason=Reason.COMMAND_NOT_FOUND, message="no such program")
    assert (exe.status, exe.error_name) == (ExecutionStatus.FAILED, "command-not-found")


def test_a_task_that_runs_for_nobody_is_a_stranger(world):
    assert world.take(a_report("scale_job_f_9x1_main")).strangers == ["scale_job_f_9x1_main"]
    assert world.take(a_report("whatever", TaskState.STAGING)).strangers == ["whatever"]


def test_the_lost_incarnation_of_a_task_is_a_stranger_if_it_still_runs(world):
    exe = world.run()
    old = exe.current_task.id
    world.say(exe, TaskState.LOST)
    assert world.take(a_report(old)).strangers == [old]
    assert exe.status is ExecutionStatus.RUNNING


@pytest.mark.parametrize("state", [state for state in TaskState if state.is_end])
def test_the_end_of_a_stranger_needs_no_killing_but_an_acknowledgement(world, state):
    assert world.take(a_report("whatever", state)).strangers == []
    assert world.inbox.drain().ends == (("local", "whatever"),)


def test_an_end_that_is_reported_again_is_acknowledged_again_and_changes_nothing(world):
    exe = world.run()
    task_id = exe.current_task.id
    world.say(exe, TaskState.FINISHED)
    outcome = world.take(a_report(task_id, TaskState.FAILED))
    assert outcome.finished == []
    assert exe.status is ExecutionStatus.COMPLETED
    assert world.inbox.drain().ends == (("local", task_id),) * 2


def test_updates_are_kept_with_their_execution_until_they_are_drained(world):
    exe = world.run()
    world.take(a_report(exe.current_task.id, reason=Reason.NONE, message="hello"), heard=later(seconds=1))
    (update,) = world.inbox.drain().updates
    assert (update.job_exe_id, update.task_id, update.status) == (1, "scale_job_f_1x1_main", "TASK_RUNNING")
    assert (update.timestamp, update.heard, update.created) == (NOW, later(seconds=1), later(seconds=1))
    assert (update.reason, update.message) == (None, "hello")
    assert world.inbox.drain() == type(world.inbox.drain())((), (), ())


def test_updates_of_strangers_are_not_kept(world):
    world.take(a_report("whatever"))
    assert world.inbox.drain().updates == ()


def test_an_end_that_is_handed_over_has_its_consequences_with_the_managers(world):
    exe = world.run()
    world.say(exe, TaskState.FINISHED)
    assert world.inbox.drain().ends
    assert [message.type for message in world.job_exes.get_messages()] == ["create_job_exe_ends", "completed_jobs"]


def test_nodes_are_told_to_the_node_manager(world):
    assert world.take(a_node_report()).nodes_changed
    assert [seen.engine for seen in world.nodes.unregistered()] == ["local"]


def test_a_node_that_comes_back_is_named(world):
    world.take(a_node_report())
    world.nodes.register([Node(pk=1, hostname="node-1", created=NOW)], world.nodes.unregistered())
    assert world.take(a_node_report()).returned == []
    assert world.take(a_node_report(is_online=False), a_node_report()).returned == ["agent-1"]


def test_what_happened_is_counted(world):
    exe = world.run(["pull", "main"])
    world.say(exe, TaskState.RUNNING)
    world.say(exe, TaskState.FINISHED)
    world.tasks.launch_tasks([exe.start_next_task()], NOW)
    world.say(exe, TaskState.FINISHED)
    rates = world.rates.generate_status_json(later(seconds=1))
    assert (rates["task_updates_per_sec"], rates["tasks_finished_per_sec"], rates["jobs_finished_per_sec"]) == (3, 2, 1)


def test_a_task_that_runs_for_nobody_and_has_ended_is_not_ended_again():
    """Its end is told anew by an engine that had no acknowledgement, together with its start."""
    world = World()
    over, runs = "scale_job_f_8x1_main", "scale_job_f_9x1_main"
    reports = [a_report(over), a_report(over, TaskState.FINISHED), a_report(runs)]
    assert world.inbox.take("local", reports, NOW).strangers == [runs]

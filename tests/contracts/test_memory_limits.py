"""Tasks of the local engine are held to their memory, by the kernel's groups and by watching."""

from __future__ import annotations

import os
import signal

import pytest

from scale.engines.local import cgroups, places, processes
from scale.engines.local.engine import LocalEngine
from scale.engines.protocol import Reason, TaskSpec, TaskState
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources
from tests.contracts.test_local_engine import UNTIL_RELEASED, Local, hold, kill_9, living, sh


@pytest.fixture(scope="module")
def groups():
    """Whether the kernel has any for us."""
    found = cgroups.find("scale-test")
    if found is None:
        pytest.skip("the kernel has no memory groups for us")
    os.rmdir(found[1])


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def engine(home, mode, request):
    if mode == "cgroup":
        request.getfixturevalue("groups")
    with LocalEngine(home, memory_limits=mode) as engine:
        yield engine


def folders(home):
    """Where the home's groups are, or may have been."""
    return (home / places.KEEPER / places.GROUPS).read_text().split()


def groups_of(home):
    return [entry.path for folder in folders(home) for entry in os.scandir(folder) if entry.is_dir()]


class Limited(Local):
    def restart(self, engine):
        return LocalEngine(engine.home, memory_limits=engine.memory_limits)

    def limited(self, watch, name, script, mem=64):
        return TaskSpec(TaskId(name), watch.nodes[0].node, sh(script), Resources(cpus=1, mem=mem))

    def is_out_of_memory(self, watch, end):
        assert (end.state, end.reason) == (TaskState.FAILED, Reason.OUT_OF_MEMORY)
        watch.until(lambda: not living(watch.engine.home, end.task_id))
        return True


@pytest.mark.parametrize("mode", ["cgroup", "watch"])
class TestMemoryLimits(Limited):
    def test_what_is_within_the_limit_is_left_alone(self, watch):
        watch.launch(self.limited(watch, "a", hold(40)), self.limited(watch, "over", hold(124)))
        watch.until_ended("over")
        self.until_it_says(watch, "a", b"has it")
        assert watch.until_reconciled("a").state is TaskState.RUNNING

    def test_without_a_limit_a_task_takes_what_it_wants(self, watch):
        watch.launch(self.limited(watch, "a", hold(124), mem=0), self.limited(watch, "over", hold(124)))
        watch.until_ended("over")
        self.until_it_says(watch, "a", b"has it")
        assert watch.until_reconciled("a").state is TaskState.RUNNING

    def test_children_count_together_and_all_are_killed(self, watch):
        script = f"{hold(40)} & {hold(40)} & wait; while :; do sleep 1000; done"
        (end,) = watch.run(self.limited(watch, "a", script))
        assert self.is_out_of_memory(watch, end)

    def test_what_left_its_group_of_processes_counts_too(self, watch):
        (end,) = watch.run(self.limited(watch, "a", f"setsid {hold(124)} & wait; while :; do sleep 1000; done"))
        assert self.is_out_of_memory(watch, end)

    def test_the_keeper_lives(self, watch):
        keeper = watch.engine.keeper_pids
        ends = watch.run(*(self.limited(watch, f"t{n}", hold(124), mem=16) for n in range(4)))
        assert all(end.reason is Reason.OUT_OF_MEMORY for end in ends)
        assert watch.engine.keeper_pids == keeper
        assert [node.is_online for node in watch.nodes] == [True]

    def test_a_limit_outlives_runner_and_scheduler(self, watch, restarted):
        watch.launch(self.limited(watch, "a", UNTIL_RELEASED + hold(124)))
        watch.until_running("a")
        runner, _ = watch.engine.keeper_pids
        again = restarted(watch, between=lambda: kill_9(runner))
        self.release(again.engine, "a")
        again.until_ended("a")
        assert self.is_out_of_memory(again, again.ends("a")[0])

    def test_a_limit_is_kept_while_there_is_no_runner(self, watch):
        watch.launch(self.limited(watch, "a", UNTIL_RELEASED + "exec " + hold(124)))
        watch.until_running("a")
        runner, guardian = watch.engine.keeper_pids
        os.kill(guardian, signal.SIGSTOP)
        kill_9(runner)
        self.release(watch.engine, "a")
        os.kill(guardian, signal.SIGCONT)
        watch.until_ended("a")
        assert self.is_out_of_memory(watch, watch.ends("a")[0])

    def test_a_limit_outlives_the_keeper(self, watch):
        watch.launch(self.limited(watch, "a", UNTIL_RELEASED + hold(124)))
        watch.until_running("a")
        kill_9(*watch.engine.keeper_pids)
        watch.until(lambda: len(watch.nodes) == 3)
        self.release(watch.engine, "a")
        watch.until_ended("a")
        assert self.is_out_of_memory(watch, watch.ends("a")[0])

    def test_a_task_that_is_killed_is_killed(self, watch):
        watch.launch(self.limited(watch, "a", hold(40)))
        self.until_it_says(watch, "a", b"has it")
        watch.kill("a")
        watch.until_ended("a")
        assert (watch.ends("a")[0].state, watch.ends("a")[0].reason) == (TaskState.KILLED, Reason.NONE)


@pytest.mark.parametrize("mode", ["off"])
class TestWithoutLimits(Limited):
    def test_nothing_is_limited(self, watch):
        watch.launch(self.limited(watch, "a", hold(124)))
        self.until_it_says(watch, "a", b"has it")
        watch.run(self.limited(watch, "b", "exit 0"))
        assert watch.until_reconciled("a").state is TaskState.RUNNING


@pytest.mark.parametrize("mode", ["cgroup"])
class TestGroups(Limited):
    def test_the_peak_is_that_of_all_processes_together(self, watch):
        watch.launch(self.limited(watch, "a", f"{hold(30)} & {hold(30)} & wait", mem=256))
        self.until_it_says(watch, "a", b"has it\nhas it")
        watch.kill("a")
        watch.until_ended("a")
        assert 60 <= watch.ends("a")[0].usage.peak_memory < 256

    def test_a_small_task_has_a_small_peak(self, watch):
        ends = watch.run(*(self.limited(watch, f"t{n}", "exit 0") for n in range(20)))
        assert all(0 < end.usage.peak_memory < 8 for end in ends)

    def test_a_group_is_used_again_and_its_past_is_forgotten(self, watch):
        first = watch.run(self.limited(watch, "a", "exec " + hold(124)))
        then = [watch.run(self.limited(watch, f"t{n}", "exit 0"))[0] for n in range(5)]
        assert first[0].reason is Reason.OUT_OF_MEMORY
        assert {(end.state, end.reason) for end in then} == {(TaskState.FINISHED, Reason.NONE)}
        assert all(end.usage.peak_memory < 8 for end in then)
        assert len(groups_of(watch.engine.home)) <= 2

    def test_a_clean_stop_leaves_no_groups(self, watch):
        watch.launch(*(self.limited(watch, f"t{n}", f"setsid {hold(8)} & {hold(8)}") for n in range(3)))
        watch.until_running("t0", "t1", "t2")
        (folder,) = folders(watch.engine.home)
        watch.engine.stop(leave_tasks=False)
        assert not os.path.exists(folder)

    def test_a_new_keeper_removes_what_a_killed_one_left(self, watch):
        watch.launch(self.limited(watch, "a", UNTIL_RELEASED))
        watch.run(*(self.limited(watch, f"t{n}", "exit 0") for n in range(3)))
        before = groups_of(watch.engine.home)
        kill_9(*watch.engine.keeper_pids)
        watch.until(lambda: len(watch.nodes) == 3)
        (kept,) = groups_of(watch.engine.home)
        assert kept in before
        self.release(watch.engine, "a")
        watch.until_ended("a")

    def test_the_runner_is_at_home(self, watch):
        watch.run(self.limited(watch, "a", "exit 0"), self.limited(watch, "b", "no-such-program"))
        runner, guardian = watch.engine.keeper_pids
        assert processes.read(f"/proc/{runner}/cgroup") == processes.read(f"/proc/{guardian}/cgroup")

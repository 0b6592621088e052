"""The promises of `scale.engines.protocol.Engine`, as tests that every engine's own test class inherits.

A subclass gives the `engine` fixture and the hooks below; it says in its own terms what a task must do to behave in a
certain way. Nothing here sleeps: a test waits for the reports it needs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from threading import Event

import pytest

from scale.engines.protocol import (
    Engine,
    LogSource,
    NodeReport,
    Reason,
    Report,
    Stream,
    Superseded,
    TaskReport,
    TaskSpec,
    TaskState,
    Term,
)
from scale.kernel.errors import ClusterTrouble
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources

PATIENCE = 30.0  # seconds; only a broken engine needs them


class Does(Enum):
    """How a task behaves."""

    SUCCEED = auto()
    EXIT_3 = auto()
    SEGFAULT = auto()
    GO_ON = auto()  #: until it is killed, or released: then it exits with 0
    GO_ON_WITH_CHILDREN = auto()  #: the same, and its children do, too
    IGNORE_TERM = auto()
    SPEAK = auto()  #: "hello" to stdout, "trouble" to stderr
    EXCEED_MEMORY = auto()  #: takes 60 MiB more than 64 MiB, and goes on
    MISSING = auto()  #: there is no such program


class Watch:
    """Starts an engine and collects its reports."""

    def __init__(
        self, engine: Engine, now: Callable[[], datetime], rest: Callable[[Event, float], None], term: Term = Term()
    ) -> None:
        self.engine = engine
        self.all: list[Report] = []
        self._now = now
        self._rest = rest
        self._woken = Event()
        engine.start(self._woken.set, term)

    @property
    def tasks(self) -> list[TaskReport]:
        return [report for report in self.all if isinstance(report, TaskReport)]

    @property
    def nodes(self) -> list[NodeReport]:
        return [report for report in self.all if isinstance(report, NodeReport)]

    def of(self, task: str) -> list[TaskReport]:
        return [report for report in self.tasks if report.task_id == task]

    def states(self, task: str) -> list[TaskState]:
        return [report.state for report in self.of(task)]

    def ends(self, task: str) -> list[TaskReport]:
        return [report for report in self.of(task) if report.state.is_end]

    def take(self) -> None:
        self.all += self.engine.reports(self._now())

    def until(self, what: Callable[[], object], patience: float = PATIENCE) -> None:
        """Take reports until this is so."""
        last = time.monotonic() + patience
        self.take()
        while not what():
            left = last - time.monotonic()
            if left <= 0:
                pytest.fail("it never came to that; the reports were:\n" + "\n".join(map(str, self.all[-20:])))
            self._rest(self._woken, left)
            self._woken.clear()
            self.take()

    def until_running(self, *tasks: str) -> None:
        self.until(lambda: all(TaskState.RUNNING in self.states(task) for task in tasks))

    def until_ended(self, *tasks: str) -> None:
        self.until(lambda: all(self.ends(task) for task in tasks))

    def until_reconciled(self, task: str) -> TaskReport:
        """The answer to a question about one task; by then all that was asked before has been answered."""
        before = len(self.of(task))
        self.engine.reconcile([TaskId(task)], self._now())
        self.until(lambda: len(self.of(task)) > before)
        return self.of(task)[-1]

    def launch(self, *tasks: TaskSpec) -> None:
        self.engine.launch(tasks, self._now())

    def kill(self, *tasks: str) -> None:
        self.engine.kill(map(TaskId, tasks), self._now())

    def acknowledge(self, *tasks: str) -> None:
        self.engine.acknowledge(map(TaskId, tasks))

    def run(self, *tasks: TaskSpec) -> list[TaskReport]:
        """Launch tasks and wait for their ends; these."""
        self.launch(*tasks)
        self.until_ended(*(task.id for task in tasks))
        return [self.ends(task.id)[0] for task in tasks]


class EngineHooks:
    """What a subclass must give."""

    def command(self, does: Does) -> tuple[str, ...]:
        raise NotImplementedError

    def release(self, engine: Engine, task: str) -> None:
        """Let a task end that goes on."""
        raise NotImplementedError

    def restart(self, engine: Engine) -> Engine:
        """A new engine, not started, over the ground of one that was stopped, or that is to be superseded."""
        raise NotImplementedError

    def lose_node(self, engine: Engine) -> None:
        """Make the node be away for a moment, or until it is brought back."""
        raise NotImplementedError

    def bring_back(self, engine: Engine) -> None:
        raise NotImplementedError

    def logs(self, engine: Engine) -> LogSource:
        raise NotImplementedError

    def grow_old(self, engine: Engine, *tasks: str) -> None:
        """Let it be ten days ago that these were launched and wrote something."""
        raise NotImplementedError

    def living_processes(self, engine: Engine, task: str) -> int:
        """How many processes of the task are alive."""
        return 0

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 the engine under test lives in real time

    def rest(self, woken: Event, seconds: float) -> None:
        """Wait until the engine wakes us, or so long."""
        woken.wait(seconds)

    @pytest.fixture
    def watch(self, engine: Engine) -> Watch:
        watch = self.watching(engine)
        assert isinstance(watch.engine, Engine)
        return watch

    @pytest.fixture
    def restarted(self) -> Iterator[Callable[[Watch], Watch]]:
        """Stop an engine, leave its tasks, and watch a new one in its place."""
        fresh: list[Engine] = []

        def restart(watch: Watch, between: Callable[[], None] = lambda: None) -> Watch:
            watch.engine.stop(leave_tasks=True)
            between()
            fresh.append(self.restart(watch.engine))
            return self.watching(fresh[-1])

        yield restart
        for engine in fresh:
            engine.stop(leave_tasks=False)

    def watching(self, engine: Engine, term: Term = Term()) -> Watch:
        watch = Watch(engine, self.now, self.rest, term)
        watch.until(lambda: watch.nodes)
        return watch

    def task(self, watch: Watch, name: str, does: Does, **more: object) -> TaskSpec:
        more.setdefault("grace", timedelta(seconds=10))
        resources = more.pop("resources", Resources(cpus=0.1))
        return TaskSpec(TaskId(name), watch.nodes[0].node, self.command(does), resources, **more)

    def all_of_it(self, watch: Watch, name: str, does: Does) -> TaskSpec:
        """A task that takes all CPUs of the node, and waits for them."""
        return self.task(watch, name, does, resources=Resources(cpus=watch.nodes[-1].offered["cpus"]), waits=True)

    def keep_room(self, watch: Watch) -> None:
        """A task that keeps all CPUs ends while another one waits for them."""
        before = replace(self.all_of_it(watch, "before", Does.SUCCEED), keeps_room=True)
        watch.launch(before, self.all_of_it(watch, "waits", Does.SUCCEED))
        watch.until_ended("before")
        assert watch.until_reconciled("waits").state is TaskState.STAGING


class EngineContract(EngineHooks):
    """What every engine has to keep."""

    def test_the_first_reports_name_every_node(self, watch):
        first = watch.all[0]
        assert isinstance(first, NodeReport)
        assert first.is_online
        assert first.hostname
        assert first.offered["cpus"] > 0
        assert first.offered.fits_in(first.total)

    def test_a_launched_task_runs_then_ends_once(self, watch):
        (end,) = watch.run(self.task(watch, "a", Does.SUCCEED))
        watch.until_reconciled("stranger")
        assert watch.states("a") == [TaskState.RUNNING, TaskState.FINISHED]
        assert (end.exit_code, end.signal, end.reason) == (0, None, Reason.NONE)
        assert end.node == watch.nodes[0].node
        assert watch.of("a")[0].when <= end.when

    def test_a_failure_tells_its_exit_code(self, watch):
        (end,) = watch.run(self.task(watch, "a", Does.EXIT_3))
        assert (end.state, end.exit_code, end.signal) == (TaskState.FAILED, 3, None)
        assert end.message == "exited with status 3"

    def test_death_by_a_signal_is_no_exit_code(self, watch):
        (end,) = watch.run(self.task(watch, "a", Does.SEGFAULT))
        assert (end.state, end.exit_code, end.signal) == (TaskState.FAILED, None, 11)
        assert end.message == "terminated by signal SIGSEGV"

    def test_an_end_tells_what_was_used(self, watch):
        (end,) = watch.run(self.task(watch, "a", Does.SUCCEED))
        assert end.usage is not None
        assert end.usage.cpu_seconds >= 0
        assert end.usage.peak_memory >= 0

    def test_a_task_that_cannot_start_never_runs(self, watch):
        (end,) = watch.run(self.task(watch, "a", Does.MISSING))
        assert watch.states("a") == [TaskState.FAILED]
        assert end.reason is Reason.COMMAND_NOT_FOUND
        assert end.exit_code is None
        assert end.message

    def test_a_kill_ends_all_processes_of_a_task(self, watch):
        watch.launch(self.task(watch, "a", Does.GO_ON_WITH_CHILDREN))
        watch.until_running("a")
        watch.kill("a")
        watch.until_ended("a")
        (end,) = watch.ends("a")
        assert end.state is TaskState.KILLED
        assert self.living_processes(watch.engine, "a") == 0

    def test_a_task_that_ignores_the_request_is_killed_after_its_grace(self, watch):
        watch.launch(self.task(watch, "a", Does.IGNORE_TERM, grace=timedelta(seconds=0.3)))
        watch.until_running("a")
        self.until_it_ignores(watch, "a")
        asked = self.now()
        watch.kill("a")
        watch.until_ended("a")
        (end,) = watch.ends("a")
        assert (end.state, end.signal) == (TaskState.KILLED, 9)
        assert end.when - asked >= timedelta(seconds=0.29)

    def until_it_ignores(self, watch: Watch, task: str) -> None:
        """A real task needs a moment before it ignores signals; it says so on stdout."""
        watch.until(lambda: self.logs(watch.engine).read(TaskId(task), Stream.STDOUT))

    def test_a_task_over_its_memory_ends_out_of_memory(self, watch):
        (end,) = watch.run(self.task(watch, "a", Does.EXCEED_MEMORY, resources=Resources(cpus=0.1, mem=64)))
        assert (end.state, end.signal, end.reason) == (TaskState.FAILED, 9, Reason.OUT_OF_MEMORY)
        assert end.message == "used more than its 64 MiB of memory"
        assert end.when - watch.of("a")[0].when <= timedelta(seconds=2)
        assert self.living_processes(watch.engine, "a") == 0
        (end,) = watch.run(self.task(watch, "b", Does.SUCCEED, resources=Resources(cpus=0.1, mem=64)))
        assert (end.state, end.reason) == (TaskState.FINISHED, Reason.NONE)

    def test_what_waits_for_room_starts_in_turn(self, watch):
        names = ("first", "second", "third")
        watch.launch(*(self.all_of_it(watch, name, Does.GO_ON) for name in names))
        for name, later in zip(names, (names[1:], names[2:], ()), strict=True):
            watch.until_running(name)
            assert not [report for other in later for report in watch.of(other)]
            self.release(watch.engine, name)
            watch.until_ended(name)

    def test_nobody_overtakes_what_waits_for_room(self, watch):
        small = self.task(watch, "small", Does.SUCCEED, waits=True)
        watch.launch(self.all_of_it(watch, "runs", Does.GO_ON), self.all_of_it(watch, "waits", Does.SUCCEED), small)
        watch.until_running("runs")
        assert watch.until_reconciled("small").state is TaskState.STAGING
        self.release(watch.engine, "runs")
        watch.until_ended("waits", "small")
        order = [report.task_id for report in watch.tasks if report.state is TaskState.RUNNING]
        assert order == ["runs", "waits", "small"]

    def test_what_is_withdrawn_while_it_waits_never_runs(self, watch):
        watch.launch(self.all_of_it(watch, "runs", Does.GO_ON), self.all_of_it(watch, "waits", Does.SUCCEED))
        watch.until_running("runs")
        watch.engine.withdraw([TaskId("runs"), TaskId("waits"), TaskId("stranger")], self.now())
        watch.until_ended("waits")
        (end,) = watch.of("waits")
        assert (end.state, end.reason) == (TaskState.KILLED, Reason.WITHDRAWN)
        self.release(watch.engine, "runs")
        watch.until_ended("runs")
        assert watch.ends("runs")[0].state is TaskState.FINISHED

    def test_what_is_killed_while_it_waits_ends_at_once(self, watch):
        watch.launch(self.all_of_it(watch, "runs", Does.GO_ON), self.all_of_it(watch, "waits", Does.SUCCEED))
        watch.until_running("runs")
        watch.kill("waits")
        watch.until_ended("waits")
        (end,) = watch.of("waits")
        assert (end.state, end.reason) == (TaskState.KILLED, Reason.NONE)

    def test_what_is_launched_twice_while_it_waits_runs_once(self, watch):
        twice = self.all_of_it(watch, "waits", Does.SUCCEED)
        watch.launch(self.all_of_it(watch, "runs", Does.GO_ON), twice, twice)
        watch.until_running("runs")
        self.release(watch.engine, "runs")
        watch.until_ended("waits")
        watch.acknowledge("waits")
        watch.run(self.all_of_it(watch, "last", Does.SUCCEED))
        assert len(watch.ends("waits")) == 1

    def test_the_room_of_a_task_is_kept_for_the_next_one_until_its_end_is_acknowledged(self, watch):
        self.keep_room(watch)
        following = replace(self.all_of_it(watch, "following", Does.GO_ON), waits=False)
        watch.launch(following)
        watch.until_running("following")
        watch.acknowledge("before")
        assert watch.until_reconciled("waits").state is TaskState.STAGING
        self.release(watch.engine, "following")
        watch.until_ended("waits")

    def test_room_that_nothing_follows_in_is_free_with_the_acknowledgement(self, watch):
        self.keep_room(watch)
        watch.acknowledge("before")
        watch.until_ended("waits")

    def test_a_second_kill_changes_nothing(self, watch):
        watch.launch(self.task(watch, "a", Does.GO_ON))
        watch.until_running("a")
        watch.kill("a")
        watch.kill("a")
        watch.until_ended("a")
        watch.kill("a")
        watch.until_reconciled("stranger")
        assert len(watch.ends("a")) == 1

    def test_killing_a_stranger_reports_it_lost(self, watch):
        watch.kill("stranger")
        watch.until_ended("stranger")
        (lost,) = watch.of("stranger")
        assert (lost.state, lost.reason) == (TaskState.LOST, Reason.UNKNOWN_TASK)

    def test_reconciling_tells_how_a_task_stands(self, watch):
        watch.launch(self.task(watch, "on", Does.GO_ON))
        watch.run(self.task(watch, "over", Does.EXIT_3))
        watch.until_running("on")
        assert watch.until_reconciled("on").state is TaskState.RUNNING
        assert watch.until_reconciled("over").exit_code == 3
        lost = watch.until_reconciled("stranger")
        assert (lost.state, lost.reason) == (TaskState.LOST, Reason.UNKNOWN_TASK)

    def test_nothing_follows_an_end(self, watch):
        watch.launch(*(self.task(watch, f"t{n}", Does.SUCCEED) for n in range(20)))
        watch.until_ended(*(f"t{n}" for n in range(20)))
        watch.until_reconciled("stranger")
        for n in range(20):
            assert watch.of(f"t{n}")[-1].state.is_end

    def test_many_tasks_all_end_once(self, watch):
        names = [f"t{n}" for n in range(200)]
        watch.run(*(self.task(watch, name, Does.SUCCEED) for name in names))
        watch.until_reconciled("stranger")
        assert all(watch.states(name) == [TaskState.RUNNING, TaskState.FINISHED] for name in names)

    def test_both_streams_are_kept(self, watch):
        watch.run(self.task(watch, "a", Does.SPEAK))
        logs = self.logs(watch.engine)
        assert logs.read(TaskId("a"), Stream.STDOUT) == b"hello\n"
        assert logs.read(TaskId("a"), Stream.STDERR) == b"trouble\n"
        assert sorted((logs.read(TaskId("a"), Stream.COMBINED) or b"").split()) == [b"hello", b"trouble"]
        assert [logs.size(TaskId("a"), stream) for stream in (Stream.STDOUT, Stream.STDERR, Stream.COMBINED)] == [6, 8, 14]
        assert logs.read(TaskId("a"), Stream.STDOUT, 1, 3) == b"el"
        assert logs.read(TaskId("a"), Stream.STDERR, 4) == b"ble\n"
        assert logs.read(TaskId("a"), Stream.STDOUT, 6) == b""
        assert logs.read(TaskId("a"), Stream.COMBINED, 13) in (b"\n",)

    def test_there_is_no_output_of_a_stranger(self, watch):
        assert self.logs(watch.engine).read(TaskId("stranger"), Stream.COMBINED) is None
        assert self.logs(watch.engine).size(TaskId("stranger"), Stream.COMBINED) is None

    @pytest.mark.parametrize(
        "odd",
        [
            {"command": ("echo", "grüße", "日本", "\udc80", "a\nb", "")},
            {"env": {"GRUSS": "grüße", "LONG": "x" * 100_000, "EMPTY": ""}},
            {"env": {f"NAME_{n}": "value" for n in range(5000)}},
        ],
        ids=["unicode", "long", "many"],
    )
    def test_odd_words_pass(self, watch, odd):
        spec = self.task(watch, "a", Does.SUCCEED)
        command = self.command(Does.SUCCEED) + odd.get("command", ())
        (end,) = watch.run(TaskSpec(spec.id, spec.node, command, spec.resources, env=odd.get("env", {})))
        assert end.state is TaskState.FINISHED

    # Output goes when it is old

    def test_old_output_goes_a_batch_at_a_time(self, watch):
        names = [f"t{n}" for n in range(5)]
        watch.run(*(self.task(watch, name, Does.SPEAK) for name in names))
        self.grow_old(watch.engine, *names)
        assert [self.remove_output(watch, most=3) for _ in range(3)] == [3, 2, 0]
        assert {self.logs(watch.engine).size(TaskId(name), Stream.COMBINED) for name in names} == {None}

    def test_output_that_is_to_be_kept_stays(self, watch):
        watch.launch(self.task(watch, "on", Does.GO_ON))
        watch.run(self.task(watch, "over", Does.SPEAK))
        watch.until_running("on")
        self.grow_old(watch.engine, "on", "over")
        assert self.remove_output(watch, "on", "stranger") == 1
        assert self.logs(watch.engine).size(TaskId("on"), Stream.COMBINED) == 0
        self.release(watch.engine, "on")
        watch.until_ended("on")

    def test_what_stays_does_not_keep_others_from_going(self, watch):
        names = [f"t{n}" for n in range(6)]
        watch.run(*(self.task(watch, name, Does.SPEAK) for name in names))
        self.grow_old(watch.engine, *names)
        assert self.remove_output(watch, *names[:4], most=2) == 2
        assert [name for name in names if self.logs(watch.engine).size(TaskId(name), Stream.STDOUT)] == names[:4]

    def test_young_output_stays(self, watch):
        watch.run(self.task(watch, "a", Does.SPEAK))
        assert watch.engine.remove_output(self.now() - timedelta(days=1), lambda tasks: (), 10) == 0
        assert self.logs(watch.engine).read(TaskId("a"), Stream.STDOUT) == b"hello\n"

    def test_the_volume_of_output_is_told(self, watch):
        assert self.logs(watch.engine).volume(10).files == 0
        watch.run(self.task(watch, "a", Does.SPEAK), self.task(watch, "b", Does.SUCCEED))
        volume = self.logs(watch.engine).volume(10)
        assert (volume.bytes, volume.days, volume.oldest, volume.is_complete) == (14, 1, self.now().date(), True)
        least = self.logs(watch.engine).volume(1)
        assert (least.files, least.is_complete) == (1, False)

    def remove_output(self, watch: Watch, *kept: str, most: int = 10) -> int:
        def keep(tasks: Sequence[TaskId]) -> list[TaskId]:
            return [task for task in tasks if task in kept]

        return watch.engine.remove_output(self.now() - timedelta(days=1), keep, most)

    # A duplicate is refused

    def test_a_duplicate_of_a_running_task_is_refused(self, watch):
        watch.launch(self.task(watch, "a", Does.GO_ON))
        watch.until_running("a")
        watch.launch(self.task(watch, "a", Does.EXIT_3))
        assert watch.until_reconciled("a").state is TaskState.RUNNING
        assert set(watch.states("a")) == {TaskState.RUNNING}

    def test_a_duplicate_of_an_ended_task_is_refused(self, watch):
        watch.run(self.task(watch, "a", Does.SUCCEED))
        watch.launch(self.task(watch, "a", Does.EXIT_3))
        watch.run(self.task(watch, "b", Does.SUCCEED))
        assert [end.exit_code for end in watch.ends("a")] == [0]

    def test_a_duplicate_of_a_forgotten_task_is_refused(self, watch):
        watch.run(self.task(watch, "a", Does.SUCCEED))
        watch.acknowledge("a")
        watch.launch(self.task(watch, "a", Does.EXIT_3))
        watch.run(self.task(watch, "b", Does.SUCCEED))
        assert watch.states("a") == [TaskState.RUNNING, TaskState.FINISHED]

    def test_a_duplicate_is_refused_after_a_restart(self, watch, restarted):
        watch.run(self.task(watch, "a", Does.SUCCEED))
        watch.acknowledge("a")
        again = restarted(watch)
        again.launch(self.task(again, "a", Does.EXIT_3))
        again.run(self.task(again, "b", Does.SUCCEED))
        assert again.of("a") == []

    # Only the newest term gives orders

    @pytest.fixture
    def second(self, engine: Engine) -> Iterator[Engine]:
        """Of another scheduler."""
        second = self.restart(engine)
        yield second
        second.stop(leave_tasks=False)

    def until_superseded(self, watch: Watch) -> None:
        """Its launches start nothing, and soon it knows why."""

        def is_superseded() -> bool:
            try:
                watch.launch(self.task(watch, "stale", Does.SUCCEED))
            except Superseded:
                return True
            except ClusterTrouble:
                return False
            pytest.fail("it took a launch")

        watch.until(is_superseded)

    def assert_it_can_do_nothing(self, engine: Engine) -> None:
        spec = TaskSpec(TaskId("stale"), "", self.command(Does.SUCCEED), Resources())
        for call in (
            lambda: engine.launch([spec], self.now()),
            lambda: engine.kill([TaskId("kept")], self.now()),
            lambda: engine.reconcile([TaskId("kept")], self.now()),
            lambda: engine.acknowledge([TaskId("over")]),
        ):
            with pytest.raises(Superseded):
                call()
        engine.stop(leave_tasks=False)

    def test_an_engine_of_an_older_term_is_refused(self, engine, second):
        first = self.watching(engine, Term("here", 2))
        first.launch(self.task(first, "kept", Does.GO_ON))
        first.run(self.task(first, "over", Does.EXIT_3))
        for term in (Term("here", 1), Term()):
            with pytest.raises(Superseded):
                second.start(lambda: None, term)
            self.assert_it_can_do_nothing(second)
        assert first.until_reconciled("stale").state is TaskState.LOST
        assert first.until_reconciled("kept").state is TaskState.RUNNING
        assert first.until_reconciled("over").exit_code == 3
        assert [node.is_online for node in first.nodes] == [True]
        engine.stop(leave_tasks=True)
        with pytest.raises(Superseded):
            second.start(lambda: None, Term("here", 1))
        assert self.watching(second, Term("here", 2)).until_reconciled("kept").state is TaskState.RUNNING

    def test_a_newer_term_supersedes(self, engine, second):
        first = self.watching(engine, Term("here", 1))
        first.launch(self.task(first, "kept", Does.GO_ON))
        first.run(self.task(first, "over", Does.EXIT_3))
        first.until_running("kept")
        then = self.watching(second, Term("here", 2))
        self.until_superseded(first)
        self.assert_it_can_do_nothing(engine)
        assert then.until_reconciled("stale").state is TaskState.LOST
        assert then.until_reconciled("kept").state is TaskState.RUNNING
        assert then.until_reconciled("over").exit_code == 3
        assert [node.is_online for node in then.nodes] == [True]

    def test_what_was_ordered_before_a_newer_term_came_is_done(self, engine, second):
        first = self.watching(engine, Term("here", 1))
        names = [f"t{n}" for n in range(50)]
        first.launch(*(self.task(first, name, Does.SUCCEED) for name in names))
        then = self.watching(second, Term("here", 2))
        then.until_ended(*names)
        assert {end.state for name in names for end in then.ends(name)} == {TaskState.FINISHED}

    @pytest.mark.parametrize("term", [Term("here", 7), Term("here", 8), Term("elsewhere", 1)], ids=["equal", "newer", "other"])
    def test_a_term_that_is_not_older_may_come(self, engine, second, term):
        first = self.watching(engine, Term("here", 7))
        first.launch(self.task(first, "kept", Does.GO_ON))
        first.until_running("kept")
        engine.stop(leave_tasks=True)
        then = self.watching(second, term)
        then.kill("kept")
        then.until_ended("kept")
        assert then.ends("kept")[0].state is TaskState.KILLED

    # Nodes come and go

    def test_a_lost_node_comes_back_with_its_tasks(self, watch):
        watch.launch(self.task(watch, "a", Does.GO_ON))
        watch.run(self.task(watch, "over", Does.EXIT_3))
        watch.until_running("a")
        self.lose_node(watch.engine)
        self.bring_back(watch.engine)
        watch.until(lambda: [node.is_online for node in watch.nodes] == [True, False, True])
        watch.until(lambda: len(watch.ends("over")) == 2)
        assert watch.until_reconciled("a").state is TaskState.RUNNING
        self.release(watch.engine, "a")
        watch.until_ended("a")
        assert watch.ends("a")[0].state is TaskState.FINISHED
        assert {end.exit_code for end in watch.ends("over")} == {3}

    def test_a_call_that_fails_did_nothing(self, watch):
        self.lose_node(watch.engine)
        with suppress(ClusterTrouble):
            watch.launch(self.task(watch, "a", Does.SUCCEED))
            pytest.fail("a launch on a node that is away was accepted")
        self.bring_back(watch.engine)
        watch.until(lambda: [node.is_online for node in watch.nodes] == [True, False, True])
        assert watch.until_reconciled("a").state is TaskState.LOST

    # A scheduler goes, another one comes

    def test_a_running_task_is_found_after_a_restart(self, watch, restarted):
        watch.launch(self.task(watch, "a", Does.GO_ON))
        watch.until_running("a")
        again = restarted(watch)
        assert again.until_reconciled("a").state is TaskState.RUNNING
        assert again.nodes[0].node == watch.nodes[0].node
        self.release(again.engine, "a")
        again.until_ended("a")
        assert again.ends("a")[0].state is TaskState.FINISHED

    def test_an_end_that_nobody_heard_is_told_after_a_restart(self, watch, restarted):
        watch.launch(self.task(watch, "a", Does.GO_ON))
        watch.until_running("a")
        again = restarted(watch, between=lambda: self.release(watch.engine, "a"))
        again.until_ended("a")
        assert [end.exit_code for end in again.ends("a")] == [0]

    def test_an_end_is_told_again_until_it_is_acknowledged(self, watch, restarted):
        watch.run(self.task(watch, "kept", Does.EXIT_3), self.task(watch, "done", Does.EXIT_3))
        watch.acknowledge("done")
        again = restarted(watch)
        again.until_ended("kept")
        again.until_reconciled("stranger")
        assert [end.exit_code for end in again.ends("kept")] == [3]
        assert again.of("done") == []

    def test_a_found_task_can_be_killed(self, watch, restarted):
        watch.launch(self.task(watch, "a", Does.GO_ON_WITH_CHILDREN))
        watch.until_running("a")
        again = restarted(watch)
        again.kill("a")
        again.until_ended("a")
        assert again.ends("a")[0].state is TaskState.KILLED
        assert self.living_processes(again.engine, "a") == 0

    def test_a_stop_that_leaves_nothing_ends_every_task(self, watch):
        watch.launch(self.task(watch, "a", Does.GO_ON_WITH_CHILDREN))
        watch.until_running("a")
        watch.engine.stop(leave_tasks=False)
        assert self.living_processes(watch.engine, "a") == 0

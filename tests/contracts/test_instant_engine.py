"""The instant engine keeps the contract, and its verbs do what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scale.engines.instant import InstantEngine, Outcome
from scale.engines.protocol import Condition, Reason, TaskSpec, TaskState
from scale.environment import Environment
from scale.kernel.clock import ManualClock
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources
from tests.contracts.engine_contract import Does, EngineContract

START = datetime(2026, 1, 1, tzinfo=UTC)
OUTCOMES = {
    Does.SUCCEED: Outcome(timedelta(seconds=1)),
    Does.EXIT_3: Outcome(timedelta(seconds=1), exit_code=3),
    Does.SEGFAULT: Outcome(signal=11),
    Does.GO_ON: Outcome(None),
    Does.GO_ON_WITH_CHILDREN: Outcome(None),
    Does.IGNORE_TERM: Outcome(None, ignores_term=True, stdout=b"ready\n"),
    Does.SPEAK: Outcome(stdout=b"hello\n", stderr=b"trouble\n"),
    Does.EXCEED_MEMORY: Outcome(
        timedelta(seconds=1), signal=9, reason=Reason.OUT_OF_MEMORY, message="used more than its 64 MiB of memory"
    ),
    Does.MISSING: Outcome(refused=Reason.COMMAND_NOT_FOUND, message="there is no such program"),
}


def behave(task):
    return OUTCOMES[Does[task.command[0]]]


class TestInstantEngine(EngineContract):
    @pytest.fixture(autouse=True)
    def clock(self):
        self.clock = ManualClock(START)

    @pytest.fixture
    def engine(self):
        with InstantEngine(behave=behave, holds_back=True) as engine:
            yield engine

    def command(self, does):
        return (does.name,)

    def release(self, engine, task):
        engine.finish(TaskId(task), self.now())

    def restart(self, engine):
        return InstantEngine(after=engine)

    def lose_node(self, engine):
        engine.lose_node("node-1", self.now())

    def bring_back(self, engine):
        engine.bring_back("node-1", self.now())

    def logs(self, engine):
        return engine

    def grow_old(self, engine, *tasks):
        for task in tasks:
            engine.cluster.launched[TaskId(task)] -= timedelta(days=10)

    def now(self):
        return self.clock.now()

    def rest(self, woken, seconds):
        self.clock.move(timedelta(milliseconds=100))


def started(behave=behave, nodes=None):
    engine = InstantEngine(nodes, behave)
    engine.start(lambda: None)
    engine.reports(START)
    return engine


def spec(name, does=Does.GO_ON, node="node-1"):
    return TaskSpec(TaskId(name), node, (does.name,), Resources(cpus=1))


def at(seconds):
    return START + timedelta(seconds=seconds)


def told(engine, seconds):
    return [(report.task_id, report.state, report.when) for report in engine.reports(at(seconds))]


def test_ends_come_at_their_own_time_and_in_order():
    durations = {"long": 5, "short": 2}
    engine = started(lambda task: Outcome(timedelta(seconds=durations[task.id])))
    engine.launch([spec("long"), spec("short")], at(0))
    assert engine.next_due == at(2)
    told(engine, 1)
    assert told(engine, 9) == [("short", TaskState.FINISHED, at(2)), ("long", TaskState.FINISHED, at(5))]
    assert engine.next_due is None


def test_a_task_lost_by_hand_is_lost_for_good():
    engine = started()
    engine.launch([spec("a")], at(0))
    engine.lose(TaskId("a"), at(1))
    engine.finish(TaskId("a"), at(2))
    assert [state for _, state, _ in told(engine, 3)] == [TaskState.RUNNING, TaskState.LOST]


def test_a_task_failed_by_hand_has_the_exit_code_given():
    engine = started()
    engine.launch([spec("a")], at(0))
    engine.fail(TaskId("a"), at(1), exit_code=7)
    assert engine.reports(at(1))[-1].exit_code == 7


def test_a_lost_node_is_silent_until_it_is_back():
    engine = started(nodes={"one": Resources(cpus=1), "two": Resources(cpus=1)})
    engine.launch([spec("a", Does.SUCCEED, "one"), spec("b", Does.SUCCEED, "two")], at(0))
    engine.reports(at(0))
    engine.lose_node("one", at(0))
    assert [getattr(report, "task_id", report.node) for report in engine.reports(at(5))] == ["one", "b"]
    engine.bring_back("one", at(6))
    assert [getattr(report, "task_id", report.node) for report in engine.reports(at(6))] == ["one", "a"]


def test_what_is_due_at_the_same_moment_keeps_its_order():
    engine = started()
    engine.launch([spec(f"t{n}", Does.SUCCEED) for n in range(20)], at(0))
    ends = [task for task, state, _ in told(engine, 1) if state.is_end]
    assert ends == [f"t{n}" for n in range(20)]


def test_without_a_word_every_task_succeeds_at_once():
    engine = InstantEngine()
    engine.start(lambda: None)
    engine.reports(START)
    engine.launch([spec("a")], at(0))
    assert told(engine, 0)[-1] == ("a", TaskState.FINISHED, at(0))


def test_an_engine_of_a_scheduler_has_one_node():
    assert list(InstantEngine.from_environment(Environment(), ManualClock(START)).cluster.nodes) == ["node-1"]


def test_what_would_have_ended_by_itself_but_was_killed_is_not_waited_for():
    engine = started(lambda _: Outcome(timedelta(seconds=5)))
    engine.launch([spec("a")], at(0))
    engine.kill([TaskId("a")], at(1))
    assert engine.next_due is None
    assert [state for _, state, _ in told(engine, 9)] == [TaskState.RUNNING, TaskState.KILLED]


def test_only_ends_can_be_acknowledged():
    engine = started()
    engine.launch([spec("a")], at(0))
    engine.acknowledge([TaskId("a"), TaskId("stranger")])
    engine.finish(TaskId("a"), at(1))
    assert told(engine, 1)[-1] == ("a", TaskState.FINISHED, at(1))


def test_an_engine_that_stops_for_good_leaves_ends_as_they_are():
    engine = started()
    engine.launch([spec("a"), spec("b")], at(0))
    engine.finish(TaskId("a"), at(1))
    engine.stop(leave_tasks=False)
    engine.start(lambda: None)
    assert [report.state for report in engine.reports(at(1))[-2:]] == [TaskState.FINISHED, TaskState.KILLED]


def test_a_node_is_in_the_conditions_that_it_was_put_into_and_in_no_others():
    engine = started()
    engine.reports(at(0))
    engine.put_into("node-1", at(1), Condition.LOW_DISK_SPACE)
    engine.put_into("node-1", at(2))
    assert [report.conditions for report in engine.reports(at(2))] == [(Condition.LOW_DISK_SPACE,), ()]

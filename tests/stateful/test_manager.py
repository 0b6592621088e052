"""The manager of executions beside a plain model of what it should know."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scale.job.execution.manager import JobExecutionManager
from scale.job.execution.metrics import FinishedJobExeMetricsByNode, RunningJobExeMetricsByNode
from scale.job.messages import RunningJob, running_job_messages
from scale.job.states import ExecutionStatus
from scale.job.tasks.manager import TaskManager
from scale.job.tasks.update import TaskStatus
from scale.kernel.clock import ManualClock
from scale.kernel.locks import locks_held
from tests.builders import NOW, a_job_type, a_running_exe, an_update

NODES = (1, 2, 3)
TYPES = {
    kind: a_job_type(kind, manifest={"job": {"errors": [{"code": 7, "name": "bad-pixels", "category": "data"}]}})
    for kind in (10, 11)
}
HORIZON = timedelta(hours=3)
picks = st.integers(0, 10_000)


class ManagerLife(RuleBasedStateMachine):
    """Many executions; whatever is told of them, the counts are those that a child would count."""

    @initialize()
    def begin(self):
        self.clock = ManualClock(NOW)
        self.manager = JobExecutionManager(clock=self.clock)
        self.tasks = TaskManager()
        self.scheduled = {}
        self.over = {}
        self.messages = Counter()
        self.oldest = NOW - HORIZON

    def _running(self):
        return [exe for name, exe in self.scheduled.items() if name not in self.over]

    def _pick(self, pick, *, with_task=False):
        among = [exe for exe in self._running() if not with_task or exe.current_task is not None]
        return among[pick % len(among)] if among else None

    def _ended(self, exes):
        for exe in exes:
            assert exe.cluster_id not in self.over, "an execution ended twice"
            assert exe.is_finished()
            self.over[exe.cluster_id] = exe

    @rule(node_id=st.sampled_from(NODES), kind=st.sampled_from(list(TYPES)), steps=st.integers(1, 3))
    def schedule(self, node_id, kind, steps):
        number = len(self.scheduled) + 1
        exe = a_running_exe(
            ("pull", "main", "post")[:steps],
            number,
            job_type=TYPES[kind],
            node_id=node_id,
            started=self.clock.now(),
            clock=self.clock,
        )
        self.scheduled[exe.cluster_id] = exe
        self.manager.schedule_job_exes([exe], running_job_messages([RunningJob(number, 1, node_id, self.clock.now())]))

    @rule(pick=picks)
    def schedule_one_again(self, pick):
        if (exe := self._pick(pick)) is not None:
            self.manager.schedule_job_exes([exe], [])

    @rule(pick=picks)
    def start(self, pick):
        exe = self._pick(pick)
        if exe is not None and (task := exe.start_next_task()) is not None:
            self.tasks.launch_tasks([task], self.clock.now())

    @rule(pick=picks, status=st.sampled_from(list(TaskStatus)), exit_code=st.sampled_from([None, 1, 7]))
    def an_update_comes(self, pick, status, exit_code):
        if (exe := self._pick(pick, with_task=True)) is not None:
            self._tell(an_update(exe.current_task, status, self.clock.now(), exit_code=exit_code))

    def _tell(self, news):
        self.tasks.handle_task_update(news)
        over = self.manager.handle_task_update(news)
        self._ended([over] if over is not None else [])

    @rule(pick=picks, status=st.sampled_from(list(TaskStatus)))
    def an_update_of_one_that_is_over_comes(self, pick, status):
        names = sorted(self.over)
        if names:
            assert self.manager.handle_task_update(an_update(f"{names[pick % len(names)]}_main", status)) is None

    @rule(node_id=st.sampled_from(NODES))
    def a_node_is_lost(self, node_id):
        self._ended(self.manager.lost_node(node_id, self.clock.now()))

    @rule(picked=st.lists(picks, max_size=3))
    def executions_are_lost(self, picked):
        lost = [exe.id for pick in picked if (exe := self._pick(pick)) is not None]
        self._ended(self.manager.lost_job_exes(lost, self.clock.now()))

    @rule()
    def all_are_canceled(self):
        self._ended(self.manager.cancel_all(self.clock.now()))
        assert all(exe.status != ExecutionStatus.RUNNING for exe in self.scheduled.values())

    @rule()
    def look_for_starvation(self):
        starved = self.manager.check_for_starvation(self.clock.now())
        assert {exe.error_name for exe in starved} <= {"resource-starvation"}
        self._ended(starved)

    @rule()
    def look_for_late_tasks(self):
        for task in self.tasks.get_timeout_tasks(self.clock.now()):
            self.manager.handle_task_timeout(task, self.clock.now())

    @rule(minutes=st.sampled_from([0, 1, 3, 11, 61, 170, 400]))
    def time_passes(self, minutes):
        self.clock.move(timedelta(minutes=minutes))

    @rule()
    def messages_are_taken(self):
        for message in self.manager.get_messages():
            parts = message.job_exe_ends if message.type == "create_job_exe_ends" else message.jobs
            assert 0 < len(parts) <= (10 if message.type == "create_job_exe_ends" else 100)
            self.messages.update((message.type, part.job_id) for part in parts)
        assert self.manager.get_messages() == []
        self._messages_add_up()

    def _messages_add_up(self):
        ended = {exe.job_id: exe.status for exe in self.over.values()}
        expected = [("running_jobs", exe.job_id) for exe in self.scheduled.values()]
        expected += [("create_job_exe_ends", job_id) for job_id in ended]
        expected += [("completed_jobs", job_id) for job_id, status in ended.items() if status == ExecutionStatus.COMPLETED]
        expected += [("failed_jobs", job_id) for job_id, status in ended.items() if status == ExecutionStatus.FAILED]
        assert self.messages == Counter(expected)

    @rule()
    def the_status_is_told(self):
        nodes = [{"id": node_id} for node_id in (*NODES, 99)]
        now = self.clock.now()
        self.manager.generate_status_json(nodes, now)
        for node in nodes:
            told = node["job_executions"]
            assert _rows(told["running"]) == self._count(node["id"], self._running(), lambda exe: True)
            counted = [exe for exe in self.over.values() if self._is_counted(exe, now)]
            assert _rows(told["completed"]) == self._count(
                node["id"], counted, lambda exe: exe.status == ExecutionStatus.COMPLETED
            )
            for category in ("ALGORITHM", "DATA", "SYSTEM"):
                rows = _rows(told["failed"][category.lower()])
                assert rows == self._count(node["id"], counted, lambda exe, c=category: exe.error_category == c)
            assert told["failed"]["total"] == sum(told["failed"][key]["total"] for key in ("algorithm", "data", "system"))

    def _count(self, node_id, exes, holds):
        return Counter(exe.job_type_id for exe in exes if exe.node_id == node_id and holds(exe))

    def _is_counted(self, exe, now):
        """Whether its block of five minutes ended no more than three hours ago."""
        block = (exe.finished - NOW) // timedelta(minutes=5)
        return NOW + (block + 1) * timedelta(minutes=5) >= now - HORIZON

    @invariant()
    def what_runs_and_what_is_over_is_what_was_scheduled(self):
        running = {exe.cluster_id for exe in self.manager.get_running_job_exes()}
        assert running.isdisjoint(self.over)
        assert running | self.over.keys() == self.scheduled.keys()

    @invariant()
    def the_empty_metrics_are_empty(self):
        assert RunningJobExeMetricsByNode.EMPTY_METRICS.total_count == 0
        assert FinishedJobExeMetricsByNode.EMPTY_METRICS.count == 0

    @invariant()
    def no_lock_is_left_held(self):
        assert locks_held() == 0

    def teardown(self):
        """When every task has answered, nothing runs, and everything was told once."""
        if not hasattr(self, "manager"):
            return
        self.all_are_canceled()
        for exe in self._running():
            self._tell(an_update(exe.current_task, TaskStatus.KILLED, self.clock.now()))
        assert self.manager.get_running_job_exes() == []
        assert self.tasks.get_all_tasks() == []
        self.messages_are_taken()
        self.the_status_is_told()


def _rows(told):
    rows = Counter({row["job_type_id"]: row["count"] for row in told["by_job_type"]})
    assert told["total"] == sum(rows.values())
    assert all(count > 0 for count in rows.values())
    assert list(rows) == sorted(rows)
    return rows


TestManagerLife = ManagerLife.TestCase

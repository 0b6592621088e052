"""Many threads, one manager of executions: exactly one ending each, and every count agrees."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest

from scale.job.execution.manager import JobExecutionManager
from scale.job.messages import RunningJob, running_job_messages
from scale.job.states import ExecutionStatus
from scale.job.tasks.manager import TaskManager
from scale.job.tasks.update import TaskStatus
from scale.kernel.clock import ManualClock
from scale.kernel.locks import locks_held
from scale.scheduler.allocations import Allocations
from tests.builders import NOW, a_running_exe, an_update, later

NODES = (1, 2, 3, 4)
EXECUTIONS = 60
ROUNDS = 200


class Race:
    """Executions with their first task launched, and threads that all start at once."""

    def __init__(self, tasks=("pull", "main")):
        self.clock = ManualClock(NOW)
        self.manager = JobExecutionManager(clock=self.clock)
        self.tasks = TaskManager()
        self.allocations = Allocations()
        self.exes = [
            a_running_exe(tasks, number, node_id=NODES[number % 4], clock=self.clock) for number in range(1, EXECUTIONS + 1)
        ]
        jobs = [RunningJob(exe.job_id, 1, exe.node_id, NOW) for exe in self.exes]
        self.manager.schedule_job_exes(self.exes, running_job_messages(jobs))
        self.allocations.add(self.exes)
        self.over = []
        self.messages = []
        self.trouble = []
        for exe in self.exes:
            self.start(exe)

    def start(self, exe):
        if (task := exe.start_next_task()) is not None:
            self.tasks.launch_tasks([task], NOW)

    def tell(self, exe, status):
        """As the inbox does: the task first, then its execution. No engine speaks of a task before its launch."""
        task = exe.current_task
        if task is not None and self.tasks.get_task(name := task.id) is not None:
            news = an_update(name, status)
            self.tasks.handle_task_update(news)
            self.ended(self.manager.handle_task_update(news))

    def ended(self, over):
        over = [] if over is None else over if isinstance(over, list) else [over]
        self.allocations.remove(over)
        self.over.extend(over)

    def run(self, *turns):
        """Run each turn, which is given its own chance, many times in a thread of its own."""
        barrier = threading.Barrier(len(turns))

        def thread(seed, turn):
            chance = random.Random(seed)
            try:
                barrier.wait()
                for _ in range(ROUNDS):
                    turn(chance)
                    assert not locks_held()
            except BaseException as trouble:  # noqa: BLE001 told to the test
                self.trouble.append(trouble)

        threads = [threading.Thread(target=thread, args=each) for each in enumerate(turns)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert self.trouble == []

    def settle(self):
        """Cancel what is left, and let every task answer."""
        self.ended(self.manager.cancel_all(NOW))
        for exe in self.manager.get_running_job_exes():
            self.tell(exe, TaskStatus.KILLED)
        self.take_messages(None)

    # --- turns

    def hear(self, chance):
        self.tell(chance.choice(self.exes), chance.choice([TaskStatus.RUNNING, TaskStatus.FINISHED, TaskStatus.FAILED]))

    def lose_task(self, chance):
        self.tell(chance.choice(self.exes), TaskStatus.LOST)

    def start_next(self, chance):
        self.start(chance.choice(self.exes))

    def cancel(self, chance):
        chance.choice(self.exes).execution_canceled(NOW)

    def lose_node(self, chance):
        if chance.random() < 0.1:
            self.ended(self.manager.lost_node(chance.choice(NODES), NOW))

    def lose_some(self, chance):
        self.ended(self.manager.lost_job_exes([chance.choice(self.exes).id], NOW))

    def time_out(self, chance):
        if (task := chance.choice(self.exes).current_task) is not None:
            self.manager.handle_task_timeout(task, NOW)

    def starve(self, chance):
        self.ended(self.manager.check_for_starvation(later(minutes=chance.choice([1, 11]))))

    def take_messages(self, chance):
        self.messages.extend(self.manager.get_messages())

    def tell_status(self, chance):
        nodes = [{"id": node_id} for node_id in NODES]
        self.manager.generate_status_json(nodes, NOW)
        assert sum(node["job_executions"]["running"]["total"] for node in nodes) <= EXECUTIONS


def parts(messages, kind):
    return Counter(part.job_id for message in messages if message.type == kind for part in getattr(message, _PARTS[kind]))


_PARTS = {
    "running_jobs": "jobs",
    "create_job_exe_ends": "job_exe_ends",
    "completed_jobs": "jobs",
    "failed_jobs": "jobs",
}


@pytest.mark.parametrize("attempt", range(5))
def test_every_execution_ends_exactly_once_and_every_count_agrees(attempt):
    race = Race()
    race.run(
        race.hear,
        race.hear,
        race.lose_task,
        race.start_next,
        race.start_next,
        race.cancel,
        race.lose_node,
        race.lose_some,
        race.time_out,
        race.starve,
        race.take_messages,
        race.tell_status,
    )
    race.settle()
    everybody = Counter(exe.job_id for exe in race.exes)
    by_status = {status: Counter(exe.job_id for exe in race.exes if exe.status is status) for status in ExecutionStatus}
    assert Counter(exe.job_id for exe in race.over) == everybody
    assert parts(race.messages, "running_jobs") == parts(race.messages, "create_job_exe_ends") == everybody
    assert parts(race.messages, "completed_jobs") == by_status[ExecutionStatus.COMPLETED]
    assert parts(race.messages, "failed_jobs") == by_status[ExecutionStatus.FAILED]
    assert race.manager.get_running_job_exes() == race.tasks.get_all_tasks() == []
    assert [len(race.allocations.occupants(node_id)) for node_id in NODES] == [0] * 4
    assert totals(race.manager) == (0, by_status[ExecutionStatus.COMPLETED].total(), by_status[ExecutionStatus.FAILED].total())


def totals(manager):
    nodes = [{"id": node_id} for node_id in NODES]
    manager.generate_status_json(nodes, NOW)
    told = [node["job_executions"] for node in nodes]
    return tuple(sum(each[key]["total"] for each in told) for key in ("running", "completed", "failed"))


@pytest.mark.parametrize("attempt", range(20))
def test_a_finish_and_a_cancel_race_to_exactly_one_ending(attempt):
    exe = a_running_exe()
    task = exe.start_next_task()
    manager = JobExecutionManager(clock=ManualClock(NOW))
    manager.schedule_job_exes([exe], [])
    barrier = threading.Barrier(3)
    over = []

    def finish():
        barrier.wait()
        over.append(manager.handle_task_update(an_update(task, TaskStatus.FINISHED)))

    def cancel():
        barrier.wait()
        over.extend(manager.cancel_all(NOW))

    threads = [threading.Thread(target=turn) for turn in (finish, finish, cancel)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each for each in over if each is not None] == [exe]
    assert exe.status in (ExecutionStatus.COMPLETED, ExecutionStatus.CANCELED)

"""The executions that run now: updates, losses, cancels, starvation, and what the database must learn of them."""

from __future__ import annotations

import pytest

from scale.engines.protocol import Reason
from scale.job.execution.manager import JobExecutionManager
from scale.job.messages import CompletedJob, FailedJob, RunningJob, running_job_messages
from scale.job.models import JobExecutionEnd
from scale.job.states import ExecutionStatus
from scale.job.tasks.node_task import NodeTask
from scale.job.tasks.update import TaskStatus
from scale.kernel.clock import ManualClock
from tests.builders import (
    ERROR_IDS,
    NOW,
    RememberingExecution,
    a_job_type,
    a_running_exe,
    an_update,
    later,
    run_to_end,
    start,
    tell,
)

RUNNING, COMPLETED, FAILED, CANCELED = ExecutionStatus


@pytest.fixture
def manager():
    return JobExecutionManager(clock=ManualClock(NOW))


def scheduled(manager, *exes):
    manager.schedule_job_exes(exes, [])
    return exes[0] if len(exes) == 1 else exes


def update(manager, exe, status, when=NOW, **more):
    """Tell the current task and then the manager, as the inbox does."""
    news = an_update(exe.current_task, status, when, **more)
    exe.current_task.update(news)
    return manager.handle_task_update(news)


def status_of(manager, when=NOW):
    nodes = [{"id": 1}]
    manager.generate_status_json(nodes, when)
    return nodes[0]["job_executions"]


def kinds(messages):
    return [message.type for message in messages]


def canceled_ends(count):
    return [JobExecutionEnd(job_exe_id=number, status=CANCELED) for number in range(count)]


def test_an_execution_is_found_by_its_cluster_id_until_it_is_over(manager):
    exe = scheduled(manager, a_running_exe())
    assert manager.get_running_job_exe("scale_job_f_1x1") is exe
    start(exe)
    assert update(manager, exe, TaskStatus.RUNNING) is None
    assert update(manager, exe, TaskStatus.FINISHED) is exe
    assert manager.get_running_job_exe("scale_job_f_1x1") is None
    assert manager.get_running_job_exes() == []


def test_the_list_of_executions_is_a_copy(manager):
    scheduled(manager, a_running_exe(number=1), a_running_exe(number=2))
    manager.get_running_job_exes().clear()
    assert [exe.id for exe in manager.get_running_job_exes()] == [1, 2]


def test_an_end_before_the_last_task_finishes_nothing(manager):
    exe = scheduled(manager, a_running_exe(["pull", "main"]))
    start(exe)
    assert update(manager, exe, TaskStatus.FINISHED) is None
    assert manager.get_running_job_exes() == [exe]


@pytest.mark.parametrize("task_id", ["scale_job_f_99x1_main", "scale_cleanup_f_1", "stranger", "scale_jobless", ""])
def test_an_update_of_a_stranger_is_ignored(manager, task_id):
    scheduled(manager, a_running_exe())
    assert manager.handle_task_update(an_update(task_id, TaskStatus.FINISHED)) is None


def test_an_execution_that_is_scheduled_again_is_not_counted_twice(manager):
    exe = a_running_exe()
    scheduled(manager, exe)
    scheduled(manager, a_running_exe())
    assert manager.get_running_job_exes() == [exe]
    assert status_of(manager)["running"]["total"] == 1


def test_a_failure_and_a_completion_are_three_messages_and_then_none(manager):
    one, two = scheduled(manager, a_running_exe(number=1), a_running_exe(number=2))
    for exe, status in ((one, TaskStatus.FAILED), (two, TaskStatus.FINISHED)):
        start(exe)
        update(manager, exe, status, later(minutes=1))
    ends, completed, failed = messages = manager.get_messages()
    assert kinds(messages) == ["create_job_exe_ends", "completed_jobs", "failed_jobs"]
    assert [end.job_exe_id for end in ends.job_exe_ends] == [1, 2]
    assert completed.jobs == (CompletedJob(2, 1, later(minutes=1)),)
    assert failed.jobs == (FailedJob(1, 1, later(minutes=1), ERROR_IDS["task-launch"]),)
    assert manager.get_messages() == []


def test_running_jobs_are_told_first(manager):
    exe = a_running_exe()
    manager.schedule_job_exes([exe], running_job_messages([RunningJob(1, 1, 1, NOW)]))
    manager.add_canceled_job_exes(canceled_ends(1))
    start(exe)
    update(manager, exe, TaskStatus.FINISHED)
    assert kinds(manager.get_messages()) == ["running_jobs", "create_job_exe_ends", "completed_jobs"]


def test_25_executions_canceled_on_the_queue_are_three_messages(manager):
    manager.add_canceled_job_exes(canceled_ends(25))
    messages = manager.get_messages()
    assert kinds(messages) == ["create_job_exe_ends"] * 3
    assert [len(message.job_exe_ends) for message in messages] == [10, 10, 5]
    assert manager.get_messages() == []


def test_jobs_come_a_hundred_to_a_message(manager):
    jobs = [RunningJob(number, 1, 1, NOW) for number in range(201)]
    manager.schedule_job_exes([], running_job_messages(jobs))
    messages = manager.get_messages()
    assert [len(message.jobs) for message in messages] == [100, 100, 1]
    assert [job.job_id for message in messages for job in message.jobs] == list(range(201))


def test_a_canceled_execution_leaves_only_its_end(manager):
    scheduled(manager, a_running_exe())
    assert [exe.status for exe in manager.cancel_all(NOW)] == [CANCELED]
    (message,) = manager.get_messages()
    assert [end.status for end in message.job_exe_ends] == [CANCELED]
    assert status_of(manager)["failed"]["total"] == 0


class _Forgetful(RememberingExecution):
    """Its error's row cannot be read at first."""

    trouble = True

    @property
    def error(self):
        if self.trouble:
            raise ConnectionError
        return super().error


def test_when_a_row_cannot_be_read_no_message_is_lost(manager):
    exe = scheduled(manager, a_running_exe(kind=_Forgetful))
    manager.add_canceled_job_exes(canceled_ends(1))
    start(exe)
    update(manager, exe, TaskStatus.FAILED)
    with pytest.raises(ConnectionError):
        manager.get_messages()
    exe.trouble = False
    assert kinds(manager.get_messages()) == ["create_job_exe_ends", "failed_jobs"]


def idle(number=1, **more):
    """An execution that has finished its first task and waits for the next."""
    exe = a_running_exe(["pull", "main"], number, **more)
    start(exe)
    tell(exe, TaskStatus.FINISHED)
    return exe


def test_nothing_starves_at_exactly_ten_minutes(manager):
    exe = scheduled(manager, idle())
    assert manager.check_for_starvation(later(minutes=10)) == []
    assert exe.status is RUNNING


def test_what_starves_is_failed_returned_and_gone(manager):
    starved, busy = scheduled(manager, idle(1), idle(2))
    start(busy)
    assert manager.check_for_starvation(later(minutes=10, seconds=1)) == [starved]
    assert (starved.status, starved.error_name) == (FAILED, "resource-starvation")
    assert manager.get_running_job_exes() == [busy]
    assert manager.check_for_starvation(later(minutes=20)) == []


def test_a_timeout_keeps_the_execution_until_its_task_is_gone(manager):
    exe = scheduled(manager, a_running_exe())
    task = start(exe)
    manager.handle_task_timeout(task, later(minutes=3))
    assert (exe.status, exe.error_name) == (FAILED, "launch-timeout")
    assert manager.get_running_job_exes() == [exe]
    assert manager.get_messages() == []
    assert update(manager, exe, TaskStatus.KILLED, later(minutes=4)) is exe
    assert exe.finished == later(minutes=3)
    assert kinds(manager.get_messages()) == ["create_job_exe_ends", "failed_jobs"]


def test_a_timeout_of_a_task_that_has_just_gone_strands_nobody(manager):
    exe = scheduled(manager, a_running_exe(["pull", "main"]))
    task = start(exe)
    update(manager, exe, TaskStatus.LOST)
    manager.handle_task_timeout(task, NOW)
    assert exe.status is RUNNING
    assert exe.is_next_task_ready()


def test_a_timeout_of_a_task_that_is_not_an_executions_is_ignored(manager):
    task = NodeTask("scale_cleanup_f_1", "agent-1", task_type="cleanup", title="", description="", running_timeout=later() - NOW)
    manager.handle_task_timeout(task, NOW)
    manager.handle_task_timeout(start(a_running_exe(number=99)), NOW)


def test_a_lost_node_finishes_what_had_no_task_and_asks_after_the_rest(manager):
    waiting, busy, elsewhere = scheduled(manager, idle(1), a_running_exe(number=2), a_running_exe(number=3, node_id=2))
    task = start(busy)
    assert manager.lost_node(1, NOW) == [waiting]
    assert [exe.error_name for exe in (waiting, busy, elsewhere)] == ["node-lost", "node-lost", None]
    assert task.needs_reconciliation(NOW)
    assert not task.needs_killed()
    assert update(manager, busy, TaskStatus.LOST) is busy


def test_lost_executions_are_killed_too_for_their_node_may_only_be_deprecated(manager):
    waiting, busy, other = scheduled(manager, idle(1), a_running_exe(number=2), a_running_exe(number=3))
    task = start(busy)
    assert manager.lost_job_exes([1, 2], NOW) == [waiting]
    assert [exe.status for exe in (waiting, busy, other)] == [FAILED, FAILED, RUNNING]
    assert task.needs_killed()
    assert task.needs_reconciliation(NOW)


def test_lost_executions_go_by_the_id_of_their_row(manager):
    exe = scheduled(manager, a_running_exe(number=7, pk=70))
    assert manager.lost_job_exes([7], NOW) == []
    assert manager.lost_job_exes([70], NOW) == [exe]


def test_canceling_all_waits_for_the_tasks_that_run(manager):
    waiting, busy = scheduled(manager, idle(1), a_running_exe(number=2))
    start(busy)
    assert manager.cancel_all(NOW) == [waiting]
    assert busy.current_task.needs_killed()
    assert update(manager, busy, TaskStatus.KILLED) is busy


def test_the_status_counts_what_runs_and_what_finished(manager):
    one, two = scheduled(manager, a_running_exe(number=1), a_running_exe(number=2, job_type=a_job_type(11)))
    start(one)
    update(manager, one, TaskStatus.FAILED, reason=Reason.COMMAND_NOT_FOUND)
    told = status_of(manager)
    assert told["running"] == {"total": 1, "by_job_type": [{"job_type_id": 11, "count": 1}]}
    assert told["failed"]["algorithm"] == {"total": 1, "by_job_type": [{"job_type_id": 10, "count": 1}]}
    run_to_end(two)
    assert manager.handle_task_update(an_update("scale_job_f_2x1_main", TaskStatus.FINISHED)) is two
    assert status_of(manager)["completed"]["total"] == 1


def test_an_execution_whose_status_is_final_still_runs_until_its_task_is_gone(manager):
    exe = scheduled(manager, a_running_exe())
    start(exe)
    manager.cancel_all(NOW)
    assert status_of(manager)["running"]["total"] == 1
    update(manager, exe, TaskStatus.KILLED)
    assert status_of(manager)["running"]["total"] == 0


def test_the_history_is_counted_beside_what_runs(manager):
    scheduled(manager, a_running_exe())
    done = run_to_end(a_running_exe(number=2))
    manager.init_with_database(lambda since: [done])
    told = status_of(manager)
    assert (told["running"]["total"], told["completed"]["total"]) == (1, 1)


def test_clearing_forgets_what_runs_and_what_was_counted_but_no_message(manager):
    exe = scheduled(manager, a_running_exe())
    manager.add_canceled_job_exes(canceled_ends(1))
    manager.clear()
    assert manager.get_running_job_exe(exe.cluster_id) is None
    assert status_of(manager)["running"]["total"] == 0
    assert kinds(manager.get_messages()) == ["create_job_exe_ends"]


def test_with_nothing_running_the_database_is_not_asked(manager):
    assert manager.sync_with_database() == []


@pytest.mark.django_db
class TestWithTheDatabase:
    """What `sync_with_database` makes of the rows of jobs."""

    @pytest.fixture
    def job(self, django_user_model):
        from scale.job.services import job_submit
        from scale.job.submission import parse_submission

        user = django_user_model.objects.create_user("alice")
        job = job_submit(submission=parse_submission({"command": "true"}), by=user, when=NOW)
        job.num_exes = 1
        job.save()
        return job

    def test_a_job_that_runs_on_is_left_alone(self, manager, job):
        exe = scheduled(manager, a_running_exe(number=job.pk))
        assert manager.sync_with_database() == []
        assert exe.status is RUNNING

    @pytest.mark.parametrize("change", [{"status": "CANCELED"}, {"num_exes": 2}], ids=["canceled", "moved on"])
    def test_an_execution_that_its_job_has_left_behind_is_canceled(self, manager, job, change):
        exe = scheduled(manager, a_running_exe(number=job.pk))
        type(job).objects.filter(pk=job.pk).update(**change)
        assert manager.sync_with_database() == [exe]
        assert (exe.status, exe.finished) == (CANCELED, NOW)

    def test_an_execution_whose_job_is_gone_is_canceled(self, manager, job):
        exe = scheduled(manager, a_running_exe(number=job.pk + 1))
        assert manager.sync_with_database() == [exe]

    def test_one_with_a_task_is_killed_and_stays_until_that_is_gone(self, manager, job):
        exe = scheduled(manager, a_running_exe(number=job.pk))
        start(exe)
        type(job).objects.filter(pk=job.pk).update(status="CANCELED")
        assert manager.sync_with_database() == []
        assert exe.current_task.needs_killed()
        assert update(manager, exe, TaskStatus.KILLED) is exe

    def test_one_that_finishes_while_the_database_is_asked_is_finished_once(self, job):
        manager = _Overtaken(clock=ManualClock(NOW))
        exe = scheduled(manager, a_running_exe(number=job.pk + 1))
        start(exe)
        manager.meanwhile = lambda: update(manager, exe, TaskStatus.FINISHED)
        assert manager.sync_with_database() == []
        assert exe.status is COMPLETED
        assert kinds(manager.get_messages()) == ["create_job_exe_ends", "completed_jobs"]


class _Overtaken(JobExecutionManager):
    """Something happens after it has looked at what runs."""

    meanwhile = None

    def get_running_job_exes(self):
        running = super().get_running_job_exes()
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return running

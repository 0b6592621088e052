"""A running job execution as others see it: its tasks, their updates, and the table of how it can end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.engines.protocol import Reason, Usage
from scale.error.models import Error
from scale.job.execution.job_exe import RESOURCE_STARVATION_THRESHOLD, RunningJobExecution
from scale.job.states import ExecutionStatus
from scale.job.tasks.update import TaskStatus
from scale.kernel.clock import ManualClock
from scale.kernel.errors import Broken
from tests.builders import NOW, STEPS, a_job_type, a_running_exe, an_update, later, run_to_end, start, tell

RUNNING, COMPLETED, FAILED, CANCELED = ExecutionStatus
A_SYSTEM_TYPE = {"name": "scale-clock", "is_system": True}


def ending(exe):
    return exe.status, exe.error_name, exe.finished


def at_task(kind, *, tasks=STEPS, is_started=True, **more):
    """An execution whose current task is of this kind."""
    exe = a_running_exe(tasks, **more)
    while start(exe).task_type != kind:
        tell(exe, TaskStatus.FINISHED)
    if is_started:
        tell(exe, TaskStatus.RUNNING)
    return exe


def test_it_knows_who_it_is():
    exe = a_running_exe(number=7, exe_num=2, node_id=3, agent_id="agent-3", priority=5)
    assert (exe.id, exe.job_id, exe.exe_num, exe.job_type_id, exe.node_id) == (7, 7, 2, 10, 3)
    assert (exe.agent_id, exe.cluster_id, exe.priority, exe.queued, exe.started) == ("agent-3", "scale_job_f_7x2", 5, NOW, NOW)


def test_a_new_one_runs_no_task_and_has_no_error():
    exe = a_running_exe(STEPS)
    assert ending(exe) == (RUNNING, None, None)
    assert (exe.current_task, exe.error, exe.error_category) == (None, None, None)
    assert exe.is_next_task_ready() is True
    assert exe.is_finished() is False


def test_the_tasks_are_those_of_the_configuration_in_its_order():
    exe = a_running_exe(STEPS)
    kinds = []
    while (task := exe.start_next_task()) is not None:
        kinds.append(task.task_type)
        tell(exe, TaskStatus.FINISHED)
    assert kinds == list(STEPS)


def test_only_the_first_task_waits_for_room_for_the_others_take_over_what_it_had():
    exe = a_running_exe(STEPS)
    waits = []
    while (task := exe.start_next_task()) is not None:
        waits.append(task.waits_for_room)
        tell(exe, TaskStatus.FINISHED)
    assert waits == [True, False, False, False]


def test_what_its_node_hands_back_unstarted_is_canceled_for_no_fault_of_its_own():
    exe = at_task("main", tasks=("main",), is_started=False)
    tell(exe, TaskStatus.KILLED, reason=Reason.WITHDRAWN)
    assert (exe.status, exe.error_name, exe.is_finished(), exe.is_withdrawn) == (CANCELED, None, True, True)
    assert exe.lasted is None


def test_what_is_handed_back_after_it_was_given_up_stays_as_it_ended():
    exe = at_task("main", tasks=("main",), is_started=False)
    exe.execution_lost(NOW)
    tell(exe, TaskStatus.KILLED, reason=Reason.WITHDRAWN)
    assert (exe.status, exe.error_name, exe.is_finished(), exe.is_withdrawn) == (FAILED, "node-lost", True, False)


def test_the_next_task_can_be_looked_at_without_starting_it():
    exe = a_running_exe(STEPS)
    task = exe.next_task()
    assert exe.current_task is None
    assert exe.start_next_task() is task is exe.current_task
    assert exe.next_task().task_type == "pre"


def test_no_second_task_starts_while_one_is_current():
    exe = at_task("pull")
    assert exe.is_next_task_ready() is False
    assert exe.start_next_task() is None


def test_no_task_starts_when_none_remains():
    exe = run_to_end(a_running_exe())
    assert (exe.start_next_task(), exe.next_task(), exe.current_task) == (None, None, None)


def test_the_last_task_to_finish_completes_it():
    exe = run_to_end(a_running_exe(STEPS), later(minutes=5))
    assert ending(exe) == (COMPLETED, None, later(minutes=5))
    assert exe.is_finished()


@pytest.mark.parametrize("status", [TaskStatus.STAGING, TaskStatus.RUNNING, TaskStatus.UNKNOWN])
def test_a_word_on_the_way_changes_nothing(status):
    exe = at_task("main")
    tell(exe, status)
    assert ending(exe) == (RUNNING, None, None)
    assert exe.current_task.task_type == "main"


@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.KILLED])
def test_a_pull_that_does_not_finish_is_a_failed_pull(status):
    exe = at_task("pull", is_started=False)
    tell(exe, status)
    assert (exe.status, exe.error_name) == (FAILED, "pull")


@pytest.mark.parametrize("kind", ["pre", "main", "post"])
@pytest.mark.parametrize(("image", "error"), [("tile:1", "docker-task-launch"), ("", "task-launch")])
def test_a_task_that_failed_before_it_ran_could_not_be_launched(kind, image, error):
    exe = at_task(kind, is_started=False, docker_image=image)
    tell(exe, TaskStatus.FAILED)
    assert (exe.status, exe.error_name) == (FAILED, error)


@pytest.mark.parametrize("kind", ["pre", "main", "post"])
def test_a_container_ended_from_outside_is_docker_terminated(kind):
    exe = at_task(kind, docker_image="tile:1")
    tell(exe, TaskStatus.FAILED, reason="REASON_EXECUTOR_TERMINATED")
    assert exe.error_name == "docker-terminated"


@pytest.mark.parametrize("kind", ["pre", "main", "post"])
@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.KILLED])
def test_an_end_that_nothing_explains_is_unknown(kind, status):
    exe = at_task(kind)
    tell(exe, status)
    assert (exe.status, exe.error_name, exe.error_category) == (FAILED, "unknown", "SYSTEM")


def test_an_exit_code_that_the_job_type_explains_is_its_own_error():
    errors = [{"code": 7, "name": "bad-pixels", "category": "data"}]
    exe = at_task("main", job_type=a_job_type(manifest={"job": {"errors": errors}}))
    tell(exe, TaskStatus.FAILED, exit_code=7)
    assert (exe.error_name, exe.error_category) == ("bad-pixels", "DATA")


def test_an_exit_code_that_nobody_explains_is_the_algorithms_fault():
    exe = at_task("main")
    tell(exe, TaskStatus.FAILED, exit_code=1)
    assert (exe.error_name, exe.error_category) == ("algorithm-unknown", "ALGORITHM")


def test_an_exit_code_that_nobody_explains_is_unknown_for_a_system_job():
    exe = at_task("main", tasks=["main"], job_type=a_job_type(**A_SYSTEM_TYPE))
    tell(exe, TaskStatus.FAILED, exit_code=77)
    assert exe.error_name == "unknown"


def test_a_task_that_never_ran_and_is_late_is_a_launch_timeout():
    exe = at_task("pull", is_started=False)
    exe.execution_timed_out(exe.current_task, later(minutes=3))
    assert ending(exe) == (FAILED, "launch-timeout", later(minutes=3))
    assert exe.error_category == "SYSTEM"


@pytest.mark.parametrize(
    ("kind", "job_type", "error"),
    [
        ("pull", {}, "pull-timeout"),
        ("pre", {}, "pre-timeout"),
        ("main", {}, "timeout"),
        ("post", {}, "post-timeout"),
        ("main", A_SYSTEM_TYPE, "system-timeout"),
        ("main", {"name": "scale-ingest", "is_system": True}, "ingest-timeout"),
    ],
)
def test_a_task_that_ran_over_its_time_fails_it_by_its_kind(kind, job_type, error):
    exe = at_task(kind, job_type=a_job_type(**job_type))
    exe.execution_timed_out(exe.current_task, later(hours=2))
    assert ending(exe) == (FAILED, error, later(hours=2))


GONE = [TaskStatus.FINISHED, TaskStatus.FAILED, TaskStatus.KILLED, TaskStatus.LOST]


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("how", ["timed out", "lost", "canceled"])
def test_it_is_finished_only_when_its_task_is_gone_and_that_changes_nothing(how, gone):
    exe = at_task("main")
    if how == "timed out":
        exe.execution_timed_out(exe.current_task, NOW)
    else:
        {"lost": exe.execution_lost, "canceled": exe.execution_canceled}[how](NOW)
    before = ending(exe)
    assert not exe.is_finished()
    tell(exe, gone, later(minutes=1), exit_code=3)
    assert exe.is_finished()
    assert ending(exe) == before


def test_a_task_that_is_late_is_to_be_killed():
    exe = at_task("main")
    exe.execution_timed_out(exe.current_task, NOW)
    assert exe.current_task.needs_killed()


def test_a_timeout_of_a_task_that_has_gone_meanwhile_changes_nothing():
    exe = at_task("pull")
    task = exe.current_task
    tell(exe, TaskStatus.LOST)
    exe.execution_timed_out(task, NOW)
    assert ending(exe) == (RUNNING, None, None)


def test_a_lost_node_fails_it_and_its_task_is_asked_after():
    exe = at_task("main")
    exe.execution_lost(later(minutes=1))
    assert ending(exe) == (FAILED, "node-lost", later(minutes=1))
    assert exe.current_task.needs_reconciliation(NOW)
    assert not exe.current_task.needs_killed()


def test_a_cancel_carries_no_error_and_kills_its_task():
    exe = at_task("main")
    exe.execution_canceled(later(minutes=1))
    assert ending(exe) == (CANCELED, None, later(minutes=1))
    assert exe.current_task.needs_killed()


@pytest.mark.parametrize("how", ["execution_lost", "execution_canceled"])
def test_without_a_current_task_an_ending_finishes_it_at_once(how):
    exe = a_running_exe(STEPS)
    getattr(exe, how)(NOW)
    assert exe.is_finished()
    assert exe.start_next_task() is None


def test_a_lost_task_runs_again_under_a_new_id():
    exe = at_task("main")
    lost = exe.current_task
    old = lost.id
    tell(exe, TaskStatus.LOST)
    again = exe.start_next_task()
    assert again is lost
    assert again.id == f"{old}_lost-1"
    assert (again.has_been_launched, again.has_started) == (False, False)
    assert ending(exe) == (RUNNING, None, None)


def test_late_words_of_a_lost_incarnation_are_ignored():
    exe = at_task("main", tasks=["main"])
    old = exe.current_task.id
    tell(exe, TaskStatus.LOST)
    start(exe)
    for status in GONE:
        exe.task_update(an_update(old, status))
    assert ending(exe) == (RUNNING, None, None)
    assert exe.current_task.id == f"{old}_lost-1"


def test_a_task_that_kills_its_node_again_and_again_fails_with_node_lost():
    exe = a_running_exe(losses_allowed=2)
    for _ in range(2):
        start(exe)
        tell(exe, TaskStatus.LOST)
    assert ending(exe) == (FAILED, "node-lost", NOW)
    assert exe.is_finished()


@pytest.mark.parametrize("status", GONE)
def test_an_update_of_another_task_is_ignored(status):
    exe = at_task("pre")
    exe.task_update(an_update("scale_job_f_1x1_main", status))
    assert ending(exe) == (RUNNING, None, None)
    assert exe.current_task.task_type == "pre"


def test_a_second_end_of_the_same_task_is_ignored():
    exe = at_task("pre")
    end = tell(exe, TaskStatus.FINISHED)
    exe.task_update(end)
    exe.task_update(an_update(end.task_id, TaskStatus.FAILED))
    assert ending(exe) == (RUNNING, None, None)


def test_it_starves_strictly_after_ten_minutes():
    exe = at_task("pre")
    tell(exe, TaskStatus.FINISHED)
    assert timedelta(minutes=10) == RESOURCE_STARVATION_THRESHOLD
    assert exe.check_for_starvation(later(minutes=10)) is False
    assert exe.check_for_starvation(later(minutes=10, seconds=1)) is True
    assert ending(exe) == (FAILED, "resource-starvation", later(minutes=10, seconds=1))


def test_once_starved_it_stays_so():
    exe = at_task("pre")
    tell(exe, TaskStatus.FINISHED)
    exe.check_for_starvation(later(hours=1))
    assert exe.check_for_starvation(NOW) is True
    assert exe.finished == later(hours=1)


def test_it_does_not_starve_before_its_first_task_nor_while_one_runs_nor_once_it_is_over():
    for exe in (a_running_exe(STEPS), at_task("main"), run_to_end(a_running_exe())):
        assert exe.check_for_starvation(later(hours=99)) is False


def test_an_end_that_we_heard_of_late_leaves_time_to_place_the_next_task():
    exe = at_task("pre")
    tell(exe, TaskStatus.FINISHED, later(minutes=1), heard=later(minutes=30))
    assert exe.check_for_starvation(later(minutes=31)) is False
    assert exe.check_for_starvation(later(minutes=41)) is True


def test_an_update_without_a_time_is_of_the_present():
    exe = a_running_exe(clock=ManualClock(later(minutes=9)))
    start(exe)
    exe.task_update(an_update(exe.current_task, TaskStatus.FINISHED, None))
    assert exe.finished == later(minutes=9)


def test_it_does_not_end_before_it_was_started_whatever_the_nodes_clock_says():
    exe = at_task("main", tasks=["main"])
    tell(exe, TaskStatus.FINISHED, later(hours=-5))
    assert exe.finished == NOW


def test_containers_are_known_once_their_tasks_run():
    exe = at_task("pre", is_started=False)
    assert exe.get_container_names() == []
    tell(exe, TaskStatus.RUNNING, Config={"Env": ["PATH=/bin", "MESOS_CONTAINER_NAME=mesos-1"]})
    assert exe.get_container_names() == ["mesos-1"]


def test_the_end_model_tells_of_a_success():
    exe = at_task("main", tasks=["main"], number=7, exe_num=2)
    usage = Usage(cpu_seconds=2.5, peak_memory=64)
    tell(exe, TaskStatus.FINISHED, later(seconds=30), usage=usage)
    end = exe.create_job_exe_end_model()
    assert (end.job_exe_id, end.job_id, end.job_type_id, end.exe_num, end.node_id) == (7, 7, 10, 2, 1)
    assert (end.status, end.error, end.exit_code, end.user) == (COMPLETED, None, 0, "alice")
    assert (end.queued, end.started, end.seed_started, end.seed_ended, end.ended) == (NOW, NOW, NOW, *[later(seconds=30)] * 2)
    assert (end.cpu_seconds, end.peak_memory, end.requested_cpus, end.allocated_mem) == (2.5, 64, 1.0, 256.0)
    assert [task["status"] for task in end.task_results["tasks"]] == ["FINISHED"]


def test_the_end_model_tells_of_a_failure():
    exe = at_task("main", tasks=["main"])
    tell(exe, TaskStatus.FAILED, exit_code=3, signal=None, message="x" * 1000)
    end = exe.create_job_exe_end_model()
    assert (end.status, end.error.name, end.exit_code, end.message) == (FAILED, "algorithm-unknown", 3, "x" * 500)


def test_the_end_model_tells_of_a_cancel_before_anything_ran():
    exe = a_running_exe(STEPS)
    exe.execution_canceled(NOW)
    end = exe.create_job_exe_end_model()
    assert (end.status, end.exit_code, end.seed_started, end.cpu_seconds) == (CANCELED, None, None, None)
    assert [task["was_launched"] for task in end.task_results["tasks"]] == [False] * 4


def test_there_is_no_end_model_of_what_has_not_ended():
    with pytest.raises(Broken):
        a_running_exe().create_job_exe_end_model()


def test_volumes_of_the_host_are_not_its_own():
    assert a_running_exe(STEPS).docker_volumes == []


@pytest.mark.django_db
def test_an_error_that_the_job_type_owns_is_its_row():
    row = Error.objects.create(
        name="bad-pixels", job_type_name="its-own", title="Bad Pixels", category="DATA", created=NOW, last_modified=NOW
    )
    errors = [{"code": 7, "name": "bad-pixels", "category": "data"}]
    job_type = a_job_type(name="its-own", manifest={"job": {"errors": errors}})
    exe = a_running_exe(kind=RunningJobExecution, job_type=job_type)
    assert exe.error is None
    start(exe)
    tell(exe, TaskStatus.RUNNING)
    tell(exe, TaskStatus.FAILED, exit_code=7)
    assert (exe.error, exe.error_category) == (row, "DATA")

"""What the failures of an execution's tasks mean, kind by kind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.engines.protocol import Reason
from scale.error.catalog import BY_EXIT_CODE, BY_NAME
from scale.job.tasks.main_task import MainTask
from scale.job.tasks.post_task import PostTask
from scale.job.tasks.pre_task import PreTask
from scale.job.tasks.pull_task import PullTask
from scale.job.tasks.update import TaskStatus
from scale.kernel.resources import Resources
from tests.builders import NOW, STEPS, a_configuration, a_job_exe, a_job_type, an_update, later

KINDS = {"pull": PullTask, "pre": PreTask, "main": MainTask, "post": PostTask}
REGISTERED = {
    2: "database",
    3: "database-operation",
    4: "filesystem-io",
    5: "invalid-results-manifest",
    6: "missing-setting",
    7: "missing-required-output",
    8: "deleted-file",
    9: "missing-file",
    10: "missing-mount",
    11: "test",
    26: "unexpected-multiple-outputs",
}
A_SYSTEM_TYPE = a_job_type(name="scale-clock", is_system=True)
OWN_ERRORS = {"job": {"title": "Tiler", "errors": [{"code": 7, "name": "bad-pixels", "category": "data"}]}}
SYSTEM_TASKS = ("pre", "post", "system main")


def a_task(kind, *, is_started=True, job_type=None, image="", **columns):
    if kind == "system main":
        kind, job_type = "main", A_SYSTEM_TYPE
    job_exe = a_job_exe(docker_image=image, **columns)
    configuration = a_configuration(STEPS, resources={"cpus": 2.0}, env_vars={"A": "1"})
    task = KINDS[kind]("agent-1", job_exe, job_type or a_job_type(), configuration)
    task.launch(NOW)
    if is_started:
        task.update(an_update(task, TaskStatus.RUNNING))
    return task


def error_of(task, status=TaskStatus.FAILED, **more):
    return task.determine_error(an_update(task, status, **more))


def time_limit(task):
    """How long it may run: the longest whole number of minutes at which it is not late."""
    return next((minutes for minutes in range(10_000) if task.check_timeout(later(minutes=minutes, seconds=1))), None)


@pytest.mark.parametrize("kind", STEPS)
def test_each_kind_has_the_id_and_the_needs_of_its_configuration(kind):
    task = a_task(kind)
    assert (task.id, task.task_type, task.job_exe_id, task.agent_id) == (f"scale_job_f_1x1_{kind}", kind, 1, "agent-1")
    assert task.get_resources() == Resources(cpus=2)


@pytest.mark.parametrize(("job_type", "name"), [(a_job_type(), "Scale Tiler 1.2.0"), (A_SYSTEM_TYPE, "Tiler 1.2.0")])
def test_a_name_says_scale_unless_the_job_is_scales_own(job_type, name):
    assert a_task("main", job_type=job_type).name == name


@pytest.mark.parametrize(("kind", "minutes"), [("pull", 30), ("pre", 60), ("post", 60), ("main", 7)])
def test_how_long_each_kind_may_run(kind, minutes):
    assert time_limit(a_task(kind, timeout=7 * 60)) == minutes


def test_a_job_that_runs_long_is_never_late():
    task = a_task("main", timeout=1, job_type=a_job_type(is_long_running=True))
    assert not task.check_timeout(NOW + timedelta(days=365))


@pytest.mark.parametrize("kind", STEPS)
def test_each_kind_must_start_within_two_minutes(kind):
    assert time_limit(a_task(kind, is_started=False)) == 2


@pytest.mark.parametrize(
    ("kind", "job_type", "error"),
    [
        ("pull", None, "pull-timeout"),
        ("pre", None, "pre-timeout"),
        ("main", None, "timeout"),
        ("post", None, "post-timeout"),
        ("main", A_SYSTEM_TYPE, "system-timeout"),
        ("main", a_job_type(name="scale-ingest", is_system=True), "ingest-timeout"),
    ],
)
def test_what_it_means_to_be_late(kind, job_type, error):
    assert a_task(kind, job_type=job_type).timeout_error_name == error


def test_a_pull_runs_in_no_container_and_quotes_its_image():
    task = a_task("pull", image="tile:1; rm -rf /")
    assert not task.uses_docker
    assert task.command[:2] == ("/bin/sh", "-c")
    assert task.command[2].startswith("docker pull 'tile:1; rm -rf /' && ")


@pytest.mark.parametrize("kind", ["pre", "main", "post"])
def test_the_other_kinds_run_what_the_configuration_says(kind):
    task = a_task(kind, image="tile:1")
    assert (task.command, task.command_arguments, task.env) == (("run", kind), f"run {kind}", {"A": "1"})
    assert task.uses_docker
    assert not a_task(kind).uses_docker


@pytest.mark.parametrize("is_started", [True, False])
@pytest.mark.parametrize("more", [{}, {"exit_code": 2}, {"reason": "REASON_EXECUTOR_TERMINATED"}, {"reason": Reason.EXIT_UNSEEN}])
def test_a_pull_always_fails_as_a_pull(is_started, more):
    assert error_of(a_task("pull", is_started=is_started), **more) == "pull"


@pytest.mark.parametrize("kind", STEPS)
def test_an_update_for_another_id_tells_nothing(kind):
    assert a_task(kind).determine_error(an_update("scale_job_f_1x1_other", TaskStatus.FAILED, exit_code=2)) is None


def test_the_registered_exit_codes_are_those_of_scale():
    assert REGISTERED == BY_EXIT_CODE
    assert set(REGISTERED.values()) <= set(BY_NAME)


@pytest.mark.parametrize(("code", "error"), REGISTERED.items())
@pytest.mark.parametrize("kind", SYSTEM_TASKS)
def test_a_registered_exit_code_says_what_went_wrong(kind, code, error):
    assert error_of(a_task(kind), exit_code=code) == error


@pytest.mark.parametrize("code", [None, 0, 1, 20, 77, -9])
@pytest.mark.parametrize("kind", SYSTEM_TASKS)
def test_any_other_exit_code_of_scales_own_tasks_says_nothing(kind, code):
    assert error_of(a_task(kind), exit_code=code) is None


@pytest.mark.parametrize("kind", ["pre", "post", "main"])
@pytest.mark.parametrize(("image", "error"), [("", "task-launch"), ("tile:1", "docker-task-launch")])
def test_a_task_that_never_ran_could_not_be_launched(kind, image, error):
    assert error_of(a_task(kind, is_started=False, image=image)) == error


def test_a_process_that_has_an_exit_code_did_run_even_if_nobody_said_so():
    assert error_of(a_task("main", is_started=False), exit_code=1) == "algorithm-unknown"
    assert error_of(a_task("main", is_started=False), signal=11) == "algorithm-unknown"
    assert error_of(a_task("pre", is_started=False), exit_code=2) == "database"


def test_the_exit_code_of_a_container_that_never_ran_proves_nothing():
    assert error_of(a_task("main", is_started=False, image="tile:1"), exit_code=125) == "docker-task-launch"


def test_a_system_job_may_name_its_error_even_if_nobody_saw_it_run():
    assert error_of(a_task("system main", is_started=False), exit_code=2) == "database"


@pytest.mark.parametrize("kind", ["pre", "main", "post", "system main"])
def test_a_terminated_executor_means_that_docker_did_it(kind):
    assert error_of(a_task(kind, image="tile:1"), reason="REASON_EXECUTOR_TERMINATED") == "docker-terminated"
    assert error_of(a_task(kind), reason="REASON_EXECUTOR_TERMINATED") is None


@pytest.mark.parametrize(("code", "error"), [(7, "bad-pixels"), (2, "algorithm-unknown"), (-1, "algorithm-unknown")])
def test_the_exit_code_of_a_program_means_what_its_job_type_says(code, error):
    assert error_of(a_task("main", job_type=a_job_type(manifest=OWN_ERRORS)), exit_code=code) == error


@pytest.mark.parametrize("code", [None, 0])
@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.KILLED])
def test_a_program_that_failed_without_an_exit_code_tells_nothing(status, code):
    assert error_of(a_task("main"), status, exit_code=code) is None


def test_a_signal_that_is_not_ours_is_the_programs_fault_and_one_of_ours_is_not():
    assert error_of(a_task("main"), TaskStatus.FAILED, signal=11) == "algorithm-unknown"
    assert error_of(a_task("main"), TaskStatus.KILLED, signal=15) is None


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (Reason.COMMAND_NOT_FOUND, "command-not-found"),
        (Reason.COMMAND_NOT_EXECUTABLE, "command-not-executable"),
        (Reason.WORKING_DIRECTORY, "working-directory"),
        (Reason.NODE_LOST, "node-lost"),
        (Reason.EXIT_UNSEEN, "scheduler-lost"),
        (Reason.LAUNCH_FAILED, "task-launch"),
    ],
)
def test_an_engine_may_say_why_it_could_not_start_a_task(reason, error):
    assert error_of(a_task("main", is_started=False), reason=reason.value) == error


@pytest.mark.parametrize("how", [{"signal": 9}, {"exit_code": 137}, {"exit_code": 2}, {"exit_code": 0}])
@pytest.mark.parametrize("kind", ["pre", "main", "post", "system main"])
def test_what_ran_out_of_memory_failed_of_that_however_it_ended(kind, how):
    assert error_of(a_task(kind), reason=Reason.OUT_OF_MEMORY.value, **how) == "out-of-memory"
    assert not BY_NAME["out-of-memory"].should_be_retried


def test_each_loss_gives_the_next_name():
    task = a_task("main")
    names = []
    for _ in range(3):
        task.update_task_id_for_lost_task()
        names.append(task.id)
    assert names == [f"scale_job_f_1x1_main_lost-{number}" for number in (1, 2, 3)]


def test_the_next_incarnation_begins_anew_whatever_was_said_of_the_lost_one():
    task = a_task("main")
    task.update(an_update(task, TaskStatus.FAILED, exit_code=3))
    task.update_task_id_for_lost_task()
    assert not any((task.has_been_launched, task.has_started, task.has_ended, task.needs_killed()))
    task.launch(later(minutes=5))
    assert task.needs_reconciliation(later(minutes=6))

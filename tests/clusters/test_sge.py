"""A real Grid Engine, through QueueManager: every way that a job can stand or end is seen, by one question for all jobs."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from scale.batch import SGEIO, CancelStatus, QResources, QState, SGEState, SubmissionStatus
from scale.batch.hosts import LocalHost
from scale.batch.manager import QueueManager
from tests.clusters.packages import Missing
from tests.clusters.processes import until
from tests.clusters.sge import GridEngine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120, func_only=True)]  # a cluster has deadlines of its own

LONG = "sleep 600"
#: commands, and what is asked for
JOBS = {
    "well": (
        "true",
        {
            "project": "physics",
            "account": "acct",
            "gpus_per_job": 1,
            "memory_per_thread": 100,
            "time_limit": 600,
            "threads_per_process": 2,
        },
    ),
    "exit 3": ("exit 3", {}),
    "segv": ("kill -SEGV $$", {}),
    "too long": (LONG, {"time_limit": 1}),
    "killed": (LONG, {}),
    "suspended": (LONG, {}),
    "running": (LONG, {"gpus_per_job": 1, "threads_per_process": 2, "memory_per_thread": 50}),
    "held": ("true", {"hold": True}),
    "waits for room": ("true", {"processes": 64}),
    "cannot start": ("exit 100", {}),
    "put back": ('[ "$RESTARTED" = 1 ] || exit 99', {"rerunnable": True}),
    "array": ("exit $((SGE_TASK_ID % 2))", {"njobs": 3}),
    "held array": ("true", {"njobs": 3, "hold": True}),
    "deleted before": ("true", {"hold": True}),
}


@pytest.fixture(scope="session")
def grid_engine():
    with ExitStack() as stack:
        try:
            cluster = stack.enter_context(GridEngine())
        except Missing as trouble:
            pytest.skip(str(trouble))
        yield cluster


@pytest.fixture(scope="module")
def manager(grid_engine):
    return QueueManager(SGEIO(), LocalHost(environment=grid_engine.environment))


@pytest.fixture(scope="module")
def seen(grid_engine, manager, tmp_path_factory):
    """All jobs as one question tells them, once each is where it stays: by the name above, those of arrays as in `array.2`."""
    directory = tmp_path_factory.mktemp("jobs")

    def submit(name, commands, asked):
        resources = QResources(job_name=name, output_filepath="out", error_filepath="err", **{"processes": 1, **asked})
        done = manager.submit(commands, resources, work_dir=directory, script_fname=f"{name}.sh")
        assert done.status is SubmissionStatus.SUCCESSFUL, done
        return done.job_id

    ids = {name: submit(name, *job) for name, job in JOBS.items()}
    ids["after"] = submit("after", "true", {"dependencies": {"afterany": [ids["running"]]}})

    def ask():
        names = {job_id: name for name, job_id in ids.items()}
        told = manager.get_jobs_list(list(ids.values()))
        return {names[job.job_id.partition(".")[0]] + "".join(job.job_id.partition(".")[1:]): job for job in told}

    until("they run", lambda: all(ask()[name].sub_state is SGEState.RUNNING for name in ("killed", "suspended", "running")))
    assert manager.cancel(ids["killed"]).status is CancelStatus.SUCCESSFUL
    assert manager.cancel(ids["deleted before"]).status is CancelStatus.SUCCESSFUL
    grid_engine.run("qmod", "-sj", ids["suspended"])
    is_over = ("well", "exit 3", "segv", "too long", "killed", "put back", *(f"array.{task}" for task in (1, 2, 3)))

    def settled():
        jobs = ask()
        over = all(name in jobs and jobs[name].exit_status is not None for name in is_over)
        return (
            jobs if over and jobs["cannot start"].state is QState.FAILED and jobs["suspended"].state is QState.SUSPENDED else None
        )

    return SimpleNamespace(jobs=until("they are over", settled), directory=directory, ids=ids)


@pytest.mark.parametrize(
    ("name", "state", "sub_state", "status", "signal", "reason"),
    [
        ("well", QState.DONE, SGEState.FINISHED, 0, None, None),
        ("exit 3", QState.FAILED, SGEState.FINISHED, 3, None, None),
        ("segv", QState.FAILED, SGEState.FINISHED, 139, 11, "assumedly after job"),
        ("too long", QState.FAILED, SGEState.FINISHED, 137, 9, "qmaster enforced h_rt, h_cpu, or h_vmem limit"),
        ("killed", QState.FAILED, SGEState.FINISHED, 137, 9, "assumedly after job"),
        ("put back", QState.DONE, SGEState.FINISHED, 0, None, None),
        ("array.1", QState.FAILED, SGEState.FINISHED, 1, None, None),
        ("array.2", QState.DONE, SGEState.FINISHED, 0, None, None),
        ("array.3", QState.FAILED, SGEState.FINISHED, 1, None, None),
        ("running", QState.RUNNING, SGEState.RUNNING, None, None, None),
        ("suspended", QState.SUSPENDED, SGEState.SUSPENDED, None, None, None),
        ("held", QState.QUEUED_HELD, SGEState.HELD, None, None, None),
        ("held array.1", QState.QUEUED_HELD, SGEState.HELD, None, None, None),
        ("held array.3", QState.QUEUED_HELD, SGEState.HELD, None, None, None),
        ("after", QState.QUEUED_HELD, SGEState.HELD, None, None, None),
        ("waits for room", QState.QUEUED, SGEState.QUEUED, None, None, None),
        ("cannot start", QState.FAILED, SGEState.ERROR, None, None, None),
        ("deleted before", QState.UNDETERMINED, None, None, None, None),
    ],
)
def test_a_job_is_seen_as_it_stands(seen, name, state, sub_state, status, signal, reason):
    job = seen.jobs[name]
    assert (job.state, job.sub_state, job.exit_status, job.exit_signal, job.reason) == (state, sub_state, status, signal, reason)


@pytest.mark.parametrize("name", ["well", "running"])
def test_a_job_holds_what_it_asked_for_running_and_ended(seen, name):
    asked = JOBS[name][1]
    info = seen.jobs[name].info
    assert info.cpus == 2
    assert info.memory_per_cpu == asked["memory_per_thread"] * 1024
    assert info.memory == 2 * info.memory_per_cpu
    assert (info.gpus, info.time_limit) == (1, asked.get("time_limit"))


def test_an_ended_job_is_told_with_its_owner_queue_and_account(seen):
    job = seen.jobs["well"]
    assert (job.name, job.queue_name, job.account) == ("well", "all.q", "acct")
    assert job.username == "root"
    assert seen.jobs["too long"].runtime >= 1


def test_a_job_that_is_over_is_asked_for_by_itself(manager, seen):
    assert manager.get_job(seen.ids["exit 3"]).exit_status == 3


def test_the_jobs_of_a_user_are_those_that_are_not_over(manager, seen):
    told = {job.job_id for job in manager.get_jobs_list(user="root")}
    assert {seen.ids["running"], seen.ids["held"], f"{seen.ids['held array']}.2"} <= told
    assert seen.ids["well"] not in told


def test_nobody_elses_jobs_are_told(manager, seen):
    assert manager.get_jobs_list(user="nobody") == []


def test_a_job_that_is_over_or_was_never_there_cannot_be_canceled(manager, seen):
    assert manager.cancel(seen.ids["well"]).status is CancelStatus.JOB_ID_UNKNOWN
    assert manager.cancel("999999").status is CancelStatus.JOB_ID_UNKNOWN


def test_a_refused_job_says_why(manager, tmp_path):
    done = manager.submit("true", QResources(processes=1, queue_name="nosuch"), work_dir=tmp_path)
    assert done.status is SubmissionStatus.FAILED
    assert "unknown queue" in done.stderr


def test_metacharacters_of_a_name_and_a_path_reach_nobody(manager, tmp_path):
    nasty = tmp_path / "a b;`touch x`|&<>(){}[]!~?*"
    nasty.mkdir()
    resources = QResources(
        processes=1, job_name="$(touch y); a'b\"c\\#d", output_filepath=nasty / "out", error_filepath=nasty / "err"
    )
    done = manager.submit("echo said", resources, work_dir=tmp_path)
    job = until("it is over", lambda: (job := manager.get_job(done.job_id)).exit_status is not None and job)
    assert job.state is QState.DONE
    assert (nasty / "out").read_text() == "said\n"
    assert {path.name for path in tmp_path.iterdir()} == {nasty.name, "submit.script"}


def test_a_job_keeps_to_bash_and_its_directory_whatever_the_queue_says(manager, tmp_path):
    done = manager.submit('[[ -n $BASH_VERSION && $PWD = "$1" ]] || true; pwd >where', None, work_dir=tmp_path)
    until("it is over", lambda: manager.get_job(done.job_id).exit_status == 0)
    assert (tmp_path / "where").read_text().strip() == str(tmp_path)

"""The bare shell on this machine: how a process stands or ended is known, and nobody else's process is taken for it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from scale.batch import CancelStatus, QResources, QState, ShellIO, ShellState, SubmissionStatus
from scale.batch.hosts import LocalHost
from scale.batch.manager import QueueManager
from tests.clusters.processes import until

pytestmark = pytest.mark.slow

LONG = "sleep 600"


@pytest.fixture
def manager(tmp_path):
    manager = QueueManager(ShellIO(directory=str(tmp_path / "kept here")), LocalHost())
    yield manager
    for job in manager.get_jobs_list():
        manager.cancel(job)


@pytest.fixture
def submit(manager, tmp_path):
    def submit(commands, **asked):
        done = manager.submit(commands, QResources(**asked), work_dir=tmp_path)  # each writes the same script anew
        assert done.status is SubmissionStatus.SUCCESSFUL, done
        return done.job_id

    return submit


def over(manager, job_id):
    return until("it is over", lambda: (job := manager.get_job(job_id)).exit_status is not None and job)


def test_one_question_tells_how_all_jobs_stand_or_ended(manager, submit):
    ids = {commands: submit(commands) for commands in ("true", "exit 3", "kill -SEGV $$", LONG)}
    until("three are over", lambda: [job.exit_status for job in manager.get_jobs_list(list(ids.values()))] == [0, 3, 139, None])
    well, failed, broken, runs = manager.get_jobs_list(list(ids.values()))
    assert [job.state for job in (well, failed, broken, runs)] == [QState.DONE, QState.FAILED, QState.FAILED, QState.RUNNING]
    assert (well.sub_state, runs.sub_state) == (ShellState.DEAD, ShellState.INTERRUPTIBLE_SLEEP)
    assert runs.username == psutil.Process().username()
    assert [job.job_id for job in manager.get_jobs_list()] == [runs.job_id]
    assert manager.get_jobs_list(user="nobody") == []


def test_a_job_is_stopped_goes_on_and_is_killed_with_all_that_it_started(manager, submit, tmp_path):
    job_id = submit(f"{LONG} & echo $! >child; {LONG}")
    child = psutil.Process(
        until("it has a child", lambda: (tmp_path / "child").exists() and int((tmp_path / "child").read_text() or 0))
    )
    first = int(job_id.partition(".")[0])
    os.kill(first, signal.SIGSTOP)
    until("it is stopped", lambda: manager.get_job(job_id).state is QState.SUSPENDED)
    assert manager.cancel(job_id).status is CancelStatus.SUCCESSFUL
    assert over(manager, job_id).exit_status == 137
    until("its child is gone", lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert manager.cancel(job_id).status is CancelStatus.JOB_ID_UNKNOWN


def test_another_process_of_the_same_number_is_not_the_job(manager, submit):
    other = f"{submit(LONG).partition('.')[0]}.1"
    assert manager.get_job(other).state is QState.UNDETERMINED
    assert manager.cancel(other).status is CancelStatus.JOB_ID_UNKNOWN
    assert len(manager.get_jobs_list()) == 1


def test_of_a_job_whose_end_nobody_saw_nothing_is_made_up(manager, submit):
    job_id = submit(f"exec {LONG}")
    job = psutil.Process(int(job_id.partition(".")[0]))
    job.parent().kill()
    job.kill()
    lost = until("both are gone", lambda: (seen := manager.get_job(job_id)).state is QState.UNDETERMINED and seen)
    assert lost.exit_status is None
    assert "nobody was there" in lost.reason


def test_a_job_hears_the_signals_that_it_would_hear_anywhere(manager, submit, tmp_path):
    over(manager, submit("grep SigIgn /proc/self/status", output_filepath="out"))
    ignored = int((tmp_path / "out").read_text().split()[1], 16)
    assert not any(ignored >> number - 1 & 1 for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM))


def test_metacharacters_reach_no_shell(manager, submit, tmp_path):
    name, path = "$(touch x) `touch y`; a'b\"c\\ *", "o u't\"$(touch z);`#"
    job = over(manager, submit("echo said; echo wrong >&2", job_name=name, output_filepath=path, error_filepath=f"{path}2"))
    assert job.name == name
    assert (tmp_path / path).read_text() == "said\n"
    assert (tmp_path / f"{path}2").read_text() == "wrong\n"
    assert {file.name for file in tmp_path.iterdir()} == {path, f"{path}2", "submit.script", "kept here"}


def test_the_script_may_be_called_anything(manager, tmp_path):
    name = "-a $(touch x)'\";.sh"
    done = manager.submit("true", None, work_dir=tmp_path, script_fname=name)
    job = over(manager, done.job_id)
    assert (job.exit_status, job.name) == (0, name)
    assert not (tmp_path / "x").exists()


def test_nothing_is_left_of_a_job_but_how_it_ended(manager, submit, tmp_path):
    job_id = submit("true")
    over(manager, job_id)
    until("it has tidied up", lambda: [file.name for file in (tmp_path / "kept here").iterdir()] == [f"{job_id}.end"])


def test_a_script_that_is_not_there_is_refused(manager, tmp_path):
    said, wrong, code = LocalHost().execute(manager.scheduler_io.submit_argv("nosuch"), tmp_path)
    assert manager.scheduler_io.parse_submit_output(code, said, wrong).status is SubmissionStatus.FAILED
    assert wrong == "there is no script nosuch to read\n"


def test_by_itself_it_keeps_what_it_knows_in_the_users_directory(tmp_path):
    manager = QueueManager(ShellIO(), LocalHost(environment={"XDG_STATE_HOME": str(tmp_path)}))
    assert manager.get_jobs_list() == []
    over(manager, manager.submit("true", None, work_dir=tmp_path).job_id)
    assert Path(tmp_path / "scale-shell").stat().st_mode & 0o777 == 0o700


def test_output_goes_where_the_dialect_says_and_a_script_may_be_called_anything(tmp_path):
    manager = QueueManager(ShellIO(stdout_path="o ut", stderr_path=Path("er;r"), directory=str(tmp_path / "kept")), LocalHost())
    for script in ("-x", "a; touch y", "$(touch y)"):
        done = manager.submit("echo said; echo wrong >&2", None, work_dir=tmp_path, script_fname=script)
        assert over(manager, done.job_id).name == script
        assert ((tmp_path / "o ut").read_text(), (tmp_path / "er;r").read_text()) == ("said\n", "wrong\n")
    assert not (tmp_path / "y").exists()

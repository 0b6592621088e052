"""Fifty long jobs, and what looks after them is killed: the same fifty processes end, each with its exit code."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from tests.journeys.service import processes_of, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

JOBS = 50


@pytest.mark.parametrize("killed", ["scale_scheduler", "scale-runner", "scale-keeper"])
def test_fifty_long_jobs_never_notice_that_this_is_killed(up, own_home, killed):
    service = up()
    pids, go = own_home / "pids", own_home / "go"
    pids.touch()
    command = f"echo $$ >> {pids}; until test -e {go}; do sleep 0.2; done; exit $((7 * (SCALE_JOB_ID % 2)))"
    ids = service.client.submit_many([{"command": command, "resources": {"cpus": 0.02, "mem": 1}} for _ in range(JOBS)])
    until(lambda: len(pids.read_text().split()) == JOBS, within=60)
    before = {int(pid) for pid in pids.read_text().split()}
    victim = next(process for process in processes_of(own_home) if killed in (process.name(), *process.cmdline()))
    victim.kill()
    until(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)
    assert all(psutil.pid_exists(pid) for pid in before)
    go.touch()
    ended = {job: service.client.wait(job, timeout=60) for job in ids}
    assert {job: one["status"] for job, one in ended.items()} == {job: "FAILED" if job % 2 else "COMPLETED" for job in ids}
    assert {job: one["execution"]["exit_code"] for job, one in ended.items()} == {job: 7 * (job % 2) for job in ids}
    assert {one["execution"]["exe_num"] for one in ended.values()} == {1}
    assert {int(pid) for pid in pids.read_text().split()} == before
    assert "scheduler-lost" not in (own_home / "logs" / "scheduler.log").read_text()
    assert service.stop(signal.SIGINT) == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in before)

"""The second way of the data: a process ends, and the status document tells. Step by step, as the map tells it."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import pytest

from scale.job.models import Job, JobExecutionEnd, TaskUpdate


@pytest.mark.parametrize(
    ("command", "column", "exit_code"),
    [("exit 0", ("completed",), 0), ("exit 3", ("failed", "algorithm"), 3)],
)
def test_engine_to_status(alice, bench, command, column, exit_code):
    job_id = alice.post("/api/v7/jobs/", {"command": command}, content_type="application/json").json()["id"]
    bench.run_until(lambda: Job.objects.get().status in ("COMPLETED", "FAILED"))

    assert not bench.scheduler.job_exes.get_running_job_exes()
    assert not bench.scheduler.tasks.get_all_tasks()
    end = JobExecutionEnd.objects.get(job_id=job_id)
    assert (end.exit_code, end.signal) == (exit_code, None)
    assert end.cpu_seconds is not None
    assert end.peak_memory > 0
    assert TaskUpdate.objects.earliest("id").status == "TASK_RUNNING"

    bench.turn("status")
    answer = alice.get("/api/v7/status/")
    assert answer.status_code == 200
    [node] = answer.json()["nodes"]
    counts = node["job_executions"]
    for key in column:
        counts = counts[key]
    assert counts == {"total": 1, "by_job_type": [{"job_type_id": Job.objects.get().job_type_id, "count": 1}]}
    assert node["resources"]["cpus"] == {
        "running": 0.0,
        "offered": 0.0,
        "free": 4.0,
        "unavailable": node["resources"]["cpus"]["total"] - 4,
        "total": node["resources"]["cpus"]["total"],
    }
    assert alice.get("/api/v7/status/", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_a_job_over_its_memory_ends_so_within_two_seconds_and_the_node_lives(alice, bench):
    program = "b = bytearray(124 << 20); import signal; signal.pause()"
    over = {"command": [sys.executable, "-SIc", program], "resources": {"mem": 64}}
    job_id = alice.post("/api/v7/jobs/", over, content_type="application/json").json()["id"]
    keeper = bench.engine.keeper_pids
    bench.run_until(lambda: Job.objects.get(pk=job_id).status == "FAILED")
    end = JobExecutionEnd.objects.select_related("error").get(job_id=job_id)
    assert (end.error.name, end.error.category, end.exe_num) == ("out-of-memory", "ALGORITHM", 1)
    assert end.message == "used more than its 64 MiB of memory"
    assert end.seed_ended - end.seed_started <= timedelta(seconds=2)
    assert bench.engine.keeper_pids == keeper
    small = {"command": "exit 0", "resources": {"mem": 64}}
    job_id = alice.post("/api/v7/jobs/", small, content_type="application/json").json()["id"]
    bench.run_until(lambda: Job.objects.get(pk=job_id).status == "COMPLETED")


def test_what_the_process_says_can_be_read_while_it_runs_and_after(alice, bench, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    command = f"echo before; echo trouble >&2; read line < {gate}; echo after $line"
    job_id = alice.post("/api/v7/jobs/", {"command": command}, content_type="application/json").json()["id"]
    bench.turn("schedule")
    execution = alice.get(f"/api/v7/jobs/{job_id}/").json()["execution"]
    logs = f"/api/v7/job-executions/{execution['id']}/logs"
    with gate.open("w") as door:  # opens once the job has come to read from it
        assert alice.get(f"{logs}/stdout/").content == b"before\n"
        door.write("go\n")
    bench.run_until(lambda: Job.objects.get().status == "COMPLETED")
    assert alice.get(f"{logs}/stdout/").content == b"before\nafter go\n"
    assert alice.get(f"{logs}/stderr/").content == b"trouble\n"
    assert sorted(alice.get(f"{logs}/combined/").content.splitlines()) == [b"after go", b"before", b"trouble"]

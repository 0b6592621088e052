"""The first way of the data: a job goes in over HTTP, and a process runs. Step by step, as the map tells it."""

from __future__ import annotations

from scale.job.models import Job, JobExecution
from scale.queue.models import Queue
from scale.wake import Doorbell


def test_http_to_process(alice, bench, home, tmp_path):
    trace = tmp_path / "trace"
    body = {
        "command": f'echo "$SCALE_JOB_ID $GREETING $(pwd)" > {trace}',
        "env": {"GREETING": "hello"},
        "working_dir": str(tmp_path),
    }

    with Doorbell(home) as doorbell:
        answer = alice.post("/api/v7/jobs/", body, content_type="application/json")
        assert doorbell.wait(5), "whoever submits wakes the scheduler"

    job = answer.json()
    assert (answer.status_code, job["status"], answer["Location"]) == (
        201,
        "QUEUED",
        f"/api/v7/jobs/{job['id']}/",
    )
    assert Queue.objects.get().job_id == job["id"]

    bench.turn("schedule")
    execution = JobExecution.objects.get(job_id=job["id"])
    assert (Queue.objects.count(), execution.node.agent_id) == (0, bench.engine.node)
    [exe] = bench.scheduler.job_exes.get_running_job_exes()
    assert (exe.cluster_id, exe.current_task.id) == (execution.cluster_id, f"{execution.cluster_id}_main")

    bench.run_until(lambda: Job.objects.get().status == "COMPLETED")
    assert trace.read_text() == f"{job['id']} hello {tmp_path}\n"

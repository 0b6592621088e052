"""A client that a program has written from the OpenAPI document runs the whole life of a job, by typed functions alone."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import pytest

from tests.journeys.service import until
from tests.unit.seed.corpus import LEAST

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

NAME = "generated_scale_client"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Have the client written from what a service serves; a warning of the generator is a fault of the document."""

    def write(url):
        (tmp_path / "config.json").write_text(json.dumps({"post_hooks": []}))
        words = ["--url", f"{url}/api/schema/", "--config", "config.json", "--meta", "none", "--output-path", NAME]
        generator = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", *words]
        direct = {**os.environ, "NO_PROXY": "*"}
        wrote = subprocess.run(generator, cwd=tmp_path, env=direct, capture_output=True, text=True, check=False)
        assert (wrote.returncode, "arning" in wrote.stdout + wrote.stderr) == (0, False), wrote.stdout + wrote.stderr
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module(NAME)

    yield write
    for name in [name for name in sys.modules if name.startswith(NAME)]:
        del sys.modules[name]


def test_a_client_that_a_program_has_written_runs_the_whole_life_of_a_job(up, own_home, written):
    service = up()
    made = written(service.client.url)
    plain = {"base_url": service.client.url, "httpx_args": {"trust_env": False}, "raise_on_unexpected_status": True}
    with made.Client(**plain) as anybody:
        token = logged_in(anybody, (own_home / "password").read_text().strip())
    with made.AuthenticatedClient(**plain, token="0" * 40, prefix="Token") as stranger:
        a_stranger_is_told_so(stranger)
    with made.AuthenticatedClient(**plain, token=token, prefix="Token") as client:
        a_job_from_submission_to_log(client)
        jobs_listed_canceled_and_tried_anew(client)
        trouble_as_typed_problems(client)
        a_job_type_made_and_edited(client)
        the_cluster_seen_and_changed(client)


def logged_in(anybody, password):
    from generated_scale_client.api.login import token_issue
    from generated_scale_client.models import Credentials, ProblemOut, TokenOut

    guessed = token_issue.sync(client=anybody, body=Credentials(username="admin", password="guessed"))
    assert isinstance(guessed, ProblemOut)
    assert guessed.status == 400
    issued = token_issue.sync(client=anybody, body=Credentials(username="admin", password=password))
    assert isinstance(issued, TokenOut)
    return issued.token


def a_stranger_is_told_so(stranger):
    from generated_scale_client.api.jobs import job_list

    assert job_list.sync(client=stranger).status == 401


def a_job_from_submission_to_log(client):
    from generated_scale_client.api.job_executions import job_execution_log
    from generated_scale_client.api.jobs import job_detail, job_execution_detail, job_execution_list, job_submit
    from generated_scale_client.models import ExecutionStatus, JobExecutionLogFormat, JobStatus, Needs, Stream, Submission
    from generated_scale_client.models import SubmissionEnv as Env

    body = Submission(
        command='printf "hello %s\\n" "$WHO"; exit 3',
        name="greeting",
        env=Env.from_dict({"WHO": "world"}),
        resources=Needs(cpus=0.1, mem=16),
        max_tries=1,
    )
    answer = job_submit.sync_detailed(client=client, body=body)
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/v7/jobs/{answer.parsed.id}/")
    job_id = answer.parsed.id

    job = until(lambda: (job := job_detail.sync(job_id, client=client)).status == JobStatus.FAILED and job)
    assert (job.error.name, job.error.should_be_retried) == ("algorithm-unknown", False)
    assert (job.env["WHO"], job.resources["cpus"], job.waiting, job.superseded_job) == ("world", 0.1, None, None)
    assert job.execution.exit_code == 3

    page = job_execution_list.sync(job_id, client=client, status=[ExecutionStatus.FAILED])
    (execution,) = page.results
    assert (page.count, page.next_, execution.job.id, execution.node.hostname) == (1, None, job_id, job.node.hostname)
    detail = job_execution_detail.sync(job_id, execution.exe_num, client=client)
    assert (detail.id, detail.exit_code, detail.configuration is not None) == (execution.id, 3, True)

    assert job_execution_log.sync(execution.id, Stream.STDOUT, client=client) == "hello world\n"
    log = job_execution_log.sync_detailed(execution.id, Stream.STDOUT, client=client, range_="bytes=6-")
    assert (log.status_code, log.parsed, log.headers["Scale-Log-Complete"]) == (206, "world\n", "true")
    assert job_execution_log.sync(execution.id, Stream.STDERR, client=client) is None
    page = job_execution_log.sync(execution.id, Stream.STDOUT, client=client, format_=JobExecutionLogFormat.HTML)
    assert "hello world" in page


def jobs_listed_canceled_and_tried_anew(client):
    from generated_scale_client.api.jobs import job_cancel, job_detail, job_list, job_requeue, job_submit_many
    from generated_scale_client.models import (
        AnyJobs,
        JobChoice,
        JobListOrderItem,
        JobStatus,
        Needs,
        RequeueChoice,
        Submission,
    )

    too_large = Submission(command=["sleep", "600"], resources=Needs(cpus=100_000))
    ids = job_submit_many.sync(client=client, body=AnyJobs(jobs=[too_large] * 3)).ids

    page = job_list.sync(
        client=client,
        status=[JobStatus.QUEUED, JobStatus.RUNNING],
        job_id=ids,
        order=[JobListOrderItem.ID_DESCENDING],
        page=1,
        page_size=2,
        started="PT1H",
        is_superseded=False,
    )
    assert ([job.id for job in page.results], page.count, page.previous) == (ids[:0:-1], 3, None)
    assert "page=2" in page.next_
    waiting = until(lambda: (told := job_detail.sync(ids[0], client=client).waiting).code == "too-large" and told)
    assert waiting.nodes["too-small"] == 1

    canceled = job_cancel.sync(client=client, body=JobChoice(job_ids=ids[:2]))
    assert (canceled.job_ids, canceled.unknown_job_ids) == (ids[:2], [])
    assert job_detail.sync(ids[0], client=client).status == JobStatus.CANCELED
    requeued = job_requeue.sync(client=client, body=RequeueChoice(status=[JobStatus.CANCELED], priority=7))
    assert sorted(requeued.job_ids) == ids[:2]
    again = job_detail.sync(ids[0], client=client)
    assert (again.status, again.priority) == (JobStatus.QUEUED, 7)
    assert job_cancel.sync(client=client, body=JobChoice(job_ids=ids)).job_ids == ids


def a_job_type_made_and_edited(client):
    from generated_scale_client.api.job_types import job_type_create, job_type_detail, job_type_edit, job_type_validate
    from generated_scale_client.api.jobs import job_detail, job_submit
    from generated_scale_client.models import (
        JobRequest,
        JobStatus,
        JobTypeChange,
        JobTypeDetailOut,
        JobTypeDraft,
        JobTypeDraftManifest,
        NewJobType,
    )
    from generated_scale_client.models import NewJobTypeManifest as Manifest

    judged = job_type_validate.sync(client=client, body=JobTypeDraft(manifest=JobTypeDraftManifest()))
    assert (judged.is_valid, judged.errors[0].name != "") == (False, True)
    manifest = {**LEAST, "job": {**LEAST["job"], "timeout": 60, "interface": {"command": "true"}}}
    made = job_type_create.sync(client=client, body=NewJobType(manifest=Manifest.from_dict(manifest), is_published=True))
    assert isinstance(made, JobTypeDetailOut)
    assert (made.name, made.version, made.revision_num) == (LEAST["job"]["name"], LEAST["job"]["jobVersion"], 1)
    edited = job_type_edit.sync(made.name, made.version, client=client, body=JobTypeChange(max_tries=7))
    assert edited.is_valid
    told = job_type_detail.sync(made.name, made.version, client=client)
    assert (told.max_tries, told.is_published) == (7, True)  # a change leaves alone what it does not state
    job = job_submit.sync(client=client, body=JobRequest(job_type_id=made.id, name="typed"))
    assert until(lambda: job_detail.sync(job.id, client=client).status == JobStatus.COMPLETED)


def the_cluster_seen_and_changed(client):
    from generated_scale_client.api.job_types import job_type_detail, job_type_edit, job_type_list, job_type_status
    from generated_scale_client.api.nodes import node_detail, node_edit, node_list
    from generated_scale_client.api.queue import queue_status
    from generated_scale_client.api.scheduler import scheduler_detail, scheduler_edit
    from generated_scale_client.api.status import status
    from generated_scale_client.api.version import version
    from generated_scale_client.models import JobTypeChange, NodeChange, SchedulerChange

    seen = until(lambda: (seen := status.sync(client=client)).nodes and seen)
    (node,) = seen.nodes
    assert node.resources["cpus"].total == seen.resources["cpus"].total > 0
    assert (seen.scheduler.state.name, seen.scheduler.leader.term, node.job_executions.running.total) == ("READY", 1, 0)

    paused = node_edit.sync_detailed(node.id, client=client, body=NodeChange(is_paused=True, pause_reason="new disk"))
    assert (paused.status_code, paused.parsed) == (204, None)
    told = node_detail.sync(node.id, client=client)
    assert (told.is_paused, told.pause_reason, told.is_active, told.deprecated) == (True, "new disk", True, None)
    assert node_list.sync(client=client, is_active=True).count == 1

    (command,) = job_type_list.sync(client=client, keyword=["command"], is_system=False).results[:1]
    edited = job_type_edit.sync(command.name, command.version, client=client, body=JobTypeChange(max_scheduled=5))
    assert edited.is_valid
    told = job_type_detail.sync(command.name, command.version, client=client)
    assert (told.max_scheduled, told.is_paused, told.is_active) == (5, False, True)
    assert job_type_edit.sync("command", "1.0.0", client=client, body=JobTypeChange(max_scheduled=None)).is_valid
    assert job_type_detail.sync("command", "1.0.0", client=client).max_scheduled is None
    assert command.id in {counted.job_type.id for counted in job_type_status.sync(client=client).results}

    assert scheduler_edit.sync_detailed(client=client, body=SchedulerChange(num_message_handlers=3)).status_code == 204
    assert scheduler_edit.sync_detailed(client=client, body=SchedulerChange(is_paused=True)).status_code == 204
    told = scheduler_detail.sync(client=client)
    assert (told.is_paused, told.num_message_handlers) == (True, 3)
    assert queue_status.sync(client=client).count == 0
    assert version.sync(client=client).version


def trouble_as_typed_problems(client):
    from generated_scale_client.api.jobs import job_cancel, job_detail, job_list, job_submit
    from generated_scale_client.models import JobChoice, ProblemOut, Submission

    bad = job_submit.sync(client=client, body=Submission(command="", timeout=0))
    assert isinstance(bad, ProblemOut)
    assert (bad.status, {fault.field for fault in bad.errors}) == (400, {"command", "timeout"})
    assert [fault.field for fault in job_cancel.sync(client=client, body=JobChoice()).errors] == [""]
    assert [fault.field for fault in job_list.sync(client=client, started="yesterday").errors] == ["started"]
    gone = job_detail.sync(999_999, client=client)
    assert (gone.status, gone.title, gone.instance) == (404, "Not Found", "/api/v7/jobs/999999/")


def _needs(**amounts):
    from generated_scale_client.models import Needs

    return Needs(**amounts)

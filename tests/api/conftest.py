"""People who ask, and things they ask about."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from scale.job.models import Job, JobExecution, JobExecutionEnd
from scale.job.services import job_submit
from scale.job.submission import parse_submission
from scale.node.models import Node
from tests.api.documented import DocumentedClient

API = "/api/v7/"


class Person:
    """A user with a token, who speaks JSON."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = DocumentedClient(headers={"Authorization": f"Token {Token.objects.create(user=user).key}"})

    def get(self, path: str, **rest: Any):
        return self.client.get(API + path, **rest)

    def post(self, path: str, body: object = None, **rest: Any):
        return self.client.post(API + path, body, content_type="application/json", **rest)

    def patch(self, path: str, body: object):
        return self.client.patch(API + path, body, content_type="application/json")


@pytest.fixture(autouse=True)
def _surroundings(db, clock, home, settings):
    """Every test of the API has a database, stands in time, and spends little of it on passwords."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice() -> Person:
    return Person(User.objects.create_user("alice", password="correct horse"))


@pytest.fixture
def bob() -> Person:
    return Person(User.objects.create_user("bob", password="battery staple"))


@pytest.fixture
def staff() -> Person:
    return Person(User.objects.create_user("staff", password="hunter twelve", is_staff=True))


@pytest.fixture
def a_job(clock):
    """Make a job, queued now; columns may be said otherwise."""

    def make(by: Person, *, command: object = "true", **columns: Any) -> Job:
        job = job_submit(submission=parse_submission({"command": command}), by=by.user, when=clock.now())
        Job.objects.filter(pk=job.pk).update(**columns)
        job.refresh_from_db()
        return job

    return make


@pytest.fixture
def a_node(clock):
    def make(hostname: str = "node-1", **columns: Any) -> Node:
        now = clock.now()
        return Node.objects.create(hostname=hostname, engine="local", created=now, last_modified=now, **columns)

    return make


@pytest.fixture
def an_execution(clock):
    """Make an execution of a job; with a status, one that has ended so."""

    def make(job: Job, exe_num: int = 1, status: str | None = None, node: Node | None = None, **end: Any) -> JobExecution:
        now = clock.now()
        execution = JobExecution(
            job=job, job_type=job.job_type, exe_num=exe_num, node=node, timeout=60, queued=now, started=now, created=now
        )
        execution.set_cluster_id("f", job.pk, exe_num)
        execution.save()
        if status:
            times = {"queued": now, "ended": now, "created": now}
            JobExecutionEnd.objects.create(
                job_exe=execution, job=job, job_type=job.job_type, exe_num=exe_num, status=status, node=node, **times, **end
            )
        return execution

    return make

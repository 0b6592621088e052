"""Two thousand jobs in one request, as real processes: all of them end, and everybody counts the same."""

from __future__ import annotations

import pytest

from scale.job.models import Job, JobExecutionEnd
from scale.job.states import FINAL
from tests.counts import Witnesses, the_same

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SMALL = {"cpus": 0.05, "mem": 8}


def test_two_thousand_processes_are_counted_to_the_unit(bench, alice):
    commands = [["/bin/false" if number % 10 == 0 else "/bin/true"] for number in range(2000)]
    commands[5] = ["/no/such/program"]
    jobs = [{"command": command, "resources": SMALL} for command in commands]
    answer = alice.post("/api/v7/jobs/bulk/", {"jobs": jobs}, content_type="application/json")
    assert answer.status_code == 201
    bench.run_until(lambda: not Job.objects.exclude(status__in=FINAL).exists())
    bench.turn("schedule", "status")
    witnesses = Witnesses(alice)
    assert the_same(witnesses.jobs()) == {"COMPLETED": 1799, "FAILED": 201}
    assert the_same(witnesses.ended()) == {"COMPLETED": 1799, "FAILED": 201}
    assert the_same(witnesses.waiting()) == the_same(witnesses.running()) == 0
    errors = JobExecutionEnd.objects.filter(status="FAILED").values_list("error__name", flat=True)
    assert sorted(set(errors)) == ["algorithm-unknown", "command-not-found"]
    commands_of = dict(Job.objects.values_list("pk", "command"))
    assert [commands_of[job_id] for job_id in answer.json()["ids"]] == commands

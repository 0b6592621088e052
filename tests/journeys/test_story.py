"""The story of a job is one grep: each line that concerns it names it."""

from __future__ import annotations

import logging

from scale.fact import FactFormatter
from scale.job.models import Job


def story(caplog, job_id):
    lines = [line.split() for record in caplog.records for line in FactFormatter().format(record).splitlines()]
    return [words[3].removeprefix("event=") for words in lines if f"job={job_id}" in words]


def test_the_story_of_a_job_that_is_tried_again(alice, bench, caplog):
    caplog.set_level(logging.INFO)
    body = {"command": "exit 3", "retry_on": "failure", "max_tries": 2}
    job_id = alice.post("/api/v7/jobs/", body, content_type="application/json").json()["id"]
    bench.run_until(lambda: Job.objects.get().status == "FAILED")
    once = ["placed", "launched", "task-running", "task-failed", "over", "recorded"]
    assert story(caplog, job_id) == ["submitted", *once, "tried-again", *once]


def test_the_story_of_a_job_that_is_canceled(alice, bench, caplog):
    caplog.set_level(logging.INFO)
    job_id = alice.post("/api/v7/jobs/", {"command": "sleep 60"}, content_type="application/json").json()["id"]
    bench.turn("schedule")
    bench.hear()
    alice.post("/api/v7/jobs/cancel/", {"job_ids": [job_id]}, content_type="application/json")
    bench.run_until(lambda: not bench.scheduler.job_exes.get_running_job_exes())
    told = story(caplog, job_id)
    assert told[:2] == ["submitted", "placed"]
    assert {"canceled", "task-running", "task-killed", "over"} <= set(told)

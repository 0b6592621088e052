"""The API is there in two versions that are alike, and in no other; who left out a slash is sent on."""

from __future__ import annotations

import pytest
from django.test import Client

from scale import __version__
from tests.api.answers import words

TABLE = """
jobs/ job-types/ job-types/status/ job-types/pending/ job-types/running/ job-types/system-failures/ queue/status/ load/ nodes/
scheduler/ scheduler/queued-resources/ version/ errors/ metrics/ metrics/errors/ metrics/ingests/ metrics/job-types/
metrics/errors/plot-data/ metrics/ingests/plot-data/ metrics/job-types/plot-data/
"""


@pytest.mark.parametrize("path", sorted(words(TABLE)))
def test_both_versions_answer_alike(alice, path):
    answers = [alice.client.get(f"/api/{version}/{path}") for version in ("v6", "v7")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


def test_a_job_is_told_at_the_version_it_was_submitted_to(alice):
    for version in ("v6", "v7"):
        answer = alice.client.post(f"/api/{version}/jobs/", {"command": "true"}, content_type="application/json")
        assert answer["Location"] == f"/api/{version}/jobs/{answer.json()['id']}/"
        assert alice.client.get(answer["Location"]).status_code == 200


def test_the_pages_of_a_version_lead_to_pages_of_the_same(alice, a_job):
    a_job(alice)
    a_job(alice)
    page = alice.client.get("/api/v6/jobs/?page_size=1").json()
    assert page["next"].startswith("http://testserver/api/v6/jobs/?")


@pytest.mark.parametrize("path", ["v5/jobs/", "v8/jobs/", "v66/jobs/", "jobs/", "v7/cakes/"])
def test_another_version_is_not_found(alice, path):
    answer = alice.client.get(f"/api/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("version", ["v6", "v7"])
def test_who_leaves_out_the_slash_is_sent_on_with_the_same_method(alice, version):
    answer = alice.client.post(f"/api/{version}/jobs", {"command": "true"}, content_type="application/json")
    assert (answer.status_code, answer["Location"]) == (308, f"/api/{version}/jobs/")


@pytest.mark.parametrize("version", ["v6", "v7"])
def test_the_version_is_open_and_everything_else_is_not(version):
    anybody = Client()
    assert anybody.get(f"/api/{version}/version/").json() == {"version": __version__}
    for path in words(TABLE) - {"version/"}:
        assert anybody.get(f"/api/{version}/{path}").status_code == 401

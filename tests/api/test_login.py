"""Who gets a token, and what can be had without one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from scale import __version__
from scale.account.services import admin_ensure
from tests.api.answers import fields_at_fault


def login(body, content_type="application/json"):
    return Client().post("/api-token-auth/", body, content_type=content_type)


def test_a_name_and_a_password_give_the_same_token_each_time(alice):
    token = login({"username": "alice", "password": "correct horse"}).json()["token"]
    form = login("username=alice&password=correct+horse", "application/x-www-form-urlencoded")
    assert form.json() == {"token": token}
    assert Client(headers={"Authorization": f"Token {token}"}).get("/api/v7/jobs/").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "alice", "password": "wrong"}, ""),
        ({"username": "nobody", "password": "correct horse"}, ""),
        ({"username": "alice"}, "password"),
        ({"username": "alice\0", "password": "x"}, "username"),
        ({"username": "alice", "password": 1}, "password"),
    ],
)
def test_who_does_not_know_both_gets_none(alice, body, field):
    assert fields_at_fault(login(json.dumps(body))) == [field]


def test_a_token_that_nobody_has_is_refused():
    answer = Client(headers={"Authorization": "Token 123"}).get("/api/v7/jobs/")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")


def test_a_session_will_do(alice):
    client = Client()
    client.force_login(alice.user)
    assert client.get("/api/v7/jobs/").status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user)
    assert strict.post("/api/v7/jobs/", {"command": "true"}, content_type="application/json").status_code == 403


def test_version_schema_and_docs_are_open():
    assert Client().get("/api/v7/version/").json() == {"version": __version__}
    assert Client().get("/api/schema/").status_code == 200
    docs = Client().get("/api/docs/")
    assert b"drf_spectacular_sidecar" in docs.content
    assert Client().get("/")["Location"] == "/api/docs/"


@pytest.mark.parametrize("path", ["/api/v5/jobs/", "/api/v7/cheese/", "/cheese", "/api/v7/jobs/1/cheese/"])
def test_an_address_that_is_not_there_is_a_problem_too(path):
    answer = Client().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}


def test_a_host_that_is_not_ours_is_a_problem_too():
    assert Client(headers={"Host": "elsewhere.example"}).get("/api/v7/version/").status_code == 400


def test_a_mistake_of_ours_is_a_problem_too(alice, settings):
    settings.CLOCK = None
    alice.client.raise_request_exception = False
    answer = alice.get("jobs/")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "log" in answer.json()["detail"]


def test_the_first_administrator_is_made_once(clock):
    token = admin_ensure(username="root", password="open sesame", when=clock.now())
    assert admin_ensure(username="root", password=None, when=clock.now()) == token
    assert login({"username": "root", "password": "open sesame"}).json() == {"token": token}
    assert admin_ensure(username="root", password="open barley", when=clock.now()) == token
    assert login({"username": "root", "password": "open barley"}).json() == {"token": token}
    root = User.objects.get(username="root")
    assert root.is_staff
    assert root.is_superuser
    assert root.date_joined == clock.now()


def test_the_schema_is_valid_and_tells_of_every_endpoint(tmp_path):
    file = tmp_path / "schema.json"
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", "--file", str(file))
    schema = json.loads(file.read_text())
    operations = [operation["operationId"] for path in schema["paths"].values() for operation in path.values()]
    assert len(operations) == len(set(operations))
    documented = {(method.upper(), path) for path, methods in schema["paths"].items() for method in methods}
    page = (Path(__file__).parents[2] / "docs" / "reference" / "rest.md").read_text()
    told = set(re.findall(r"^\| ([A-Z]+) \| `(/[^`]*)` \|", page, re.MULTILINE))
    assert documented <= told
    assert all("schema" in path or "docs" in path for _, path in told - documented if path.startswith("/api/v7"))
    assert set(schema["paths"]["/api/v7/jobs/"]["post"]["responses"]) == set(
        ["201", "400", "401", "403", "406", "409", "413", "415", "503"]
    )
    assert "resources" in schema["components"]["schemas"]["Submission"]["properties"]
    parameters = {p["name"]: p for p in schema["paths"]["/api/v7/jobs/"]["get"]["parameters"]}
    assert parameters["status"]["schema"]["items"] == {"$ref": "#/components/schemas/JobStatus"}

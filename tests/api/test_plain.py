"""What is answered before the framework: the same as it would answer, and nothing that it would refuse."""

from __future__ import annotations

import gzip
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import RequestFactory
from rest_framework.authtoken.models import Token

from scale.plain import etags, plainly
from scale.scheduler.services import status_save
from scale.scheduler.status import packed


class Caller:
    """Asks as a web server does; who is asked in the end is the framework."""

    def __init__(self) -> None:
        self.token = Token.objects.create(user=User.objects.create_user("caller")).key
        self._application = plainly(lambda _environ, _start_response: [b"the framework"])

    def ask(self, path: str, method: str = "GET", host: str = "localhost", **headers: str):
        told = {}
        headers = {"AUTHORIZATION": f"Token {self.token}", "HOST": host} | headers
        environ = RequestFactory(headers=headers).generic(method, path).environ
        content = b"".join(self._application(environ, lambda status, lines: told.update(lines, status=status[:3])))
        return told.get("status"), told, content


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture(autouse=True)
def _status(clock):
    etags.forget()
    status_save(document=packed(b'{"a":1}'), when=clock.now())


def test_health_is_told_to_anybody(caller):
    assert caller.ask("/healthz", AUTHORIZATION="")[::2] == ("200", b'{"status":"ok"}')


def test_the_status_is_told_compressed_or_plain(caller):
    status, headers, content = caller.ask("/api/v7/status/")
    assert (status, content, headers["Content-Type"]) == ("200", b'{"a":1}', "application/json")
    status, headers, content = caller.ask("/api/v7/status/", **{"Accept-Encoding": "gzip"})
    assert (status, gzip.decompress(content), headers["Content-Encoding"]) == ("200", b'{"a":1}', "gzip")
    assert headers["Content-Length"] == str(len(content))


@pytest.mark.parametrize("known", ['"{}"', 'W/"{}"', '"old", W/"{}"', "*"])
def test_who_knows_the_version_gets_no_other_one(caller, known):
    etag = caller.ask("/api/v7/status/")[1]["ETag"]
    status, headers, content = caller.ask("/api/v7/status/", **{"If-None-Match": known.format(etag.strip('"'))})
    assert (status, headers["ETag"], content) == ("304", etag, b"")


def test_a_version_is_heard_of_after_a_moment(caller, clock):
    etag = caller.ask("/api/v7/status/")[1]["ETag"]
    status_save(document=packed(b'{"a":2}'), when=clock.now())
    clock.move(timedelta(seconds=0.2))
    assert caller.ask("/api/v7/status/", **{"If-None-Match": etag})[::2] == ("200", b'{"a":2}')


def test_many_who_ask_cost_the_database_one_question(caller, django_assert_num_queries):
    caller.ask("/api/v7/status/")
    with django_assert_num_queries(0):
        assert {caller.ask("/api/v7/status/")[0] for _ in range(100)} == {"200"}


def test_a_status_that_is_old_is_not_told(caller, clock):
    clock.move(timedelta(minutes=1))
    status, headers, content = caller.ask("/api/v7/status/")
    assert (status, headers["Content-Type"]) == ("503", "application/problem+json")
    assert b"60 seconds old" in content
    assert headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    "unusual",
    [
        {"path": "/api/v7/version/"},
        {"method": "POST"},
        {"host": "evil.example"},
        {"AUTHORIZATION": ""},
        {"AUTHORIZATION": "Basic eA=="},
        {"AUTHORIZATION": "Token nobody"},
    ],
)
def test_what_is_unusual_is_left_to_the_framework(caller, unusual):
    assert caller.ask(**{"path": "/api/v7/status/"} | unusual)[::2] == (None, b"the framework")


@pytest.mark.django_db(transaction=True)
@pytest.mark.on_postgresql
def test_a_session_that_is_ended_costs_one_answer(caller):
    caller.ask("/api/v7/status/")
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    other.close()
    answers = []
    for _ in range(3):
        etags.forget()
        answers.append(caller.ask("/api/v7/status/")[0])
    assert answers == ["503", "200", "200"]

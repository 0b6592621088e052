"""The client shows the right token to the right host, and tells trouble in the service's own words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from scale.client import PATIENCE, Complaint, Refused, ScaleClient, Unreachable, Unwell, WrongSetting
from scale.environment import Environment
from scale.kernel.clock import ManualClock


class Service:
    """A service that gives these answers, one after the other, the last one for ever; it keeps the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, **rest) -> ScaleClient:
        return ScaleClient("http://scale.test", "abc", transport=httpx.MockTransport(self), **rest)


def a_job(status: str, **rest) -> httpx.Response:
    return httpx.Response(200, json={"id": 7, "status": status, **rest})


def seen_by(client: ScaleClient) -> str | None:
    """The token that a request of this client would carry."""
    return client._http.headers.get("Authorization")


@pytest.fixture
def home(tmp_path):
    (tmp_path / "token").write_text("homely\n")
    return tmp_path


def test_a_submit_carries_the_token_and_only_what_was_stated():
    service = Service(httpx.Response(201, json={"id": 7, "status": "QUEUED"}))
    with service.client() as scale:
        assert scale.submit(("echo", "hi"), timeout=5)["id"] == 7
    request = service.requests[0]
    assert (request.method, request.url) == ("POST", "http://scale.test/api/v7/jobs/")
    assert request.headers["Authorization"] == "Token abc"
    assert json.loads(request.content) == {"command": ["echo", "hi"], "timeout": 5}


def test_many_jobs_are_one_request_and_their_ids_come_back():
    service = Service(httpx.Response(201, json={"ids": [8, 9]}))
    with service.client() as scale:
        assert scale.submit_many({"command": word} for word in ("true", "false")) == [8, 9]
    (request,) = service.requests
    assert (request.method, request.url) == ("POST", "http://scale.test/api/v7/jobs/bulk/")
    assert json.loads(request.content) == {"jobs": [{"command": "true"}, {"command": "false"}]}


def test_a_list_of_statuses_is_a_repeated_parameter():
    service = Service(httpx.Response(200, json={"count": 0, "results": []}))
    with service.client() as scale:
        scale.jobs(status=["RUNNING", "QUEUED"], page_size=5)
    assert service.requests[0].url.query == b"status=RUNNING&status=QUEUED&order=-id&page_size=5&page=1"


def test_an_execution_without_a_log_has_written_nothing():
    with Service(httpx.Response(204)).client() as scale:
        assert scale.logs(3) == b""
        assert scale.log_document(3) == {"task_id": None, "stream": "combined", "text": ""}


def a_part(content: bytes = b"", *, over: bool = False, size: int = 0) -> httpx.Response:
    """A part of a log; without content there is no more yet of this size."""
    headers = {"Scale-Log-Complete": "true" if over else "false", "Content-Range": f"bytes */{size}"}
    return httpx.Response(206 if content else 416, content=content, headers=headers)


def test_what_a_job_writes_is_followed_byte_by_byte_through_its_tries():
    service = Service(
        a_job("QUEUED", execution=None),
        a_job("RUNNING", execution={"exe_num": 1}),
        httpx.Response(200, json={"id": 70}),
        a_part(b"one "),
        a_part(size=4),
        a_part(b"two ", over=True),
        a_job("QUEUED", execution={"exe_num": 1}),
        a_job("COMPLETED", execution={"exe_num": 2}),
        httpx.Response(200, json={"id": 71}),
        a_part(b"three", over=True),
        a_job("COMPLETED", execution={"exe_num": 2}),
    )
    with service.client(pause=lambda _: None) as scale:
        assert list(scale.follow(7, "stdout")) == [b"one ", b"two ", b"three"]
    ranges = [request.headers["Range"].partition("-")[0] for request in service.requests if "Range" in request.headers]
    assert ranges == ["bytes=0", "bytes=4", "bytes=4", "bytes=0"]


def test_a_task_that_was_lost_is_followed_from_its_beginning():
    service = Service(
        a_job("RUNNING", execution={"exe_num": 1}),
        httpx.Response(200, json={"id": 70}),
        a_part(b"lost work"),
        a_part(size=3),
        a_part(b"new", over=True),
        a_job("COMPLETED", execution={"exe_num": 1}),
    )
    with service.client(pause=lambda _: None) as scale:
        assert list(scale.follow(7, "stdout")) == [b"lost work", b"new"]


def test_output_that_is_longer_than_one_part_is_fetched_to_its_end():
    service = Service(a_part(b"ab", over=True), a_part(b"c", over=True))
    with service.client() as scale:
        assert scale.log_part(70, "stdout", 0, most=2) == (b"ab", 2, False)
        assert scale.log_part(70, "stdout", 2, most=2) == (b"c", 3, True)


def test_a_log_of_a_stranger_is_refused():
    with Service(httpx.Response(404, json={"detail": "no"})).client() as scale, pytest.raises(Refused):
        scale.log_part(1, "stdout", 0)


def test_a_refusal_has_the_words_of_the_service_and_names_each_field():
    problem = {"detail": "The input breaks a rule.", "errors": [{"field": "timeout", "message": "must be positive"}]}
    with Service(httpx.Response(400, json=problem)).client() as scale, pytest.raises(Refused) as refusal:
        scale.submit("true", timeout=-1)
    assert refusal.value.faults == (Complaint("timeout", "must be positive"),)
    assert str(refusal.value) == "The input breaks a rule.\n  timeout: must be positive"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"no"', b"{}"])
def test_a_refusal_that_is_no_problem_document_still_tells_its_status(body):
    with Service(httpx.Response(404, content=body)).client() as scale, pytest.raises(Refused, match="404 Not Found"):
        scale.job(1)


def test_a_service_that_cannot_answer_now_is_told_apart_from_one_that_says_no():
    with (
        Service(httpx.Response(503, json={"detail": "The status is old."})).client() as scale,
        pytest.raises(Unwell, match="The status is old"),
    ):
        scale.status()


def test_an_answer_that_is_no_json_means_a_wrong_address():
    with Service(httpx.Response(200, text="<html>welcome")).client() as scale, pytest.raises(Unwell, match="right address"):
        scale.version()


@pytest.mark.parametrize("trouble", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
def test_nobody_answering_is_unreachable_and_not_ready(trouble):
    with Service(trouble).client() as scale:
        assert not scale.is_ready()
        with pytest.raises(Unreachable, match=r"http://scale\.test"):
            scale.version()


def test_a_request_without_a_token_is_told_how_to_give_one():
    service = Service(httpx.Response(401, json={"detail": "Authentication credentials were not provided."}))
    with (
        ScaleClient("http://scale.test", transport=httpx.MockTransport(service)) as scale,
        pytest.raises(Refused, match="set SCALE_TOKEN"),
    ):
        scale.jobs()


def test_waiting_asks_ever_more_calmly_until_the_job_has_ended():
    pauses: list[float] = []
    service = Service(a_job("QUEUED"), *[a_job("RUNNING")] * 12, a_job("COMPLETED"))
    with service.client(pause=pauses.append) as scale:
        assert scale.wait(7)["status"] == "COMPLETED"
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1], len(pauses)) == (0.05, 1.0, 13)


def test_waiting_bears_with_a_service_that_is_started_again():
    service = Service(a_job("RUNNING"), httpx.ConnectError("refused"), httpx.Response(503), a_job("FAILED"))
    with service.client(pause=lambda seconds: None) as scale:
        assert scale.wait(7)["status"] == "FAILED"


def test_waiting_gives_up_on_a_service_that_stays_away():
    clock = ManualClock(datetime(2026, 1, 31, tzinfo=UTC))
    service = Service(a_job("RUNNING"), httpx.ConnectError("refused"))
    with (
        service.client(clock=clock, pause=lambda seconds: clock.move(timedelta(seconds=seconds))) as scale,
        pytest.raises(Unreachable),
    ):
        scale.wait(7)
    assert PATIENCE < clock.monotonic() < PATIENCE + 5


def test_waiting_no_longer_than_asked_for():
    clock = ManualClock(datetime(2026, 1, 31, tzinfo=UTC))
    with (
        Service(a_job("RUNNING")).client(clock=clock, pause=lambda seconds: clock.move(timedelta(seconds=seconds))) as scale,
        pytest.raises(TimeoutError),
    ):
        scale.wait(7, timeout=3)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://127.9.9.9", "http://localhost:1", "http://[::1]:8000"])
def test_the_token_in_the_home_is_shown_to_loopback_addresses(home, url):
    with ScaleClient.from_environment({"SCALE_HOME": str(home), "SCALE_URL": url}) as scale:
        assert seen_by(scale) == "Token homely"


@pytest.mark.parametrize(
    "url", ["http://scale.test", "http://127.0.0.1.scale.test", "http://10.0.0.1", "https://localhost.scale.test"]
)
def test_the_token_in_the_home_is_shown_to_nobody_else(home, url):
    with ScaleClient.from_environment({"SCALE_HOME": str(home), "SCALE_URL": url}) as scale:
        assert seen_by(scale) is None


def test_a_token_that_is_given_is_shown_wherever_the_address_points(home):
    given = {"SCALE_HOME": str(home), "SCALE_URL": "http://scale.test", "SCALE_TOKEN": "given"}
    with ScaleClient.from_environment(given) as scale:
        assert seen_by(scale) == "Token given"


def test_the_address_is_the_one_that_scale_up_wrote_down(home):
    (home / "url").write_text("http://127.0.0.1:8123\n")
    with ScaleClient.from_environment({"SCALE_HOME": str(home)}) as scale:
        assert scale.url == "http://127.0.0.1:8123"


def test_the_token_in_the_home_is_not_shown_to_another_machine_that_the_home_names(home):
    (home / "url").write_text("http://192.0.2.7:8000\n")
    with ScaleClient.from_environment({"SCALE_HOME": str(home)}) as scale:
        assert seen_by(scale) is None


def test_without_any_variable_it_is_the_default_home_and_address(home, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    (home / ".scale").mkdir()
    (home / ".scale" / "token").write_text("default")
    with ScaleClient.from_environment({}) as scale:
        assert (scale.url, seen_by(scale)) == ("http://127.0.0.1:8000", "Token default")
    assert Environment.read({}).home == home / ".scale"


def test_a_proxy_never_sees_what_is_said_to_this_machine(home, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    with ScaleClient.from_environment({"SCALE_HOME": str(home)}) as scale:
        assert not scale._http._mounts
    with ScaleClient("http://scale.test") as scale:
        assert scale._http._mounts


@pytest.mark.parametrize(
    "wrong",
    [{"SCALE_URL": "127.0.0.1:8000"}, {"SCALE_URL": "http://"}, {"SCALE_URL": "ftp://host"}, {"SCALE_TOKEN": "two\nlines"}],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path, wrong):
    with pytest.raises(WrongSetting, match=next(iter(wrong))):
        ScaleClient.from_environment({"SCALE_HOME": str(tmp_path), **wrong})


def test_a_service_behind_a_path_is_asked_there():
    service = Service(httpx.Response(200, json={"version": "1"}))
    with ScaleClient("https://host.test/scale/", transport=httpx.MockTransport(service)) as scale:
        scale.version()
    assert service.requests[0].url == "https://host.test/scale/api/v7/version/"

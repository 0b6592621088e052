"""The tries at a job, and what they wrote."""

from __future__ import annotations

import pytest

from scale.engines.protocol import Stream
from scale.error.models import Error
from scale.job.models import TaskUpdate
from tests.api.answers import Shelf, fields_at_fault, words


@pytest.fixture
def shelf(settings, monkeypatch):
    settings.LOG_SOURCES = {"local": "tests.api.answers.Shelf"}
    monkeypatch.setattr(Shelf, "held", {})
    return Shelf.held


@pytest.fixture
def execution(alice, a_job, a_node, an_execution):
    return an_execution(a_job(alice), 1, node=a_node())


def test_executions_come_the_latest_first_with_how_they_ended(alice, a_job, a_node, an_execution):
    job, node = a_job(alice), a_node()
    timeout = Error.objects.get(name="timeout")
    used = {"exit_code": None, "signal": 9, "cpu_seconds": 1.5, "peak_memory": 3.0, "message": "killed"}
    an_execution(job, 1, "FAILED", node, error=timeout, **used)
    an_execution(job, 2, node=node)
    latest, first = alice.get(f"jobs/{job.pk}/executions/").json()["results"]
    assert (latest["exe_num"], latest["status"], latest["ended"], latest["exit_code"]) == (2, "RUNNING", None, None)
    assert (first["status"], first["error"]["name"], first["node"]["hostname"]) == ("FAILED", "timeout", "node-1")
    assert {key: first[key] for key in used} == used
    assert set(first) - set(used) == words(
        "id status exe_num cluster_id created queued started ended job node error job_type timeout input_file_size"
    )


def test_each_filter_narrows_the_executions(alice, a_job, a_node, an_execution):
    job, node, timeout = a_job(alice), a_node(), Error.objects.get(name="timeout")
    an_execution(job, 1, "FAILED", node, error=timeout)
    an_execution(job, 2, "COMPLETED")
    an_execution(job, 3)

    def numbers(query):
        return [e["exe_num"] for e in alice.get(f"jobs/{job.pk}/executions/?{query}").json()["results"]]

    assert numbers("status=RUNNING") == [3]
    assert numbers("status=RUNNING&status=FAILED") == [3, 1]
    assert numbers("status=COMPLETED") == [2]
    assert numbers(f"node_id={node.pk}") == [1]
    assert numbers(f"error_id={timeout.pk}") == [1]
    assert numbers("error_category=ALGORITHM") == [1]
    assert numbers("error_category=DATA") == []


def test_a_parameter_that_cannot_be_used_is_named(alice, execution):
    assert fields_at_fault(alice.get(f"jobs/{execution.job_id}/executions/?status=QUEUED")) == ["status"]
    assert fields_at_fault(alice.get(f"job-executions/{execution.pk}/logs/stdout/?format=pdf")) == ["format"]


def test_the_page_of_an_execution_tells_all_of_it(alice, a_job, an_execution):
    job = a_job(alice)
    an_execution(job, 1, "COMPLETED", task_results={"version": "1.0", "tasks": []}, exit_code=0)
    page = alice.get(f"jobs/{job.pk}/executions/1/").json()
    assert page["task_results"] == {"version": "1.0", "tasks": []}
    assert (page["resources"], page["configuration"], page["output"]) == ({}, {}, None)


def test_a_list_of_executions_costs_the_same_however_long_it_is(alice, a_job, a_node, an_execution, django_assert_num_queries):
    job, node = a_job(alice), a_node()
    for exe_num in (1, 2, 3):
        an_execution(job, exe_num, "FAILED", node, error=Error.objects.get(name="timeout"))
    with django_assert_num_queries(4):  # who asks, whether there is such a job, how many, the page
        alice.get(f"jobs/{job.pk}/executions/?page_size=2")


def test_output_is_told_as_text(alice, execution, shelf):
    shelf[f"{execution.cluster_id}_main", Stream.STDOUT] = "<b>é".encode() + b"\xff\n"
    answer = alice.get(f"job-executions/{execution.pk}/logs/stdout/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.content == "<b>é".encode() + b"\xff\n"
    assert alice.get(f"job-executions/{execution.pk}/logs/stdout/?format=json").json()["text"] == "<b>é\ufffd\n"


@pytest.mark.parametrize(
    ("wanted", "content", "where"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
    ],
)
def test_a_part_of_the_output_is_told(alice, execution, shelf, wanted, content, where):
    shelf[f"{execution.cluster_id}_main", Stream.STDOUT] = b"0123456789"
    answer = alice.get(f"job-executions/{execution.pk}/logs/stdout/", headers={"Range": wanted})
    assert (answer.status_code, answer.content, answer["Content-Range"]) == (206, content, where)
    assert answer["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_part_that_is_not_there_yet_is_told_as_such(alice, execution, shelf, wanted):
    shelf[f"{execution.cluster_id}_main", Stream.STDOUT] = b"0123456789"
    answer = alice.get(f"job-executions/{execution.pk}/logs/stdout/", headers={"Range": wanted})
    assert (answer.status_code, answer["Content-Range"], answer["Scale-Log-Complete"]) == (416, "bytes */10", "false")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("wanted", ["bytes=4-2", "bytes=0-1,4-5", "lines=1-2", "bytes=x-", "bytes=" + "9" * 30 + "-", ""])
def test_a_range_that_is_not_understood_is_not_heard(alice, execution, shelf, wanted):
    shelf[f"{execution.cluster_id}_main", Stream.STDOUT] = b"0123456789"
    answer = alice.get(f"job-executions/{execution.pk}/logs/stdout/", headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (200, b"0123456789")


def test_a_range_counts_for_bytes_only(alice, execution, shelf):
    shelf[f"{execution.cluster_id}_main", Stream.STDOUT] = b"0123456789"
    answer = alice.get(f"job-executions/{execution.pk}/logs/stdout/?format=json", headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.json()["text"]) == (200, "0123456789")


def test_output_is_complete_when_the_execution_is_over(alice, execution, shelf):
    path = f"job-executions/{execution.pk}/logs/stdout/"
    assert alice.get(path)["Scale-Log-Complete"] == "false"
    execution.has_ended = True
    execution.save()
    assert alice.get(path)["Scale-Log-Complete"] == "true"
    assert alice.get(path, headers={"Range": "bytes=0-"})["Scale-Log-Complete"] == "true"


def test_output_is_told_as_json_and_as_a_page(alice, execution, shelf):
    task = f"{execution.cluster_id}_main"
    shelf[task, Stream.COMBINED] = b"<script>"
    path = f"job-executions/{execution.pk}/logs/combined/"
    assert alice.get(path + "?format=json").json() == {"task_id": task, "stream": "combined", "text": "<script>"}
    page = alice.get(path + "?format=html", headers={"Accept": "text/html"})
    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert b"&lt;script&gt;" in page.content


def test_no_output_is_no_content(alice, execution, shelf):
    shelf[f"{execution.cluster_id}_main", Stream.STDERR] = b""
    assert alice.get(f"job-executions/{execution.pk}/logs/stdout/").status_code == 204
    assert alice.get(f"job-executions/{execution.pk}/logs/stderr/").status_code == 204


def test_a_task_that_was_lost_is_read_in_its_latest_incarnation(alice, execution, shelf, clock):
    again = f"{execution.cluster_id}_main_lost-1"
    TaskUpdate.objects.create(job_exe=execution, task_id=again, status="TASK_RUNNING", created=clock.now())
    shelf[again, Stream.STDOUT] = b"again"
    assert alice.get(f"job-executions/{execution.pk}/logs/stdout/").content == b"again"


def test_another_task_is_read_by_its_type(alice, execution, shelf):
    execution.configuration = {"tasks": [{"task_id": "t_pre", "type": "pre"}, {"task_id": "t_main", "type": "main"}]}
    execution.save()
    shelf["t_pre", Stream.STDOUT] = b"prepared"
    path = f"job-executions/{execution.pk}/logs/stdout/"
    assert alice.get(path + "?task=pre").content == b"prepared"
    assert alice.get(path + "?task=post").status_code == 404


def test_an_engine_whose_output_cannot_be_read_here_has_none(alice, a_job, a_node, an_execution, shelf):
    execution = an_execution(a_job(alice), 1, node=a_node("far"))
    execution.node.engine = "elsewhere"
    execution.node.save()
    assert alice.get(f"job-executions/{execution.pk}/logs/stdout/").status_code == 204


def test_a_stranger_has_no_log(alice):
    assert alice.get("job-executions/999/logs/stdout/").status_code == 404
    assert alice.get("job-executions/999/logs/stdin/").status_code == 404


def test_local_output_is_found_in_the_data_directory(alice, execution):
    assert alice.get(f"job-executions/{execution.pk}/logs/stdout/").status_code == 204


def test_a_long_log_passes_through_in_pieces(alice, execution, shelf):
    shelf[f"{execution.cluster_id}_main", Stream.STDOUT] = written = b"0123456789abcde\n" * (3 << 16)
    answer = alice.get(f"job-executions/{execution.pk}/logs/stdout/")
    assert (answer.status_code, answer.streaming, answer["Content-Length"]) == (200, True, str(len(written)))
    assert b"".join(answer.streaming_content) == written


@pytest.mark.parametrize("form", ["json", "html"])
def test_a_log_that_is_too_long_for_its_form_is_refused_with_a_way_out(alice, execution, shelf, form):
    shelf[f"{execution.cluster_id}_main", Stream.STDOUT] = b"x" * ((16 << 20) + 1)
    answer = alice.get(f"job-executions/{execution.pk}/logs/stdout/?format={form}")
    assert answer.status_code == 400
    assert "read them as txt" in answer.json()["detail"]

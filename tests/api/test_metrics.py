"""Counts by job type, the load, what is asked of the cluster, and plots, over REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scale.error.models import Error
from scale.job.models import JobExecution, JobExecutionEnd, JobType
from scale.metrics.columns import JOB_TYPES
from scale.metrics.models import JobLoad
from scale.metrics.selectors import load_now
from scale.metrics.services import load_record
from scale.queue.entry import shape_of
from scale.queue.models import Queue
from tests.api.answers import fields_at_fault, words
from tests.conftest import NOW

HOUR = timedelta(hours=1)
BRIEF = words("id name version title description is_active is_system is_paused is_published icon_code unmet_resources")
EMPTY = {"count": 0, "next": None, "previous": None, "results": []}


@pytest.fixture
def other(clock):
    """A job type beside that of commands."""
    return JobType.objects.create(name="other", version="1.0.0", created=NOW, last_modified=NOW)


def error(name):
    return Error.objects.get(name=name)


# --- by job type


@pytest.mark.parametrize(
    ("path", "status", "longest"), [("pending", "PENDING", "last_status_change"), ("running", "RUNNING", "started")]
)
def test_what_waits_and_what_runs_is_told_by_type_the_oldest_first(alice, a_job, other, path, status, longest):
    a_job(alice, status=status, **{longest: NOW})
    a_job(alice, status=status, **{longest: NOW - HOUR})
    a_job(alice, status=status, job_type=other, **{longest: NOW - 2 * HOUR})
    a_job(alice)
    page = alice.get(f"job-types/{path}/").json()
    first, second = page["results"]
    assert (page["count"], set(first), set(first["job_type"])) == (2, {"job_type", "count", f"longest_{path}"}, BRIEF)
    assert (first["job_type"]["name"], first["count"], first[f"longest_{path}"]) == ("other", 1, "2026-01-31T10:00:00Z")
    assert (second["job_type"]["name"], second["count"], second[f"longest_{path}"]) == ("command", 2, "2026-01-31T11:00:00Z")


def test_system_failures_are_told_by_type_and_error_the_latest_first(alice, a_job, other):
    for hours, name in ((3, "node-lost"), (1, "node-lost"), (2, "unknown"), (0, "timeout")):
        a_job(alice, status="FAILED", error=error(name), last_status_change=NOW - hours * HOUR)
    a_job(alice, status="FAILED", error=error("unknown"), last_status_change=NOW, job_type=other)
    a_job(alice, status="QUEUED", error=error("unknown"))
    told = alice.get("job-types/system-failures/").json()["results"]
    assert [(one["job_type"]["name"], one["error"]["name"], one["count"]) for one in told] == [
        ("other", "unknown", 1),
        ("command", "node-lost", 2),
        ("command", "unknown", 1),
    ]
    assert set(told[1]) == words("job_type error count first_error last_error")
    assert (told[1]["first_error"], told[1]["last_error"]) == ("2026-01-31T09:00:00Z", "2026-01-31T11:00:00Z")
    assert told[1]["error"]["category"] == "SYSTEM"


@pytest.mark.parametrize("path", ["job-types/pending/", "job-types/running/", "job-types/system-failures/"])
def test_counts_by_type_cost_the_same_however_many_there_are(alice, a_job, path, django_assert_max_num_queries):
    for status in ("PENDING", "RUNNING", "FAILED"):
        for _ in range(3):
            a_job(alice, status=status, error=error("unknown"))
    with django_assert_max_num_queries(4):  # who asks, the counts, the types, the errors
        assert alice.get(path).json()["count"] == 1


PAGED = ["job-types/pending/", "job-types/running/", "job-types/system-failures/", "load/", "metrics/", "queue/status/"]


@pytest.mark.parametrize("path", PAGED)
def test_a_page_that_cannot_be_is_refused(alice, path):
    assert fields_at_fault(alice.get(f"{path}?page=0")) == ["page"]
    assert fields_at_fault(alice.get(f"{path}?colour=red")) == ["colour"]
    assert alice.get(f"{path}?page=9").status_code == 404


@pytest.mark.parametrize("path", PAGED[:4])
def test_where_there_is_nothing_the_page_is_empty(alice, path):
    assert alice.get(path).json() == EMPTY


def test_counts_by_type_come_page_by_page(alice, a_job, other):
    a_job(alice, status="RUNNING", started=NOW)
    a_job(alice, status="RUNNING", started=NOW, job_type=other)
    page = alice.get("job-types/running/?page_size=1").json()
    assert (page["count"], len(page["results"])) == (2, 1)
    assert "page=2" in page["next"]


# --- the load


def a_load(when, job_type=None, pending=0, queued=0, running=0):
    counts = {"pending_count": pending, "queued_count": queued, "running_count": running}
    return JobLoad.objects.create(job_type=job_type, measured=when, total_count=pending + queued + running, **counts)


def loads(person, query=""):
    return [
        (one["time"][:13], one["pending_count"], one["queued_count"], one["running_count"])
        for one in person.get(f"load/{query}").json()["results"]
    ]


def test_the_load_is_told_hour_by_hour_all_types_together(alice, other):
    command = JobType.objects.get(name="command")
    a_load(NOW - HOUR, command, 1, 2, 3)
    a_load(NOW - HOUR, other, 10, 20, 30)
    a_load(NOW, command, queued=5)
    (first, _) = alice.get("load/").json()["results"]
    assert first == {"time": "2026-01-31T11:00:00Z", "pending_count": 11, "queued_count": 22, "running_count": 33}
    assert loads(alice) == [("2026-01-31T11", 11, 22, 33), ("2026-01-31T12", 0, 5, 0)]


def test_the_load_of_some_types_is_nothing_in_hours_without_them(alice, other):
    a_load(NOW - HOUR, other, 10, 20, 30)
    a_load(NOW, JobType.objects.get(name="command"), queued=5)
    of_other = [("2026-01-31T11", 10, 20, 30), ("2026-01-31T12", 0, 0, 0)]
    assert loads(alice, f"?job_type_id={other.pk}") == loads(alice, "?job_type_name=other") == of_other
    assert loads(alice, "?job_type_name=other&job_type_name=command")[1] == ("2026-01-31T12", 0, 5, 0)


def test_the_load_begins_at_the_midnight_of_seven_days_ago(alice):
    midnight = datetime(2026, 1, 24, tzinfo=UTC)
    for when in (midnight - HOUR, midnight, NOW):
        a_load(when)
    assert [one[0] for one in loads(alice)] == ["2026-01-24T00", "2026-01-31T12"]
    assert len(loads(alice, "?started=P31D")) == 3
    assert [one[0] for one in loads(alice, "?started=P31D&ended=P1D")] == ["2026-01-23T23", "2026-01-24T00"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("started=P31DT1S", "ended"),
        ("started=2025-12-01T00:00:00Z&ended=2026-01-02T00:00:00Z", "ended"),
        ("started=PT0S", "ended"),
        ("ended=P8D", "ended"),
        ("started=2026-01-01T00:00:00", "started"),
        ("job_type_id=x", "job_type_id"),
        ("job_type_name=%00", "job_type_name"),
    ],
)
def test_a_load_that_cannot_be_told_is_refused(alice, query, field):
    assert fields_at_fault(alice.get(f"load/?{query}")) == [field]


def test_the_load_is_counted_by_type_in_one_statement(alice, a_job, other, django_assert_num_queries):
    for status in ("PENDING", "QUEUED", "QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELED", "BLOCKED"):
        a_job(alice, status=status)
    a_job(alice, status="RUNNING", job_type=other)
    with django_assert_num_queries(1):
        counted = load_now()
    assert [(one.pending, one.queued, one.running) for one in counted] == [(1, 2, 1), (0, 0, 1)]
    assert load_record(loads=counted, hour=NOW)
    assert not load_record(loads=counted, hour=NOW)
    assert sorted(JobLoad.objects.values_list("total_count", flat=True)) == [1, 4]


def test_an_hour_without_jobs_is_known_too(alice):
    assert load_record(loads=load_now(), hour=NOW)
    assert not load_record(loads=[], hour=NOW)
    assert loads(alice) == [("2026-01-31T12", 0, 0, 0)]


# --- what is asked of the cluster


def test_what_jobs_ask_for_is_told_beside_what_there_is(alice, a_job, an_execution, a_node):
    a_node("a", is_online=True, resources={"cpus": 4, "mem": 1024, "disk": 10.5, "licences": 2})
    a_node("b", is_online=True, resources={"cpus": 4, "mem": 1024, "disk": 10.5, "licences": 2})
    a_node("away", resources={"cpus": 64})
    a_node("deprecated", is_online=True, is_active=False, resources={"cpus": 64})
    a_job(alice, status="PENDING", resources={"cpus": 1, "mem": 10})
    running = an_execution(a_job(alice, status="RUNNING"))
    JobExecution.objects.filter(pk=running.pk).update(resources={"cpus": 2, "gpus": 1})
    ended = an_execution(a_job(alice, status="COMPLETED"), 1, "COMPLETED")
    JobExecution.objects.filter(pk=ended.pk).update(has_ended=True)
    Queue.objects.all().delete()
    for amount in (0.25, 0.25, 3):
        job, resources = a_job(alice), {"cpus": amount, "mem": 100}
        Queue.objects.filter(job=job).update(resources=resources, shape=shape_of(1, 100, resources))
    Queue.objects.filter(job=a_job(alice)).update(is_canceled=True)
    assert alice.get("scheduler/queued-resources/").json() == {
        "cluster_resources": {"cpus": 8.0, "mem": 2048.0, "disk": 21.0, "gpus": 0.0, "licences": 4.0},
        "queue_lengths": {"PENDING": 1, "QUEUED": 3, "RUNNING": 1},
        "total_resources": {
            "PENDING": {"cpus": 1.0, "mem": 10.0, "disk": 0.0, "gpus": 0.0},
            "QUEUED": {"cpus": 3.5, "mem": 300.0, "disk": 0.0, "gpus": 0.0},
            "RUNNING": {"cpus": 2.0, "mem": 0.0, "disk": 0.0, "gpus": 1.0},
        },
    }


def test_what_jobs_ask_for_is_summed_by_what_is_alike(alice, django_assert_num_queries):
    alice.post("jobs/bulk/", {"jobs": [{"command": "true"}] * 50})
    with django_assert_num_queries(5):  # nodes, those that wait to be queued, shapes, one of each, what runs; who asks is known
        assert alice.get("scheduler/queued-resources/").json()["queue_lengths"]["QUEUED"] == 50


# --- plots


@pytest.fixture
def ended(alice, a_job, an_execution, clock):
    """Make an execution that ended some hours ago and took so many seconds of each."""

    def make(hours: float, status="COMPLETED", why=None, job_type=None, **columns) -> None:
        job = a_job(alice, **({"job_type": job_type} if job_type else {}))
        job.refresh_from_db()
        execution = an_execution(job, 1, status, error=why and error(why))
        end = NOW - hours * HOUR
        times = {
            "queued": end - timedelta(seconds=100),
            "started": end - timedelta(seconds=60),
            "seed_started": end - timedelta(seconds=55.5),
            "seed_ended": end - timedelta(seconds=5),
        }
        JobExecutionEnd.objects.filter(pk=execution.pk).update(ended=end, **{**times, **columns})

    return make


def plots(person, kind, query=""):
    page = person.get(f"metrics/{kind}/plot-data/?{query}").json()
    return {plot["column"]["name"]: plot for plot in page["results"]}


def heights(plot):
    return [(value["datetime"][:13], value["value"]) for value in plot["values"]]


def test_the_kinds_of_metrics_are_listed(alice):
    page = alice.get("metrics/").json()
    assert [kind["name"] for kind in page["results"]] == ["errors", "ingests", "job-types"]
    assert set(page["results"][0]) == words("name title description groups columns")
    assert set(page["results"][0]["columns"][0]) == words("name title description units group aggregate")


def test_the_page_of_a_kind_tells_its_choices(alice, other):
    page = alice.get("metrics/job-types/").json()
    assert set(page) == words("name title description groups columns choices")
    assert {"id": other.pk, "name": "other", "version": "1.0.0", "title": "other", "description": "", "category": None} in page[
        "choices"
    ]
    errors = alice.get("metrics/errors/").json()["choices"]
    assert {(one["name"], one["category"]) for one in errors} >= {("timeout", "ALGORITHM"), ("unknown", "SYSTEM")}
    assert alice.get("metrics/ingests/").json()["choices"] == []


@pytest.mark.parametrize("path", ["metrics/cakes/", "metrics/cakes/plot-data/"])
def test_a_kind_that_is_not_there_is_not_found(alice, path):
    answer = alice.get(path)
    assert answer.status_code == 404
    assert "errors, ingests, job-types" in answer.json()["detail"]


def test_ends_are_counted_by_the_hour(alice, ended):
    ended(0)
    ended(1.5)
    ended(1.2, "FAILED", "timeout")
    ended(1.1, "FAILED", "unknown")
    ended(1.0, "CANCELED")
    drawn = plots(alice, "job-types", "group=overview&column=error_system_count&column=error_data_count")
    assert heights(drawn["total_count"]) == [("2026-01-31T10", 3), ("2026-01-31T11", 1), ("2026-01-31T12", 1)]
    assert heights(drawn["failed_count"]) == [("2026-01-31T10", 2), ("2026-01-31T11", 0), ("2026-01-31T12", 0)]
    assert heights(drawn["canceled_count"])[1] == ("2026-01-31T11", 1)
    assert heights(drawn["error_system_count"])[0] == ("2026-01-31T10", 1)
    assert heights(drawn["error_data_count"])[0] == ("2026-01-31T10", 0)
    total = drawn["total_count"]
    assert (total["min_x"], total["max_x"]) == ("2026-01-31T10:00:00Z", "2026-01-31T12:00:00Z")
    assert (total["min_y"], total["max_y"]) == (1, 3)
    assert total["values"][0] == {"datetime": "2026-01-31T10:00:00Z", "value": 3}
    assert set(total) == words("column min_x max_x min_y max_y values")
    assert total["column"]["aggregate"] == "sum"


def test_times_and_memory_are_measured(alice, ended):
    ended(1, cpu_seconds=3, peak_memory=100)
    ended(1, seed_started=NOW - HOUR - timedelta(seconds=50), cpu_seconds=4.5, peak_memory=200)
    drawn = plots(alice, "job-types")
    assert set(drawn) == {column.name for column in JOB_TYPES.columns}
    seen = {name: plot["values"][0]["value"] for name, plot in drawn.items()}
    expected = {
        "queue_time_sum": 80, "queue_time_avg": 40, "pre_time_min": 4.5, "pre_time_max": 10, "pre_time_avg": 7.25,
        "job_time_min": 45, "job_time_max": 50.5, "job_time_sum": 95.5, "post_time_avg": 5, "run_time_sum": 120,
        "cpu_time_sum": 7.5, "cpu_time_max": 4.5, "peak_memory_min": 100, "peak_memory_avg": 150, "peak_memory_max": 200,
    }  # fmt: skip
    assert {name: seen[name] for name in expected} == pytest.approx(expected, abs=0.002)


def test_what_nobody_measured_has_no_value(alice, ended):
    ended(1, started=None, seed_started=None, seed_ended=None)
    drawn = plots(alice, "job-types", "group=job_time&group=queue_time&group=cpu_time&column=total_count")
    assert drawn["total_count"]["values"]
    nothing = {"min_x": None, "max_x": None, "min_y": None, "max_y": None, "values": []}
    assert all(plot.items() >= nothing.items() for name, plot in drawn.items() if name != "total_count")


def test_each_choice_has_a_line_of_its_own(alice, ended, other):
    ended(1)
    ended(1)
    ended(1, job_type=other)
    ended(0, job_type=other)
    command = JobType.objects.get(name="command")
    drawn = plots(alice, "job-types", f"column=total_count&choice_id={other.pk}")["total_count"]
    assert drawn["values"] == [
        {"datetime": "2026-01-31T11:00:00Z", "id": other.pk, "value": 1},
        {"datetime": "2026-01-31T12:00:00Z", "id": other.pk, "value": 1},
    ]
    both = plots(alice, "job-types", f"column=total_count&choice_id={other.pk}&choice_id={command.pk}")["total_count"]
    assert [(value["id"], value["value"]) for value in both["values"]] == [(command.pk, 2), (other.pk, 1), (other.pk, 1)]


def test_errors_are_plotted_by_error(alice, ended):
    ended(1, "FAILED", "timeout")
    ended(1, "FAILED", "unknown")
    ended(1)
    assert heights(plots(alice, "errors")["total_count"]) == [("2026-01-31T11", 2)]
    chosen = plots(alice, "errors", f"choice_id={error('timeout').pk}")["total_count"]["values"]
    assert [value["value"] for value in chosen] == [1]


def test_of_ingests_there_is_nothing_to_plot(alice):
    assert alice.get("metrics/ingests/plot-data/").json() == EMPTY


def test_a_long_time_is_drawn_by_the_day(alice, ended):
    ended(0)
    ended(1)
    ended(24)
    drawn = plots(alice, "job-types", "column=total_count&started=P32D")["total_count"]
    assert heights(drawn) == [("2026-01-30T00", 1), ("2026-01-31T00", 2)]
    assert len(plots(alice, "job-types", "column=total_count&started=P31D")["total_count"]["values"]) == 3


def test_only_the_time_that_is_asked_for_is_drawn(alice, ended):
    ended(24 * 7 + 13)
    ended(5)
    ended(1)
    assert heights(plots(alice, "job-types", "column=total_count")["total_count"])[0] == ("2026-01-31T07", 1)
    assert heights(plots(alice, "job-types", "column=total_count&ended=PT2H")["total_count"]) == [("2026-01-31T07", 1)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("column=colour", "column"),
        ("group=colour", "group"),
        ("column=%00", "column"),
        ("choice_id=x", "choice_id"),
        ("started=P367D", "ended"),
        ("started=yesterday", "started"),
        ("order=x", "order"),
    ],
)
def test_a_plot_that_cannot_be_drawn_is_refused(alice, query, field):
    assert fields_at_fault(alice.get(f"metrics/job-types/plot-data/?{query}")) == [field]


def test_all_columns_come_from_one_query(alice, ended, django_assert_num_queries):
    ended(1)
    alice.get("metrics/")
    with django_assert_num_queries(1):
        alice.get("metrics/job-types/plot-data/?started=P300D")

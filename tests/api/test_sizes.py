"""How much there is of everything that grows, over REST; and what is told of output that is not kept any more."""

from __future__ import annotations

import pytest
from django.db import connection

from scale.engines.local import places
from scale.engines.protocol import Stream
from scale.job.models import JobExecution, TaskUpdate
from scale.scheduler.retention.sizes import database_size
from tests.api.answers import Shelf
from tests.conftest import NOW


def test_every_table_that_grows_is_told(staff, a_job, an_execution):
    job = a_job(staff)
    an_execution(job, 1, "COMPLETED")
    database = staff.get("sizes/").json()["database"]
    tables = {table["name"]: table for table in database["tables"]}
    assert {name: table["rows"] for name, table in tables.items()} == {
        "job": 1,
        "job_exe": 1,
        "job_exe_end": 1,
        "job_exe_output": 0,
        "scale_file": 0,
        "task_update": 0,
        "queue": 1,
        "scheduler_set_aside": 0,
        "job_load": 0,
    }
    assert not any(table["is_estimate"] for table in tables.values())
    assert (tables["job"]["oldest"], tables["task_update"]["oldest"]) == ("2026-01-31T12:00:00Z", None)
    assert all(table["bytes"] > 0 for table in tables.values())
    assert database["vendor"] == connection.vendor
    assert database["bytes"] > sum(table["bytes"] for table in tables.values())


def test_many_rows_are_estimated_from_their_ids(staff, a_job):
    ids = [a_job(staff).pk for _ in range(5)]
    (table,) = [table for table in database_size(most_rows=3).tables if table.name == "job"]
    assert (table.rows, table.is_estimate) == (ids[-1] - ids[0] + 1, True)


def test_output_and_the_logs_of_the_service_are_told(staff, home):
    day = home / places.LOGS / "2026-01-30.0a1b2c3d"
    day.mkdir(parents=True)
    (day / "a.out").write_text("hello")
    (day / "a.err").write_text("")
    (home / "logs" / "web.log").write_text("GET /")
    (home / "logs" / "web.log.1").write_text("GET")
    (home / "keeper").mkdir()
    (home / "keeper" / "log").write_text("")
    told = staff.get("sizes/").json()
    volume = {"files": 2, "bytes": 5, "days": 1, "oldest": "2026-01-30", "is_complete": True}
    assert told["task_output"] == [{"engine": "local", **volume}]
    assert told["service_logs"] == [
        {"name": "keeper/log", "bytes": 0},
        {"name": "logs/web.log", "bytes": 5},
        {"name": "logs/web.log.1", "bytes": 3},
    ]


def test_the_retention_that_holds_is_told(staff, settings):
    changes = {"keep_logs": 0, "keep_task_updates": 7, "keep_jobs": 0}
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update=changes)
    assert staff.get("sizes/").json()["keep"] == {"task_updates": 7, "logs": None, "jobs": None}


def test_only_staff_see_sizes(alice):
    answer = alice.get("sizes/")
    assert (answer.status_code, answer.json()["detail"]) == (403, "Only staff may see this.")


@pytest.fixture
def execution(settings, monkeypatch, alice, a_job, a_node, an_execution):
    """One that has run and ended; nothing of what it wrote is left."""
    settings.LOG_SOURCES = {"local": "tests.api.answers.Shelf"}
    monkeypatch.setattr(Shelf, "held", {})
    ran = {"task_id": "scale_job_f_1x1_main_lost-1", "type": "main", "was_launched": True, "started": NOW.isoformat()}
    execution = an_execution(a_job(alice), 1, "COMPLETED", a_node(), task_results={"version": "1.0", "tasks": [ran]})
    JobExecution.objects.filter(pk=execution.pk).update(has_ended=True)
    return execution


@pytest.mark.parametrize("rest", [{}, {"headers": {"Range": "bytes=5-"}}], ids=["all", "a part"])
def test_output_that_is_not_kept_any_more_is_told_as_gone(alice, execution, rest):
    answer = alice.get(f"job-executions/{execution.pk}/logs/stdout/", **rest)
    assert answer.status_code == 410
    assert answer.json()["detail"] == (
        "What scale_job_f_1x1_main_lost-1 has written is not there any more; output is kept for 30 days (SCALE_KEEP_LOGS)."
    )


def test_where_output_is_kept_for_ever_somebody_has_removed_it(alice, execution, settings):
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"keep_logs": 0})
    assert "somebody has removed it" in alice.get(f"job-executions/{execution.pk}/logs/stdout/").json()["detail"]


def test_a_task_that_never_ran_has_written_nothing(alice, execution):
    execution.jobexecutionend.task_results["tasks"][0].pop("started")
    execution.jobexecutionend.save()
    assert alice.get(f"job-executions/{execution.pk}/logs/stdout/").status_code == 204


def test_once_its_updates_are_gone_a_task_that_was_lost_is_still_read_in_its_latest_incarnation(alice, execution):
    assert not TaskUpdate.objects.exists()
    Shelf.held["scale_job_f_1x1_main_lost-1", Stream.STDOUT] = b"second"
    assert alice.get(f"job-executions/{execution.pk}/logs/stdout/").content == b"second"

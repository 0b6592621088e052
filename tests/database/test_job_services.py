"""Submit and cancel, as the database sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import OperationalError, connection

from scale.error.catalog import BUILTIN_ERRORS
from scale.error.models import Error
from scale.error.services import sync_catalog
from scale.job.models import Job, JobType, JobTypeRevision
from scale.job.services import command_type_ensure, job_submit, jobs_cancel, jobs_submit
from scale.job.submission import parse_submission
from scale.kernel.errors import Forbidden
from scale.queue.models import Queue
from scale.wake import Doorbell

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def submissions(count: int):
    return [parse_submission({"command": ["echo", str(number)], "priority": number % 7 + 1}) for number in range(count)]


def test_jobs_keep_their_order_and_each_waits_once(alice, clock):
    ids = jobs_submit(submissions=submissions(50), by=alice, when=clock.now())
    jobs = Job.objects.in_bulk(ids)
    assert [jobs[job_id].command[1] for job_id in ids] == [str(number) for number in range(50)]
    waiting = list(Queue.objects.order_by("pk").values_list("job_id", "priority"))
    assert waiting == [(job_id, jobs[job_id].priority) for job_id in ids]


def test_a_thousand_jobs_cost_a_fixed_number_of_statements(alice, clock, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):  # the type; in one transaction the last id, the jobs, their places on the queue
        jobs_submit(submissions=submissions(1000), by=alice, when=clock.now())
    assert Queue.objects.count() == Job.objects.count() == 1000


def test_nothing_of_a_submission_stays_when_the_queue_cannot_be_written(alice, clock):
    def full(execute, sql, *rest):
        if 'INTO "queue"' in sql:
            raise OperationalError("disk full")
        return execute(sql, *rest)

    with connection.execute_wrapper(full), pytest.raises(OperationalError):
        jobs_submit(submissions=submissions(3), by=alice, when=clock.now())
    assert not Job.objects.exists()


def test_a_thousand_cancels_cost_five_statements(alice, clock, django_assert_max_num_queries):
    ids = jobs_submit(submissions=submissions(1000), by=alice, when=clock.now())
    with django_assert_max_num_queries(7):
        assert jobs_cancel(ids=ids, by=alice, when=clock.now()) == ids
    assert jobs_cancel(ids=ids, by=alice, when=clock.now()) == []
    assert Queue.objects.filter(is_canceled=True).count() == 1000


def test_more_jobs_than_one_transaction_takes_are_canceled_all_the_same(alice, clock):
    ids = jobs_submit(submissions=submissions(1001), by=alice, when=clock.now())
    assert jobs_cancel(ids=reversed(ids), by=alice, when=clock.now()) == ids


def test_a_failed_job_that_is_canceled_forgets_its_error_but_not_its_end(alice, clock):
    job = job_submit(submission=parse_submission({"command": "true"}), by=alice, when=clock.now())
    failed = clock.now()
    Job.objects.filter(pk=job.pk).update(status="FAILED", error=Error.objects.get(name="timeout"), ended=failed)
    jobs_cancel(ids=[job.pk], by=alice, when=clock.move(timedelta(hours=1)))
    job.refresh_from_db()
    assert (job.status, job.error, job.ended, job.last_status_change) == ("CANCELED", None, failed, clock.now())


def test_a_stranger_cannot_cancel_even_past_the_door(alice, clock):
    job = job_submit(submission=parse_submission({"command": "true"}), by=alice, when=clock.now())
    with pytest.raises(Forbidden):
        jobs_cancel(ids=[job.pk], by=User.objects.create_user("bob"), when=clock.now())


def test_a_submission_rings_once_it_is_committed(alice, clock, home, django_capture_on_commit_callbacks):
    with Doorbell(home) as doorbell:
        with django_capture_on_commit_callbacks(execute=True):
            job_submit(submission=parse_submission({"command": "true"}), by=alice, when=clock.now())
            assert not doorbell.wait(0.01)
        assert doorbell.wait(1)


def test_the_type_of_commands_is_regular_and_made_once(clock):
    command_type_ensure(clock.now())
    job_type = JobType.objects.get()
    assert (job_type.name, job_type.version, job_type.is_builtin, job_type.is_system) == ("command", "1.0.0", True, False)
    assert JobTypeRevision.objects.get().revision_num == 1


def test_the_catalogue_is_mended_where_it_differs_and_costs_little_where_not(clock, django_assert_num_queries):
    Error.objects.filter(name="timeout").update(title="Zeit", should_be_retried=True)
    Error.objects.filter(name="unknown").delete()
    before = Error.objects.get(name="database").last_modified
    sync_catalog(clock.now())
    mended = Error.objects.get(name="timeout")
    assert (mended.title, mended.should_be_retried, mended.last_modified) == ("Timeout", False, clock.now())
    assert Error.objects.get(name="database").last_modified == before
    assert Error.objects.filter(is_builtin=True).count() == len(BUILTIN_ERRORS)
    with django_assert_num_queries(3):  # one, and a savepoint around it
        sync_catalog(clock.now())


@pytest.mark.django_db(transaction=True)
def test_the_rows_of_the_schema_are_there_again_after_a_flush():
    Error.objects.all().delete()
    call_command("flush", interactive=False, verbosity=0)
    assert Error.objects.count() == len(BUILTIN_ERRORS)
    assert JobType.objects.get().name == "command"

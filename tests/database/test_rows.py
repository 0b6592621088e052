"""What the database does for a job through its whole life: statements, round trips, indexes and checks."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from scale.database import record_rows, recurring, update_rows
from scale.job.models import Job, JobType
from scale.job.services import job_submit
from scale.job.submission import parse_submission
from scale.kernel.resources import Resources
from scale.queue.models import Left
from scale.wake import JOBS
from tests.clusters.counting import round_trips
from tests.world import World

TABLES = ("job", "queue", "job_exe", "job_exe_end", "task_update")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("jobs", [200, 1000])
def test_many_jobs_cost_no_more_statements_for_their_whole_life_than_few(jobs):
    world = World(nodes={"big": Resources(cpus=2000, mem=10**7)})
    with CaptureQueriesContext(connection) as captured:
        world.submit(jobs)
        world.turns(4)
    assert world.statuses() == {"COMPLETED": jobs}
    verbs = Counter(" ".join((query["sql"].partition(" times: ")[2] or query["sql"]).split()[:3]) for query in captured)
    assert verbs.total() <= 70, verbs


@pytest.mark.django_db(transaction=True)
@pytest.mark.on_postgresql
def test_a_job_costs_two_round_trips_to_submit_a_handful_to_claim_and_three_to_end():
    with round_trips() as trips:
        world = World()
        one = parse_submission({"command": ["true"]})
        counts: Counter[str] = Counter()

        def counted(name, function):
            before = trips.number
            function()
            counts[name] = trips.number - before

        for _ in range(3):  # of the first, some is remembered
            counted("submit", lambda: job_submit(submission=one, by=world.user, when=world.now))
            world.scheduler.wake(JOBS)
            counted("look and claim", lambda: world.scheduler._schedule_again(world.now))
            world.scheduler.reports(world.now)
            counted("end", lambda: world.scheduler.persist(world.now))
        assert (counts["submit"], counts["end"]) == (2, 3)
        assert (
            counts["look and claim"] <= 3 + 4
        )  # a look asks for what is new on the queue, for what has left it, and now and then for more
    assert world.statuses() == {"COMPLETED": 3}


def kept():
    return sorted(Left.objects.values_list("entry_id", "shape"))


def left(*ids: int) -> None:
    record_rows(Left, ("entry_id", "shape"), [(pk, "s") for pk in ids])


def lose(pk: int, text: str, then=lambda: None) -> None:
    """A transaction with a statement that fails, of which nobody asks what came of it."""
    with transaction.atomic():
        left(pk)
        with recurring(is_awaited=False) as cursor:
            cursor.execute(text)
        then()


def give_up(pk: int, first=lambda: None) -> None:
    with transaction.atomic():
        first()
        left(pk)
        raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_what_nobody_awaits_is_there_once_the_transaction_is_over_and_for_what_is_asked_in_it():
    with transaction.atomic():
        left(1)
        update_rows(Left, match=("entry_id",), assign=("shape",), rows=[(1, "t")], only="true")
        assert kept() == [(1, "t")]
        left(2)
    assert kept() == [(1, "t"), (2, "s")]


@pytest.mark.django_db(transaction=True)
def test_of_a_transaction_that_is_given_up_nothing_stays():
    with pytest.raises(ZeroDivisionError):
        give_up(1)
    assert kept() == []
    left(1)
    with pytest.raises(ZeroDivisionError):
        give_up(2, first=Left.objects.count)
    left(3)
    assert kept() == [(1, "s"), (3, "s")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["SELECT 1/0 FROM nowhere", "SELEC 1"])
def test_what_fails_unawaited_fails_the_transaction_and_the_next_one_is_as_ever(text):
    with pytest.raises(DatabaseError):
        lose(1, text)
    with pytest.raises(DatabaseError):
        lose(2, text, then=Left.objects.count)
    with transaction.atomic():
        left(3)
    assert kept() == [(3, "s")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["SELECT 1/0 FROM nowhere", "SELEC 1"])
def test_a_part_that_fails_is_undone_alone(text):
    with transaction.atomic():
        left(1)
        with pytest.raises(DatabaseError):
            lose(2, text)
        left(3)
    assert kept() == [(1, "s"), (3, "s")]


@pytest.mark.django_db(transaction=True)
def test_a_part_that_is_given_up_is_undone_alone_though_something_unsent_would_have_failed():
    with transaction.atomic():
        left(1)
        with suppress(ZeroDivisionError, DatabaseError), transaction.atomic():
            with recurring(is_awaited=False) as cursor:
                cursor.execute("SELECT 1/0 FROM nowhere")
            raise ZeroDivisionError
        left(3)
    assert kept() == [(1, "s"), (3, "s")]


@pytest.mark.django_db(transaction=True)
def test_what_failed_is_not_taken_for_committed_though_a_part_let_the_error_pass():
    def lost() -> None:
        with recurring(is_awaited=False) as cursor:
            cursor.execute("SELECT 1/0 FROM nowhere")
        with suppress(DatabaseError), transaction.atomic():
            left(1)

    with pytest.raises(DatabaseError), transaction.atomic():
        lost()
    left(2)
    assert kept() == [(2, "s")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.on_postgresql
def test_what_the_session_had_prepared_is_prepared_anew_once_the_schema_has_outgrown_it():
    def alter(kind: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE queue_left ALTER COLUMN entry_id TYPE {kind}")

    def ids() -> list[int]:
        with recurring() as cursor:
            cursor.execute("SELECT entry_id FROM queue_left")
            return [pk for (pk,) in cursor.fetchall()]

    left(1)
    assert ids() == [1]
    alter("integer")
    try:
        with pytest.raises(DatabaseError):
            ids()
        assert ids() == [1]
        left(2)
        assert len(ids()) == 2
    finally:
        alter("bigint")


@pytest.mark.django_db(transaction=True)
@pytest.mark.on_postgresql
def test_a_table_that_has_grown_is_soon_asked_by_its_index(clock):
    def plan() -> str:
        for _ in range(10):
            with recurring() as cursor:
                cursor.execute("SELECT shape FROM queue_left WHERE id = ANY(%s)", ["{1,2}"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%SELECT shape FROM queue_left%'")
            [(name,)] = cursor.fetchall()
            cursor.execute(f"EXPLAIN EXECUTE {name} ('{{1,2}}')")
            return "\n".join(line for (line,) in cursor.fetchall())

    with connection.cursor() as cursor:
        cursor.execute("SET enable_bitmapscan = off")  # on an empty table it is nearly as cheap as a look at all rows
        cursor.execute("SET enable_indexscan = off")
        assert "Seq Scan" in plan()
        cursor.execute("RESET enable_bitmapscan")
        cursor.execute("RESET enable_indexscan")
    left(*range(20_000))
    clock.move(timedelta(seconds=10))
    assert "Seq Scan" not in plan()


@pytest.mark.django_db(transaction=True)
@pytest.mark.on_postgresql
def test_an_empty_transaction_is_not_told_of():
    with round_trips() as trips:
        Left.objects.count()
        before = trips.number
        with transaction.atomic():
            pass
        assert trips.number == before


@pytest.mark.django_db
@pytest.mark.on_postgresql
def test_only_what_somebody_deletes_is_checked():
    """A job goes by retention and a user by an administrator; types, revisions, nodes and errors stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)",
            [list(TABLES)],
        )
        checked = set(cursor.fetchall())
    assert checked == {
        ("job", "auth_user"),
        ("job", "job"),
        ("job", "job_array"),
        ("queue", "job"),
        ("job_exe", "job"),
        ("job_exe_end", "job_exe"),
        ("task_update", "job_exe"),
    }


@pytest.mark.django_db
def test_a_type_that_has_jobs_is_protected_all_the_same():
    World().submit(1)
    with pytest.raises(ProtectedError):
        JobType.objects.get(name="command").delete()
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_a_row_is_written_into_so_many_indexes():
    with connection.cursor() as cursor:
        told = {table: connection.introspection.get_constraints(cursor, table) for table in TABLES}
    numbers = {
        table: sum(one["index"] or one["unique"] or one["primary_key"] for one in of.values()) for table, of in told.items()
    }
    assert sum(numbers.values()) <= 25, numbers

"""The database in trouble: errors at any statement, commits of which nobody hears, values that it will never take."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.db import DatabaseError, DataError, InternalError, NotSupportedError, OperationalError, ProgrammingError, connection

from scale.database import again_on_conflict, is_passing
from scale.engines.instant import Outcome
from scale.engines.protocol import Usage
from scale.job.models import Job, JobExecution, JobExecutionEnd, TaskUpdate
from scale.queue.models import Queue
from scale.scheduler.models import SetAside
from tests.world import FOREVER, World

UNHEARD_OF = 666.25  # seconds

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def commit_of_which_nobody_hears(number: int = 1):
    """The commit with this number is made, and its answer is lost."""
    real, made = connection._commit, []

    def commit():
        real()
        made.append(True)
        if len(made) == number:
            raise OperationalError("server closed the connection unexpectedly")

    connection._commit = commit
    try:
        yield
    finally:
        del connection._commit


@contextmanager
def error_at(words: str, error: Exception):
    """The first statement that holds these words fails."""
    left = [error]

    def wrapped(execute, sql, params, many, context):
        if left and words in sql:
            raise left.pop()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapped):
        yield
    assert not left, "the statement did not come"


def test_a_claim_whose_commit_nobody_heard_of_is_found_in_the_next_turn():
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit()
    world.scheduler.reports(world.now)
    world.scheduler.schedule(world.now)  # settings and nodes
    [late] = world.submit()
    with commit_of_which_nobody_hears(), pytest.raises(OperationalError):
        world.scheduler.schedule(world.now)
    assert JobExecution.objects.filter(job_id=late).count() == 1
    world.turn(1)
    assert [exe.job_id for exe in world.scheduler.job_exes.get_running_job_exes()] == [job_id, late]
    assert len(world.engine.cluster.tasks) == 2
    world.turn(1)
    assert (world.job(late).status, JobExecution.objects.count()) == ("RUNNING", 2)


def test_a_claim_whose_commit_nobody_heard_of_is_given_up_with_its_node():
    world = World(behave=lambda _: FOREVER)
    world.turn()
    [job_id] = world.submit(max_tries=1)
    with commit_of_which_nobody_hears(), pytest.raises(OperationalError):
        world.scheduler.schedule(world.now)
    world.engine.lose_node("node-1", world.now)
    world.scheduler.reports(world.now)
    world.turn(61)
    assert (world.job(job_id).status, world.job(job_id).error.name) == ("FAILED", "node-lost")


def test_a_claim_that_was_rolled_back_is_made_again():
    world = World(behave=lambda _: FOREVER)
    world.turn()
    [job_id] = world.submit()
    with error_at('INSERT INTO "job_exe"', OperationalError("deadlock detected")), pytest.raises(OperationalError):
        world.scheduler.schedule(world.now)
    world.turns(2, 1)
    assert (world.job(job_id).status, world.job(job_id).num_exes, len(world.engine.cluster.tasks)) == ("RUNNING", 1, 1)


def test_a_cancel_on_the_queue_whose_commit_nobody_heard_of_gets_its_end():
    world = World(nodes={}, behave=lambda _: FOREVER)
    world.turn()
    [job_id] = world.submit()
    world.cancel(job_id)
    with commit_of_which_nobody_hears(), pytest.raises(OperationalError):
        world.scheduler.schedule(world.now)
    assert not JobExecutionEnd.objects.exists()
    world.turns(2, 1)
    assert JobExecutionEnd.objects.get().status == "CANCELED"
    assert not JobExecution.objects.filter(has_ended=False).exists()


def test_a_record_whose_commit_nobody_heard_of_is_made_once():
    world = World(behave=lambda _: Outcome(exit_code=3))
    [job_id] = world.submit(retry_on="failure", max_tries=2)
    for turn in (world.scheduler.reports, world.scheduler.schedule, world.scheduler.reports):
        turn(world.now)
    with commit_of_which_nobody_hears(), pytest.raises(OperationalError):
        world.scheduler.persist(world.now)
    updates = TaskUpdate.objects.count()
    world.scheduler.persist(world.now)
    assert TaskUpdate.objects.count() == updates == 2
    assert (world.job(job_id).num_exes, Queue.objects.count(), JobExecutionEnd.objects.count()) == (2, 1, 1)
    assert not world.engine.cluster.tasks  # acknowledged


def test_a_record_that_was_rolled_back_is_made_again_whole():
    world = World()
    [job_id] = world.submit()
    for turn in (world.scheduler.reports, world.scheduler.schedule, world.scheduler.reports):
        turn(world.now)
    with error_at('INTO "job_exe_end"', OperationalError("could not serialize access")), pytest.raises(OperationalError):
        world.scheduler.persist(world.now)
    assert not TaskUpdate.objects.exists()
    assert world.engine.cluster.tasks  # nothing was acknowledged
    world.scheduler.persist(world.now)
    assert (world.job(job_id).status, TaskUpdate.objects.count()) == ("COMPLETED", 2)


def test_what_the_database_never_takes_is_set_aside_and_everything_else_recorded():
    ids: list[int] = []
    world = World(behave=lambda spec: Outcome(usage=Usage(cpu_seconds=UNHEARD_OF if f"_{ids[1]}x" in spec.id else 1.0)))
    ids += world.submit(3)
    first, bad, last = ids
    with broken_value():
        world.turns(3, 1)
    assert [world.job(job_id).status for job_id in (first, bad, last)] == ["COMPLETED"] * 3
    assert JobExecutionEnd.objects.get(job_id=bad).cpu_seconds is None
    aside = SetAside.objects.get()
    assert (aside.job_id, aside.exe_num) == (bad, 1)
    assert str(UNHEARD_OF) in aside.error
    assert not world.engine.cluster.tasks
    assert "MESSAGES_SET_ASIDE" in warnings_of(world)


def plain(params):
    """The values of a statement; SQLite is given rows of them."""
    return [value for one in params for value in (one if isinstance(one, list) else [one])]


@contextmanager
def broken_value():
    """A database that does not take one number."""

    def wrapped(execute, sql, params, many, context):
        if "job_exe_end" in sql and sql.startswith("INSERT") and any(str(UNHEARD_OF) in str(value) for value in plain(params)):
            raise DataError(f"{UNHEARD_OF} is no number of seconds")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapped):
        yield


def warnings_of(world):
    world.scheduler.status(world.now)
    return [warning["name"] for warning in world.status()["scheduler"]["warnings"]]


def test_words_that_the_database_does_not_take_cost_nothing_but_the_words():
    world = World(behave=lambda _: Outcome(exit_code=3, message="a NUL \x00 in it"))
    [job_id] = world.submit()
    if connection.vendor == "sqlite":
        with no_nul():
            world.turns(3, 1)
    else:
        world.turns(3, 1)
    assert world.job(job_id).status == "FAILED"
    end = JobExecutionEnd.objects.get()
    assert (end.status, end.exit_code, end.message) == ("FAILED", 3, "")
    assert SetAside.objects.get().is_recorded_without
    assert not world.engine.cluster.tasks
    assert world.scheduler.persist(world.now) is None


@contextmanager
def no_nul():
    """SQLite takes what PostgreSQL does not."""

    def wrapped(execute, sql, params, many, context):
        if sql.startswith("INSERT") and any("\x00" in str(value) for value in plain(params)):
            raise ValueError("A string literal cannot contain NUL (0x00) characters.")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapped):
        yield


class _Conflict(Exception):
    pgcode = "40P01"


def conflict() -> OperationalError:
    error = OperationalError("deadlock detected")
    error.__cause__ = _Conflict()
    return error


def test_a_transaction_that_lost_against_another_is_made_again():
    troubles = [conflict(), conflict()]

    @again_on_conflict
    def write() -> str:
        if troubles:
            raise troubles.pop()
        return "written"

    assert write() == "written"


def test_other_trouble_is_told_at_once_and_conflicts_not_for_ever():
    calls = []

    @again_on_conflict
    def away() -> None:
        calls.append("away")
        raise OperationalError("connection refused")

    @again_on_conflict
    def always() -> None:
        calls.append("always")
        raise conflict()

    for write in (away, always):
        with pytest.raises(OperationalError):
            write()
    assert calls == ["away"] + ["always"] * 5


def refusal(kind: type[DatabaseError], code: str, words: str) -> DatabaseError:
    error = kind(words)
    error.__cause__ = type("_", (Exception,), {"pgcode": code})()
    return error


@pytest.mark.parametrize(
    "error",
    [
        refusal(InternalError, "25006", "cannot execute INSERT in a read-only transaction"),
        refusal(ProgrammingError, "42501", "permission denied for table job_exe_end"),
        refusal(NotSupportedError, "0A000", "cached plan must not change result type"),
    ],
    ids=lambda error: str(error),
)
def test_an_ending_waits_while_the_database_is_read_only_or_a_right_is_missing(error):
    world = World(behave=lambda _: Outcome(exit_code=3))
    [job_id] = world.submit()
    for turn in (world.scheduler.reports, world.scheduler.schedule, world.scheduler.reports):
        turn(world.now)
    with error_at('INTO "job_exe_end"', error), pytest.raises(type(error)):
        world.scheduler.persist(world.now)
    assert not SetAside.objects.exists()
    assert world.engine.cluster.tasks  # nothing was acknowledged
    world.scheduler.persist(world.now)
    assert (world.job(job_id).status, JobExecutionEnd.objects.get().exit_code) == ("FAILED", 3)


def test_errors_are_told_apart_by_whether_the_same_may_do_well_later():
    too_large = OperationalError("index row size exceeds the maximum")
    too_large.__cause__ = type("_", (Exception,), {"pgcode": "54000"})()
    assert is_passing(OperationalError("disk full"))
    assert is_passing(conflict())
    assert not is_passing(too_large)
    assert not is_passing(DataError("out of range"))
    assert not is_passing(ProgrammingError("can't adapt type 'X'"))
    assert not is_passing(ValueError("NUL"))


def test_a_job_that_was_deleted_meanwhile_stops_nobody():
    world = World(behave=lambda _: FOREVER)
    gone, stays = world.submit(2)
    world.turn()
    for task_id in list(world.engine.cluster.tasks):
        world.engine.finish(task_id, world.now)
    TaskUpdate.objects.filter(job_exe__job_id=gone).delete()
    JobExecution.objects.filter(job_id=gone).delete()
    Job.objects.filter(pk=gone).delete()
    world.turns(3, 1)
    assert world.job(stays).status == "COMPLETED"
    assert not world.engine.cluster.tasks

"""History goes when it is old enough, in small batches; what runs, waits or is not recorded stays."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scale.engines.instant import Outcome
from scale.engines.protocol import Reason, Stream
from scale.job.models import Job, JobExecution, JobExecutionEnd, SubmissionKey, TaskUpdate
from scale.job.services import jobs_requeue
from scale.kernel.ids import TaskId
from scale.queue.models import Queue
from scale.scheduler.fence import Deposed
from scale.scheduler.models import SetAside
from scale.scheduler.process import Limits
from scale.scheduler.retention import services
from scale.scheduler.retention.rules import Retention
from tests.world import FOREVER, World, undone

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
KEPT = Limits(retention=Retention(task_updates=14 * DAY, logs=30 * DAY, jobs=365 * DAY))
TABLES = (Job, JobExecution, JobExecutionEnd, TaskUpdate)


def counts():
    return [table.objects.count() for table in TABLES]


def tidy(world, most=1000):
    """Turns until it rests; how many bites that took."""
    for number in range(most):
        with statements() as said:
            world.scheduler.tidier.tidy(world.now)
        if not said:
            return number
    pytest.fail("it never rests")


@contextmanager
def statements():
    """What is said to the database, each with how many rows it concerned."""
    said = []

    def hear(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        said.append((sql, context["cursor"].rowcount))
        return result

    with connection.execute_wrapper(hear):
        yield said


def most_deleted(said):
    """The most rows of one transaction."""
    deleted = [0]
    for sql, rows in said:
        if sql.startswith(("BEGIN", "SAVEPOINT")):
            deleted.append(0)
        elif sql.startswith("DELETE"):
            deleted[-1] += rows
    return max(deleted)


def a_world(behave=lambda _: Outcome(stdout=b"done"), **kwargs):
    return World(behave=behave, limits=KEPT, **kwargs)


def test_updates_go_first_then_output_then_the_job_with_all_that_belongs_to_it():
    world = a_world()
    world.submit()
    world.turns(2)
    task = TaskId(TaskUpdate.objects.first().task_id)

    def left(days):
        world.clock.move(days * DAY)
        tidy(world)
        return counts(), world.engine.read(task, Stream.STDOUT)

    assert left(13.9) == ([1, 1, 1, 2], b"done")
    assert left(0.2) == ([1, 1, 1, 0], b"done")
    assert left(16) == ([1, 1, 1, 0], None)
    assert left(334) == ([1, 1, 1, 0], None)
    assert left(2) == ([0, 0, 0, 0], None)


def test_without_settings_everything_stays_for_ever():
    world = World()
    world.submit()
    world.turns(2)
    world.clock.move(10_000 * DAY)
    tidy(world)
    assert counts() == [1, 1, 1, 2]


def test_what_runs_waits_or_is_not_recorded_stays_however_old():
    world = a_world(behave=lambda task: FOREVER if "2" in task.command else Outcome(stdout=b"x"))
    [done] = world.submit()
    [runs] = world.submit(command=["sleep", "2"])
    [waits] = world.submit(resources={"cpus": 1000})
    world.turns(2)
    world.submit()
    world.scheduler.schedule(world.now)  # its end is known to the engine alone
    world.clock.move(1000 * DAY)
    tidy(world)
    assert set(Job.objects.values_list("status", flat=True)) == {"RUNNING", "QUEUED"}
    assert not Job.objects.filter(pk=done).exists()
    assert Job.objects.filter(pk__in=[runs, waits]).count() == 2
    assert JobExecution.objects.filter(has_ended=False).count() == 2
    world.scheduler.reports(world.now)
    world.scheduler.persist(world.now)
    assert world.statuses() == {"COMPLETED": 1, "RUNNING": 1, "QUEUED": 1}


def test_a_canceled_job_stays_while_its_execution_goes_on():
    world = a_world(behave=lambda _: Outcome(duration=None, ignores_term=True))
    [job_id] = world.submit()
    world.turn()
    world.cancel(job_id)
    world.clock.move(1000 * DAY)
    tidy(world)
    assert (world.job(job_id).status, JobExecution.objects.count()) == ("CANCELED", 1)


def test_a_job_that_ended_long_ago_but_whose_execution_did_not_stays_with_it():
    world = a_world()
    world.submit()
    world.turns(2)
    JobExecutionEnd.objects.update(ended=world.now + 300 * DAY)
    world.clock.move(400 * DAY)
    tidy(world)
    assert counts()[:3] == [1, 1, 1]


def test_a_job_canceled_on_the_queue_goes_once_the_queue_has_let_go_of_it():
    world = a_world()
    [job_id] = world.submit(resources={"cpus": 1000})
    world.cancel(job_id)
    world.clock.move(400 * DAY)
    tidy(world)
    assert (Job.objects.count(), Queue.objects.count()) == (1, 1)
    world.turn()
    world.clock.move(400 * DAY)
    tidy(world)
    assert counts() == [0, 0, 0, 0]


def test_a_job_that_is_tried_anew_in_the_meantime_stays():
    world = a_world(behave=lambda _: Outcome(exit_code=3))
    [job_id] = world.submit()
    world.turns(2)
    world.clock.move(400 * DAY)
    jobs_requeue(ids=[job_id], by=world.user, when=world.now)
    assert services.jobs_delete(ids=[job_id]) == 0
    assert counts()[:3] == [1, 1, 1]


def test_a_job_outlives_the_one_that_it_supersedes():
    world = a_world()
    [old] = world.submit()
    world.turns(2)
    world.clock.move(300 * DAY)
    [new] = world.submit()
    world.turns(2)
    Job.objects.filter(pk=old).update(is_superseded=True)
    Job.objects.filter(pk=new).update(superseded_job=old)
    world.clock.move(100 * DAY)
    tidy(world)
    assert list(Job.objects.values_list("pk", "superseded_job")) == [(new, None)]


def test_what_was_set_aside_of_a_job_goes_with_it():
    world = a_world()
    [job_id] = world.submit()
    world.turns(2)
    for number in (job_id, job_id + 1):
        SetAside.objects.create(job_id=number, exe_num=1, content="", error="", is_recorded_without=True, created=world.now)
    world.clock.move(400 * DAY)
    tidy(world)
    assert list(SetAside.objects.values_list("job_id", flat=True)) == [job_id + 1]


def test_one_that_does_not_lead_any_more_deletes_nothing():
    world = a_world()
    world.submit()
    world.turns(2)
    world.clock.move(400 * DAY)
    World(after=world)
    with pytest.raises(Deposed):
        world.scheduler.tidier.tidy(world.now)
    assert counts() == [1, 1, 1, 2]


def test_a_backlog_is_worked_off_in_small_batches_and_then_it_rests():
    world = a_world()
    world.submit(400)
    world.turns(110)
    assert world.statuses() == {"COMPLETED": 400}
    world.clock.move(400 * DAY)
    with statements() as said:
        bites = tidy(world)
    assert counts() == [0, 0, 0, 0]
    assert bites >= 400 / services.JOBS
    assert 0 < most_deleted(said) <= 500


def test_a_job_with_very_many_executions_goes_in_parts():
    world = a_world(behave=lambda _: Outcome(refused=Reason.LAUNCH_FAILED))
    world.submit(max_tries=1)
    world.turns(2)
    [execution], [end] = JobExecution.objects.all(), JobExecutionEnd.objects.all()
    for number in range(2, 402):
        execution.pk, execution.exe_num = None, number
        execution.save()
        end.pk, end.exe_num = execution.pk, number
        end.save(force_insert=True)
    world.clock.move(400 * DAY)
    with statements() as said:
        tidy(world)
    assert counts() == [0, 0, 0, 0]
    assert 0 < most_deleted(said) <= 500


def test_the_loop_takes_a_bite_each_time_it_is_due():
    world = a_world()
    world.submit(services.JOBS + 1)
    world.turns(10)
    world.clock.move(400 * DAY)
    (loop,) = [loop for loop in world.scheduler.loops if loop.name == "tidy"]
    loop.turn(world.now)
    assert Job.objects.count() == 1
    loop.turn(world.now)
    assert Job.objects.count() == 0
    assert loop.period < 1


def test_while_there_is_nothing_to_do_it_looks_once_a_minute():
    world = a_world()
    tidier = world.scheduler.tidier
    tidier.tidy(world.now)
    with statements() as said:
        for _ in range(4):
            world.clock.move(timedelta(seconds=14))
            tidier.tidy(world.now)
        assert len(said) == 0
        world.clock.move(timedelta(seconds=5))
        tidier.tidy(world.now)
    assert len(said) > 0


def test_a_clock_that_was_set_back_does_not_keep_it_from_looking():
    world = a_world()
    world.scheduler.tidier.tidy(world.now)
    with statements() as said:
        world.scheduler.tidier.tidy(world.now - DAY)
    assert len(said) > 0


def test_nothing_is_written_where_nothing_is_due():
    world = a_world()
    world.submit(3)
    world.turns(3)
    with statements() as said:
        world.scheduler.tidier.tidy(world.now)
    assert not [sql for sql, _ in said if not sql.startswith("SELECT")]


def test_output_of_a_task_that_ran_long_and_in_silence_is_as_old_as_its_end():
    world = a_world(behave=lambda _: Outcome(duration=40 * DAY, stdout=b"begun"))
    world.submit(timeout=10**7)
    world.turn()
    task = TaskId(TaskUpdate.objects.first().task_id)
    world.clock.move(35 * DAY)
    tidy(world)
    assert world.engine.read(task, Stream.STDOUT) == b"begun"
    world.turn(6 * 86400)
    assert world.statuses() == {"COMPLETED": 1}
    tidy(world)
    assert world.engine.read(task, Stream.STDOUT) == b"begun"
    world.clock.move(30.1 * DAY)
    tidy(world)
    assert world.engine.read(task, Stream.STDOUT) is None


def test_output_of_which_nobody_knows_goes_when_it_is_old():
    world = a_world()
    world.submit()
    world.turns(2)
    tidy(world)
    for table in reversed(TABLES):
        table.objects.all().delete()
    world.clock.move(31 * DAY)
    tidy(world)
    assert not world.engine.cluster.output


LIVES = st.lists(
    st.tuples(
        st.sampled_from(["runs", "waits", "canceled on the queue", "canceled", "fails twice", "done", "requeued", "deaf"]),
        st.sampled_from([1, 5, 20]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=LIVES, keep_updates=st.sampled_from([None, 3, 10]), keep_jobs=st.sampled_from([None, 6, 30]), size=st.integers(1, 3))
def test_whatever_happened_only_what_is_over_and_old_goes(monkeypatch, lives, keep_updates, keep_jobs, size):
    """A plain model: what of a history must be there afterwards, told from its rows as they were before."""
    for name in ("UPDATES", "JOBS", "_PARTS"):
        monkeypatch.setattr(services, name, size)
    retention = Retention(*(None if days is None else days * DAY for days in (keep_updates, None, keep_jobs)))
    with undone():
        world = World(behave=_behave, limits=Limits(retention=retention))
        for kind, days in lives:
            _live(world, kind)
            world.clock.move(days * DAY)
        wanted = _must_stay(retention.due(world.now))
        tidy(world)
        assert [set(table.objects.values_list("pk", flat=True)) for table in (*TABLES, Queue)] == wanted
        connection.check_constraints()
        world.crash().turns(2, 1)  # and a scheduler makes sense of what is left


def _behave(task):
    kind = task.command[-1]
    if kind == "deaf":
        return Outcome(duration=None, ignores_term=True)
    return FOREVER if kind in ("runs", "canceled") else Outcome(exit_code=3 if kind == "fails twice" else 0)


def _live(world, kind):
    needs = {"cpus": 1000 if kind in ("waits", "canceled on the queue") else 0.1, "mem": 1}
    [job_id] = world.submit(command=["do", kind], retry_on="failure", max_tries=2, resources=needs, timeout=10**8)
    world.turns(3, 1)
    if kind in ("canceled", "canceled on the queue", "deaf"):
        world.cancel(job_id)
        world.turn(1)
    if kind == "requeued":
        Job.objects.filter(pk=job_id).update(status="FAILED")
        jobs_requeue(ids=[job_id], by=world.user, when=world.now)
        world.turn(1)


def _must_stay(due):
    ends = dict(JobExecutionEnd.objects.values_list("pk", "ended"))
    executions = list(JobExecution.objects.values_list("pk", "job", "has_ended"))
    queued = set(Queue.objects.values_list("job", flat=True))
    old = set()
    for pk, status, ended in Job.objects.values_list("pk", "status", "ended"):
        theirs = [(exe, is_over) for exe, job, is_over in executions if job == pk]
        is_over = status in ("COMPLETED", "FAILED", "CANCELED") and pk not in queued
        is_recorded = all(is_over and exe in ends for exe, is_over in theirs)
        moments = [ended, *(ends.get(exe) for exe, _ in theirs)]
        if due.jobs and is_over and is_recorded and max(moments) < due.jobs:
            old.add(pk)
    kept = {exe for exe, job, _ in executions if job not in old}
    updates = TaskUpdate.objects.values_list("pk", "job_exe")
    fresh = {pk for pk, exe in updates if exe in kept and not (due.task_updates and exe in ends and ends[exe] < due.task_updates)}
    jobs = set(Job.objects.values_list("pk", flat=True)) - old
    return [jobs, kept, kept & set(ends), fresh, set(Queue.objects.values_list("pk", flat=True))]


def test_a_job_stays_while_another_one_may_still_wait_for_it():
    world = a_world()
    [done] = world.submit()
    world.turns(3)
    [blocked] = world.submit(depends_on=[{"job": done, "when": "failure"}])
    world.submit(depends_on=[done])
    world.turns(3)
    world.clock.move(400 * DAY)
    tidy(world)
    assert set(Job.objects.values_list("pk", flat=True)) == {done, blocked}
    world.cancel(blocked)
    world.clock.move(400 * DAY)
    tidy(world)
    assert Job.objects.get().pk == done
    world.clock.move(timedelta(minutes=2))
    tidy(world)
    assert not Job.objects.exists()


def test_keys_of_submissions_go_after_a_day():
    world = a_world()
    SubmissionKey.objects.bulk_create(
        SubmissionKey(owner=world.user, key=str(number), digest="d", created=world.now) for number in range(1200)
    )
    world.clock.move(DAY)
    tidy(world)
    assert SubmissionKey.objects.count() == 1200
    world.clock.move(timedelta(minutes=2))
    tidy(world)
    assert not SubmissionKey.objects.exists()

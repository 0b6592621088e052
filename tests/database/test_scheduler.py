"""Stories of the whole scheduler on the instant engine: what clients, operators and clusters do to it, and what comes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from scale.engines.instant import Outcome
from scale.engines.protocol import Condition, Reason, Usage
from scale.job.models import Job, JobExecution, JobExecutionEnd, TaskUpdate
from scale.job.services import jobs_requeue
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources
from scale.node.models import Node
from scale.queue.models import Queue
from scale.scheduler.process import Limits
from scale.scheduler.services import scheduler_edit
from scale.wake import ANYTHING, JOBS
from tests.world import FOREVER, World

pytestmark = pytest.mark.django_db

ONE_CPU = {"node-1": Resources(cpus=1, mem=4096, disk=1000, gpus=0)}


def test_a_job_runs_and_leaves_a_complete_accounting_record():
    world = World(behave=lambda _: Outcome(timedelta(seconds=3), usage=Usage(cpu_seconds=2.5, peak_memory=48.0)))
    [job_id] = world.submit(resources={"cpus": 2, "mem": 512})
    world.turn()
    assert world.job(job_id).status == "RUNNING"
    world.turn(3)
    job, end = world.job(job_id), JobExecutionEnd.objects.get(job_id=job_id)
    assert (job.status, job.ended, job.node.hostname) == ("COMPLETED", world.now, "node-1")
    assert (end.status, end.exit_code, end.signal, end.cpu_seconds, end.peak_memory) == ("COMPLETED", 0, None, 2.5, 48.0)
    assert (end.requested_cpus, end.requested_mem, end.allocated_nodes, end.user) == (2, 512, 1, "alice")
    assert end.submitted == end.eligible == job.created
    assert end.ended - end.started == timedelta(seconds=3)
    assert end.task_results["tasks"][0]["status"] == "FINISHED"
    assert list(TaskUpdate.objects.values_list("status", flat=True)) == ["TASK_RUNNING", "TASK_FINISHED"]
    assert not Queue.objects.exists()


def test_a_failure_of_the_program_is_not_tried_again_unless_asked_for():
    world = World(behave=lambda _: Outcome(exit_code=3))
    [once] = world.submit()
    [often] = world.submit(retry_on="failure", max_tries=3)
    world.turns(5)
    assert (world.job(once).status, world.job(once).num_exes, world.job(once).error.name) == ("FAILED", 1, "algorithm-unknown")
    assert (world.job(often).status, world.job(often).num_exes) == ("FAILED", 3)
    assert list(JobExecutionEnd.objects.filter(job_id=often).values_list("exit_code", flat=True)) == [3, 3, 3]


def test_a_failure_of_the_system_is_tried_again_up_to_max_tries():
    world = World(behave=lambda _: Outcome(refused=Reason.LAUNCH_FAILED))
    [job_id] = world.submit(max_tries=2)
    [never] = world.submit(retry_on="never")
    world.turns(5)
    assert (world.job(job_id).status, world.job(job_id).num_exes, world.job(job_id).error.name) == ("FAILED", 2, "task-launch")
    assert world.job(never).num_exes == 1


def test_a_program_that_is_not_there_fails_the_job_with_a_telling_error():
    world = World(behave=lambda _: Outcome(refused=Reason.COMMAND_NOT_FOUND, message="there is no program 'nope'"))
    [job_id] = world.submit()
    world.turns(2)
    assert (world.job(job_id).status, world.job(job_id).error.name) == ("FAILED", "command-not-found")
    assert "nope" in JobExecutionEnd.objects.get(job_id=job_id).message


def test_a_job_over_its_timeout_is_killed_and_fails_once_it_is_gone():
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit(timeout=60)
    world.turn()
    world.turn(60)
    assert world.job(job_id).status == "RUNNING"
    world.turn(1)
    world.turn()
    job = world.job(job_id)
    assert (job.status, job.error.name, job.error.category) == ("FAILED", "timeout", "ALGORITHM")
    assert job.ended - job.started == timedelta(seconds=61)


def test_a_canceled_job_is_killed_in_the_next_turn_and_stays_canceled():
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit()
    world.turn()
    world.cancel(job_id)
    world.turns(2)
    end = JobExecutionEnd.objects.get(job_id=job_id)
    assert (world.job(job_id).status, end.status, end.error) == ("CANCELED", "CANCELED", None)
    assert not world.scheduler.job_exes.get_running_job_exes()


def test_a_job_canceled_on_the_queue_gets_an_execution_that_never_ran():
    world = World(nodes=ONE_CPU, behave=lambda _: FOREVER)
    world.submit(resources={"cpus": 1})
    [waiting] = world.submit(resources={"cpus": 1})
    world.turn()
    world.cancel(waiting)
    world.turns(2)
    execution = JobExecution.objects.get(job_id=waiting)
    assert (execution.node, execution.started, execution.status) == (None, None, "CANCELED")
    assert not Queue.objects.exists()


def test_the_most_urgent_goes_first_then_the_oldest():
    world = World(nodes=ONE_CPU, behave=lambda _: Outcome(timedelta(seconds=1)))
    late, early, urgent = (*world.submit(2, priority=100), *world.submit(priority=1))
    world.turns(8, 1)
    started = {job.pk: job.started for job in Job.objects.all()}
    assert started[urgent] < started[late] < started[early]


def test_lifo_puts_the_newest_first():
    scheduler_edit(changes={"queue_mode": "LIFO"})
    world = World(nodes=ONE_CPU, behave=lambda _: Outcome(timedelta(seconds=1)))
    [old] = world.submit()
    world.clock.move(timedelta(seconds=1))
    [new] = world.submit()
    world.turns(6, 1)
    assert world.job(new).started < world.job(old).started


def test_a_large_job_is_not_starved_by_a_stream_of_small_ones():
    world = World(nodes={"n": Resources(cpus=4, mem=99999)}, behave=lambda _: Outcome(timedelta(seconds=10)))
    world.submit(4, resources={"cpus": 1})
    world.turn()
    [large] = world.submit(resources={"cpus": 4})
    for _ in range(12):
        world.submit(2, resources={"cpus": 1})
        world.turn(5)
    assert world.job(large).status in ("RUNNING", "COMPLETED")


def test_what_no_node_can_hold_waits_without_keeping_others():
    world = World()
    [giant] = world.submit(resources={"cpus": 1000}, priority=1)
    [small] = world.submit()
    world.turns(2)
    assert (world.job(giant).status, world.job(small).status) == ("QUEUED", "COMPLETED")
    [warning] = world.status()["scheduler"]["warnings"]
    assert "needs 1000 cpus, the largest node has 4" in warning["description"]
    assert world.status()["queue"] == {"total": 1, "waiting_for": {"too-large": 1}}


def test_a_paused_scheduler_places_nothing_and_lets_run_what_runs():
    world = World(behave=lambda _: Outcome(timedelta(seconds=5)))
    [running] = world.submit()
    world.turn()
    scheduler_edit(changes={"is_paused": True})
    [waiting] = world.submit()
    world.turns(3, 5)
    assert (world.job(running).status, world.job(waiting).status) == ("COMPLETED", "QUEUED")
    assert world.status()["scheduler"]["state"]["name"] == "PAUSED"
    scheduler_edit(changes={"is_paused": False})
    world.turns(2, 5)
    assert world.job(waiting).status == "COMPLETED"


def test_a_paused_node_gets_no_new_jobs_and_the_engine_does_not_undo_that():
    world = World()
    Node.objects.update(is_paused=True, last_modified=world.now)
    [job_id] = world.submit()
    world.turn()
    world.engine.lose_node("node-1", world.now)
    world.turn(1)
    world.engine.bring_back("node-1", world.now)
    world.turns(2, 1)
    assert (world.job(job_id).status, Node.objects.get().is_paused) == ("QUEUED", True)


def test_a_deprecated_node_loses_what_runs_on_it():
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit(max_tries=1)
    world.turn()
    Node.objects.update(is_active=False, last_modified=world.now)
    world.turns(3, 1)
    assert (world.job(job_id).status, world.job(job_id).error.name) == ("FAILED", "node-lost")


def test_a_node_that_comes_back_in_time_keeps_its_executions():
    world = World(behave=lambda _: Outcome(timedelta(seconds=100)))
    [job_id] = world.submit()
    world.turn()
    world.engine.lose_node("node-1", world.now)
    world.turns(5, 10)
    world.engine.bring_back("node-1", world.now)
    world.turns(10, 10)
    assert (world.job(job_id).status, world.job(job_id).num_exes) == ("COMPLETED", 1)


def test_a_node_that_stays_away_too_long_fails_its_executions_once_their_fate_is_known():
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit(max_tries=1)
    world.turn()
    world.engine.lose_node("node-1", world.now)
    world.turns(7, 10)
    [exe] = world.scheduler.job_exes.get_running_job_exes()
    assert (exe.status, exe.error_name) == ("FAILED", "node-lost")
    world.engine.bring_back("node-1", world.now)
    world.turns(2, 1)
    assert world.job(job_id).error.name == "node-lost"


def test_a_lost_task_runs_again_under_a_new_id_until_it_is_lost_too_often():
    world = World(behave=lambda _: FOREVER, limits=Limits(max_losses=3))
    [job_id] = world.submit(max_tries=1)
    names = []
    for _ in range(3):
        world.turns(2)
        [exe] = world.scheduler.job_exes.get_running_job_exes()
        names.append(exe.current_task.id)
        world.engine.lose(exe.current_task.id, world.now)
    world.turns(2)
    assert [name.rpartition("_")[2] for name in names] == ["main", "lost-1", "lost-2"]
    assert (world.job(job_id).status, world.job(job_id).error.name) == ("FAILED", "node-lost")


def test_a_task_that_runs_again_does_so_only_after_its_loss_is_recorded():
    """Else a scheduler that is killed then would not know its new name, and take it for somebody else's."""
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit()
    world.turn()
    [task_id] = world.engine.cluster.tasks
    world.engine.lose(task_id, world.now)
    world.scheduler.reports(world.now)
    world.scheduler.schedule(world.now)
    assert not any(task.end is None for task in world.engine.cluster.tasks.values())
    world.turns(2)
    world = world.crash()
    world.turns(2)
    [alive] = [task for task, held in world.engine.cluster.tasks.items() if held.end is None]
    assert alive == f"{task_id}_lost-1"
    world.engine.finish(alive, world.now)
    world.turns(2)
    assert (world.job(job_id).status, world.job(job_id).num_exes) == ("COMPLETED", 1)


def test_a_restarted_scheduler_adopts_what_runs_and_collects_what_ended_meanwhile():
    world = World(behave=lambda spec: Outcome(timedelta(seconds=5 if "short" in spec.env else 50)))
    [short] = world.submit(env={"short": "1"})
    [long] = world.submit()
    world.turn()
    world.clock.move(timedelta(seconds=20))
    world = world.crash()
    world.turns(2)
    assert (world.job(short).status, world.job(long).status) == ("COMPLETED", "RUNNING")
    world.turn(40)
    assert (world.job(long).status, world.job(long).num_exes) == ("COMPLETED", 1)
    ended = JobExecutionEnd.objects.get(job_id=short)
    assert ended.ended - ended.started == timedelta(seconds=5)


def test_what_replaces_a_lost_task_starts_only_once_the_loss_is_recorded():
    world = World(behave=lambda _: FOREVER)
    world.submit()
    world.turn()
    [exe] = world.scheduler.job_exes.get_running_job_exes()
    world.engine.lose(TaskId(f"{exe.cluster_id}_main"), world.now)
    world.scheduler.reports(world.now)
    world.scheduler.schedule(world.now)
    assert len(world.engine.cluster.launched) == 1  # a scheduler that dies here leaves none behind that nobody would know
    world = world.crash()
    world.turns(3)
    assert sorted(world.engine.cluster.launched) == [f"{exe.cluster_id}_main", f"{exe.cluster_id}_main_lost-1"]


def test_a_scheduler_that_starts_asks_after_no_task_that_is_still_to_be_launched():
    world = World(behave=lambda _: FOREVER)
    world.submit()
    world.turn()
    [exe] = world.scheduler.job_exes.get_running_job_exes()
    world.engine.lose(TaskId(f"{exe.cluster_id}_main"), world.now)
    world = world.crash()
    assert world.engine.reports(world.now) == []  # an answer that came late would have one started in the place of one that runs


def test_an_execution_canceled_on_the_queue_ends_though_the_scheduler_dies_before_it_is_recorded():
    world = World()
    [job_id] = world.submit()
    world.cancel(job_id)
    world.scheduler.schedule(world.now)
    world = world.crash()
    world.turn()
    assert JobExecutionEnd.objects.get(job_id=job_id).status == "CANCELED"
    assert not world.scheduler.job_exes.get_running_job_exes()


def test_an_execution_ends_no_earlier_than_it_started_though_the_clock_is_set_back():
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit()
    world.turn()
    world.clock.set_back(timedelta(seconds=20))
    world.cancel(job_id)
    world.turns(2, 1)
    end = JobExecutionEnd.objects.get(job_id=job_id)
    assert end.ended == end.started


def _away(execute, sql, params, many, context):
    raise OperationalError("the database is away")


def test_a_turn_that_records_what_one_before_could_not_records_what_came_since_as_well():
    world = World()
    [first] = world.submit()
    world.scheduler.schedule(world.now)
    world.scheduler.reports(world.now)
    with transaction.atomic(), connection.execute_wrapper(_away), pytest.raises(OperationalError):
        world.scheduler.persist(world.now)
    [second] = world.submit()
    world.scheduler.schedule(world.now)
    world.scheduler.reports(world.now)
    world.scheduler.persist(world.now)
    assert {world.job(first).status, world.job(second).status} == {"COMPLETED"}


def test_an_execution_claimed_but_never_launched_runs_after_a_restart():
    world = World()
    [job_id] = world.submit()
    world.scheduler.fleet.launch = lambda tasks, when: None  # the crash comes between claim and launch
    world.turn()
    world = world.crash()
    world.turns(3)
    assert (world.job(job_id).status, world.job(job_id).num_exes) == ("COMPLETED", 1)


def test_an_end_that_was_not_committed_is_told_again_after_a_crash():
    world = World()
    [job_id] = world.submit()
    for step in (world.scheduler.reports, world.scheduler.schedule, world.scheduler.reports):
        step(world.now)
    world = world.crash()
    world.turns(2)
    assert world.job(job_id).status == "COMPLETED"
    assert not world.engine.cluster.tasks


def test_a_job_left_between_queue_and_execution_is_put_back():
    world = World()
    [job_id] = world.submit()
    Queue.objects.all().delete()
    world = world.crash()
    world.turns(2)
    assert (world.job(job_id).status, world.job(job_id).num_exes, world.job(job_id).max_tries) == ("COMPLETED", 2, 4)


def test_handing_back_ends_what_runs_and_queues_it_again():
    world = World(behave=lambda _: FOREVER)
    ids = world.submit(3)
    world.turn()
    world.scheduler.drain()
    world.turns(2)
    assert world.scheduler.idle.is_set()
    assert world.scheduler.put_back(world.now) == 3
    assert world.statuses() == {"QUEUED": 3}
    assert {world.job(job_id).max_tries for job_id in ids} == {4}


def test_a_job_that_goes_on_while_its_execution_is_handed_back_waits_once():
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit()
    world.turn()
    world.scheduler.drain()
    world.scheduler.schedule(world.now)
    world.cancel(job_id)
    jobs_requeue(ids=[job_id], by=world.user, when=world.now)
    world.turns(2)
    assert world.scheduler.put_back(world.now) == 0
    assert list(Queue.objects.filter(is_canceled=False).values_list("job_id", "exe_num")) == [(job_id, 2)]


def test_the_status_document_counts_what_happened():
    world = World(behave=lambda spec: Outcome(exit_code=int(spec.env["code"])))
    world.submit(5, env={"code": "0"})
    world.submit(2, env={"code": "3"})
    world.turns(6)
    [node] = world.status()["nodes"]
    executions = node["job_executions"]
    assert executions["running"]["total"] == 0
    assert executions["completed"]["total"] == 5
    assert executions["failed"]["algorithm"]["total"] == executions["failed"]["total"] == 2
    assert world.crash().status()["nodes"][0]["job_executions"] == executions


def test_gpus_are_handed_out_by_index_and_known_after_a_restart():
    world = World(nodes={"node-1": Resources(cpus=8, mem=4096, disk=1000, gpus=3)}, behave=lambda _: FOREVER)

    def visible():
        rows = JobExecution.objects.filter(has_ended=False).order_by("id")
        return [row.configuration["tasks"][0]["env_vars"]["NVIDIA_VISIBLE_DEVICES"] for row in rows]

    first, *_ = world.submit(2, resources={"gpus": 1})
    world.turns(2)
    assert visible() == ["0", "1"]
    world.cancel(first)
    world.turns(3)
    again = world.crash()
    again.submit(1, resources={"gpus": 2})
    again.submit(1)
    again.turns(2)
    assert visible() == ["1", "0,2", "void"]


def state_of(world):
    (node,) = world.status()["nodes"]
    return node["state"]["name"], [error["name"] for error in node["errors"]]


def test_a_degraded_node_keeps_what_runs_gets_nothing_new_and_heals_by_itself():
    world = World(nodes=ONE_CPU, behave=lambda _: Outcome(timedelta(seconds=60)))
    (running,) = world.submit(1, resources={"cpus": 0.5})
    world.turns(2)
    world.engine.put_into("node-1", world.now, Condition.LOW_DISK_SPACE)
    (waiting,) = world.submit(1, resources={"cpus": 0.5})
    world.turns(2)
    assert state_of(world) == ("DEGRADED", ["LOW_DISK_SPACE"])
    assert (world.job(running).status, world.job(waiting).status) == ("RUNNING", "QUEUED")
    world.turn(61)
    world.turn()
    assert (world.job(running).status, world.job(waiting).status) == ("COMPLETED", "QUEUED")
    world.engine.put_into("node-1", world.now)
    world.turns(2)
    assert state_of(world) == ("READY", [])
    assert world.job(waiting).status == "RUNNING"


@pytest.mark.parametrize(
    ("word", "state"), [({"is_paused": True}, "PAUSED"), ({"is_active": False}, "DEPRECATED")], ids=["pause", "deprecate"]
)
def test_no_condition_comes_before_an_operators_word_or_undoes_it(word, state):
    world = World(nodes=ONE_CPU)
    world.turn()
    Node.objects.update(**word, last_modified=world.now)
    (job_id,) = world.submit()
    for conditions in ((Condition.LOW_DISK_SPACE,), ()):
        world.engine.put_into("node-1", world.now, *conditions)
        world.turns(2, seconds=31)
        assert state_of(world) == (state, [each.value for each in conditions])
    assert world.job(job_id).status == "QUEUED"
    assert Node.objects.filter(**word).exists()


def test_a_launch_that_a_node_in_trouble_holds_back_is_not_late():
    """The engine holds it until there is room; the task cannot help it."""
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit(max_tries=1)
    world.scheduler.fleet.launch = world.scheduler.tasks.launch_tasks  # it does not come to its start
    world.engine.reconcile = lambda tasks, when: None
    world.turn()
    world.engine.put_into("node-1", world.now, Condition.LOW_DISK_SPACE)
    world.turns(10, 60)
    assert world.job(job_id).status == "RUNNING"
    world.engine.put_into("node-1", world.now)
    world.turns(3, 60)
    assert world.job(job_id).error.name == "launch-timeout"


def test_after_a_backup_was_put_back_no_job_gets_the_end_of_a_task_that_ran_before():
    world = World(behave=lambda _: Outcome(duration=None, ignores_term=True))
    [before] = world.submit()
    world.turn()
    for table in (TaskUpdate, JobExecution, Queue, Job):  # as if they had never been
        table.objects.all().delete()
    world = world.crash()
    [after] = world.submit()
    with connection.cursor() as cursor:  # the database gives the number again
        cursor.execute("UPDATE job SET id = %s WHERE id = %s", [before, after])
        cursor.execute("UPDATE queue SET job_id = %s WHERE job_id = %s", [before, after])
    world.turns(2, 1)
    alive = [task for task, held in world.engine.cluster.tasks.items() if held.end is None]
    [exe] = world.scheduler.job_exes.get_running_job_exes()
    assert exe.current_task.id in alive
    assert world.job(before).status == "RUNNING"
    world.turn(10)  # the stranger is gone
    assert world.job(before).status == "RUNNING"


def test_a_task_of_an_execution_that_was_given_up_is_no_sign_of_a_backup():
    world = World(behave=lambda _: FOREVER)
    world.submit(max_tries=1)
    world.turn()
    [task_id] = world.engine.cluster.tasks
    name = world.scheduler._settings.framework_id
    for task in world.scheduler.tasks.get_all_tasks():  # nobody knows it any more, and it runs
        world.scheduler.tasks._tasks.pop(task.id)
    world.engine.reconcile([task_id], world.now)
    world.turns(2, 1)
    assert world.scheduler._settings.framework_id == name


def test_a_turn_in_which_nothing_changed_costs_as_many_queries_however_many_run():
    world = World(nodes={"node-1": Resources(cpus=100, mem=100_000, disk=1000, gpus=0)}, behave=lambda _: FOREVER)
    counts = []
    for more in (1, 40):
        world.submit(more, resources={"cpus": 0.1, "mem": 1})
        world.turns(3)
        with CaptureQueriesContext(connection) as queries:
            world.scheduler.schedule(world.now)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 9


def test_of_a_ring_for_jobs_alone_only_what_is_new_is_read():
    world = World()
    world.turns(2)
    turn = next(loop.turn for loop in world.scheduler.loops if loop.name == "schedule")
    for news, most in ((JOBS, 1), (ANYTHING, 9)):
        world.scheduler.wake(news)
        with CaptureQueriesContext(connection) as queries:
            turn(world.now)
        assert 1 <= len(queries) <= most, [query["sql"] for query in queries]
    world.submit()
    world.scheduler.wake(JOBS)
    turn(world.now)
    assert len(world.engine.cluster.tasks) == 1


def test_a_restart_records_nothing_anew_of_executions_that_are_known_to_run():
    world = World(behave=lambda _: FOREVER)
    world.submit(3)
    world.turns(2)
    world = world.crash()
    assert len(world.scheduler.job_exes.get_running_job_exes()) == 3
    assert world.scheduler.job_exes.get_messages() == []


def test_an_execution_whose_job_was_canceled_and_queued_again_before_anybody_looked_is_killed():
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit()
    world.turns(2)
    [exe] = world.scheduler.job_exes.get_running_job_exes()
    world.cancel(job_id)
    jobs_requeue(ids=[job_id], by=world.user, when=world.now)
    world.turns(2)
    assert exe.status == "CANCELED"
    assert [one.exe_num for one in world.scheduler.job_exes.get_running_job_exes()] == [2]


def test_what_was_canceled_while_no_scheduler_ran_is_killed_by_the_next():
    world = World(behave=lambda _: FOREVER)
    [job_id] = world.submit()
    world.turns(2)
    Job.objects.filter(pk=job_id).update(status="CANCELED")  # as a version did that marked no execution
    world = world.crash()
    world.turns(2)
    assert JobExecutionEnd.objects.get(job_id=job_id).status == "CANCELED"

"""What becomes of jobs that are tried anew."""

from __future__ import annotations

import pytest

from scale.engines.instant import Outcome
from scale.job.models import JobExecutionEnd
from scale.job.services import jobs_requeue
from scale.kernel.resources import Resources
from tests.world import FOREVER, World

pytestmark = pytest.mark.django_db


def requeue(world: World, *ids: int) -> list[int]:
    return jobs_requeue(ids=ids, by=world.user, when=world.now)


def test_a_requeued_job_is_tried_as_often_as_at_first():
    world = World(behave=lambda _: Outcome(exit_code=3))
    [job_id] = world.submit(retry_on="failure", max_tries=2)
    world.turns(4)
    assert (world.job(job_id).status, world.job(job_id).num_exes) == ("FAILED", 2)
    assert requeue(world, job_id) == [job_id]
    world.turns(4)
    assert (world.job(job_id).status, world.job(job_id).num_exes) == ("FAILED", 4)


def test_a_job_that_is_canceled_and_requeued_while_it_runs_leaves_its_old_execution_behind():
    world = World(behave=lambda task: FOREVER if task.env["SCALE_EXE_NUM"] == "1" else Outcome())
    [job_id] = world.submit()
    world.turn()
    world.cancel(job_id)
    assert requeue(world, job_id) == [job_id]
    world.turns(4, 1)
    assert (world.job(job_id).status, world.job(job_id).num_exes) == ("COMPLETED", 2)
    assert dict(JobExecutionEnd.objects.values_list("exe_num", "status")) == {1: "CANCELED", 2: "COMPLETED"}


def test_a_job_that_is_canceled_on_the_queue_and_requeued_runs_once():
    world = World(nodes={"node-1": Resources(cpus=1, mem=4096, disk=1000, gpus=0)})
    [job_id] = world.submit()
    world.cancel(job_id)
    requeue(world, job_id)
    world.turns(3, 1)
    assert world.statuses() == {"COMPLETED": 1}
    assert dict(JobExecutionEnd.objects.values_list("exe_num", "status")) == {1: "CANCELED", 2: "COMPLETED"}

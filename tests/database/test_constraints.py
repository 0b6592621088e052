"""Jobs that ask for certain nodes, from their submission to their place, whatever becomes of them meanwhile."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scale.engines.instant import Outcome
from scale.job.models import Job, JobExecution, JobType
from scale.job.services import jobs_requeue
from scale.kernel.resources import Resources
from scale.node.models import Node
from scale.node.services import node_edit
from scale.queue.models import Queue
from scale.queue.selectors import waiting_of
from tests.world import FOREVER, World

pytestmark = pytest.mark.django_db

FOUR = Resources(cpus=4, mem=4096, disk=1000)


def world_of(*names: str, **more) -> World:
    world = World(nodes=dict.fromkeys(names, FOUR), **{"behave": lambda _: FOREVER, **more})
    world.turn()
    return world


def describe(world: World, hostname: str, **attributes) -> None:
    node_edit(node_id=Node.objects.get(hostname=hostname).pk, changes={"attributes": attributes}, when=world.now)


def places(*job_ids: int) -> list[str | None]:
    jobs = Job.objects.select_related("node").in_bulk(job_ids)
    return [jobs[pk].node.hostname if jobs[pk].node else None for pk in job_ids]


def why(world: World, job_id: int) -> str:
    waiting = waiting_of(job_id, Job.objects.get(pk=job_id).num_exes, world.now)
    return waiting.text if waiting else ""


def test_an_attribute_that_is_set_later_frees_a_job_at_once():
    world = world_of("n1", "n2")
    [job_id] = world.submit(constraints=["disk=ssd"])
    world.turn()
    assert (places(job_id), why(world, job_id)) == ([None], "no node has disk=ssd")
    describe(world, "n2", disk="ssd")
    world.turn()
    assert places(job_id) == ["n2"]


def test_hosts_spread_and_pack_reach_the_scheduler():
    world = world_of("n1", "n2", "n3")
    [second] = world.submit(hosts=["n2"])
    spread = world.submit(4, avoid_hosts=["n2"], placement="spread")
    world.turn()
    assert places(second) == ["n2"]
    assert Counter(places(*spread)) == {"n1": 2, "n3": 2}
    packed = world.submit(2, placement="pack", priority=1)
    world.turn()
    assert places(*packed) == ["n1", "n1"]


def test_a_new_scheduler_knows_what_waiting_jobs_ask():
    world = world_of("n1", "n2")
    ids = world.submit(2, constraints=["disk=ssd"])
    other = world.submit(constraints=["disk=nvme"])
    world.turn()
    world = world.crash()
    describe(world, "n2", disk="ssd")
    world.turns(2)
    assert places(*ids, *other) == ["n2", "n2", None]
    assert why(world, other[0]) == "no node has disk=nvme"


def test_a_job_that_is_tried_again_or_requeued_asks_the_same():
    world = world_of("n1", "n2", behave=lambda _: Outcome(exit_code=1))
    [job_id] = world.submit(hosts=["n2"], max_tries=2, retry_on="failure")
    world.turns(4)
    jobs_requeue(ids=[job_id], by=world.user, when=world.now)
    world.turns(4)
    tries = JobExecution.objects.filter(job=job_id).values_list("node__hostname", flat=True)
    assert set(tries) == {"n2"}
    assert len(tries) == 4


def test_a_job_that_is_put_back_asks_the_same():
    world = world_of("n1", "n2")
    [job_id] = world.submit(hosts=["n2"])
    Queue.objects.all().delete()
    world = world.crash()
    world.turns(2)
    assert places(job_id) == ["n2"]


def test_what_is_canceled_is_known_to_be_gone_and_what_follows_it_is_read():
    world = world_of("n1")
    first, second, third = world.submit(3, constraints=["disk=ssd"])
    world.turn()
    assert world.scheduler.placer.waiting == {"no-such-node": 3}
    world.cancel(first)
    world.turn()
    assert world.scheduler.placer.waiting == {"no-such-node": 2}
    world = world.crash()
    world.cancel(second)
    describe(world, "n1", disk="ssd")
    world.turns(2)
    assert places(second, third) == [None, "n1"]


def test_an_entry_that_vanished_before_its_wishes_were_read_holds_nobody_up():
    world = world_of("n1")
    gone, stays = world.submit(2, hosts=["n1"])
    world.scheduler.placer.look(world.now)
    Queue.objects.filter(job=gone).delete()
    Job.objects.filter(pk=gone).update(status="CANCELED")
    world.turn()
    assert places(stays) == ["n1"]


def test_a_limit_of_the_type_holds_whatever_its_jobs_ask():
    world = world_of("n1", "n2")
    JobType.objects.update(max_scheduled=3)
    shapes = [{"placement": "spread"}, {"hosts": ["n1"]}, {"constraints": ["a!=1"]}, {}, {"priority": 5}, {"placement": "pack"}]
    for body in shapes:
        world.submit(2, **body)
    world.turns(3)
    assert world.statuses() == {"RUNNING": 3, "QUEUED": 9}


def statements(world: World) -> int:
    with CaptureQueriesContext(connection) as queries:
        world.turn()
    return sum("constraints" in query["sql"] and "FROM queue JOIN job" in query["sql"] for query in queries)


def test_what_jobs_ask_is_read_once_for_each_wish_and_never_for_plain_ones():
    world = world_of("n1")
    world.submit(5)
    assert statements(world) == 0
    world.submit(5, constraints=["disk=ssd"])
    world.submit(5, constraints=["disk=nvme"])
    assert statements(world) == 1
    world.submit(5, constraints=["disk=ssd"])
    assert statements(world) == 0


def test_masks_are_worked_out_once_for_each_wish_and_change_of_attributes():
    world = world_of("n1", "n2")
    columns = world.scheduler.placer._tracker.columns
    for disk in ("ssd", "nvme"):
        world.submit(3, constraints=[f"disk={disk}"])
    world.turn()
    before = dict(columns._meeting)
    assert len(before) == 2
    world.submit(constraints=["disk=ssd"])
    node_edit(node_id=Node.objects.get(hostname="n1").pk, changes={"is_paused": True}, when=world.now)
    world.turn()
    assert all(columns._meeting[key] is mask for key, mask in before.items())
    describe(world, "n1", rack="a")
    world.turn()
    assert not any(columns._meeting[key] is mask for key, mask in before.items())

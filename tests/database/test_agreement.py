"""Everybody who tells how many jobs there are tells the same, to the unit, at each moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from rest_framework.authtoken.models import Token

from scale.engines.instant import Outcome
from scale.kernel.resources import Resources
from tests.counts import Witnesses, the_same
from tests.world import World

pytestmark = pytest.mark.django_db

NODES = {f"node-{number}": Resources(cpus=100, mem=100_000, disk=1000, gpus=0) for number in range(7)}


def test_two_thousand_jobs_in_one_request_are_counted_alike_until_all_have_ended(settings, home):
    world = World(nodes=NODES, behave=lambda task: Outcome(timedelta(seconds=2), exit_code=int(task.command[0] == "false")))
    settings.CLOCK = world.clock
    client = Client(headers={"Authorization": f"Token {Token.objects.create(user=world.user).key}"})
    jobs = [{"command": ["false" if number % 10 == 0 else "true"]} for number in range(2000)]
    answer = client.post("/api/v7/jobs/bulk/", {"jobs": jobs}, content_type="application/json")
    assert answer.status_code == 201
    world.cancel(*answer.json()["ids"][-50:])
    witnesses = Witnesses(client)
    seen = []
    for _ in range(10):
        world.turn(1)
        world.scheduler.status(world.now)
        jobs_now = the_same(witnesses.jobs())
        assert the_same(witnesses.waiting()) == jobs_now.get("QUEUED", 0)
        assert the_same(witnesses.running()) == jobs_now.get("RUNNING", 0)
        ended = the_same(witnesses.ended())
        assert ended == {status: jobs_now.get(status, 0) for status in ("COMPLETED", "FAILED")}
        seen.append(jobs_now)
    assert seen[0]["QUEUED"] == 1250
    assert seen[0]["RUNNING"] == 700
    assert seen[-1] == {"COMPLETED": 1755, "FAILED": 195, "CANCELED": 50}

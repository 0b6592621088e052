"""Arrays as the database and the scheduler see them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scale.job.arrays.selectors import arrays_selected, counts_of
from scale.job.filters import JobFilter
from scale.job.models import Job, JobArray, JobExecution
from scale.job.selectors import jobs_selected
from scale.job.services import jobs_submit
from scale.job.submission import parse_submission
from scale.kernel.resources import Resources
from scale.scheduler.retention import services
from tests.world import World

pytestmark = pytest.mark.django_db

NODES = {"node-1": Resources(cpus=100, mem=100_000, disk=1000, gpus=0)}
ARRAY = {"SCALE_ARRAY_ID", "SCALE_ARRAY_INDEX", "SCALE_ARRAY_SIZE"}


def test_each_member_finds_its_index_in_its_environment_and_others_find_none():
    world = World(nodes=NODES)
    members = world.submit(array={"first": 5, "count": 3}, env={"A": "b"})
    [plain] = world.submit()
    world.turns(2)
    told = {}
    for job_id, configuration in JobExecution.objects.values_list("job_id", "configuration"):
        told[job_id] = configuration["tasks"][0]["env_vars"]
    array = JobArray.objects.get().pk
    for number, member in enumerate(members):
        assert {name: told[member][name] for name in ARRAY} == {
            "SCALE_ARRAY_ID": str(array),
            "SCALE_ARRAY_INDEX": str(5 + number),
            "SCALE_ARRAY_SIZE": "3",
        }
        assert told[member]["A"] == "b"
    assert not ARRAY & set(told[plain])


def test_a_claim_asks_for_arrays_once_and_only_if_there_are_any():
    world = World(nodes=NODES)

    def statements(**body) -> int:
        world.submit(2, **body)
        with CaptureQueriesContext(connection) as queries:
            world.scheduler.schedule(world.now)
        return sum("job_array" in query["sql"] for query in queries)

    assert statements() == 0
    assert statements(count=3) == 1


def test_an_array_goes_with_the_last_of_its_members():
    world = World(nodes=NODES)
    first, second = world.submit(count=2)
    world.turns(3, 1)
    assert services.jobs_delete(ids=[first]) == 1
    [array] = arrays_selected()
    assert (array.size, counts_of(array)["COMPLETED"]) == (2, 1)
    assert [job.pk for job in jobs_selected(JobFilter())] == [second]
    assert services.jobs_delete(ids=[second]) == 1
    assert not JobArray.objects.exists()


@pytest.fixture
def many(clock) -> None:
    alice = User.objects.create_user("alice")
    some = [parse_submission({"command": "true", "count": 500}), parse_submission({"command": "true"})] * 3
    jobs_submit(submissions=some, by=alice, when=clock.now())
    Job.objects.filter(array_index__gte=250).update(status="FAILED", last_modified=clock.now() + timedelta(hours=1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":  # so few rows are read as a whole otherwise
            cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.mark.parametrize("wanted", [JobFilter(), JobFilter(status=("FAILED",)), JobFilter(status=("QUEUED", "FAILED"))])
def test_the_lines_of_arrays_come_from_the_index_of_their_members(many, wanted):
    plan = jobs_selected(wanted)[:10].explain()
    assert "job_of_array" in plan, plan


def test_the_lines_of_arrays_are_counted_by_that_index_alone(many):
    with CaptureQueriesContext(connection) as queries:
        assert jobs_selected(JobFilter(status=("FAILED",))).count() == 3
        assert jobs_selected(JobFilter()).count() == 6
    of_members = [query["sql"] for query in queries if "DISTINCT" in query["sql"]]
    assert len(of_members) == 2
    for sql in of_members:
        assert "job_of_array" in _plan(sql), sql


def test_the_members_of_a_page_of_arrays_are_counted_by_that_index_in_its_order(many):
    with CaptureQueriesContext(connection) as queries:
        assert len(arrays_selected()) == 3
    _, of_members = (query["sql"] for query in queries)
    plan = _plan(of_members)
    assert "job_of_array" in plan, plan
    assert "B-TREE" not in plan, plan


def _plan(sql: str) -> str:
    word = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        cursor.execute(word + sql)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())

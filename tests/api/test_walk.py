"""A walk through the OpenAPI document: every operation, with each parameter and each field, right and wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.engines.instant import Outcome
from scale.job.models import JobCommand
from scale.kernel.resources import Resources
from scale.storage.services import files_ensure
from scale.storage.workspace import FilePath
from tests.api.answers import fields_at_fault
from tests.api.walk import ANYTHING, address, bodies, fitting, operations, query_parameters, takes, wrong
from tests.unit.seed.corpus import LEAST
from tests.world import FOREVER, World

READS = [path for path, _ in operations("get")]
WRITES = [(path, method) for path, method in operations("post", "put", "patch") if not path.endswith("/validation/")]
JUDGES = [path for path, _ in operations("post") if path.endswith("/validation/")]
BROKEN = ("{", '{"a": 1, "a": 2}', "[" * 100_000, b"\xff")
ODD = ("", "[]", "null", '"text"', "7", '{"no_such": 1}')
PROBLEM = "application/problem+json"

_ENDS = {"true": Outcome(), "false": Outcome(exit_code=1), "sleep": FOREVER}


@pytest.fixture
def walker(staff, settings, tmp_path_factory):
    """Somebody who may do everything, where there is some of everything."""
    world = World(nodes={"node-1": Resources(cpus=8, mem=8000, disk=8000, gpus=0)}, behave=lambda task: _ENDS[task.command[0]])
    settings.CLOCK = world.clock
    settings.LOG_SOURCES = {"instant": "tests.api.walk.FullShelf"}
    assert staff.post("jobs/", {"command": "true", "count": 2, "resources": {"cpus": 100}}).status_code == 201
    JobCommand.objects.create(kind="cancel", choice={}, by=staff.user, asked=world.now, newest=0, ended=world.now)
    for command in _ENDS:
        world.submit(command=[command], max_tries=1)
    world.submit(command=["true"])
    world.turns(4, seconds=1)
    assert world.statuses() == {"QUEUED": 2, "COMPLETED": 2, "FAILED": 1, "RUNNING": 1}
    world.clock.move(timedelta(seconds=1))
    world.scheduler.status(world.now)
    staff.client.unchecked = frozenset()
    place = tmp_path_factory.mktemp("scenes")
    broker = {"broker": {"type": "host", "host_path": str(place)}}
    assert staff.post("workspaces/", {"name": "scenes", "configuration": broker}).status_code == 201
    (place / "a.tif").write_bytes(b"12345")
    files_ensure(paths=[FilePath("scenes", "a.tif")], when=world.now)
    mine = {
        **LEAST,
        "job": {**LEAST["job"], "name": "assay"},
    }  # the first of the list: of what is built in, little may be changed
    assert staff.post("job-types/", {"manifest": mine}).status_code == 201
    return staff


@pytest.mark.parametrize("path", READS)
def test_everything_can_be_read_with_each_of_its_parameters(walker, path):
    where = address(walker, path, "get")
    assert walker.client.get(where).status_code == 200
    for parameter in query_parameters(path):
        for values in fitting(parameter):
            answer = walker.client.get(where, {parameter["name"]: values})
            assert answer.status_code == 200, (parameter["name"], values, answer.content)


@pytest.mark.parametrize("path", [path for path in READS if query_parameters(path)])
def test_a_parameter_that_cannot_be_is_named(walker, path):
    where = address(walker, path, "get")
    for parameter in query_parameters(path):
        for value in wrong(parameter):
            assert fields_at_fault(walker.client.get(where, {parameter["name"]: value})) == [parameter["name"]], value
    assert fields_at_fault(walker.client.get(where, {"no_such": "1"})) == ["no_such"]


@pytest.mark.parametrize("path", [path for path in READS if "{" in path])
def test_where_there_is_nothing_a_problem_says_so(walker, path):
    where = address(walker, path, "get")
    for part in {value for value, place in zip(where.split("/"), path.split("/"), strict=True) if "{" in place}:
        answer = walker.client.get(where.replace(f"/{part}/", "/999999/"))
        assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)


@pytest.mark.parametrize(("path", "method"), WRITES)
def test_a_body_that_cannot_be_is_refused(walker, path, method):
    where, ask = address(walker, path, method), getattr(walker.client, method)
    for body in (*BROKEN, *ODD):
        answer = ask(where, body, content_type="application/json")
        assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM), body[:20]
    if not any(takes(shape, {}) for shape in bodies(path, method)):
        assert ask(where, "{}", content_type="application/json").status_code == 400
    assert ask(where, "<a/>", content_type="application/xml").status_code == 415


@pytest.mark.parametrize("path", JUDGES)
def test_whatever_is_to_be_judged_is_judged_if_it_can_be_read(walker, path):
    for body in BROKEN:
        assert walker.client.post(path, body, content_type="application/json").status_code == 400
    for body in ("{}", *ODD):
        assert walker.client.post(path, body, content_type="application/json").status_code in (200, 400)


@pytest.mark.parametrize(("path", "method"), WRITES)
def test_a_field_that_cannot_be_is_named(walker, path, method):
    where, ask = address(walker, path, method), getattr(walker.client, method)
    for shape in bodies(path, method):
        for name, schema in shape["properties"].items():
            for value in (value for value in ANYTHING if not takes(schema, value)):
                fields = fields_at_fault(ask(where, {name: value}, content_type="application/json"))
                first = {*shape.get("required", ())} - {name}  # what is missing may be told before the rest is looked at
                assert any(field.split(".")[0] == name for field in fields) or {*fields} <= first, (name, value, fields)
            if all(takes(one["properties"][name], None) for one in bodies(path, method) if name in one["properties"]):
                answer = ask(where, {name: None}, content_type="application/json")
                assert answer.status_code < 400 or name not in fields_at_fault(answer), name


def test_whoever_takes_no_json_is_told_so(walker):
    for path, method in operations("get", "post", "put", "patch", "delete"):
        answer = getattr(walker.client, method)(address(walker, path, method), headers={"Accept": "image/png"})
        assert answer.status_code == (200 if "/logs/" in path else 406), path  # a log is what its parameter says

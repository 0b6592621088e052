"""What is answered is of the shape that the OpenAPI document tells, to the last key."""

from __future__ import annotations

import pytest
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from scale.error.models import Error
from scale.job.models import JobExecutionEnd
from scale.metrics.selectors import load_now
from scale.metrics.services import load_record
from tests.api.test_versions import TABLE

PATHS = [
    *TABLE.split(),
    "jobs/?cursor=",
    "metrics/job-types/plot-data/?choice_id=1",
    "jobs/{job}/",
    "jobs/{job}/executions/",
    "jobs/{job}/executions/1/",
    "nodes/{node}/",
]


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.fixture
def there(alice, a_job, a_node, an_execution, clock):
    """Something of everything."""
    node, error = a_node(is_online=True, resources={"cpus": 1}), Error.objects.get(name="unknown")
    a_job(alice)
    a_job(alice, status="PENDING")
    a_job(alice, status="RUNNING", started=clock.now(), node=node)
    job = a_job(alice, status="FAILED", error=error, node=node, last_status_change=clock.now())
    an_execution(job, 1, "FAILED", node, error=error)
    JobExecutionEnd.objects.update(started=clock.now(), cpu_seconds=1, peak_memory=2)
    load_record(loads=load_now(), hour=clock.now())
    return {"job": job.pk, "node": node.pk}


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_is_as_the_schema_says(alice, there, schema, path):
    answer = alice.get(path.format(**there))
    assert answer.status_code == 200
    told = answer.json()
    assert told.get("results") != [] or "ingests" in path
    Draft202012Validator(strict(_shape(schema, f"/api/v7/{path}".partition("?")[0].format(**there)))).validate(told)


def _shape(schema, path):
    route = "/" + resolve(path).route
    for converter in ("id:", "str:"):
        route = route.replace(f"<{converter}", "{")
    operation = schema["paths"][route.replace(">", "}")]["get"]
    return {**operation["responses"]["200"]["content"]["application/json"]["schema"], "components": schema["components"]}


def strict(node):
    """The same, that takes no key that it does not tell of."""
    if isinstance(node, list):
        return [strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    told = {key: strict(value) for key, value in node.items()}
    closed = "properties" in told and isinstance(told["properties"], dict) and told.get("type") == "object"
    return {"additionalProperties": False, **told} if closed else told

"""Jobs of a job type over REST: what is taken, and what is refused with every fault and nothing done."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scale.job.models import Job, JobInputFile
from scale.queue.models import Queue
from scale.storage.models import File
from tests.seeds import a_manifest, a_type, a_workspace, revise

INTERFACE = {
    "inputs": {
        "files": [{"name": "SCENE", "mediaTypes": ["image/tiff"]}],
        "json": [{"name": "ZOOM", "type": "integer", "required": False}],
    },
    "settings": [{"name": "KEY", "secret": True}],
}
AT = {"workspace": "scenes", "path": "a.tif"}
GOOD = {"files": {"SCENE": AT}, "json": {"ZOOM": 3}}


@pytest.fixture
def scenes(tmp_path, clock):
    scenes = a_workspace(tmp_path / "scenes")
    (tmp_path / "scenes" / "a.tif").write_bytes(b"a scene")
    return scenes


@pytest.fixture
def tile(scenes):
    return a_type(a_manifest(interface=INTERFACE))


def refused(answer):
    assert answer.status_code == 400, answer.content
    assert (Job.objects.count(), Queue.objects.count()) == (0, 0)
    return {fault["field"]: fault["message"] for fault in answer.json()["errors"]}


@pytest.mark.parametrize("by_id", [True, False])
def test_a_job_of_a_type_is_taken_by_id_or_by_name(alice, tile, by_id):
    which = {"job_type_id": tile.pk} if by_id else {"job_type": {"name": "tile", "version": "1.0.0"}}
    answer = alice.post("jobs/", {**which, "input": GOOD, "priority": 7, "name": "n", "labels": {"a": "b"}})
    told = alice.get(f"jobs/{answer.json()['id']}/").json()
    assert answer.status_code == 201
    assert told.items() >= answer.json().items()
    assert told["input"] == {"files": {"SCENE": [File.objects.get().pk]}, "json": {"ZOOM": 3}}
    assert (told["priority"], told["name"], told["timeout"], told["input_file_size"]) == (7, "n", 60, 1.0)
    assert told["resources"] == {"cpus": 0.25, "mem": 128.0, "disk": 1.0}


def test_the_input_files_of_a_job_are_listed_and_filtered(alice, tile):
    job_id = alice.post("jobs/", {"job_type_id": tile.pk, "input": GOOD}).json()["id"]
    for query, count in (
        ("", 1),
        ("?job_input=SCENE", 1),
        ("?job_input=OTHER", 0),
        ("?file_name=b.tif", 0),
        ("?time_field=data&started=PT1H", 0),
    ):
        assert alice.get(f"jobs/{job_id}/input_files/{query}").json()["count"] == count, query
    assert alice.get("jobs/99/input_files/").status_code == 404


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"job_type_id": 10**6}, "job_type_id", "no such job type"),
        ({"input": {}}, "input.files.SCENE", "is required"),
        ({"input": {"files": {"SCENE": [999]}}}, "input.files.SCENE.0", "no file 999"),
        ({"input": {"files": {"SCENE": {**AT, "path": "b.tif"}}}}, "input.files.SCENE.0", "There is no file 'b.tif'"),
        ({"input": {"files": {"SCENE": {**AT, "path": "../a"}}}}, "input.files.SCENE.0", "has `..` in it"),
        ({"input": {"files": {"SCENE": {**AT, "path": "out"}}}}, "input.files.SCENE.0", "leads out of the workspace"),
        ({"input": {"files": {"SCENE": {**AT, "workspace": "gone"}}}}, "input.files.SCENE.0", "no workspace for gone:a.tif"),
        ({"input": {"files": {"SCENE": {**AT, "workspace": "old"}}}}, "input.files.SCENE.0", "is not active"),
        ({"configuration": {"settings": {"KAY": "hunter2"}}}, "configuration.settings.KAY", "no setting 'KAY'"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place_and_nothing_is_made(alice, tile, tmp_path, change, field, words):
    a_workspace(tmp_path / "old", "old", is_active=False)
    (tmp_path / "scenes" / "out").symlink_to("/etc/hostname")
    found = refused(alice.post("jobs/", {"job_type_id": tile.pk, "input": GOOD, **change}))
    assert list(found) == [field]
    assert words in found[field]
    assert not File.objects.exists()


def test_files_by_id_are_refused_once_they_are_deleted_or_their_workspace_is_not_active(alice, tile, scenes):
    alice.post("jobs/", {"job_type_id": tile.pk, "input": GOOD})
    file = File.objects.get()
    JobInputFile.objects.all().delete()
    Queue.objects.all().delete()
    Job.objects.all().delete()
    body = {"job_type_id": tile.pk, "input": {"files": {"SCENE": [file.pk]}}}
    File.objects.update(is_deleted=True)
    assert "was deleted" in refused(alice.post("jobs/", body))["input.files.SCENE.0"]
    File.objects.update(is_deleted=False)
    scenes.is_active = False
    scenes.save()
    assert "is not active" in refused(alice.post("jobs/", body))["input.files.SCENE.0"]


def test_of_a_type_that_is_not_active_built_in_or_broken_nothing_is_taken(alice, tile, staff):
    command = next(one["id"] for one in alice.get("job-types/").json()["results"] if one["name"] == "command")
    assert "plain commands" in refused(alice.post("jobs/", {"job_type_id": command}))["job_type_id"]
    revise(tile, {"seedVersion": "0"})
    assert "cannot be read" in refused(alice.post("jobs/", {"job_type_id": tile.pk}))["job_type_id"]
    tile.is_active = False
    tile.save()
    assert "not active" in refused(alice.post("jobs/", {"job_type_id": tile.pk}))["job_type_id"]


def test_many_are_taken_all_or_none_and_each_fault_names_its_job(alice, tile):
    jobs = [{"command": "true"}, {"job_type_id": tile.pk, "input": GOOD}, {"job_type_id": tile.pk}]
    assert list(refused(alice.post("jobs/bulk/", {"jobs": jobs}))) == ["jobs.2.input.files.SCENE"]
    assert list(refused(alice.post("jobs/bulk/", {"jobs": jobs[2:]}))) == ["jobs.0.input.files.SCENE"]
    answer = alice.post("jobs/bulk/", {"jobs": jobs[:2]})
    assert [Job.objects.get(pk=one).job_type.name for one in answer.json()["ids"]] == ["command", "tile"]


def test_a_secret_of_a_job_is_sealed_and_never_shown(alice, tile):
    body = {"job_type_id": tile.pk, "input": GOOD, "configuration": {"settings": {"KEY": "hunter2"}}}
    job_id = alice.post("jobs/", body).json()["id"]
    job = Job.objects.get(pk=job_id)
    assert (job.configuration, list(job.secrets)) == ({"settings": {"KEY": "*****"}}, ["KEY"])
    assert "hunter2" not in str(Job.objects.values())
    assert b"hunter2" not in alice.get(f"jobs/{job_id}/").content
    assert "secrets" not in alice.get(f"jobs/{job_id}/").json()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(AT) | st.just([AT]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["SCENE", "ZOOM", "x", ""]), inner, max_size=3),
    max_leaves=8,
)
_bodies = st.fixed_dictionaries(
    {},
    optional={
        "input": _json | st.fixed_dictionaries({"files": _json, "json": _json}),
        "configuration": _json | st.dictionaries(st.sampled_from(["settings", "mounts", "output_workspaces", "priority"]), _json),
        "priority": _json,
        "labels": _json,
        "job_type": _json,
    },
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_bodies)
def test_whatever_is_asked_is_taken_or_refused(alice, tile, body):
    assert alice.post("jobs/", {"job_type_id": tile.pk, **body}).status_code in (201, 400)


def test_a_job_of_a_type_waits_for_a_plain_one_and_comes_once(alice, tile):
    first = alice.post("jobs/", {"command": "true"}).json()["id"]
    body = {"job_type_id": tile.pk, "input": GOOD, "depends_on": [first]}
    told, again = (alice.post("jobs/", body, headers={"Idempotency-Key": "k"}).json() for _ in range(2))
    assert (told["status"], again["id"]) == ("PENDING", told["id"])
    heir = {"job_type_id": tile.pk, "input": GOOD, "supersedes": told["id"], "hold": True}
    jobs = [{"command": "true", "depends_on": [{"index": 1}]}, heir]
    plain, typed = alice.post("jobs/bulk/", {"jobs": jobs}).json()["ids"]
    assert alice.get(f"jobs/{told['id']}/").json()["status"] == "CANCELED"
    assert alice.get(f"jobs/{typed}/").json()["waiting"]["code"] == "held"
    assert alice.get(f"jobs/{plain}/").json()["depends_on"][0]["job"] == typed

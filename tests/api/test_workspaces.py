"""Workspaces and files over REST."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from scale.storage.models import File, Workspace
from scale.storage.services import files_ensure
from scale.storage.workspace import FilePath
from tests.api.answers import fields_at_fault, words

SHOWN = words("id name title description base_url is_active created deprecated last_modified")
HOST_PATH = "configuration.broker.host_path"


@pytest.fixture
def place(tmp_path_factory):
    """A directory beside that of the service."""
    return tmp_path_factory.mktemp("scenes")


def body(place, **more):
    return {"name": "scenes", "configuration": {"broker": {"type": "host", "host_path": str(place)}}, **more}


@pytest.fixture
def scenes(staff, place) -> Workspace:
    assert staff.post("workspaces/", body(place)).status_code == 201
    return Workspace.objects.get(name="scenes")


@pytest.fixture
def files(scenes, place, clock, a_job, alice):
    """Two files, the second of which a job has made an hour later."""
    (place / "a.tif").write_bytes(b"12345")
    (place / "b.json").write_bytes(b"{}")
    first, second = files_ensure(paths=[FilePath("scenes", "a.tif"), FilePath("scenes", "b.json")], when=clock.now())
    later = clock.now() + timedelta(hours=1)
    job = a_job(alice)
    times = {"data_started": clock.now(), "data_ended": later}
    File.objects.filter(pk=second.pk).update(job=job, job_output="OUT", last_modified=later, created=later, **times)
    clock.move(timedelta(hours=1))
    return first, second


def test_a_workspace_is_created_and_has_a_page(staff, alice, place, clock):
    answer = staff.post("workspaces/", body(place, title="Scenes", description="All", base_url="https://example.org/"))
    assert answer.status_code == 201
    page = answer.json()
    assert answer["Location"] == f"/api/v7/workspaces/{page['id']}/"
    assert set(page) == SHOWN | {"configuration"}
    assert alice.get(f"workspaces/{page['id']}/").json() == page
    assert page["configuration"] == {"broker": {"type": "host", "host_path": str(place)}}
    assert (page["is_active"], page["deprecated"], page["created"]) == (True, None, "2026-01-31T12:00:00Z")
    (listed,) = alice.get("workspaces/").json()["results"]
    assert listed == {key: page[key] for key in SHOWN}


def test_one_that_is_not_active_from_the_first_is_deprecated_from_the_first(staff, place):
    assert staff.post("workspaces/", body(place, is_active=False)).json()["deprecated"] == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"name": None}, "name"),
        ({"title": "x" * 51}, "title"),
        ({"title": "\0"}, "title"),
        ({"is_active": "yes"}, "is_active"),
        ({"colour": "red"}, "colour"),
        ({"configuration": None}, "configuration"),
        ({"configuration": {}}, "configuration.broker"),
        ({"configuration": {"broker": {"type": "nfs", "host_path": "/"}}}, "configuration.broker.type"),
        ({"configuration": {"broker": {"type": "host", "host_path": "data"}}}, HOST_PATH),
        ({"configuration": {"broker": {"type": "host", "host_path": "/data/../etc"}}}, HOST_PATH),
        ({"configuration": {"broker": {"type": "host", "host_path": "/nowhere/at/all"}}}, HOST_PATH),
        ({"configuration": {"broker": {"type": "host", "host_path": "/etc/passwd"}}}, HOST_PATH),
    ],
)
def test_one_that_cannot_be_made_is_refused_with_the_field(staff, place, change, field):
    refused = body(place) | change
    assert fields_at_fault(staff.post("workspaces/", json.dumps(refused))) == [field]
    verdict = staff.post("workspaces/validation/", json.dumps(refused))
    assert verdict.status_code == 200
    (error,) = verdict.json()["errors"]
    assert (error["name"], error["pointer"]) == ("INVALID_WORKSPACE", "/" + field.replace(".", "/"))
    assert not Workspace.objects.exists()


def test_the_data_of_the_service_is_nobodys_workspace(staff, home):
    (home / "inside").mkdir()
    for path in (home, home / "inside", home.parent, "/"):
        assert fields_at_fault(staff.post("workspaces/", body(path))) == [HOST_PATH]


def test_a_name_is_given_once(staff, scenes, place):
    answer = staff.post("workspaces/", body(place))
    assert fields_at_fault(answer) == ["name"]
    assert answer.json()["detail"] == "name: there is a workspace scenes already; choose another name, or edit that one"


def test_a_workspace_is_validated_without_being_made_by_whoever_asks(alice, place):
    assert alice.post("workspaces/validation/", body(place)).json() == {"is_valid": True, "errors": [], "warnings": []}
    assert not Workspace.objects.exists()
    assert fields_at_fault(alice.post("workspaces/validation/", [])) == [""]


def test_operators_change_it_and_back_to_what_is_empty(staff, scenes, place, clock):
    page = f"workspaces/{scenes.pk}/"
    (place / "below").mkdir()
    new = {"title": "T", "base_url": "u", "is_active": False, **body(place / "below")}
    del new["name"]
    clock.move(timedelta(minutes=1))
    answer = staff.patch(page, new)
    assert (answer.status_code, answer.content) == (204, b"")
    told = staff.get(page).json()
    assert (told["title"], told["base_url"], told["is_active"], told["deprecated"]) == ("T", "u", False, "2026-01-31T12:01:00Z")
    assert told["configuration"] == new["configuration"]
    assert staff.patch(page, {"title": "", "base_url": None, "is_active": True}).status_code == 204
    told = staff.get(page).json()
    assert (told["title"], told["base_url"], told["is_active"], told["deprecated"]) == ("", None, True, None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, ""),
        ({"name": "other"}, "name"),
        ({"is_active": None}, "is_active"),
        ({"configuration": {"broker": {"type": "host", "host_path": "/nowhere/at/all"}}}, HOST_PATH),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(staff, scenes, change, field):
    assert fields_at_fault(staff.patch(f"workspaces/{scenes.pk}/", json.dumps(change))) == [field]


def test_only_staff_write(alice, scenes, place):
    assert alice.post("workspaces/", body(place)).status_code == 403
    assert alice.patch(f"workspaces/{scenes.pk}/", {"title": ""}).status_code == 403


def test_a_stranger_is_not_found(staff):
    assert staff.get("workspaces/999/").status_code == staff.get("files/999/").status_code == 404
    assert staff.patch("workspaces/999/", {"title": ""}).status_code == 404


def test_each_filter_narrows_the_list_of_workspaces(staff, place, clock):
    for name in ("b", "a"):
        staff.post("workspaces/", body(place, name=name, is_active=name == "a"))

    def names(query):
        return [found["name"] for found in staff.get(f"workspaces/?{query}").json()["results"]]

    assert names("") == ["a", "b"]
    assert names("order=-name") == ["b", "a"]
    assert names("name=a&name=c") == names("is_active=true") == ["a"]
    clock.move(timedelta(hours=1))
    assert names("started=PT1M") == []
    assert names("ended=PT1M") == ["a", "b"]
    assert fields_at_fault(staff.get("workspaces/?order=colour")) == ["order"]


def test_a_file_is_told_with_where_it_is_and_who_made_it(alice, files):
    shown = alice.get(f"files/{files[1].pk}/").json()
    assert alice.get("files/").json()["results"][0] == shown
    assert shown["workspace"] == {"id": files[1].workspace_id, "name": "scenes"}
    assert (shown["file_name"], shown["file_path"], shown["file_size"]) == ("b.json", "b.json", 2)
    assert (shown["media_type"], shown["job_output"], shown["job_exe"]) == ("application/json", "OUT", None)
    assert shown["job"]["id"] > 0
    assert alice.get(f"files/{files[0].pk}/").json()["job"] is None


def test_each_filter_narrows_the_list_of_files(alice, files):
    def names(query):
        return [found["file_name"] for found in alice.get(f"files/?{query}").json()["results"]]

    assert names("") == ["b.json", "a.tif"]
    assert names("order=file_name") == names("order=-file_size") == ["a.tif", "b.json"]
    assert names("file_name=a.tif&file_name=none") == names("ended=PT30M") == ["a.tif"]
    assert names("started=PT30M") == names(f"job_id={File.objects.get(name='b.json').job_id}") == ["b.json"]
    assert names("started=PT2H&time_field=data") == ["b.json"]
    assert names("started=PT30M&time_field=created") == ["b.json"]
    assert names("workspace_name=scenes") == ["b.json", "a.tif"]
    assert names("workspace_name=other") == []
    assert fields_at_fault(alice.get("files/?time_field=source")) == ["time_field"]


def test_lists_need_no_query_per_row(alice, files, django_assert_max_num_queries):
    alice.get("files/")
    with django_assert_max_num_queries(4):
        alice.get("files/")

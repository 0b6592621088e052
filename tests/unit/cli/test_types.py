"""`scale types`, `scale workspaces`, `scale files`, `scale nodes set`, `scale queue`, `scale load`."""

from __future__ import annotations

import json

import pytest

WHEN = "2026-01-31T12:00:00Z"
MANIFEST = {
    "seedVersion": "1.0.0",
    "job": {
        "name": "tile",
        "jobVersion": "1.0.0",
        "timeout": 60,
        "resources": {"scalar": [{"name": "cpus", "value": 1.0}, {"name": "mem", "value": 64, "inputMultiplier": 2.5}]},
        "interface": {
            "command": "tile",
            "inputs": {
                "files": [{"name": "SCENE", "mediaTypes": ["image/tiff", "image/png"]}, {"name": "MASKS", "multiple": True}],
                "json": [{"name": "ZOOM", "type": "integer", "required": False}],
            },
            "outputs": {"files": [{"name": "TILES", "pattern": "*.tif"}], "json": [{"name": "COUNT", "type": "integer"}]},
            "mounts": [{"name": "ref", "path": "/ref"}],
            "settings": [{"name": "HOST"}, {"name": "KEY", "secret": True}],
        },
        "errors": [{"code": 1, "name": "bad-scene", "title": "Bad scene", "category": "data"}, {"code": 2, "name": "odd"}],
    },
}
TYPE = {
    "id": 4,
    "name": "tile",
    "version": "1.0.0",
    "title": "Tiler",
    "description": "Cuts tiles",
    "is_active": True,
    "is_paused": False,
    "max_scheduled": 5,
    "revision_num": 2,
    "docker_image": None,
    "manifest": MANIFEST,
    "configuration": {
        "settings": {"KEY": "*****"},
        "output_workspaces": {"default": "out", "outputs": {"TILES": "tiles"}},
        "priority": 50,
    },
}
FINE = {"is_valid": True, "errors": [], "warnings": []}
FAULT = {"name": "NO_TIMEOUT", "description": "that is long", "pointer": "/manifest/job/timeout"}


def a_page(*results: object) -> dict:
    return {"count": len(results), "next": None, "previous": None, "results": [*results]}


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "seed.manifest.json"
    path.write_text(json.dumps(MANIFEST))
    return str(path)


@pytest.fixture
def types(service):
    service.says("GET job-types/", a_page(TYPE, {**TYPE, "version": "0.9.0"}))
    service.says("GET job-type-names/", a_page({"name": "tile", "latest_version": "1.0.0"}))
    service.says("GET job-types/tile/", a_page(TYPE, {**TYPE, "version": "2.0.0", "is_active": False}))
    service.says("GET job-types/tile/1.0.0/", TYPE)
    service.says("PATCH job-types/tile/1.0.0/", FINE)
    service.says("POST job-types/validation/", {**FINE, "warnings": [FAULT]})
    return service


def test_types_can_be_looked_for_and_cut_to_the_newest(scale, types):
    told = scale("types", "--keyword", "til", "--newest")
    assert lines(told.stdout)[1:] == ["tile 1.0.0 yes no 5 Tiler"]
    assert types.queries == ["page_size=1000&keyword=til", "page_size=1000&keyword=til"]
    assert json.loads(scale("types", "--newest", "--json").stdout)["count"] == 1
    assert json.loads(scale("types", "--json").stdout)["count"] == 2


def test_a_new_type_is_told_with_its_warnings(scale, types, manifest, tmp_path):
    types.says("POST job-types/", TYPE, 201)
    (tmp_path / "c.json").write_text('{"priority": 5}')
    told = scale("types", "create", manifest, "--configuration", str(tmp_path / "c.json"), "--max-scheduled", "0", "--icon", "f1")
    assert (told.stdout, told.exit_code) == ("tile:1.0.0 is new.\n", 0)
    assert told.stderr == "warning: /manifest/job/timeout: that is long (NO_TIMEOUT)\n"
    stated = {"manifest": MANIFEST, "configuration": {"priority": 5}}
    assert types.bodies == [{**stated, "max_scheduled": 0, "icon_code": "f1"}, stated]


def test_a_type_that_was_there_is_changed(scale, types, manifest):
    types.says("POST job-types/", FINE)
    told = scale("types", "create", manifest, "--image", "tile:1", "--max-tries", "2", "--paused")
    assert (told.stdout, told.stderr) == ("tile:1.0.0 is changed.\n", "")
    assert types.bodies == [{"manifest": MANIFEST, "docker_image": "tile:1", "max_tries": 2, "is_paused": True}]
    assert json.loads(scale("types", "create", manifest, "--json").stdout) == FINE


def test_a_refused_type_tells_every_fault_with_its_code_and_place(scale, types, manifest):
    errors = [
        {
            "field": "manifest.job.title",
            "message": "is missing",
            "code": "JSON_VALIDATION_ERROR",
            "pointer": "/manifest/job/title",
        },
        {"field": "manifest.job.name", "message": "is odd", "code": "RESERVED_JOB_NAME", "pointer": "/manifest/job/name"},
    ]
    types.says("POST job-types/", {"detail": "/manifest/job/title: X: is missing; ...: is odd", "errors": errors}, 400)
    told = scale("types", "create", manifest)
    assert (told.stdout, told.exit_code) == ("", 1)
    assert told.stderr.splitlines() == [
        "scale: This cannot be taken:",
        "  /manifest/job/title: is missing (JSON_VALIDATION_ERROR)",
        "  /manifest/job/name: is odd (RESERVED_JOB_NAME)",
    ]


def test_a_manifest_may_come_in_by_a_pipe(service, types, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from scale.cli.app import app

    monkeypatch.setenv("SCALE_URL", service.url)
    monkeypatch.setenv("SCALE_HOME", str(tmp_path))
    told = CliRunner().invoke(app, ["types", "validate", "-"], input='{"a": 1}')
    assert (told.exit_code, types.bodies) == (0, [{"manifest": {"a": 1}}])


@pytest.mark.parametrize(("content", "how"), [(b"{", "holds no JSON"), (b"\xff", "holds no UTF-8"), (None, "cannot be read")])
def test_a_file_that_cannot_be_read_is_wrong_usage(scale, types, tmp_path, content, how):
    if content is not None:
        (tmp_path / "m.json").write_bytes(content)
    told = scale("types", "create", str(tmp_path / "m.json"))
    assert (told.exit_code, types.bodies) == (2, [])
    assert how in " ".join(told.stderr.split())


def test_a_valid_manifest_can_be_taken(scale, types, manifest):
    told = scale("types", "validate", manifest)
    assert (told.stdout, told.exit_code) == (
        "warning: /manifest/job/timeout: that is long (NO_TIMEOUT)\nThis can be taken.\n",
        0,
    )


def test_a_manifest_with_errors_is_an_exit_code(scale, types, manifest):
    types.says("POST job-types/validation/", {"is_valid": False, "errors": [FAULT], "warnings": []})
    told = scale("types", "validate", manifest)
    assert (told.stdout, told.exit_code) == ("error: /manifest/job/timeout: that is long (NO_TIMEOUT)\n", 1)
    assert scale("types", "validate", manifest, "--json").exit_code == 1


@pytest.mark.parametrize("named", ["tile:1.0.0", "tile"])
def test_a_type_shows_all_of_its_interface(scale, types, named):
    told = lines(scale("types", "show", named).stdout)
    assert {
        "type tile:1.0.0",
        "at most 5 at once",
        "needs mem 64 + 2.5 MiB for each MiB of input",
        "input SCENE: a file, image/tiff or image/png",
        "input MASKS: files",
        "input ZOOM: integer, may be left out",
        "setting KEY, secret",
        "mount ref at /ref",
        "output TILES: a file *.tif",
        "is set KEY = *****",
        "outputs to out",
        "outputs to tiles (TILES)",
        "exit code 1 is bad-scene (data): Bad scene",
        "exit code 2 is odd (job)",
    } <= set(told)
    assert json.loads(scale("types", "show", named, "--json").stdout) == TYPE


def test_a_built_in_type_has_no_manifest_to_show(scale, types):
    types.says("GET job-types/tile/1.0.0/", {**TYPE, "manifest": {}, "configuration": {}, "is_paused": True, "is_active": False})
    assert "state not active, paused" in lines(scale("types", "show", "tile:1.0.0").stdout)


@pytest.mark.parametrize(
    ("verb", "body", "how"),
    [
        ("pause", {"is_paused": True}, "paused"),
        ("resume", {"is_paused": False}, "no longer paused"),
        ("deactivate", {"is_active": False}, "no longer active"),
        ("activate", {"is_active": True}, "active"),
    ],
)
def test_a_type_without_a_version_is_the_newest_that_is_active(scale, types, verb, body, how):
    assert scale("types", verb, "tile").stdout == f"tile:1.0.0 is {how}.\n"
    assert types.bodies == [body]
    assert json.loads(scale("types", verb, "tile:1.0.0", "--json").stdout) == TYPE


WORKSPACE = {
    "id": 2,
    "name": "scenes",
    "title": "Scenes",
    "description": "",
    "base_url": None,
    "is_active": True,
    "created": WHEN,
    "configuration": {"broker": {"type": "host", "host_path": "/data/scenes"}},
}


@pytest.fixture
def workspaces(service):
    service.says("GET workspaces/", a_page(WORKSPACE))
    service.says("GET workspaces/2/", WORKSPACE)
    service.says("POST workspaces/", WORKSPACE, 201)
    service.says("PATCH workspaces/2/", b"", 204)
    return service


def test_workspaces_are_a_table(scale, workspaces):
    assert lines(scale("workspaces").stdout)[1:] == ["scenes yes 2026-01-31 12:00:00 Scenes"]
    assert json.loads(scale("workspaces", "--json").stdout)["count"] == 1


def test_a_workspace_is_made_of_a_directory_wherever_that_is_seen_from(scale, workspaces, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert scale("workspaces", "create", "scenes", "data", "--title", "Scenes").stdout == "scenes is new.\n"
    broker = {"type": "host", "host_path": str(tmp_path / "data")}
    assert workspaces.bodies == [{"name": "scenes", "configuration": {"broker": broker}, "title": "Scenes"}]
    assert json.loads(scale("workspaces", "create", "scenes", "data", "--json").stdout) == WORKSPACE


def test_a_workspace_shows_its_directory(scale, workspaces):
    assert "directory /data/scenes" in lines(scale("workspaces", "show", "scenes").stdout)
    assert json.loads(scale("workspaces", "show", "scenes", "--json").stdout) == WORKSPACE


def test_a_workspace_that_nobody_knows_is_told(scale, workspaces):
    workspaces.says("GET workspaces/", a_page())
    told = scale("workspaces", "show", "nix")
    assert (told.stderr, told.exit_code) == ("scale: There is no workspace nix.\n", 1)


@pytest.mark.parametrize(("verb", "active"), [("deactivate", False), ("activate", True)])
def test_a_workspace_is_taken_out_of_use_and_back(scale, workspaces, verb, active):
    assert scale("workspaces", verb, "scenes").stdout == f"scenes is {'active' if active else 'no longer active'}.\n"
    assert workspaces.bodies == [{"is_active": active}]
    assert json.loads(scale("workspaces", verb, "scenes", "--json").stdout) == WORKSPACE


def test_files_are_a_table_of_where_they_are(scale, service):
    file = {
        "id": 9,
        "file_size": 2048,
        "job": {"id": 7},
        "last_modified": WHEN,
        "workspace": {"name": "scenes"},
        "file_path": "a/b.tif",
        "is_deleted": False,
    }
    service.says("GET files/", {**a_page(file, {**file, "job": None, "is_deleted": True}), "count": 3})
    told = scale("files", "--workspace", "scenes", "--name", "b.tif", "--job", "7")
    assert lines(told.stdout)[1:] == [
        "9 2.0 KiB 7 2026-01-31 12:00:00 scenes:a/b.tif",
        "9 2.0 KiB 2026-01-31 12:00:00 scenes:a/b.tif (deleted)",
    ]
    assert told.stderr == "2 of 3; --limit shows more\n"
    assert service.queries == ["page_size=20&workspace_name=scenes&file_name=b.tif&job_id=7"]
    assert json.loads(scale("files", "--json").stdout)["count"] == 3


@pytest.fixture
def node(service):
    service.says("GET nodes/", a_page({"id": 3, "hostname": "node-3"}))
    service.says("GET nodes/3/", {"id": 3})
    service.says("PATCH nodes/3/", b"", 204)
    return service


def test_a_node_is_given_attributes_read_as_constraints_read_them(scale, node):
    told = scale("nodes", "set", "node-3", "disk=ssd", "mem_gb=128", "fast=true", 'rack="12"')
    assert (told.stdout, told.stderr, told.exit_code) == ("", "", 0)
    assert node.bodies == [{"attributes": {"disk": "ssd", "mem_gb": 128, "fast": True, "rack": "12"}}]


def test_attributes_are_taken_away(scale, node):
    assert json.loads(scale("nodes", "unset", "node-3", "disk", "rack", "--json").stdout) == {"id": 3}
    assert node.bodies == [{"attributes": {"disk": None, "rack": None}}]


@pytest.mark.parametrize("word", ["disk", "=ssd", "disk!=ssd", "a b=1", "disk=a,b", "mem>=5"])
def test_what_is_no_attribute_is_wrong_usage(scale, node, word):
    assert (scale("nodes", "set", "node-3", word).exit_code, node.bodies) == (2, [])


def test_the_queue_is_told_by_type(scale, service):
    waiting = {"job_type": {"name": "tile", "version": "1.0.0"}, "count": 5, "longest_queued": WHEN}
    running = {"job_type": {"name": "command", "version": "1.0.0"}, "count": 2}
    service.says("GET queue/status/", a_page(waiting))
    service.says("GET job-types/running/", a_page(running))
    assert lines(scale("queue").stdout)[1:] == ["command:1.0.0 0 2", "tile:1.0.0 5 0 2026-01-31 12:00:00"]
    assert json.loads(scale("queue", "--json").stdout) == {"queued": [waiting], "running": [running]}


def test_the_load_is_told_hour_by_hour(scale, service):
    hour = {"time": WHEN, "pending_count": 1, "queued_count": 2, "running_count": 3}
    service.says("GET load/", a_page(hour))
    assert lines(scale("load").stdout)[1:] == ["2026-01-31 12:00 1 2 3"]
    assert json.loads(scale("load", "--started", "7d", "--json").stdout)["results"] == [hour]
    assert service.queries == ["page_size=1000&started=P1D", "page_size=1000&started=P7D"]

"""A job type posted to the whole service: real files in and out, though the scheduler is killed; and where its secret is not."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.journeys.service import processes_of, until
from tests.journeys.test_seed_jobs import INTERFACE, RESOURCES, command_lines
from tests.seeds import ERRORS, a_manifest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SECRET = "correct-horse-battery-staple"
COMMAND = """
cat "$SCENE" > "$OUTPUT_DIR/scene.tif"
echo "{\\"length\\": ${#API_KEY}, \\"allocated\\": \\"$ALLOCATED_MEM\\"}" > "$OUTPUT_DIR/seed.outputs.json"
until test -e "$SCALE_MOUNT_REF_DATA/go"; do sleep 0.1; done
exit "$CODE"
"""


@pytest.fixture
def data(tmp_path):
    for folder in ("scenes/a", "products", "reference"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    (tmp_path / "data" / "scenes" / "a" / "scene.tif").write_bytes(b"a scene")
    return tmp_path / "data"


def post(service, path, body):
    return service.client._json("POST", path, json=body)


def define(service, data):
    for name in ("scenes", "products"):
        broker = {"type": "host", "host_path": str(data / name)}
        post(service, "workspaces/", {"name": name, "title": name, "configuration": {"broker": broker}})
    configuration = {
        "output_workspaces": {"default": "products"},
        "settings": {"HOST": "db.example.com", "API_KEY": SECRET},
        "mounts": {"ref-data": {"type": "host", "host_path": str(data / "reference")}},
    }
    manifest = a_manifest(command=COMMAND, interface=INTERFACE, resources=RESOURCES, errors=ERRORS)
    post(service, "job-types/", {"docker_image": None, "manifest": manifest, "configuration": configuration})


def submit(service, code):
    files = {"SCENE": [{"workspace": "scenes", "path": "a/scene.tif"}]}
    asked = {"job_type": {"name": "tile", "version": "1.0.0"}, "input": {"files": files, "json": {"CODE": code}}}
    return post(service, "jobs/", asked)["id"]


def test_a_posted_type_runs_though_its_scheduler_is_killed_and_its_secret_is_nowhere(up, own_home, data):
    service = up()
    define(service, data)
    ids = {code: submit(service, code) for code in (0, 1, 2, 77)}
    service.wait_for_running(4)
    until(lambda: len(list((own_home / "work" / "executions").glob("*/output/seed.outputs.json"))) == 4)
    assert all(SECRET not in line for line in command_lines())
    victim = next(one for one in processes_of(own_home) if "scale_scheduler" in one.cmdline())
    victim.kill()
    until(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)
    (data / "reference" / "go").touch()
    ended = {code: service.client.wait(job, timeout=90) for code, job in ids.items()}
    found = {code: (job["status"], job["error"] and job["error"]["name"]) for code, job in ended.items()}
    assert found == {
        0: ("COMPLETED", None),
        1: ("FAILED", "bad-scene"),
        2: ("FAILED", "no-tiles"),
        77: ("FAILED", "algorithm-unknown"),
    }
    assert {job["num_exes"] for job in ended.values()} == {1}
    assert ended[0]["output"]["json"]["length"] == len(SECRET)
    assert (data / "products" / f"tile/1.0.0/job_{ids[0]}/exe_1/TILES/scene.tif").read_bytes() == b"a scene"
    until(lambda: not list((own_home / "work" / "executions").iterdir()))
    paths = [f"jobs/{job}/{rest}" for job in ids.values() for rest in ("", "executions/1/", "input_files/")]
    paths += ["job-types/tile/1.0.0/", "job-types/tile/1.0.0/revisions/", "status/", "jobs/", "files/", "queue/status/"]
    assert all(SECRET not in str(service.client._json("GET", path)) for path in paths)
    assert service.stop(signal.SIGINT) == 0
    assert not in_files(own_home)
    if "SCALE_DATABASE_URL" not in service.variables:
        assert not in_rows(own_home / "scale.sqlite3")


def in_files(home: Path) -> list[Path]:
    written = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in written if SECRET.encode() in path.read_bytes()]


def in_rows(path: Path) -> list[str]:
    """Lines of the whole database. The status document is compressed there, and was looked at before."""
    with closing(sqlite3.connect(path)) as database:
        return [line for line in database.iterdump() if SECRET in line]

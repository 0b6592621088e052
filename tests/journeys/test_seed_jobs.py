"""Jobs of a job type on the local engine: real files in and out, exit codes with a meaning, secrets that nobody sees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.apps import apps

from scale.job.models import Job, JobExecution, JobExecutionOutput
from scale.storage.models import File
from tests.seeds import ERRORS, a_manifest, a_type, a_workspace

SECRET = "correct-horse-battery-staple"
COMMAND = """
set -eu
cat "$SCENE" > "$OUTPUT_DIR/scene.tif"
[ -z "${MORE:-}" ] || cat "$MORE"/* > "$OUTPUT_DIR/more.txt"
echo "{\\"cloud\\": 0.5}" > "$OUTPUT_DIR/scene.tif.metadata.json"
echo "{\\"length\\": ${#API_KEY}, \\"allocated\\": \\"$ALLOCATED_MEM $ALLOCATED_SHAREDMEM\\"}" > "$OUTPUT_DIR/seed.outputs.json"
test -r "$INPUT_METADATA"
test -d "$SCALE_MOUNT_REF_DATA"
if (echo x >> "$SCENE") 2>/dev/null && [ "$(id -u)" != 0 ]; then exit 99; fi
env | sort | grep -v API_KEY
echo "host $HOST options $OPTIONS job $SCALE_JOB_ID"
exit "$CODE"
"""
INTERFACE = {
    "inputs": {
        "files": [{"name": "SCENE"}, {"name": "MORE", "multiple": True, "required": False}],
        "json": [{"name": "CODE", "type": "integer"}, {"name": "OPTIONS", "type": "object", "required": False}],
    },
    "outputs": {
        "files": [
            {"name": "TILES", "pattern": "*.tif", "mediaType": "image/tiff"},
            {"name": "TEXT", "pattern": "more.txt", "required": False},
        ],
        "json": [{"name": "length", "type": "integer"}, {"name": "allocated", "type": "string"}],
    },
    "settings": [{"name": "HOST"}, {"name": "API_KEY", "secret": True}],
    "mounts": [{"name": "ref-data", "path": "/ref"}],
}
RESOURCES = {"scalar": [{"name": "mem", "value": 128, "inputMultiplier": 4}, {"name": "sharedMem", "value": 64}]}


@pytest.fixture
def tile(transactional_db, home):
    """A job type with everything."""
    places = home.parent / f"{home.name}-data"
    places.mkdir()
    a_workspace(places / "scenes", "scenes")
    a_workspace(places / "products", "products")
    (places / "scenes" / "a").mkdir()
    (places / "scenes" / "a" / "scene.tif").write_bytes(b"a scene")
    for number in (1, 2):
        (places / "scenes" / f"{number}.txt").write_text(f"text {number}\n")
    configuration = {
        "output_workspaces": {"default": "products"},
        "settings": {"HOST": "db.example.com"},
        "mounts": {"ref-data": {"type": "host", "host_path": str(places)}},
    }
    return a_type(a_manifest(command=COMMAND, interface=INTERFACE, resources=RESOURCES, errors=ERRORS), configuration)


def submit(alice, job_type, code, **more):
    files = {"SCENE": [{"workspace": "scenes", "path": "a/scene.tif"}]}
    given = {"files": {**files, **more.pop("files", {})}, "json": {"CODE": code, "OPTIONS": {"a": [1, "ü"]}}}
    body = {"job_type_id": job_type.pk, "input": given, "configuration": {"settings": {"API_KEY": SECRET}}, **more}
    answer = alice.post("/api/v7/jobs/", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return answer.json()["id"]


def finish(bench, *ids):
    over = {"COMPLETED", "FAILED", "CANCELED"}
    bench.run_until(lambda: set(Job.objects.filter(pk__in=ids).values_list("status", flat=True)) <= over)


def read(alice, path):
    answer = alice.get(f"/api/v7/{path}")
    assert answer.status_code == 200, answer.content
    return answer


def test_files_and_values_go_in_and_come_out(alice, bench, tile, home):
    more = [{"workspace": "scenes", "path": f"{number}.txt"} for number in (1, 2)]
    job_id = submit(alice, tile, 0, files={"MORE": more}, name="first")
    finish(bench, job_id)
    job = read(alice, f"jobs/{job_id}/").json()
    execution = JobExecution.objects.get()
    log = read(alice, f"job-executions/{execution.pk}/logs/combined/").content.decode()
    assert job["status"] == "COMPLETED", (log, read(alice, f"jobs/{job_id}/executions/1/").json()["message"])
    assert 'host db.example.com options {"a":[1,"ü"]} job ' + str(job_id) in log
    assert job["output"]["json"] == {"length": len(SECRET), "allocated": "132.0 64.0"}
    tiles = File.objects.get(pk=job["output"]["files"]["TILES"][0])
    assert (tiles.size, tiles.media_type, tiles.meta_data, tiles.job_id) == (7, "image/tiff", {"cloud": 0.5}, job_id)
    products = home.parent / f"{home.name}-data" / "products"
    assert (products / tiles.path).read_bytes() == b"a scene"
    assert (products / f"tile/1.0.0/job_{job_id}/exe_1/TEXT/more.txt").read_text() == "text 1\ntext 2\n"
    assert (products.parent / "scenes" / "a" / "scene.tif").read_bytes() == b"a scene"
    assert JobExecutionOutput.objects.get().output == job["output"]
    assert read(alice, f"jobs/{job_id}/executions/1/").json()["output"] == job["output"]
    assert job["input_file_size"] == 1
    files = read(alice, f"jobs/{job_id}/input_files/?job_input=SCENE").json()
    assert [one["file_name"] for one in files["results"]] == ["scene.tif"]
    bench.scheduler.tidier.tidy(bench.clock.now())
    assert list((home / "work" / "executions").iterdir()) == []


def test_exit_codes_mean_what_the_type_says(alice, bench, tile):
    ids = [submit(alice, tile, code) for code in (1, 2, 77)]
    finish(bench, *ids)
    found = [(job.status, job.error.name, job.error.category) for job in Job.objects.order_by("pk").select_related("error")]
    assert found == [
        ("FAILED", "bad-scene", "DATA"),
        ("FAILED", "no-tiles", "ALGORITHM"),
        ("FAILED", "algorithm-unknown", "ALGORITHM"),
    ]
    status = next(one for one in read(alice, "job-types/status/").json()["results"] if one["job_type"]["name"] == "tile")
    assert {(one["category"], one["count"]) for one in status["job_counts"]} == {("DATA", 1), ("ALGORITHM", 2)}
    (node,) = bench.scheduler.generate_status_json(bench.clock.now())["nodes"]
    failed = node["job_executions"]["failed"]
    assert {kind: failed[kind]["total"] for kind in ("data", "algorithm", "system")} == {"data": 1, "algorithm": 2, "system": 0}


def test_a_secret_is_in_no_row_no_file_no_answer_and_no_command_line(alice, bench, tile, home):
    job_id = submit(alice, tile, 0)
    seen = []
    bench.run_until(lambda: seen.append(command_lines()) or Job.objects.get(pk=job_id).status == "COMPLETED")
    assert all(SECRET not in line for lines in seen for line in lines)
    for model in apps.get_models():
        assert SECRET not in str(list(model.objects.values())), model
    written = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []
    paths = ["", "executions/", "executions/1/", "input_files/"]
    answers = [read(alice, f"jobs/{job_id}/{path}").content for path in paths]
    assert all(SECRET.encode() not in answer for answer in answers)
    main = read(alice, f"jobs/{job_id}/executions/1/").json()["configuration"]["tasks"][1]
    assert (main["settings"], main["secrets"]) == ({"HOST": "db.example.com", "API_KEY": "*****"}, {"API_KEY": "*****"})
    assert read(alice, f"jobs/{job_id}/").json()["configuration"] == {"settings": {"API_KEY": "*****"}}


def command_lines():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.append(Path(f"/proc/{pid}/cmdline").read_text(errors="replace"))
        except OSError:
            continue
    return found

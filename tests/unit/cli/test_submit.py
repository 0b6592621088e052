"""`scale submit` states what it was told to state, and ends as its job ended."""

from __future__ import annotations

import json

import pytest

from scale.cli.submit import exit_code


@pytest.fixture
def ended(service, a_job):
    """Let the service run a job to this end at once."""

    def end(status: str, **rest) -> None:
        service.says("POST jobs/", {"id": 7, "status": "QUEUED"}, 201)
        service.says("GET jobs/7/", a_job(status, **rest))
        service.says("GET job-executions/70/logs/stdout/", b"out\xff\n")
        service.says("GET job-executions/70/logs/stderr/", b"err\n")

    return end


def test_the_id_is_all_that_stdout_gets(scale, service):
    service.says("POST jobs/", {"id": 7, "status": "QUEUED"}, 201)
    told = scale("submit", "--", "true")
    assert (told.stdout, told.stderr, told.exit_code) == ("7\n", "", 0)


def test_what_is_left_out_is_left_to_the_service(scale, service):
    service.says("POST jobs/", {"id": 7}, 201)
    scale("submit", "true")
    assert service.bodies == [{"command": ["true"]}]


def test_what_is_stated_is_sent_as_stated(scale, service):
    service.says("POST jobs/", {"id": 7}, 201)
    options = "--name n --env A=1=2 --env B= --label k=v --working-dir /tmp --cpus 0.5 --mem 64 --disk 1 --gpus 0"
    more = "--timeout 9 --max-tries 2 --retry-on never --priority 5 -- true --json"
    where = [
        "--constraint",
        "rack in a,b",
        "--constraint",
        "mem_gb>64",
        "--host",
        "n1",
        "--avoid-host",
        "n2",
        "--placement",
        "pack",
    ]
    scale("submit", *options.split(), *where, *more.split())
    assert service.bodies == [
        {
            "command": ["true", "--json"],
            "name": "n",
            "env": {"A": "1=2", "B": ""},
            "labels": {"k": "v"},
            "working_dir": "/tmp",
            "resources": {"cpus": 0.5, "mem": 64, "disk": 1, "gpus": 0},
            "timeout": 9,
            "max_tries": 2,
            "retry_on": "never",
            "priority": 5,
            "constraints": ["rack in a,b", "mem_gb>64"],
            "hosts": ["n1"],
            "avoid_hosts": ["n2"],
            "placement": "pack",
        }
    ]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["echo", "$HOME", "a b"], ["echo", "$HOME", "a b"]),
        (["echo a | wc"], "echo a | wc"),
        (["a|b"], "a|b"),
        (["/bin/true"], ["/bin/true"]),
        (["echo", "-n", "--wait"], ["echo", "-n", "--wait"]),
    ],
)
def test_several_words_are_a_program_and_one_that_a_shell_would_read_is_for_the_shell(scale, service, words, command):
    service.says("POST jobs/", {"id": 7}, 201)
    scale("submit", *words)
    assert service.bodies == [{"command": command}]


def test_a_variable_without_a_value_is_wrong_usage(scale):
    told = scale("submit", "--env", "A", "true")
    assert (told.exit_code, told.stdout) == (2, "")
    assert "'A' is not NAME=VALUE" in told.stderr


def test_a_refusal_names_the_field(scale, service):
    service.says("POST jobs/", {"detail": "No.", "errors": [{"field": "timeout", "message": "must be positive"}]}, 400)
    told = scale("submit", "--timeout", "-1", "true")
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == "scale: No.\n  timeout: must be positive\n"


def test_waiting_prints_both_outputs_byte_by_byte(scale, ended):
    ended("COMPLETED")
    told = scale("submit", "--wait", "true")
    assert (told.stdout_bytes, told.stderr_bytes, told.exit_code) == (b"out\xff\n", b"err\n", 0)


def test_waiting_ends_with_the_exit_code_of_the_job_and_says_why(scale, ended):
    ended("FAILED", error="algorithm-unknown", exit_code=3, message="exited with status 3")
    told = scale("submit", "--wait", "true")
    assert (told.stdout_bytes, told.exit_code) == (b"out\xff\n", 3)
    assert told.stderr == "err\nscale: job 7 failed: algorithm-unknown, exited with status 3\n"


def test_waiting_for_json_prints_the_ended_job_alone(scale, ended, a_job):
    ended("FAILED", error="algorithm-unknown", exit_code=3)
    told = scale("submit", "--wait", "--json", "true")
    assert json.loads(told.stdout) == a_job("FAILED", error="algorithm-unknown", exit_code=3)
    assert (told.stderr, told.exit_code) == ("", 3)


@pytest.mark.parametrize(
    ("status", "rest", "code"),
    [
        ("COMPLETED", {"exit_code": 0}, 0),
        ("FAILED", {"error": "algorithm-unknown", "exit_code": 42}, 42),
        ("FAILED", {"error": "algorithm-unknown", "signal": 11}, 139),
        ("FAILED", {"error": "timeout", "signal": 15}, 124),
        ("FAILED", {"error": "timeout", "exit_code": 1}, 124),
        ("FAILED", {"error": "node-lost"}, 125),
        ("CANCELED", {"signal": 15}, 125),
    ],
)
def test_a_shell_is_told_how_the_job_ended(a_job, status, rest, code):
    assert exit_code(a_job(status, **rest)) == code


def test_a_job_that_never_ran_has_no_exit_code(a_job):
    assert exit_code({**a_job("FAILED", error="task-launch"), "execution": None}) == 125


@pytest.mark.parametrize("words", [["--cpus", "nan", "true"], ["--mem", "1e999", "true"], ["--name", "\udcff", "true"]])
def test_what_json_cannot_say_is_wrong_usage_and_no_traceback(scale, words):
    told = scale("submit", *words)
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr.startswith("scale: this holds")


INTERFACE = {
    "inputs": {
        "files": [{"name": "SCENE"}, {"name": "MASKS", "multiple": True}],
        "json": [{"name": "ZOOM", "type": "integer"}, {"name": "TITLE", "type": "string"}, {"name": "BOX", "type": "object"}],
    }
}
TYPE = {"name": "tile", "version": "1.0.0", "is_active": True, "manifest": {"job": {"interface": INTERFACE}}}
OF_TYPE = {"job_type": {"name": "tile", "version": "1.0.0"}}


@pytest.fixture
def tile(service):
    service.says("GET job-types/tile/", {"results": [{"version": "1.1.0-rc1", "is_active": True}, TYPE]})
    service.says("GET job-types/tile/1.0.0/", TYPE)
    service.says("POST jobs/", {"id": 7}, 201)
    return service


@pytest.mark.parametrize("named", ["tile", "tile:1.0.0"])
def test_a_job_of_a_type_is_named_by_its_type_and_else_the_newest(scale, tile, named):
    assert scale("submit", "--type", named, "--name", "x").stdout == "7\n"
    assert tile.bodies == [{"name": "x", **OF_TYPE}]


def test_inputs_are_read_as_the_type_has_them(scale, tile, tmp_path):
    (tmp_path / "box.json").write_text('{"a": [1]}')
    inputs = ["SCENE=scenes:a b/c:d.tif", "MASKS=17", "MASKS=masks:m.tif", "ZOOM=5", "TITLE=5", f"BOX=@{tmp_path}/box.json"]
    assert scale("submit", "--type", "tile", *(word for one in inputs for word in ("--input", one))).exit_code == 0
    files = {
        "SCENE": [{"workspace": "scenes", "path": "a b/c:d.tif"}],
        "MASKS": [17, {"workspace": "masks", "path": "m.tif"}],
    }
    assert tile.bodies == [{**OF_TYPE, "input": {"files": files, "json": {"ZOOM": 5, "TITLE": "5", "BOX": {"a": [1]}}}}]


def test_a_text_may_come_from_a_file_as_it_is(scale, tile, tmp_path):
    (tmp_path / "title.txt").write_text("a\nb\n")
    scale("submit", "--type", "tile", "--input", f"TITLE=@{tmp_path}/title.txt")
    assert tile.bodies[0]["input"] == {"json": {"TITLE": "a\nb\n"}}


def test_settings_mounts_and_workspaces_are_a_configuration_and_secrets_come_from_files(scale, tile, tmp_path):
    (tmp_path / "key").write_text("s3cret\n")
    words = ["--setting", "HOST=db=2", "--setting", f"KEY=@{tmp_path}/key"]
    words += ["--output-workspace", "out", "--output-workspace", "TILES=tiles"]
    words += ["--mount", "DATA=/srv/a=b", "--mount", "MODELS=/srv/models"]
    scale("submit", "--type", "tile", *words)
    assert tile.bodies[0]["configuration"] == {
        "settings": {"HOST": "db=2", "KEY": "s3cret"},
        "mounts": {
            "DATA": {"type": "host", "host_path": "/srv/a=b"},
            "MODELS": {"type": "host", "host_path": "/srv/models"},
        },
        "output_workspaces": {"default": "out", "outputs": {"TILES": "tiles"}},
    }


@pytest.mark.parametrize(
    ("words", "how"),
    [
        (["--type", "tile", "--input", "ZOOM=five"], "ZOOM is of type integer"),
        (["--type", "tile", "--input", "ZOOM=1", "--input", "ZOOM=2"], "stated twice"),
        (["--type", "tile", "--input", "SCENE=a.tif"], "SCENE is a file: WORKSPACE:PATH"),
        (["--type", "tile", "--input", "SCEN=a:b"], "it has: BOX, MASKS, SCENE, TITLE, ZOOM"),
        (["--type", "tile", "--input", "ZOOM"], "is not NAME=VALUE"),
        (["--type", "tile", "true"], "state a command, or a job type"),
        (["--input", "ZOOM=1", "true"], "is for jobs of a --type"),
        (["--mount", "DATA=/srv", "true"], "is for jobs of a --type"),
        (["--type", "tile", "--mount", "/srv"], "is not NAME=VALUE"),
        (["--type", ":1"], "is not NAME or NAME:VERSION"),
        (["--after", "x", "true"], "is not JOB, or JOB:success"),
        (["--after", "1:never", "true"], "is not JOB, or JOB:success"),
        (["--array", "5-1", "true"], "neither a count"),
        (["--array", "0", "true"], "neither a count"),
        (["--array", "many", "true"], "neither a count"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_sent(scale, tile, words, how):
    told = scale("submit", *words)
    assert (told.exit_code, told.stdout, tile.bodies) == (2, "", [])
    assert how in " ".join(told.stderr.replace("│", " ").split())


def test_how_a_job_waits_is_sent_as_stated(scale, tile):
    words = ["--after", "3", "--after", "4:end", "--hold", "--supersedes", "2", "--idempotency-key", "k 1", "--array", "5-9"]
    scale("submit", *words, "true")
    assert tile.bodies == [
        {
            "command": ["true"],
            "depends_on": [{"job": 3, "when": "success"}, {"job": 4, "when": "end"}],
            "hold": True,
            "supersedes": 2,
            "array": {"first": 5, "count": 5},
        }
    ]
    assert tile.headers_heard["Idempotency-Key"] == "k 1"


AN_ARRAY = {"id": 3, "size": 2, "index": 0}


def test_an_array_is_told_in_one_line(scale, tile):
    tile.says("POST jobs/", {"id": 7, "array": AN_ARRAY, "job_ids": [7, 8]}, 201)
    assert scale("submit", "--array", "2", "true").stdout == "array 3: 2 jobs, 7 to 8\n"
    assert tile.bodies[0]["array"] == {"first": 0, "count": 2}


@pytest.mark.parametrize(("counts", "code"), [({"COMPLETED": 2, "FAILED": 0}, 0), ({"COMPLETED": 1, "FAILED": 1}, 1)])
def test_waiting_for_an_array_waits_for_all_of_it(scale, tile, counts, code):
    tile.says("POST jobs/", {"id": 7, "array": AN_ARRAY, "job_ids": [7, 8]}, 201)
    tile.says_in_turn(
        "GET job-arrays/3/",
        {"size": 2, "counts": {"RUNNING": 1, "COMPLETED": 1}},
        {"size": 2, "counts": {"RUNNING": 0, **counts}},
    )
    told = scale("submit", "--array", "2", "--wait", "true")
    shown = ", ".join(f"{number} {status.lower()}" for status, number in counts.items() if number)
    assert (told.stdout, told.exit_code) == (f"array 3: {shown}\n", code)
    assert json.loads(scale("submit", "--array", "2", "--wait", "--json", "true").stdout)["size"] == 2

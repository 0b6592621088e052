"""The commands that look: their tables, their JSON, and what they say when something is wrong."""

from __future__ import annotations

import json
import re

import pytest

COMMANDS = [
    "up",
    "demo",
    "submit",
    "jobs",
    "job",
    "explain",
    "logs",
    "cancel",
    "uncancel",
    "requeue",
    "hold",
    "release",
    "files",
    "queue",
    "load",
    "workspaces",
    "workspaces create",
    "types create",
    "types validate",
    "types show",
    "nodes set",
    "nodes unset",
    "status",
    "nodes",
    "types",
    "sizes",
    "pause",
    "resume",
    "drain",
    "version",
]

STATUS = {
    "timestamp": "2026-01-31T12:00:05.123456Z",
    "scheduler": {"hostname": "sched-1", "state": {"name": "READY", "title": "Ready"}, "warnings": []},
    "nodes": [
        {
            "id": 1,
            "hostname": "node-1",
            "state": {"name": "READY", "title": "Ready"},
            "errors": [],
            "warnings": [{"name": "SLOW", "title": "Slow Cleanup"}],
            "job_executions": {
                "running": {"total": 3},
                "completed": {"total": 7},
                "failed": {"total": 4, "algorithm": {"total": 2}, "data": {"total": 1}, "system": {"total": 1}},
            },
        }
    ],
    "resources": {
        "licences": {"running": 0, "offered": 0, "free": 2, "unavailable": 0, "total": 2},
        "cpus": {"running": 3.1, "offered": 0.9, "free": 0, "unavailable": 4, "total": 8},
    },
}


def a_page(*results: object, count: int | None = None) -> dict:
    return {"count": len(results) if count is None else count, "next": None, "previous": None, "results": [*results]}


def lines(text: str) -> list[str]:
    """The lines, with runs of spaces made one."""
    return [re.sub(" +", " ", line).strip() for line in text.splitlines()]


def test_jobs_are_a_table_without_colours_in_a_pipe(scale, service, a_job):
    service.says("GET jobs/", a_page(a_job("FAILED", error="timeout"), count=30))
    told = scale("jobs", "--status", "failed")
    assert lines(told.stdout) == [
        "ID STATUS CREATED (UTC) TOOK ERROR NAME OR COMMAND",
        "7 FAILED 2026-01-31 12:00:00 2.5 s timeout echo 'two words'",
    ]
    assert told.stderr == "1 of 30; --limit shows more\n"


def test_a_name_cannot_play_with_the_terminal(scale, service, a_job):
    service.says("GET jobs/", a_page({**a_job(), "name": "\x1b[2Jred [bold]\nnext"}))
    assert lines(scale("jobs").stdout)[1].endswith("�[2Jred [bold] next")


def test_a_long_command_is_cut(scale, service, a_job):
    service.says("GET jobs/", a_page({**a_job(), "command": "x" * 500}))
    assert all(len(line) <= 120 for line in scale("jobs").stdout.splitlines())


def test_one_job_is_told_line_by_line(scale, service, a_job):
    service.says("GET jobs/7/", a_job("FAILED", error="algorithm-unknown", exit_code=3, cpu_seconds=0.25, peak_memory=12.0))
    told = lines(scale("job", "7").stdout)
    assert {"status FAILED", "node node-1", "exit code 3", "cpu time 0.25 s", "peak memory 12.0 MiB"} <= set(told)


TYPED = {
    "command": None,
    "job_type": {"name": "tile", "version": "1.0.0"},
    "owner": "ann",
    "held": "2026-01-31T12:00:00Z",
    "input": {"files": {"SCENE": [4], "MASKS": [*range(30, 45)]}, "json": {"BOX": [1, "é"]}},
    "output": {"files": {"TILES": [5]}, "json": {"COUNT": 2}},
    "depends_on": [{"job": 3, "when": "end", "status": "RUNNING"}],
    "array": {"id": 2, "index": 1, "size": 5, "counts": {"QUEUED": 4, "FAILED": 1}},
    "constraints": [
        {"attribute": "disk", "op": "=", "value": "ssd"},
        {"attribute": "rack", "op": "in", "value": ["a", "b"]},
        {"attribute": "gpu", "op": "exists"},
    ],
    "avoid_hosts": ["node-7"],
    "superseded_job": {"id": 1},
    "waiting": {"text": "waits for job 3 to end"},
}


def test_a_job_of_a_type_tells_what_it_was_given_what_it_waits_for_and_what_it_gave(scale, service, a_job):
    service.says("GET jobs/7/", {**a_job(), **TYPED})
    where = {"workspace": {"name": "scenes"}, "file_path": "a.tif"}
    service.says("GET jobs/7/input_files/", a_page({"id": 4, **where}))
    service.says("GET files/", a_page({"id": 5, "workspace": {"name": "out"}, "file_path": "b.tif"}))
    told = lines(scale("job", "7").stdout)
    assert {
        "type tile:1.0.0",
        "owner ann",
        "held since 2026-01-31 12:00:00 UTC",
        "waiting waits for job 3 to end",
        "after end of job 3, which is running",
        "array 2, number 1 of 5 (4 queued, 1 failed)",
        "constraints disk=ssd, rack in a,b, gpu exists",
        "avoids node-7",
        "supersedes 1",
        "input SCENE scenes:a.tif",
        "input MASKS file 30",
        "input MASKS and 5 more",
        'input BOX [1, "é"]',
        "output TILES out:b.tif",
        "output COUNT 2",
    } <= set(told)
    assert not [line for line in told if line.startswith("command")]


@pytest.mark.parametrize(
    ("words", "path", "answer"),
    [
        (["jobs"], "jobs/", a_page()),
        (["job", "7"], "jobs/7/", {"id": 7, "new": "member"}),
        (["status"], "status/", STATUS),
        (["nodes"], "nodes/", a_page({"id": 1, "hostname": "é"})),
        (["version"], "version/", {"version": "1.2.3"}),
    ],
)
def test_json_is_the_answer_of_the_api_and_nothing_else(scale, service, words, path, answer):
    service.says(f"GET {path}", answer)
    told = scale(*words, "--json")
    assert (json.loads(told.stdout), told.stderr, told.exit_code) == (answer, "", 0)


def test_the_status_sums_up_the_cluster(scale, service):
    service.says("GET status/", STATUS)
    service.says("GET queue/status/", a_page({"count": 5}, {"count": 6}))
    told = lines(scale("status").stdout)
    assert "scheduler Ready on sched-1, as of 2026-01-31 12:00:05 UTC" in told
    assert "node-1: Slow Cleanup" in told
    assert "waiting 11" in told
    assert "failed 4 (algorithm 2, data 1, system 1)" in told
    assert [line for line in told if line.startswith(("cpus", "licences"))] == ["cpus 3.1 0.9 0 4 8", "licences 0 0 2 0 2"]


def test_a_status_that_is_old_is_said_to_be(scale, service):
    service.says("GET status/", {"detail": "The scheduler has not been heard of for 20 s."}, 503)
    told = scale("status")
    assert (told.stdout, told.stderr, told.exit_code) == ("", "scale: The scheduler has not been heard of for 20 s.\n", 1)


def test_nodes_are_a_table(scale, service):
    node = {"id": 1, "hostname": "node-1", "is_active": True, "is_paused": True, "pause_reason": "new disk", "created": None}
    attributes = {"disk": "ssd", "rack": "12", "mem_gb": 128, "fast": True, "hostname": "node-1", "engine": "local"}
    service.says("GET nodes/", a_page(node, {**node, "is_paused": False, "pause_reason": "", "attributes": attributes}))
    assert lines(scale("nodes").stdout)[1:] == [
        "1 node-1 yes yes: new disk",
        "1 node-1 yes no disk=ssd rack=12 mem_gb=128 fast=true",
    ]


@pytest.mark.parametrize(("options", "stream"), [([], "combined"), (["--stdout"], "stdout"), (["--stderr"], "stderr")])
def test_logs_are_those_of_the_latest_execution_byte_by_byte(scale, service, a_job, options, stream):
    service.says("GET jobs/7/", a_job("RUNNING"))
    service.says(f"GET job-executions/70/logs/{stream}/", b"\x00\xfe no newline")
    assert scale("logs", "7", *options).stdout_bytes == b"\x00\xfe no newline"


def test_following_prints_what_comes_of_both_streams_until_the_job_has_ended(scale, service, a_job):
    service.says_in_turn("GET jobs/7/", a_job("RUNNING"), a_job("COMPLETED"))
    service.says("GET jobs/7/executions/1/", {"id": 70})
    service.headers["Scale-Log-Complete"] = "true"
    service.says("GET job-executions/70/logs/stdout/", b"out \xfe", 206)
    service.says("GET job-executions/70/logs/stderr/", b"err", 206)
    told = scale("logs", "-f", "7")
    assert (told.stdout_bytes, told.exit_code) == (b"out \xfeerr", 0)


def test_following_one_stream_asks_for_no_other(scale, service, a_job):
    service.says("GET jobs/7/", a_job("COMPLETED"))
    service.says("GET jobs/7/executions/1/", {"id": 70})
    service.headers["Scale-Log-Complete"] = "true"
    service.says("GET job-executions/70/logs/stderr/", b"err", 206)
    assert scale("logs", "--follow", "--stderr", "7").stdout_bytes == b"err"


def test_a_job_that_ended_without_running_has_nothing_to_follow(scale, service):
    service.says("GET jobs/7/", {"id": 7, "status": "CANCELED", "execution": None})
    assert (scale("logs", "-f", "7").stdout, scale("logs", "-f", "7").exit_code) == ("", 0)


def test_what_is_followed_is_no_json(scale, service):
    assert scale("logs", "-f", "--json", "7").exit_code == 2


def test_a_job_that_has_not_run_has_no_logs(scale, service):
    service.says("GET jobs/7/", {"id": 7, "status": "QUEUED", "execution": None})
    told = scale("logs", "7")
    assert (told.stdout, told.stderr, told.exit_code) == ("", "scale: job 7 has not run yet\n", 1)


WAITING = {
    "code": "no-room",
    "text": "needs 4 gpus; 528 nodes have fewer free",
    "nodes": {"busy": 528},
    "since": "2026-01-31T12:00:00Z",
    "position": 3,
}


def test_a_job_that_waits_explains_itself(scale, service, a_job):
    service.says("GET jobs/7/", {**a_job("QUEUED"), "waiting": WAITING})
    assert lines(scale("explain", "7").stdout) == [
        "job 7",
        "waits needs 4 gpus; 528 nodes have fewer free",
        "code no-room",
        "nodes busy 528",
        "since 2026-01-31 12:00:00 UTC",
        "position 3",
    ]
    assert json.loads(scale("explain", "7", "--json").stdout) == {"id": 7, "status": "QUEUED", "waiting": WAITING}


@pytest.mark.parametrize(
    ("status", "how"),
    [("RUNNING", "running"), ("FAILED", "failed: timeout"), ("QUEUED", "being placed"), ("COMPLETED", "completed")],
)
def test_a_job_that_does_not_wait_says_how_it_is(scale, service, a_job, status, how):
    service.says("GET jobs/7/", {**a_job(status, error="timeout" if status == "FAILED" else None), "waiting": None})
    told = scale("explain", "7")
    assert (told.stdout, told.exit_code) == (f"Job 7 does not wait: it is {how}.\n", 0)


def test_types_are_a_table(scale, service):
    told = {"name": "command", "version": "1.0.0", "is_active": True, "is_paused": False, "max_scheduled": 0, "title": "Command"}
    service.says("GET job-types/", a_page(told, {**told, "name": "reader", "max_scheduled": 5}))
    assert lines(scale("types").stdout)[1:] == ["command 1.0.0 yes no Command", "reader 1.0.0 yes no 5 Command"]
    assert json.loads(scale("types", "--json").stdout)["count"] == 2


def test_a_service_that_is_not_there_is_an_exit_code_of_its_own_and_a_hint(scale, monkeypatch):
    monkeypatch.setenv("SCALE_URL", "http://127.0.0.1:1")
    told = scale("jobs")
    assert (told.exit_code, told.stdout) == (3, "")
    assert told.stderr.startswith("scale: http://127.0.0.1:1 cannot be reached")
    assert "`scale up` starts it" in told.stderr


@pytest.mark.parametrize("words", [["job"], ["job", "x"], ["jobs", "--limit", "0"], ["fly"], ["cancel"], ["submit"]])
def test_wrong_usage_is_an_exit_code_of_its_own(scale, words):
    assert scale(*words).exit_code == 2


def test_a_wrong_setting_is_wrong_usage(scale, monkeypatch):
    monkeypatch.setenv("SCALE_URL", "nonsense")
    assert scale("jobs").exit_code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(scale, command):
    told = scale(*command.split(), "--help")
    assert told.exit_code == 0
    assert f"Usage: scale {command}" in told.stdout

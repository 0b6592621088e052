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

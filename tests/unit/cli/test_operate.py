"""What operators do from a terminal, and what a shell completes for them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

SCALE = [sys.executable, "-m", "scale.cli.main"]
NODE = {"id": 3, "hostname": "node-3", "is_paused": False}
TYPE = {"name": "reader", "version": "1.0.0-rc1", "is_paused": True, "title": "Read all"}


def a_page(*results: object) -> dict:
    return {"count": len(results), "next": None, "previous": None, "results": [*results]}


def a_status(state: str, running: int) -> dict:
    return {"nodes": [{"hostname": "node-3", "state": {"name": state}, "job_executions": {"running": {"total": running}}}]}


@pytest.fixture
def cluster(service):
    """A service with a node and a job type that lets everything be changed."""
    service.says("GET nodes/", a_page({**NODE, "id": 1, "hostname": "node-1"}, NODE))
    service.says("GET nodes/3/", {**NODE, "is_paused": True})
    service.says("GET scheduler/", {"is_paused": True})
    service.says("GET job-types/", a_page(TYPE))
    service.says("GET job-types/reader/1.0.0-rc1/", TYPE)
    for path in ("scheduler/", "nodes/3/", "job-types/reader/1.0.0-rc1/"):
        service.says(f"PATCH {path}", b"", 204)
    return service


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (["pause"], "scheduler/", {"is_paused": True}),
        (["resume"], "scheduler/", {"is_paused": False}),
        (["pause", "--node", "node-3"], "nodes/3/", {"is_paused": True}),
        (["pause", "--node", "node-3", "--reason", "new disk"], "nodes/3/", {"is_paused": True, "pause_reason": "new disk"}),
        (["resume", "--node", "node-3"], "nodes/3/", {"is_paused": False}),
        (["pause", "--type", "reader:1.0.0-rc1"], "job-types/reader/1.0.0-rc1/", {"is_paused": True}),
        (["resume", "--type", "reader:1.0.0-rc1"], "job-types/reader/1.0.0-rc1/", {"is_paused": False}),
        (["drain", "node-3"], "nodes/3/", {"is_paused": True, "pause_reason": "drained"}),
    ],
)
def test_operators_pause_and_resume(scale, cluster, words, path, body):
    told = scale(*words)
    assert (told.stdout, told.stderr, told.exit_code) == ("", "", 0)
    assert cluster.bodies == [body]
    assert f"PATCH {path}" in list(cluster.heard.queue)


@pytest.mark.parametrize("words", ["pause", "pause --node node-3", "pause --type reader:1.0.0-rc1", "drain node-3"])
def test_as_json_it_is_told_as_it_then_is(scale, cluster, words):
    assert json.loads(scale(*words.split(), "--json").stdout)["is_paused"] is True


def test_a_node_that_nobody_knows_is_told(scale, cluster):
    told = scale("drain", "node-9")
    assert (told.stderr, told.exit_code) == ("scale: There is no node node-9.\n", 1)


@pytest.mark.parametrize(
    "words", ["pause --node node-3 --type reader:1", "pause --type reader:", "pause --type :1", "pause --reason because", "drain"]
)
def test_what_cannot_be_meant_is_wrong_usage(scale, cluster, words):
    assert scale(*words.split()).exit_code == 2
    assert not cluster.bodies


def test_a_drain_waits_until_the_pause_is_known_and_nothing_runs(scale, cluster):
    cluster.says_in_turn("GET status/", a_status("READY", 0), a_status("PAUSED", 1), a_status("PAUSED", 0))
    assert scale("drain", "node-3", "--wait").exit_code == 0
    assert list(cluster.heard.queue).count("GET status/") == 3


def test_a_drain_of_a_node_that_is_not_told_of_any_more_is_over(scale, cluster):
    cluster.says("GET status/", {"nodes": []})
    assert scale("drain", "node-3", "--wait").exit_code == 0


def test_an_interrupted_drain_says_that_the_node_stays_paused(cluster, monkeypatch):
    monkeypatch.setenv("SCALE_URL", cluster.url)
    cluster.says("GET status/", a_status("PAUSED", 1))
    with subprocess.Popen([*SCALE, "drain", "node-3", "--wait"], stderr=subprocess.PIPE) as scale:
        while cluster.heard.get(timeout=30) != "GET status/":
            pass
        scale.send_signal(signal.SIGINT)
        assert scale.stderr.read() == b"node-3 stays paused; `scale resume --node node-3` ends that.\n"
    assert scale.returncode == 130


def completed(shell: str, words: str, **where: str) -> str:
    """What the shell is told when somebody presses the tab key behind these words."""
    asked = {
        "bash": {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": words},
        "fish": {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }
    variables = {**asked[shell], "_SCALE_COMPLETE": f"complete_{shell}", **where}
    return subprocess.run(SCALE, env=variables, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_completes_commands_ids_nodes_and_types(cluster, a_job, tmp_path, shell):
    cluster.says("GET jobs/", a_page({**a_job("RUNNING"), "id": 71}, {**a_job(), "id": 80}))
    cluster.says("GET workspaces/", a_page({"name": "scenes", "title": "Scenes"}))
    cluster.says("GET errors/", a_page({"name": "timeout", "title": "Timeout"}))
    where = {"SCALE_URL": cluster.url, "SCALE_HOME": str(tmp_path)}
    assert "requeue" in completed(shell, "scale req", **where)
    jobs = completed(shell, "scale explain 7", **where)
    assert ("71" in jobs, "80" in jobs) == (True, False)
    assert "node-3" in completed(shell, "scale drain node-", **where)
    assert "1.0.0-rc1" in completed(shell, "scale pause --type rea", **where)
    assert "1.0.0-rc1" in completed(shell, "scale types show rea", **where)
    assert "scenes" in completed(shell, "scale files --workspace sc", **where)
    assert "timeout" in completed(shell, "scale cancel --error ti", **where)


def test_a_service_that_is_away_completes_nothing(tmp_path):
    where = {"SCALE_URL": "http://127.0.0.1:1", "SCALE_HOME": str(tmp_path)}
    assert completed("bash", "scale explain ", **where).strip() == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_a_shell_needs_to_learn_can_be_shown(shell):
    shown = subprocess.run(SCALE, env={"_SCALE_COMPLETE": f"source_{shell}"}, capture_output=True, text=True, check=False).stdout
    assert "_SCALE_COMPLETE" in shown

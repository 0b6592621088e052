"""The `scale` command as the shell sees it: quick to start, and no traceback when it is cut short."""

from __future__ import annotations

import signal
import subprocess
import sys

SCALE = [sys.executable, "-m", "scale.cli.main"]


def test_looking_needs_no_django():
    heavy = "django rest_framework numpy pydantic scale.environment scale.settings"
    probe = f"import sys, scale.cli.app, scale.client; print([name for name in {heavy.split()} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_reader_that_leaves_gets_no_traceback(service, monkeypatch):
    monkeypatch.setenv("SCALE_URL", service.url)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # without a buffer, Python forgets what was not taken
    job = {"id": 1, "status": "QUEUED", "created": "2026-01-31T12:00:00Z", "command": "x"}
    service.says("GET jobs/", {"count": 1000, "results": [job] * 1000})
    with subprocess.Popen([*SCALE, "jobs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as scale:
        scale.stdout.read(1)
        scale.stdout.close()
        assert scale.stderr.read() == b""
    assert scale.returncode == 141


def test_an_interrupted_wait_says_that_the_job_goes_on(service, monkeypatch):
    monkeypatch.setenv("SCALE_URL", service.url)
    service.says("POST jobs/", {"id": 7, "status": "QUEUED"}, 201)
    service.says("GET jobs/7/", {"id": 7, "status": "RUNNING"})
    with subprocess.Popen([*SCALE, "submit", "--wait", "true"], stderr=subprocess.PIPE) as scale:
        while service.heard.get(timeout=30) != "GET jobs/7/":
            pass
        scale.send_signal(signal.SIGINT)
        assert scale.stderr.read() == b"Job 7 goes on; `scale cancel 7` ends it.\n"
    assert scale.returncode == 130


def test_an_interrupted_follow_ends_quietly(service, monkeypatch):
    monkeypatch.setenv("SCALE_URL", service.url)
    service.says("GET jobs/7/", {"id": 7, "status": "RUNNING", "execution": {"id": 70, "exe_num": 1}})
    service.says("GET jobs/7/executions/1/", {"id": 70})
    for stream in ("stdout", "stderr"):
        service.says(f"GET job-executions/70/logs/{stream}/", b"", 204)
    with subprocess.Popen([*SCALE, "logs", "-f", "7"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as scale:
        while not service.heard.get(timeout=30).endswith("stderr/"):
            pass
        scale.send_signal(signal.SIGINT)
        assert (scale.stdout.read(), scale.stderr.read()) == (b"", b"")
    assert scale.returncode == 130


def test_an_interrupt_while_it_starts_is_quiet():
    program = """
import sys, types
from scale.cli.main import main

class Interrupting(types.ModuleType):
    def __getattr__(self, name):
        raise KeyboardInterrupt

sys.modules["scale.cli.app"] = Interrupting("app")
main()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, b"")

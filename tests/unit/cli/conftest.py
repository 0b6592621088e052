"""A pretended service on a real port, and the `scale` command run against it."""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import pytest
from typer.testing import CliRunner

from scale.cli.app import app


@dataclass
class Pretender:
    """Answers by method and path; bytes are sent as they are, anything else as JSON."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    before_that: dict[str, list[Any]] = field(default_factory=dict)
    bodies: list[Any] = field(default_factory=list)
    headers_heard: dict[str, str] = field(default_factory=dict)  # of the latest request
    queries: list[str] = field(default_factory=list)  # those that were not empty, unquoted
    heard: queue.Queue[str] = field(default_factory=queue.Queue)

    def says(self, request: str, answer: Any, status: int = 200) -> None:
        self.answers[request] = answer
        self.statuses[request] = status

    def says_in_turn(self, request: str, *answers: Any) -> None:
        """Each once, and the last one for ever."""
        self.says(request, answers[-1])
        self.before_that[request] = list(answers[:-1])


class Handler(BaseHTTPRequestHandler):
    pretender: Pretender

    def do_GET(self) -> None:
        request = f"{self.command} {self.path.partition('?')[0].removeprefix('/api/v7/')}"
        self.pretender.heard.put(request)
        self.pretender.headers_heard = dict(self.headers)
        if query := urlsplit(self.path).query:
            self.pretender.queries.append(unquote_plus(query))
        length = int(self.headers.get("Content-Length", 0))
        if length:
            self.pretender.bodies.append(json.loads(self.rfile.read(length)))
        before = self.pretender.before_that.get(request)
        answer = before.pop(0) if before else self.pretender.answers.get(request, {"detail": f"nothing is known of {request}"})
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(self.pretender.statuses.get(request, 404))
        for name, value in self.pretender.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PATCH = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def service():
    pretender = Pretender()
    handler = type("Answering", (Handler,), {"pretender": pretender})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        pretender.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield pretender
        server.shutdown()
        thread.join()


@pytest.fixture
def scale(service, tmp_path, monkeypatch):
    """Runs a `scale` command line; the result has exit_code, stdout and stderr."""
    monkeypatch.setenv("SCALE_URL", service.url)
    monkeypatch.setenv("SCALE_HOME", str(tmp_path))
    return lambda *words: CliRunner().invoke(app, words, prog_name="scale")


@pytest.fixture
def a_job():
    """A job as the API tells it."""

    def make(status: str = "COMPLETED", *, error: str | None = None, **execution: Any) -> dict[str, Any]:
        told = {"name": error, "title": str(error).title()} if error else None
        return {
            "id": 7,
            "status": status,
            "name": "",
            "command": ["echo", "two words"],
            "created": "2026-01-31T12:00:00Z",
            "started": "2026-01-31T12:00:01Z",
            "ended": "2026-01-31T12:00:03.500000Z",
            "node": {"hostname": "node-1"},
            "error": told,
            "execution": {"id": 70, "exe_num": 1, "exit_code": None, "signal": None, "message": "", "error": told, **execution},
        }

    return make

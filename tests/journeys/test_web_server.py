"""The web server itself: what it answers though it has no thread left, and how it tells what it cannot read."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

SILENT = b"POST /api/v7/jobs/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"  # and nine bytes that never come
PATIENCE = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[str, int]]:
    """gunicorn as `scale up` starts it, with one thread and no database."""
    with served(tmp_path_factory.mktemp("home"), "python:scale.gunicorn_conf") as address:
        yield address


@pytest.fixture(scope="module")
def hasty(tmp_path_factory) -> Iterator[tuple[str, int]]:
    """The same, but that it waits for nobody longer than half a second."""
    home = tmp_path_factory.mktemp("hasty")
    config = home / "hasty.py"
    config.write_text(
        "from scale.gunicorn_conf import *\nimport scale.gunicorn_worker as own\nown.PATIENCE = 0.5\nforwarded_allow_ips = '*'\n"
    )
    with served(home, str(config)) as address:
        yield address


@contextmanager
def served(home: Path, config: str, files: int | None = None) -> Iterator[tuple[str, int]]:
    def limit() -> None:
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    bare = {name: value for name, value in os.environ.items() if not name.startswith("SCALE_")}
    own = {"SCALE_HOME": str(home), "SCALE_WEB_THREADS": "1", "DJANGO_SETTINGS_MODULE": "scale.settings"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bind = f"fd://{listener.fileno()}"
        command = [sys.executable, "-P", "-m", "gunicorn", "--config", config, "--bind", bind]
        with subprocess.Popen(command, env=bare | own, cwd=home, pass_fds=(listener.fileno(),), preexec_fn=limit) as process:
            try:
                yield listener.getsockname()
            finally:
                process.terminate()


def connected(server) -> socket.socket:
    return socket.create_connection(server, timeout=PATIENCE)


def request(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    with connection.makefile("rb") as reader:
        status = int(reader.readline().split()[1])
        lines = iter(lambda: reader.readline().decode().strip(), "")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return status, headers, reader.read(int(headers["content-length"]))


def test_it_tells_that_it_lives_though_all_its_threads_wait(server):
    with connected(server) as mute, connected(server) as probe, connected(server) as slow:
        mute.sendall(SILENT)  # after this one every thread is taken
        for probing in (probe, probe, slow):
            probing.sendall(request("GET /healthz"))
            assert answer(probing)[::2] == (200, b'{"status":"ok"}')


def test_who_says_nothing_takes_no_thread(server):
    with connected(server), connected(server), connected(server) as asking:
        asking.sendall(request("GET /api/v7/version/"))
        assert answer(asking)[0] == 200


def test_requests_that_come_together_are_answered_in_their_order(server):
    with connected(server) as asking:
        asking.sendall(request("GET /healthz") + request("GET /api/v7/version/", "Connection: close"))
        with asking.makefile("rb") as reader:
            told = reader.read()
    assert told.index(b'"status"') < told.index(b'"version"')


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        (request("GET /" + "1" * 70_000), 414, "65536 bytes"),
        (request("GET /", "X: " + "1" * 9_000), 431, "8190 bytes"),
        (b"what is this\r\n\r\n", 400, "RFC 9112"),
        (request("GET /", "Content-Length: x"), 400, "CONTENT-LENGTH"),
        (request("POST /", "Transfer-Encoding: dots"), 501, "chunked"),
        (request("GET /", "Expect: miracles"), 417, "100-continue"),
    ],
)
def test_what_it_cannot_read_is_told_as_a_problem(server, sent, status, words):
    with connected(server) as asking:
        asking.sendall(sent)
        told, headers, content = answer(asking)
    problem = json.loads(content)
    assert (told, problem["status"], headers["content-type"]) == (status, status, "application/problem+json")
    assert words in problem["detail"]


def test_an_address_may_be_as_long_as_a_filter_by_thousands_of_ids(server):
    with connected(server) as asking:
        asking.sendall(request("GET /api/v7/version/?" + "&".join(f"id={number}" for number in range(7_000))))
        assert answer(asking)[0] == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("owed", ["Content-Length: 9", "Transfer-Encoding: chunked", "tRANSFER-ENCODING:\tchunked"])
def test_a_probe_that_owes_a_body_makes_no_other_one_wait(server, method, owed):
    with connected(server) as owing, connected(server) as probe:
        owing.sendall(request(f"{method} /healthz", owed))
        probe.settimeout(4)
        probe.sendall(request("GET /healthz"))
        assert answer(probe)[0] == 200


def test_who_does_not_close_what_is_over_makes_nobody_wait(server):
    with ExitStack() as stack:
        for staying in [stack.enter_context(connected(server)) for _ in range(8)]:
            staying.sendall(request("GET /api/v7/version/", "Connection: close"))
            assert answer(staying)[0] == 200
        probe = stack.enter_context(connected(server))
        probe.settimeout(5)
        probe.sendall(request("GET /healthz"))
        assert answer(probe)[0] == 200


def test_an_answer_comes_though_the_request_goes_on_after_it(server):
    with connected(server) as asking:
        asking.sendall(request("POST /api/v7/version/", "Content-Length: 900000") + b"1" * 300_000)
        assert answer(asking)[0] == 405


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /api/v7/ver",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a client that wants TLS
        request("POST /api/v7/jobs/", "Transfer-Encoding: chunked") + b"5\r\n{",
    ],
)
def test_a_request_that_does_not_go_on_is_not_waited_for_for_ever(hasty, begun):
    with connected(hasty) as stalling:
        stalling.sendall(begun)
        assert answer(stalling)[0] == 408


def test_who_sends_byte_by_byte_is_not_waited_for_for_ever(hasty):
    with connected(hasty) as dripping:
        dripping.settimeout(0.1)
        told = b""
        for byte in request("GET /api/v7/version/?" + "1" * 150):
            dripping.sendall(bytes([byte]))
            with suppress(TimeoutError):
                told = dripping.recv(99)
                break
        assert told.startswith(b"HTTP/1.1 408")


def test_who_takes_no_answer_is_not_waited_for_for_ever(hasty):
    large = request("GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
    with socket.socket() as greedy, connected(hasty) as asking:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        greedy.connect(hasty)
        greedy.sendall(large * 9)
        for _ in range(9):  # in turns with those that still fit into the buffers
            asking.sendall(request("GET /api/v7/version/"))
            assert answer(asking)[0] == 200


def test_an_address_beside_the_one_that_a_proxy_names_is_none(hasty):
    with connected(hasty) as asking:
        asking.sendall(request("GET /healthz", "SCRIPT_NAME: /scale"))
        assert answer(asking)[0] == 404


def test_more_connections_than_it_may_have_files_end_nothing(tmp_path):
    with served(tmp_path, "python:scale.gunicorn_conf", files=160) as address, ExitStack() as stack:
        slow = stack.enter_context(connected(address))
        slow.sendall(request("POST /api/v7/jobs/", "Transfer-Encoding: chunked") + b"2\r\n{")
        for _ in range(200):
            stack.enter_context(connected(address))
        probe = stack.enter_context(connected(address))
        probe.sendall(request("GET /healthz"))
        assert answer(probe)[0] == 200
        slow.sendall(b"}\r\n0\r\n\r\n")
        assert answer(slow)[0] == 401

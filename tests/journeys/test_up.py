"""`scale up` and `scale demo` as a person meets them: one command, real processes, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import httpx
import psutil
import pytest

from tests.journeys.service import SCALE, SMALL, processes_of, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def home(own_home):
    return own_home


def test_one_command_starts_a_service_that_another_terminal_can_use(up, home):
    service = up()
    assert home.stat().st_mode & 0o777 == 0o700
    secrets = [home / name for name in ("token", "password", "secret-key")]
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}

    login = {"username": "admin", "password": (home / "password").read_text().strip()}
    answer = httpx.post(f"{service.client.url}/api-token-auth/", json=login, trust_env=False)
    assert answer.json()["token"] == (home / "token").read_text().strip()

    ran = service.scale("submit", "--wait", "--", "printf", "%s", "two words")
    assert (ran.stdout, ran.stderr, ran.returncode) == (b"two words", b"", 0)
    failed = service.scale("submit", "--wait", "echo out; echo err >&2; exit 7")
    assert (failed.stdout, failed.stderr.splitlines()[0], failed.returncode) == (b"out\n", b"err", 7)
    assert service.scale("submit", "--wait", "kill -SEGV $$").returncode == 128 + signal.SIGSEGV
    assert service.scale("submit", "--wait", "--timeout", "1", "sleep", "60").returncode == 124
    assert service.scale("submit", "--wait", "/no/such/program").returncode == 125
    assert json.loads(service.scale("jobs", "--status", "failed", "--json").stdout)["count"] == 4

    second = service.scale("up")
    assert (second.returncode, b"already runs in" in second.stderr) == (1, True)

    assert service.stop() == 0
    assert processes_of(home) == []
    assert service.scale("jobs").returncode == 3


def test_a_killed_scheduler_is_started_again_and_its_tasks_never_notice(up, home):
    service = up()
    os.mkfifo(home / "go")
    jobs = [service.submit(f"echo $$ > {home}/pid-{number}; read line < {home}/go; echo $$") for number in range(5)]
    service.wait_for_running(5)
    first = service.child("scale_scheduler")
    first.kill()
    until(lambda: service.said("scheduler was ended by SIGKILL; starting it again"))
    until(lambda: service.child("scale_scheduler") not in (None, first))
    (home / "go").write_text("go\n" * 5)
    assert [service.client.wait(job, timeout=60)["status"] for job in jobs] == ["COMPLETED"] * 5
    pids = {(home / f"pid-{number}").read_text() for number in range(5)}
    outputs = {service.client.logs(service.client.job(job)["execution"]["id"]).decode() for job in jobs}
    assert outputs == pids
    assert service.stop() == 0
    assert processes_of(home) == []


def test_a_stopped_scheduler_is_left_alone_and_the_status_says_that_it_is_old(up):
    service = up()
    scheduler = service.child("scale_scheduler")
    scheduler.suspend()
    until(lambda: service.scale("status").returncode == 1, within=20)
    assert not service.client.is_ready()
    assert service.child("scale_scheduler") == scheduler
    scheduler.resume()
    until(lambda: service.scale("status").returncode == 0, within=20)
    assert service.stop() == 0


def test_a_killed_web_server_is_started_again_behind_the_same_address(up):
    service = up()
    service.child("gunicorn").kill()
    assert service.client.version()["version"]
    until(lambda: service.said("web was ended by SIGKILL; starting it again"))
    until(service.client.is_ready)
    assert service.stop() == 0


@pytest.mark.parametrize(("words", "number"), [((), signal.SIGINT), (("--end-tasks",), signal.SIGTERM)])
def test_the_end_puts_running_jobs_back_on_the_queue_and_leaves_nothing_running(up, home, words, number):
    service = up(*words)
    job = service.submit("sleep 1000")
    service.wait_for_running(1)
    assert service.stop(number) == 0
    assert processes_of(home) == []
    assert service.status_in_the_database(job) == "QUEUED"


def test_sigterm_leaves_jobs_running_and_the_next_start_collects_their_ends(up, home):
    service = up()
    go = home / "go"
    os.mkfifo(go)
    stays = service.submit(f"read line < {go}; exit 7")
    service.wait_for_running(1)
    assert service.stop(signal.SIGTERM) == 0
    assert service.status_in_the_database(stays) == "RUNNING"
    go.write_text("go\n")  # it ends while nobody is there
    again = up()
    ended = again.client.wait(stays, timeout=60)
    assert (ended["status"], ended["execution"]["exe_num"], ended["execution"]["exit_code"]) == ("FAILED", 1, 7)
    assert again.stop() == 0


def test_killing_scale_up_itself_ends_its_children_and_leaves_the_tasks_for_the_next(up, home):
    service = up()
    pid, go = home / "pid", home / "go"
    os.mkfifo(go)
    job = service.submit(f"echo $$ > {pid}; read line < {go}; echo $$")
    service.wait_for_running(1)
    children = psutil.Process(service.process.pid).children(recursive=True)
    service.stop(signal.SIGKILL)
    psutil.wait_procs(children, timeout=60)
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)

    again = up()
    assert psutil.pid_exists(int(pid.read_text()))
    go.write_text("go\n")
    ended = again.client.wait(job, timeout=60)
    assert (ended["status"], ended["execution"]["exe_num"]) == ("COMPLETED", 1)
    assert again.client.logs(ended["execution"]["id"]).decode() == pid.read_text()
    assert again.stop() == 0
    assert processes_of(home) == []


def test_the_demo_ends_well_and_leaves_nothing(tmp_path):
    variables = {**os.environ, "TMPDIR": str(tmp_path), "SCALE_LISTEN": "not a setting of the demo's"}
    demo = subprocess.run([*SCALE, "demo"], env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "jobs ended as expected" in demo.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


def test_a_day_of_operating_from_a_terminal(up):
    service = up()
    tries = service.client.submit("echo one; sleep 1; echo two >&2; exit 3", max_tries=2, retry_on="failure", resources=SMALL)[
        "id"
    ]
    followed = service.scale("logs", "-f", str(tries))
    assert (followed.stdout.splitlines()[-2:], followed.returncode) == ([b"one", b"two"], 0)
    assert service.client.job(tries)["status"] == "FAILED"

    assert service.scale("pause").returncode == 0
    assert service.scale("requeue", str(tries)).returncode == 0
    until(lambda: b"scheduler-paused" in service.scale("explain", str(tries)).stdout)
    assert service.scale("resume").returncode == 0
    assert service.client.wait(tries, timeout=60)["num_exes"] == 4

    hostname = service.client.nodes()["results"][0]["hostname"]
    running = service.submit("sleep 2")
    service.wait_for_running(1)
    assert service.scale("drain", hostname, "--wait").returncode == 0
    assert service.client.wait(running, timeout=60)["status"] == "COMPLETED"
    waits = service.submit("true")
    until(lambda: b"no-node-ready" in service.scale("explain", str(waits)).stdout)
    assert service.scale("resume", "--node", hostname).returncode == 0
    assert service.client.wait(waits, timeout=60)["status"] == "COMPLETED"

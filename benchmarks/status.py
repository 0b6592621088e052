"""The status document of a large cluster: rendering it, and getting it from the web server while jobs flow.

    python benchmarks/status.py [--nodes 10000] [--executions 100000] [--types 200] [--seconds 6]

A scheduler takes over the running executions from its database and renders: first from nothing, then again and again after
a job has ended on a tenth of the nodes. What it takes to compress the document and to put it into the database is told apart.
The longest time that a lock of a manager is held is watched in turns of its own.

Then gunicorn, set up as `scale up` does it, serves the document to four connections that ask as fast as they are
answered, while the scheduler goes on to change and render it every two seconds. The floor is the server's emptiest view.
An answer that the document is too old, for the scheduler did not come to render a new one, does not count.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

# isort: split
import fresh

# isort: split
import orjson
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

import harness
from figures import Row, percentile
from filling import make_nodes, make_types, run_jobs
from harness import Budget, say
from quiet import CLOCK, QuietEngine, TimedFence, finished, new_fence, online, running, scheduler_on
from scale.job.models import JobExecution
from scale.kernel.locks import OwnedLock
from scale.kernel.resources import Resources
from scale.orphan import PARENT
from scale.scheduler.models import Status
from scale.scheduler.process import Scheduler
from scale.scheduler.status import packed

HAS = Resources(cpus=64, mem=256 * 1024)
SETTINGS = "python:scale.gunicorn_conf"
CONNECTIONS = 4
EVERY = 2.0  # seconds between two renderings, as in the scheduler
FLOOR = "GET /healthz"


class Rendering(Scheduler):
    """Knows how long each rendering took, and each turn with what it takes to save it."""

    def __init__(self, *, fence: TimedFence, **rest: object) -> None:
        super().__init__(fence=fence, **rest)  # type: ignore[arg-type]
        self._timed = fence
        self.rendered: list[float] = []
        self.turns: list[float] = []

    def status(self, when: datetime) -> None:
        saving, began = self._timed.seconds, time.perf_counter()
        super().status(when)
        self.turns.append(time.perf_counter() - began)
        self.rendered.append(self.turns[-1] - (self._timed.seconds - saving))


class Cluster:
    """Nodes on which jobs run, of which some end."""

    def __init__(self, nodes: int, executions: int, types: int) -> None:
        fresh.migrate()
        now = CLOCK.now()
        rows = make_nodes(nodes, now)
        user = User.objects.create_user("bench")
        run_jobs(executions, user, now, make_types(types, now), rows)
        self._waiting: dict[str, list[str]] = {}
        placed = JobExecution.objects.order_by("id").values_list("cluster_id", "node__agent_id")
        for name, node in placed:
            self._waiting.setdefault(node, []).append(f"{name}_main")
        self._part = max(1, nodes // 10)
        self.engine = QuietEngine([online(node.agent_id, HAS) for node in rows])
        self.scheduler: Rendering = scheduler_on(self.engine, Rendering, new_fence())  # type: ignore[assignment]

    def change(self) -> None:
        """A job ends on a tenth of the nodes."""
        now = CLOCK.now()
        some = [node for node, tasks in self._waiting.items() if tasks][: self._part]
        for node in some:
            task = self._waiting[node].pop()
            self.engine.next += [running(task, node, now), finished(task, node, now)]
            self._waiting[node] = self._waiting.pop(node)  # to the end, so that others come next
        self.scheduler.reports(now)
        self.scheduler.inbox.drain()
        self.scheduler.job_exes.get_messages()

    def render(self) -> float:
        self.scheduler.status(CLOCK.now())
        return self.scheduler.rendered[-1]


@contextlib.contextmanager
def locks_watched() -> Iterator[list[float]]:
    """Seconds that each lock was held, in order."""
    held: list[float] = []
    enter, leave = OwnedLock.__enter__, OwnedLock.__exit__
    since = threading.local()

    def entering(lock: OwnedLock) -> None:
        enter(lock)
        since.moment = time.perf_counter()

    def leaving(lock: OwnedLock, *error: object) -> None:
        held.append(time.perf_counter() - since.moment)
        leave(lock, *error)  # type: ignore[arg-type]

    OwnedLock.__enter__, OwnedLock.__exit__ = entering, leaving  # type: ignore[method-assign]
    try:
        yield held
    finally:
        OwnedLock.__enter__, OwnedLock.__exit__ = enter, leave  # type: ignore[method-assign]


def document_saved() -> bytes:
    return gzip.decompress(bytes(Status.objects.get(pk=1).document))


def rendering(cluster: Cluster, budget: Budget) -> list[Row]:
    from_nothing = cluster.scheduler.rendered[0]
    changed, longest = [], []
    with harness.no_collection():
        for _ in budget.rounds(7):
            cluster.change()
            changed.append(cluster.render())
    for _ in budget.rounds(3):
        cluster.change()
        with locks_watched() as held:
            cluster.render()
        longest.append(max(held, default=0.0))
    document = document_saved()
    value = orjson.loads(document)
    packing = harness.median_of(5, lambda: packed(document)) * 1000
    writing = harness.median_of(5, lambda: orjson.dumps(value)) * 1000
    saving = statistics.median(t - r for t, r in zip(cluster.scheduler.turns, cluster.scheduler.rendered, strict=True)) * 1000
    commits = harness.Commits(fresh.HOME, "")
    commit = harness.median_of(20, commits.commit) * 1000
    as_json = "the finished document written as JSON"
    first, then = from_nothing * 1000 - packing, statistics.median(changed) * 1000 - packing
    say(f"rendered from nothing in {first:.0f} ms, changed in {then:.0f} ms; compressed in {packing:.0f} ms")
    lock = statistics.median(longest) * 1000
    return [
        Row("render with a tenth of the nodes changed", then, "ms", as_json, writing, "figure <= 50"),
        Row("render from nothing", first, "ms", as_json, writing, "figure <= 500"),
        Row("longest time that a lock is held", lock, "ms", as_json, writing, "figure <= 2"),
        Row("compress the document", packing, "ms", as_json, writing),
        Row("save the document", saving, "ms", "a commit of one row", commit),
    ]


@contextlib.contextmanager
def web_server() -> Iterator[str]:
    """gunicorn as `scale up` starts it; its address."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener, (fresh.HOME / "web.log").open("wb") as log:
        words = [sys.executable, "-P", "-m", "gunicorn", "--config", SETTINGS, "--bind", f"fd://{listener.fileno()}"]
        variables = {**os.environ, PARENT: str(os.getpid())}
        process = subprocess.Popen(words, env=variables, cwd=fresh.HOME, stdout=log, stderr=log, pass_fds=(listener.fileno(),))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            process.wait()


def ask(url: str, path: str, token: str, seconds: float, *words: str) -> dict[str, float]:
    """Answers a second, and how long 99 of 100 took at most, in milliseconds."""
    program = Path(__file__).parent / "getting.py"
    command = [sys.executable, program, url, path, token, "--seconds", seconds, "--connections", CONNECTIONS, *words]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    good, stale = (sum(told["statuses"].get(status, 0) for status in wanted) for wanted in (("200", "304"), ("503",)))
    assert good + stale == len(told["times"]), f"GET {path} was answered with {told['statuses']}"
    rate = good / told["seconds"]
    say(f"GET {path} {' '.join(words)}: {rate:.0f}/s {told['statuses']}")
    return {"rate": rate, "p99": percentile(told["times"], 99) * 1000, "size": told["size"], "stale": stale / len(told["times"])}


@contextlib.contextmanager
def flowing(cluster: Cluster) -> Iterator[None]:
    """The scheduler goes on, in a process that is not the server's."""
    stop = threading.Event()

    def turns() -> None:
        while not stop.is_set():
            cluster.change()
            cluster.render()
            stop.wait(EVERY)

    thread = threading.Thread(target=turns)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def getting(cluster: Cluster, seconds: float, rounds: int) -> tuple[list[Row], dict[str, float]]:
    """The rows, and what belongs to them."""
    token = Token.objects.create(user=User.objects.get(username="bench")).key
    full, unchanged, floor = [], [], []
    work: list[tuple[list[dict[str, float]], Callable[[], dict[str, float]]]]
    with web_server() as url, flowing(cluster):
        work = [
            (floor, lambda: ask(url, "/healthz", token, seconds)),
            (full, lambda: ask(url, "/api/v7/status/", token, seconds)),
            (unchanged, lambda: ask(url, "/api/v7/status/", token, seconds, "--unchanged")),
        ]
        harness.wait_until(lambda: _answers(url), pause=0.1)
        for _ in range(rounds):
            for into, measure in work:
                into.append(measure())

    def median(of: list[dict[str, float]], what: str) -> float:
        return statistics.median(one[what] for one in of)

    view, tail = median(floor, "rate"), median(floor, "p99")
    rows = [
        Row("GET of an unchanged status", median(unchanged, "rate"), "1/s", FLOOR, view, "figure >= 1000"),
        Row("GET of the whole status", median(full, "rate"), "1/s", FLOOR, view, "figure >= 100"),
        Row("GET of an unchanged status, p99", median(unchanged, "p99"), "ms", f"{FLOOR}, p99", tail, "figure <= 20"),
        Row("GET of the whole status, p99", median(full, "p99"), "ms", f"{FLOOR}, p99", tail, "figure <= 20"),
    ]
    stale = max(one["stale"] for one in [*full, *unchanged])
    return rows, {"sent_mib": round(median(full, "size") / 2**20, 2), "percent_refused_as_stale": round(100 * stale)}


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return harness.Http(url, "").ask("GET", "/readyz")[0] == 200
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--types", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    budget = Budget(300)
    cluster = Cluster(args.nodes, args.executions, args.types)
    rows = rendering(cluster, budget)
    document = len(document_saved())
    more, beside = getting(cluster, args.seconds, args.rounds)
    sizes = {"nodes": args.nodes, "executions": args.executions, "types": args.types, "connections": CONNECTIONS}
    harness.finish("status", [*rows, *more], {**sizes, "document_mib": round(document / 2**20, 2), **beside})


if __name__ == "__main__":
    main()

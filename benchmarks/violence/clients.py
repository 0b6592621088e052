"""Clients that submit jobs at given moments, over REST, and never give up; they remember what they were told."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, PriorityQueue, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from benchmarks.violence.ledger import PROGRAM
from benchmarks.violence.verdict import BAD, GOOD, UNWANTED
from scale.client import ScaleClient, Unreachable, Unwell

T = TypeVar("T")
THREADS = 3
LONGEST_BATCH = 40
PAUSE = 0.5  # seconds after trouble
_SMALL = {"cpus": 1, "mem": 8}
_TINY = {"cpus": 0.1, "mem": 8}
#: a task that is killed is tried again; nobody is killed so often
_TRIES = {"max_tries": 100, "retry_on": "failure"}


class Batch(NamedTuple):
    """Jobs to be submitted together."""

    due: float  #: seconds after the beginning
    jobs: Sequence[dict[str, Any]]


def work(jobs: int, seconds: float, root: Path, rng: random.Random) -> list[Batch]:
    """So many jobs, spread over so many seconds: most are good, some fail, some are to be canceled."""
    program = root / "job.sh"
    program.write_text(PROGRAM)
    words = ["/bin/sh", str(program), str(root / "ledger")]
    batches: list[Batch] = []
    while jobs:
        size = min(jobs, rng.choice((1, 1, rng.randint(2, LONGEST_BATCH))))
        batches.append(Batch(rng.uniform(0, seconds), [_job(words, rng) for _ in range(size)]))
        jobs -= size
    return sorted(batches, key=lambda batch: batch.due)


def _job(words: list[str], rng: random.Random) -> dict[str, Any]:
    chance = rng.random()
    if chance < 0.04:
        return {"name": UNWANTED, "command": [*words, "30", "0"], "resources": _TINY, **_TRIES}
    seconds = f"{min(0.05 + rng.expovariate(2.5), 2):.2f}"
    if chance < 0.1:
        return {"name": BAD, "command": [*words, seconds, "3"], "resources": _SMALL, "max_tries": 2, "retry_on": "failure"}
    return {"name": GOOD, "command": [*words, seconds, "0"], "resources": _SMALL, **_TRIES}


class Clients:
    """Several at once; an error is no acknowledgement."""

    def __init__(self, batches: Sequence[Batch], variables: dict[str, str], rng: random.Random) -> None:
        self.acknowledged: list[int] = []
        self.canceled: list[int] = []
        self.errors = 0  #: answers that were none
        self._batches: SimpleQueue[Batch] = SimpleQueue()
        for batch in batches:
            self._batches.put(batch)
        self._cancels: PriorityQueue[tuple[float, int]] = PriorityQueue()
        self._variables = variables
        self._rng = rng
        self._stopping = threading.Event()
        self._submitters = [threading.Thread(target=self._guarded, args=(self._submit_all,)) for _ in range(THREADS)]
        self._canceler = threading.Thread(target=self._guarded, args=(self._cancel_all,))
        self._broken: Exception | None = None

    def start(self) -> None:
        self._began = time.monotonic()
        for thread in (*self._submitters, self._canceler):
            thread.start()

    def are_done(self) -> bool:
        """Whether everything was submitted and canceled.

        :raises Exception: one of them met an error that nobody foresaw
        """
        if self._broken:
            raise self._broken
        return not any(thread.is_alive() for thread in (*self._submitters, self._canceler))

    def stop(self) -> None:
        self._stopping.set()
        for thread in (*self._submitters, self._canceler):
            if thread.ident is not None:
                thread.join()

    def _guarded(self, act: Callable[[ScaleClient], None]) -> None:
        try:
            with ScaleClient(self._variables["SCALE_URL"], self._variables["SCALE_TOKEN"]) as client:
                act(client)
        except Exception as error:  # noqa: BLE001 it is raised again where it can be seen
            self._broken = error

    def _submit_all(self, client: ScaleClient) -> None:
        while not self._stopping.is_set():
            try:
                batch = self._batches.get_nowait()
            except Empty:
                return
            self._wait_until(batch.due)
            ids = self._insist(lambda batch=batch: _submit(client, batch.jobs))
            self.acknowledged += ids or ()
            for job_id, job in zip(ids or (), batch.jobs, strict=False):
                if job["name"] == UNWANTED:
                    self._cancels.put((self._now() + self._rng.uniform(0, 10), job_id))

    def _cancel_all(self, client: ScaleClient) -> None:
        while not self._stopping.is_set():
            is_last = not any(thread.is_alive() for thread in self._submitters)
            try:
                due, job_id = self._cancels.get(timeout=0.2)
            except Empty:
                if is_last:
                    return
                continue
            self._wait_until(due)
            answer = self._insist(lambda job_id=job_id: client.cancel(job_id))
            self.canceled += answer["job_ids"] if answer else ()

    def _insist(self, ask: Callable[[], T]) -> T | None:
        """Ask until there is an answer; None: we are to stop."""
        while not self._stopping.is_set():
            try:
                return ask()
            except (Unreachable, Unwell):
                self.errors += 1
                self._stopping.wait(PAUSE)
        return None

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _wait_until(self, due: float) -> None:
        self._stopping.wait(max(0.0, due - self._now()))


def _submit(client: ScaleClient, jobs: Sequence[dict[str, Any]]) -> list[int]:
    if len(jobs) == 1:
        return [client.submit(**jobs[0])["id"]]
    return client.submit_many(jobs)

"""Takes the demo's work through the service: submits it, watches it end, and collects what came."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scale.cli.cluster import count_of
from scale.cli.demo_work import Piece, outcome
from scale.cli.home import CannotStart
from scale.client import ENDED, Json, ScaleClient
from scale.kernel.clock import SystemClock

_ALL_WITHIN = 180.0
_LOOK_EVERY = 8
_COUNTED_WITHIN = 15.0

Statuses = Mapping[int, str]  #: by the id of the job
Progress = Counter[tuple[str, str]]  #: how many jobs of a group have a status


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a piece."""

    piece: Piece
    job: Json
    output: bytes

    @property
    def came(self) -> str:
        return outcome(self.job) + (", wrong output" if self.is_wrong_output else "")

    @property
    def is_wrong_output(self) -> bool:
        return self.piece.output is not None and self.output != self.piece.output

    @property
    def is_expected(self) -> bool:
        return self.came == self.piece.outcome


class Run:
    """All pieces on their way through the service."""

    def __init__(self, scale: ScaleClient, pieces: Sequence[Piece], tell: Callable[[Progress], None]) -> None:
        self._scale = scale
        self._pieces = pieces
        self._tell = tell
        self._jobs: dict[int, Piece] = {}
        self._canceled: set[int] = set()

    def results(self) -> list[Result]:
        """Submit everything, watch it end, collect what came."""
        for piece in self._pieces:
            self._jobs[self._scale.submit(**piece.request)["id"]] = piece
            if len(self._jobs) % _LOOK_EVERY == 0:
                self._look()
        clock = SystemClock()
        deadline = clock.monotonic() + _ALL_WITHIN
        while not ENDED.issuperset(self._look().values()):
            if clock.monotonic() > deadline:
                raise CannotStart(f"not all jobs had ended after {_ALL_WITHIN:g} s")
            threading.Event().wait(0.2)
        return [self._result(job_id, piece) for job_id, piece in self._jobs.items()]

    def _look(self) -> Statuses:
        """Tell how all stand now; cancel what is to be canceled as soon as it runs."""
        found = self._scale.jobs(page_size=1000)["results"]
        statuses = {job["id"]: job["status"] for job in found if job["id"] in self._jobs}
        self._tell(Counter((self._jobs[job_id].group, status) for job_id, status in statuses.items()))
        running = {job_id for job_id, piece in self._jobs.items() if piece.is_canceled and statuses[job_id] == "RUNNING"}
        if running - self._canceled:
            self._scale.cancel(*running)
            self._canceled |= running
        return statuses

    def _result(self, job_id: int, piece: Piece) -> Result:
        job = self._scale.job(job_id)
        execution = job.get("execution")
        return Result(piece, job, self._scale.logs(execution["id"], "stdout") if execution else b"")


def settled_status(scale: ScaleClient, results: Sequence[Result]) -> Json:
    """The status document, as soon as it has counted what we saw end."""

    def has_counted(document: Json) -> bool:
        return all(
            count_of(document, kind.lower()) >= sum(result.job["status"] == kind for result in results)
            for kind in ("COMPLETED", "FAILED")
        )

    try:
        return scale.wait_for(scale.status, has_counted, timeout=_COUNTED_WITHIN)
    except TimeoutError:
        return scale.status()

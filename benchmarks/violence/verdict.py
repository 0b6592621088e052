"""What came of a run: what clients were told, what the database says and what the jobs wrote, held against each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.violence.ledger import Line, run_twice

FINAL = frozenset({"COMPLETED", "FAILED", "CANCELED"})
GOOD, BAD, UNWANTED = "good", "bad", "unwanted"  #: names of jobs: what is to become of them
TOLD_TO_END = 143  # what a job exits with at SIGTERM
#: a job that was to be canceled may have ended before anybody heard of that
ENDS = {GOOD: {"COMPLETED"}, BAD: {"FAILED"}, UNWANTED: {"COMPLETED", "CANCELED"}}


class Job(NamedTuple):
    id: int
    name: str
    status: str
    exe_num: int  #: of its latest execution
    created: float
    recorded: float  #: when it was last written; of one that has ended: when that was known


class Execution(NamedTuple):
    job: int
    exe: int
    placed: float | None
    status: str | None  #: None: it has not ended
    exit_code: int | None
    error: str | None


class Verdict(NamedTuple):
    ended: int  #: of the acknowledged jobs
    lost: list[str]
    run_twice: list[str]
    unrecorded: list[str]


def judge(
    acknowledged: Iterable[int],
    canceled: Iterable[int],
    jobs: Sequence[Job],
    executions: Sequence[Execution],
    lines: Sequence[Line],
) -> Verdict:
    """
    :param acknowledged: jobs that a client was told were taken
    :param canceled: jobs of which a client was told that they were canceled
    """
    known = {job.id: job for job in jobs}
    of_job = {(exe.job, exe.exe): exe for exe in executions}
    ends = {(line.job, line.exe): line.code for line in lines if line.what == "end"}
    asked = set(acknowledged)
    lost = [f"job {job} was acknowledged and is not there" for job in sorted(asked - known.keys())]
    lost += _wrong_jobs(known.values(), set(canceled), of_job)
    lost += _wrong_executions(executions, ends)
    ended = sum(known[job].status in FINAL for job in asked & known.keys())
    return Verdict(ended, lost, run_twice(lines), _unrecorded(lines, of_job))


def _wrong_jobs(jobs: Iterable[Job], canceled: set[int], of_job: Mapping[tuple[int, int], Execution]) -> list[str]:
    """Those that have not ended, or not as they had to; those too that nobody acknowledged."""
    found = []
    for job in jobs:
        expected = {"CANCELED"} if job.id in canceled else ENDS[job.name]
        latest = of_job.get((job.id, job.exe_num))
        if job.status not in expected:
            found.append(f"job {job.id} ({job.name}) is {job.status}; expected: {' or '.join(sorted(expected))}")
        elif job.status != "CANCELED" and (latest is None or latest.status != job.status):
            found.append(f"job {job.id} is {job.status}, its latest execution {latest and latest.status}")
    return found


def _wrong_executions(executions: Iterable[Execution], ends: Mapping[tuple[int, int], int | None]) -> list[str]:
    """Those that are recorded to have ended otherwise than they wrote themselves; one that was killed could write nothing."""
    found = []
    for exe in executions:
        wrote = ends.get((exe.job, exe.exe))
        name = f"job {exe.job} execution {exe.exe}"
        if exe.status is None:
            found.append(f"{name} has not ended")
        elif exe.status == "COMPLETED" and wrote != 0:
            found.append(f"{name} is COMPLETED, but wrote {_written(wrote)}")
        elif exe.status == "FAILED" and exe.exit_code is not None and wrote != exe.exit_code:
            found.append(f"{name} is FAILED with exit code {exe.exit_code}, but wrote {_written(wrote)}")
    return found


def _written(code: int | None) -> str:
    return "no end" if code is None else f"that it exits with {code}"


def _unrecorded(lines: Iterable[Line], of_job: Mapping[tuple[int, int], Execution]) -> list[str]:
    """Tasks that were started of executions that the database does not know."""
    starts = (line for line in lines if line.what == "start")
    return [
        f"task {line.task} was started, and nobody knows the execution" for line in starts if (line.job, line.exe) not in of_job
    ]


def needlessly_ended(jobs: Iterable[Job], lines: Iterable[Line]) -> int:
    """Tasks that were told to end though nobody wanted their job canceled."""
    wanted = {job.id for job in jobs if job.name != UNWANTED}
    return sum(line.code == TOLD_TO_END and line.job in wanted for line in lines)


def longest_stall(jobs: Iterable[Job]) -> float:
    """The longest time in which no end of a job was recorded while a job waited or ran, in seconds."""
    ended = sorted((job for job in jobs if job.status in FINAL), key=lambda job: job.recorded)
    before = [0.0, *(job.recorded for job in ended[:-1])][: len(ended)]
    oldest, longest = float("inf"), 0.0
    for job, last in zip(reversed(ended), reversed(before), strict=True):
        oldest = min(oldest, job.created)  # of those that had not ended by then
        longest = max(longest, job.recorded - max(oldest, last))
    return longest


def takeovers(falls: Iterable[float], led: Sequence[float], disturbances: Sequence[tuple[float, float]]) -> list[float]:
    """Seconds from each fall of the leading scheduler to the next sign that one leads.

    :param disturbances: when the database or a scheduler was away; a fall that met another one than its own does not count
    """
    found = []
    for fall in falls:
        after = min((moment for moment in led if moment > fall), default=None)
        if after is not None and not any(began != fall and began <= after and fall <= ended for began, ended in disturbances):
            found.append(after - fall)
    return found

"""What squeue and sacct say of jobs, as values.

Both are asked for text: their JSON differs by version, ignores filters (squeue 22.05), calls every exit a success (sacct 22.05).
A user may put anything into the name of a job, line ends too. So each field ends with a mark that nobody can guess, and a record
with the mark and a line end: no name can pass for another job.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, NamedTuple

from scale.batch.dialects.base import each, optional, state_of
from scale.batch.errors import OutputParsingError
from scale.batch.jobs import QJob, QJobInfo, QState
from scale.batch.quantities import slurm_duration, slurm_memory
from scale.batch.states import SlurmState

#: what squeue is asked for, each under a name that both lists share
LIVE: Final[Mapping[str, str]] = {
    "job_id": "JobArrayID",
    "state": "State",
    "reason": "Reason",
    "exit": "exit_code",
    "restarts": "RestartCnt",
    "account": "Account",
    "queue_name": "Partition",
    "username": "UserName",
    "nodes": "NumNodes",
    "cpus": "NumCPUs",
    "threads": "cpus-per-task",
    "tres": "tres-alloc",
    "time_limit": "TimeLimit",
    "runtime": "TimeUsed",
    "placed": "NodeList",
    "name": "Name",
}
#: what sacct is asked for
HISTORY: Final[Mapping[str, str]] = {
    "job_id": "JobID",
    "state": "State",
    "exit": "ExitCode",
    "account": "Account",
    "queue_name": "Partition",
    "username": "User",
    "nodes": "NNodes",
    "cpus": "NCPUS",
    "tres": "AllocTRES",
    "requested": "ReqTRES",
    "time_limit": "Timelimit",
    "runtime": "Elapsed",
    "placed": "NodeList",
    "name": "JobName",
}
_NOTHING: Final = frozenset({"", "N/A", "None", "(null)", "None assigned", "Unknown"})
_BLOCKED: Final = frozenset({"Dependency", "DependencyNeverSatisfied"})
#: larger arrays than anybody has; each task becomes a value
MOST_TASKS: Final = 1_000_000
#: what Slurm's own errors look like when they are taken for the status of a process: 4021 and its like
_NOT_STARTED: Final = 53
_WHY_NOT: Final = "it could not be started: its directory, its files for output or its interpreter cannot be used"
#: sacct takes 128 from a status above 127
_LESS: Final = 128
_TASKS: Final = re.compile(r"(?P<first>\d{1,7})(?:-(?P<last>\d{1,7})(?::(?P<step>[1-9]\d{0,6}))?)?", re.ASCII)
_COUNT: Final = re.compile(r"\d{1,12}", re.ASCII)

Row = Mapping[str, str]


class Exit(NamedTuple):
    """How a program ended: with a status, or by a signal."""

    status: int
    signal: int

    @classmethod
    def of(cls, text: str, where: str = "exit code") -> Exit:
        """Read `status:signal`, or the raw status of wait(2)."""
        parts = text.split(":")
        if len(parts) > 2 or not all(_COUNT.fullmatch(part) for part in parts):
            raise OutputParsingError(f"{where} is {text[:100]!r}, which cannot be read; it should be like 3:0, or one number")
        first, *signal = map(int, parts)
        return cls(first, *signal) if signal else cls(first >> 8, first & 0x7F)

    @property
    def shell(self) -> int:
        """As a shell tells it."""
        return (128 + self.signal if self.signal else self.status) & 0xFF


@dataclass
class Run:
    """One run of a job, and how its script ended in it."""

    row: Row
    script: Exit | None = None


def live_jobs(said: str, mark: str) -> list[QJob]:
    """What squeue said, ended jobs that it still knows among them. A record that was cut off, or is garbled, is left out."""
    *pieces, rest = said.split(f"{mark}\n")
    if rest.strip():
        pieces.append(rest + mark * len(LIVE))
    return each(pieces, lambda piece: _live(_row(piece, LIVE, mark)))


def ended_jobs(said: str, mark: str) -> list[QJob]:
    """What sacct said: of each job the last run.

    One that is not over is UNDETERMINED: only what squeue has forgotten is looked for here, and sacct lags behind.

    :raises OutputParsingError: it was cut off: of a job that is told, a later run may be missing
    """
    *pieces, rest = said.split(f"{mark}\n")
    if rest.strip():
        raise OutputParsingError(f"what sacct said was cut off behind {rest[-100:]!r}")
    runs = _last_runs(each(pieces, lambda piece: _row(piece, HISTORY, mark))).values()
    return [task for job in each(runs, _ended) for task in _by_task(job)]


def tasks_of(listed: str) -> list[range]:
    """`[1-3,7,9-15:2%4]`, as the numbers that there are; behind `...` it was cut off, and nobody knows more."""
    parts = (part for part in listed.strip("[]").partition("%")[0].split(",") if part != "...")
    found = []
    for part in parts:
        match = _TASKS.fullmatch(part)
        if not match:
            raise OutputParsingError(f"{listed[:100]!r} lists no tasks; it should be like [1-3,7,9-15:2]")
        first = int(match["first"])
        found.append(range(first, int(match["last"] or first) + 1, int(match["step"] or 1)))
    if sum(map(len, found)) > MOST_TASKS:
        raise OutputParsingError(f"{listed[:100]!r} lists more than {MOST_TASKS} tasks")
    return found


def _by_task(job: QJob) -> Iterator[QJob]:
    """Tasks of an array that never began are told together, when somebody canceled them."""
    whole, _, listed = str(job.job_id).partition("_")
    tasks = each([listed], tasks_of) if listed.startswith("[") else []
    for task in chain.from_iterable(tasks[0] if tasks else ()):
        yield replace(job, job_id=f"{whole}_{task}")
    if not tasks or "..." in listed:
        yield job


def _row(piece: str, fields: Mapping[str, str], mark: str) -> Row:
    values = piece.split(mark)
    if len(values) != len(fields):
        raise OutputParsingError(f"{piece[:100]!r} has {len(values)} fields, not {len(fields)}")
    row = dict(zip(fields, values, strict=True))
    job = row["job_id"].rpartition("\n")[2].strip()  # where several clusters are asked, a line tells which one follows
    if not job[:1].isdigit():
        raise OutputParsingError(f"{row['job_id'][:100]!r} is no id of a job")
    return {**row, "job_id": job}


def _live(row: Row) -> QJob:
    state, sub_state = state_of(SlurmState, _code(row["state"]))
    if sub_state is SlurmState.PENDING:
        state = _waiting(row)
    has_ended = sub_state is not None and (sub_state.batch_state.is_final or sub_state is SlurmState.SPECIAL_EXIT)
    end = optional(Exit.of, row["exit"], "exit code of squeue") if has_ended else None
    why = _WHY_NOT if end and end.signal == _NOT_STARTED else _word(row["reason"])
    return _job(row, state, sub_state, _told(end, sub_state, row), why)


def _waiting(row: Row) -> QState:
    """PENDING says only that it is not running: whether it was, and whether anybody holds it, is told beside that."""
    again = row["restarts"].strip() not in {*_NOTHING, "0"}
    if "held" in row["reason"].lower():
        return QState.REQUEUED_HELD if again else QState.QUEUED_HELD
    if row["reason"] in _BLOCKED:
        return QState.QUEUED_HELD
    return QState.REQUEUED if again else QState.QUEUED


def _last_runs(rows: Iterable[Row]) -> dict[str, Run]:
    """The last run of each job: they are listed from the first to the last, each with its steps behind it."""
    runs: dict[str, Run] = {}
    for row in rows:
        job, _, step = row["job_id"].partition(".") if "[" not in row["job_id"] else (row["job_id"], "", "")
        if not step:
            runs[job] = Run(row)
        elif step == "batch" and job in runs:
            runs[job].script = optional(Exit.of, row["exit"] or None, "exit code of the script")
    return runs


def _ended(run: Run) -> QJob | None:
    state, sub_state = state_of(SlurmState, _code(run.row["state"]))
    if sub_state is SlurmState.PENDING and "[" in run.row["job_id"]:
        return None  # tasks that had not begun then
    if sub_state is None or not sub_state.batch_state.is_final:
        return _job(run.row, QState.UNDETERMINED, sub_state, None, None)
    end = optional(Exit.of, run.row["exit"], "exit code of sacct")
    if end == Exit(0, 0) and sub_state is not SlurmState.COMPLETED:
        end = run.script  # Slurm ended it: which signal it was, only the script's own step tells
    return _job(run.row, state, sub_state, _told(end, sub_state, run.row), _doubt(end))


def _doubt(end: Exit | None) -> str | None:
    """What has to be said of an end that sacct tells; its own reason is why the job waited, long ago."""
    if end and end.signal == _NOT_STARTED:
        return _WHY_NOT
    if end and not end.signal and 0 < end.status < _LESS:
        return f"by sacct, which takes 128 from an exit status above 127: it may have been {end.status + _LESS}"
    return None


def _told(end: Exit | None, state: SlurmState | None, row: Row) -> Exit | None:
    """What can be told of an end: nothing of a job that never started, and no success of one that had none."""
    never_started = row["placed"].strip() in _NOTHING and state is not SlurmState.SPECIAL_EXIT
    no_end = end is not None and (end.signal == _NOT_STARTED or (end == Exit(0, 0) and state is not SlurmState.COMPLETED))
    return None if never_started or no_end else end


def _job(row: Row, state: QState, sub_state: SlurmState | None, end: Exit | None, reason: str | None) -> QJob:
    has_begun = _word(row["queue_name"]) is not None  # sacct may hear of an end before it hears of the beginning
    return QJob(
        name=row["name"] if has_begun else None,
        job_id=row["job_id"],
        exit_status=end.shell if end else None,
        exit_signal=(end.signal or None) if end else None,
        state=state,
        sub_state=sub_state,
        info=_info(row) if has_begun else None,
        account=_word(row["account"]),
        runtime=optional(slurm_duration, _word(row["runtime"]), "run time"),
        queue_name=_word(row["queue_name"]),
        username=_word(row["username"]),
        native_state=row["state"].strip(),
        reason=reason,
    )


def _info(row: Row) -> QJobInfo:
    tres = dict(_tres(row["tres"] if _word(row["tres"]) else row.get("requested", "")))
    cpus = _count(tres.get("cpu", row["cpus"]), "cpus")
    memory = optional(slurm_memory, tres.get("mem"), "memory")
    return QJobInfo(
        memory=memory,
        memory_per_cpu=memory // cpus if memory is not None and cpus else None,
        nodes=_count(tres.get("node", row["nodes"]), "nodes"),
        cpus=cpus,
        threads_per_process=_count(row.get("threads"), "cpus per task"),
        time_limit=optional(slurm_duration, _word(row["time_limit"]), "time limit"),
        gpus=_count(tres.get("gres/gpu"), "gpus"),
    )


def _tres(text: str) -> Iterator[tuple[str, str]]:
    """`cpu=4,mem=256M,node=1,gres/gpu=2`; gpus may be told by their kind alone, as in `gres/gpu:a100=2`."""
    pairs = [(name.strip(), value) for name, equals, value in (part.partition("=") for part in text.split(",")) if equals]
    kinds = [int(value) for name, value in pairs if name.startswith("gres/gpu:") and _COUNT.fullmatch(value)]
    yield from [("gres/gpu", str(sum(kinds)))] if kinds else []
    yield from pairs


def _code(state: str) -> str:
    """The first word: `CANCELLED by 1000` tells who did it, `RUNNING,COMPLETING` what else it does."""
    return re.split(r"[ ,+]", state.strip(), maxsplit=1)[0]


def _word(text: str) -> str | None:
    return None if text.strip() in _NOTHING else text.strip()


def _count(text: str | None, where: str) -> int | None:
    return optional(_number, None if text is None or text.strip() in _NOTHING else text.strip(), where)


def _number(text: str, where: str) -> int:
    if not _COUNT.fullmatch(text):
        raise OutputParsingError(f"{where} is {text[:100]!r}, which is no number")
    return int(text)

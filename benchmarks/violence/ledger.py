"""What the jobs themselves wrote of their starts and ends, line by line, in the order in which it happened. Pure.

    start <job> <execution> <task id> <pid> <seconds since boot>
    end   <job> <execution> <task id> <pid> <seconds since boot> <exit code>
    killed <job> <execution> <task id> <pid> <seconds since boot>

Jobs write start and end, each with one write at the end of the file; whoever kills a task writes that it was killed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: PROGRAM LEDGER SECONDS CODE: write the start, take so long, write the end, exit with the code. It starts no process but
#: its sleep, so that a thousand of them cost little.
PROGRAM = """\
tell() {
    read -r up _ </proc/uptime
    printf '%s %s %s %s %s %s%s\\n' "$1" "$SCALE_JOB_ID" "$SCALE_EXE_NUM" "$SCALE_TASK_ID" $$ "$up" "$2" >>"$ledger"
}
ledger=$1
trap 'tell end " 143"; exit 143' TERM
tell start
sleep "$2"
trap '' TERM  # what has ended by itself ends as it would have
tell end " $3"
exit "$3"
"""


class Line(NamedTuple):
    what: str
    job: int
    exe: int
    task: str
    pid: int
    at: float  #: seconds since boot
    code: int | None = None


def read(text: str) -> list[Line]:
    """Every whole line."""
    return [_line(words.split()) for words in text.split("\n")[:-1]]


def _line(words: Sequence[str]) -> Line:
    what, job, exe, task, pid, at, *code = words
    return Line(what, int(job), int(exe), task, int(pid), float(at), int(code[0]) if code else None)


def alive(lines: Iterable[Line]) -> dict[str, Line]:
    """The tasks that have started and not ended, as far as anybody wrote; the start of each."""
    found: dict[str, Line] = {}
    for line in lines:
        if line.what == "start":
            found[line.task] = line
        else:
            found.pop(line.task, None)
    return found


def run_twice(lines: Sequence[Line]) -> list[str]:
    """Task ids that were started twice, and executions of which two tasks were alive at once, in words."""
    starts = Counter(line.task for line in lines if line.what == "start")
    twice = [f"task {task} was started {count} times" for task, count in starts.items() if count > 1]
    of_execution: dict[tuple[int, int], set[str]] = {}
    for line in lines:
        living = of_execution.setdefault((line.job, line.exe), set())
        if line.what != "start":
            living.discard(line.task)
            continue
        twice += [f"task {line.task} was started while {other} was alive" for other in living - {line.task}]
        living.add(line.task)
    return twice


def overlapping(lines: Sequence[Line]) -> int:
    """Executions that were started while an earlier one of the same job was alive, and surely was: it wrote its end later."""
    living: dict[int, set[str]] = {}
    earlier: dict[str, int] = {}
    for line in lines:
        tasks = living.setdefault(line.job, set())
        if line.what == "start":
            earlier |= {other: line.exe for other in tasks}
            tasks.add(line.task)
        else:
            tasks.discard(line.task)
    return len({task for line in lines if line.what == "end" and (task := line.task) in earlier and earlier[task] != line.exe})

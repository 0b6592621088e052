"""What a task costs on the local engine: `/bin/true` through it, against the bare `posix_spawn` of the same minute.

    python benchmarks/spawn.py [--tasks 2000] [--in-flight 64] [--rounds 3] [--mem 0] [--memory-limits auto]

The engine is given new tasks as ends come back, so that never more than ``--in-flight`` are with it: as many as a
scheduler that fills a machine ahead would have. The floor has two in flight, as many as there are cpus on the machine
that the goal was set on. Rounds alternate, and the medians are compared.

A task makes two files. After a mass deletion ext4 needs thirty times as long for each, for minutes: `file_us` tells
whether that is so where the home is (20 is well, 300 is not). The engine puts each day's files elsewhere on the disk, so
it suffers less than that figure says.

With ``--mem`` each task has a limit of so many MiB, held by `--memory-limits`: cgroup, watch, off, or auto.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

import harness
from figures import Row
from scale.engines.local.engine import LocalEngine
from scale.engines.protocol import TaskReport, TaskSpec, TaskState
from scale.kernel.clock import SystemClock
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources

CLOCK = SystemClock()


def through_engine(
    engine: LocalEngine, wake: threading.Event, tasks: int, in_flight: int, number: int, needs: Resources
) -> float:
    """Tasks a second, from the first launch to the last end."""
    specs = [TaskSpec(TaskId(f"scale_job_bench_{number}x{n}_main"), engine.node, (harness.TRUE,), needs) for n in range(tasks)]
    began = time.perf_counter()
    engine.launch(specs[:in_flight], CLOCK.now())
    launched, over = min(in_flight, tasks), 0
    while over < tasks:
        wake.wait(10)
        wake.clear()
        ends = [r for r in engine.reports(CLOCK.now()) if isinstance(r, TaskReport) and r.state.is_end]
        assert all(end.state is TaskState.FINISHED for end in ends), ends
        over += len(ends)
        fresh = specs[launched : over + in_flight]
        launched += len(fresh)
        engine.launch(fresh, CLOCK.now())
        engine.acknowledge([end.task_id for end in ends])
    return tasks / (time.perf_counter() - began)


def file_cost(folder: Path, files: int = 500) -> float:
    """Microseconds to make a file."""
    folder.mkdir()
    began = time.perf_counter()
    for n in range(files):
        (folder / str(n)).touch()
    return (time.perf_counter() - began) / files * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mem", type=float, default=0)
    parser.add_argument("--memory-limits", default="auto")
    args = parser.parse_args()
    needs = Resources(cpus=1, mem=args.mem)
    wake = threading.Event()
    figures, floors = [], []
    with tempfile.TemporaryDirectory() as home, LocalEngine(Path(home), memory_limits=args.memory_limits) as engine:
        engine.start(wake.set)
        file_us = file_cost(Path(home) / "files")
        for number in range(args.rounds):
            floors.append(harness.spawn_floor(args.tasks))
            figures.append(through_engine(engine, wake, args.tasks, args.in_flight, number, needs))
    figure, against = statistics.median(figures), statistics.median(floors)
    row = Row("tasks through the engine", figure, "tasks/s", "posix_spawn of /bin/true, two in flight", against)
    sizes = {"tasks": args.tasks, "in_flight": args.in_flight, "mem": args.mem, "memory_limits": args.memory_limits}
    harness.finish("spawn", [row], {**sizes, "file_us": round(file_us)})


if __name__ == "__main__":
    main()

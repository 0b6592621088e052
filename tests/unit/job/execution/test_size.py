"""How much memory a running execution takes: there may be a hundred thousand of them."""

from __future__ import annotations

import gc
import tracemalloc

from scale.job.execution.configuration import ExecutionConfiguration, command_configuration
from scale.job.execution.job_exe import RunningJobExecution
from scale.job.execution.manager import JobExecutionManager
from scale.job.tasks.manager import TaskManager
from scale.kernel.clock import ManualClock
from tests.builders import NOW, a_job_exe, a_job_type

MANY = 1000
HAS = {"cpus": 0.1, "mem": 16.0}


def a_command(number, job_type, clock):
    row = a_job_exe(number, job_type_id=job_type.pk, resources=dict(HAS), submitted=NOW)
    words = command_configuration(
        row.get_cluster_id(), ["/bin/true"], env={}, working_dir=None, resources=HAS, job_id=row.job_id, exe_num=row.exe_num
    )
    return RunningJobExecution("agent-1", row, job_type, ExecutionConfiguration(words), 100, clock=clock)


def run(tasks, job_exes, numbers):
    job_type, clock = a_job_type(), ManualClock(NOW)
    exes = [a_command(number, job_type, clock) for number in numbers]
    job_exes.schedule_job_exes(exes, [])
    tasks.launch_tasks([exe.start_next_task() for exe in exes], NOW)


def test_an_execution_that_runs_takes_less_than_two_kilobytes():
    tasks, job_exes = TaskManager(), JobExecutionManager(clock=ManualClock(NOW))
    run(tasks, job_exes, range(1, 100))  # what all of them share
    tracemalloc.start()
    run(tasks, job_exes, range(1000, 1000 + MANY))
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / MANY < 2000

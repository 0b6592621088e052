"""Nothing that is lost escapes the verdict of `benchmarks/chaos.py`, and nothing else is called lost."""

from __future__ import annotations

import pytest

from benchmarks.violence.ledger import Line
from benchmarks.violence.verdict import Execution, Job, judge, longest_stall, needlessly_ended, takeovers


def job(number: int = 7, status: str = "COMPLETED", name: str = "good", exe_num: int = 1, created=0.0, recorded=1.0) -> Job:
    return Job(number, name, status, exe_num, created, recorded)


def execution(exe: int = 1, status: str | None = "COMPLETED", exit_code: int | None = 0) -> Execution:
    return Execution(7, exe, 0.5, status, exit_code, None)


def wrote(exe: int = 1, code: int | None = 0) -> list[Line]:
    start = Line("start", 7, exe, f"t{exe}", 100, 1.0)
    return [start] if code is None else [start, Line("end", 7, exe, f"t{exe}", 100, 2.0, code)]


def lost(*, jobs=(), executions=(), lines=(), canceled=()) -> list[str]:
    return judge([7], canceled, jobs or [job()], executions or [execution()], lines or wrote()).lost


def test_a_job_that_wrote_its_end_and_completed_is_well():
    found = judge([7], [], [job()], [execution()], wrote())
    assert found == (1, [], [], [])


def test_an_acknowledged_job_that_is_not_there_is_lost():
    found = judge([7, 8], [], [job()], [execution()], wrote())
    assert (found.ended, found.lost) == (1, ["job 8 was acknowledged and is not there"])


@pytest.mark.parametrize("status", ["QUEUED", "RUNNING", "FAILED", "CANCELED"])
def test_a_good_job_that_did_not_complete_is_lost(status):
    assert lost(jobs=[job(status=status)])[0] == f"job 7 (good) is {status}; expected: COMPLETED"


def test_a_job_that_nobody_acknowledged_has_to_end_too():
    assert judge([], [], [job(status="QUEUED")], [execution()], wrote()).lost


def test_a_job_that_was_acknowledged_as_canceled_has_to_be():
    late = job(name="unwanted")
    assert lost(jobs=[late]) == []
    assert lost(jobs=[late], canceled=[7]) == ["job 7 (unwanted) is COMPLETED; expected: CANCELED"]


def test_a_job_that_completed_without_writing_its_end_is_lost():
    assert lost(lines=wrote(code=None)) == ["job 7 execution 1 is COMPLETED, but wrote no end"]


def test_a_failure_that_wrote_another_exit_code_is_found():
    executions = [execution(1, "FAILED", 3), execution(2)]
    found = lost(jobs=[job(exe_num=2)], executions=executions, lines=[*wrote(1, 0), *wrote(2)])
    assert found == ["job 7 execution 1 is FAILED with exit code 3, but wrote that it exits with 0"]


def test_a_failure_without_an_exit_code_may_have_written_anything():
    executions = [execution(1, "FAILED", None), execution(2)]
    assert lost(jobs=[job(exe_num=2)], executions=executions, lines=[*wrote(1, 0), *wrote(2)]) == []


def test_a_job_and_its_latest_execution_have_to_agree():
    found = lost(jobs=[job(exe_num=2)], executions=[execution(1), execution(2, "FAILED", None)])
    assert found == ["job 7 is COMPLETED, its latest execution FAILED"]


def test_an_execution_that_never_ended_is_lost():
    assert lost(executions=[execution(), execution(2, None, None)]) == ["job 7 execution 2 has not ended"]


def test_a_task_of_an_execution_that_nobody_recorded_is_found():
    found = judge([7], [], [job()], [execution()], [*wrote(), *wrote(2)])
    assert found.unrecorded == ["task t2 was started, and nobody knows the execution"]


def test_a_task_that_was_told_to_end_though_its_job_was_wanted_is_counted():
    assert needlessly_ended([job()], wrote(code=143)) == 1
    assert needlessly_ended([job(name="unwanted")], wrote(code=143)) == 0
    assert needlessly_ended([job()], wrote(code=0)) == 0


def test_only_time_in_which_something_waited_or_ran_is_a_stall():
    busy = [job(1, created=0, recorded=2), job(2, created=1, recorded=5)]
    assert longest_stall(busy) == 3
    assert longest_stall([*busy, job(3, created=100, recorded=101)]) == 3
    assert longest_stall([]) == 0


def test_a_takeover_lasts_until_the_next_sign_of_a_leader():
    assert takeovers([10.0, 30.0], [5.0, 9.9, 12.5, 13.0, 34.0], [(10.0, 20.0), (30.0, 40.0)]) == [2.5, 4.0]


def test_a_takeover_that_met_another_fault_is_left_out():
    assert takeovers([10.0, 30.0], [12.5, 34.0], [(11.0, 12.0)]) == [4.0]

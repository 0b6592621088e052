"""What the jobs of `benchmarks/chaos.py` write, and that nothing that ran twice escapes whoever reads it."""

from __future__ import annotations

import subprocess

from benchmarks.violence.ledger import PROGRAM, alive, overlapping, read, run_twice

A, B = "scale_job_f_7x1_main", "scale_job_f_7x1_main_lost-1"
SECOND_TRY = "scale_job_f_7x2_main"


def start(task: str, exe: int = 1) -> str:
    return f"start 7 {exe} {task} 100 12.50\n"


def end(task: str, exe: int = 1, code: int = 0) -> str:
    return f"end 7 {exe} {task} 100 13.00 {code}\n"


def killed(task: str) -> str:
    return f"killed 7 1 {task} 100 13.00\n"


def test_a_job_writes_its_start_and_its_end(tmp_path):
    variables = {"SCALE_JOB_ID": "7", "SCALE_EXE_NUM": "1", "SCALE_TASK_ID": A, "PATH": "/usr/bin:/bin"}
    done = subprocess.Popen(["/bin/sh", "-c", PROGRAM, "job", tmp_path / "ledger", "0.01", "3"], env=variables)
    assert done.wait() == 3
    began, over = read((tmp_path / "ledger").read_text())
    assert (began.what, began.job, began.exe, began.task, began.pid, began.code) == ("start", 7, 1, A, done.pid, None)
    assert (over.what, over.task, over.pid, over.code) == ("end", A, done.pid, 3)
    assert began.at <= over.at


def test_a_line_that_is_still_being_written_is_not_read():
    assert [line.task for line in read(start(A) + "start 7 1 sca")] == [A]


def test_one_try_after_the_other_is_not_twice():
    lines = read(start(A) + killed(A) + start(B) + end(B) + start(SECOND_TRY, 2) + end(SECOND_TRY, 2))
    assert run_twice(lines) == []
    assert overlapping(lines) == 0


def test_a_task_that_started_twice_is_found():
    assert run_twice(read(start(A) + end(A) + start(A) + end(A))) == [f"task {A} was started 2 times"]


def test_two_tasks_of_one_execution_alive_at_once_are_found():
    assert run_twice(read(start(A) + start(B) + end(A) + end(B))) == [f"task {B} was started while {A} was alive"]


def test_a_task_that_nobody_saw_end_counts_as_alive():
    assert len(run_twice(read(start(A) + start(B) + end(B)))) == 1


def test_tries_of_one_job_that_overlap_are_counted():
    assert overlapping(read(start(A) + start(SECOND_TRY, 2) + end(A) + end(SECOND_TRY, 2))) == 1


def test_what_has_neither_ended_nor_been_killed_is_alive():
    assert [*alive(read(start(A) + killed(A) + start(B)))] == [B]

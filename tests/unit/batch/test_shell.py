"""The bare shell's tongue: scripts with a header of comments, and what its own program said of processes, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from scale.batch import (
    CancelStatus,
    CommandFailedError,
    InvalidJobIDError,
    QResources,
    QState,
    ShellIO,
    ShellState,
    SubmissionStatus,
    UnsupportedResourcesError,
)
from tests.unit.batch.asking import told

SAID = (Path(__file__).with_name("outputs") / "shell.txt").read_text()


def test_a_script_begins_with_a_header_that_no_shell_reads():
    asked = QResources(job_name="it's $(x)", output_filepath=Path("o u t"), error_filepath="/e;rr")
    assert ShellIO().get_submission_script("true", asked).splitlines() == [
        "#!/bin/bash",
        "#SCALE name it's $(x)",
        "#SCALE output o u t",
        "#SCALE error /e;rr",
        "",
        "true",
    ]


@pytest.mark.parametrize(
    "asked", [{"time_limit": 5}, {"njobs": 2}, {"hold": True}, {"gpus_per_job": 1}, {"dependencies": {"afterok": ["1.1"]}}]
)
def test_a_process_has_nothing_of_a_batch_system(asked):
    with pytest.raises(UnsupportedResourcesError, match=next(iter(asked))):
        ShellIO().generate_header(QResources(processes=1, **asked))


def test_jobs_are_read_by_line():
    jobs = {job.job_id: job for job in ShellIO().parse_jobs_list_output(0, SAID, "")}
    told = {job_id: (job.state, job.sub_state, job.exit_status, job.runtime) for job_id, job in jobs.items()}
    assert told == {
        "30496.2983962": (QState.FAILED, ShellState.DEAD, 3, 0),
        "30549.2983972": (QState.DONE, ShellState.DEAD, 0, 61),
        "30574.2983977": (QState.FAILED, ShellState.DEAD, 139, 0),
        "30580.2983979": (QState.RUNNING, None, None, None),
        "30581.2983980": (QState.UNDETERMINED, None, None, None),
        "30519.2983966": (QState.RUNNING, ShellState.INTERRUPTIBLE_SLEEP, None, 86405),
        "30520.2983967": (QState.SUSPENDED, ShellState.STOPPED, None, 7),
    }
    assert jobs["30496.2983962"].name == "it's $(touch x) a; name"
    assert jobs["30519.2983966"].username == "alice"
    assert "nobody was there" in jobs["30581.2983980"].reason


def test_a_line_that_is_none_of_them_is_left_out(caplog):
    assert ShellIO().parse_history_output(0, "live 1 2\n\nend x\n", "") == []
    assert "live ID USER STATE AGE NAME" in caplog.text


def test_a_state_that_nobody_knows_is_undetermined(caplog):
    (job,) = ShellIO().parse_jobs_list_output(0, "live 1.2 alice ? 00:07 x\n", "")
    assert (job.state, job.native_state) == (QState.UNDETERMINED, "?")


@pytest.mark.parametrize("said", ["", "no such file"])
def test_a_question_that_fails_is_told(said):
    with pytest.raises(CommandFailedError, match=said or "it did not say why"):
        ShellIO().parse_jobs_list_output(1, "", said)


def test_orders_are_understood():
    io = ShellIO()
    assert io.parse_submit_output(0, "12.34\n", "").job_id == "12.34"
    assert io.parse_submit_output(0, "", "").status is SubmissionStatus.JOB_ID_UNKNOWN
    assert io.parse_submit_output(1, "", "there is no script x to read").status is SubmissionStatus.FAILED
    assert io.parse_cancel_output(0, "", "").status is CancelStatus.SUCCESSFUL
    assert io.parse_cancel_output(0, "", "there is no job 1.2\n").status is CancelStatus.JOB_ID_UNKNOWN
    assert io.parse_cancel_output(1, "", "kill: not permitted").status is CancelStatus.FAILED


def test_whatever_belongs_to_a_job_is_an_argument_and_no_part_of_the_program():
    io = ShellIO(directory="/d;x")
    for argv in (io.submit_argv("$(s).sh"), io.cancel_argv(["1.2"]), *io.live_argvs(["1.2"], None), *io.live_argvs([], "al;ice")):
        assert argv[:2] == ("bash", "-c")
        assert argv[3:5] == ("bash", "/d;x")
        assert not any(word in argv[2] for word in ("$(s)", "1.2", "/d;x", "al;ice"))
    assert io.history_argvs(["1.2"]) == []
    with pytest.raises(InvalidJobIDError):
        io.get_cancel_cmd("1.2; true")


def test_a_process_is_a_part_of_nothing():
    assert ShellIO().whole("1.2") == "1.2"
    assert told(ShellIO(), "1.2", "1.3", "1.2") == ["1.2"]

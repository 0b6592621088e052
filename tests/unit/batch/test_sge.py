"""Grid Engine's tongue: its scripts field by field, and what it said of jobs, read."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from scale.batch import (
    SGEIO,
    CancelStatus,
    CommandFailedError,
    InvalidFieldError,
    OutputParsingError,
    QJobInfo,
    QResources,
    QState,
    SGEState,
    SubmissionStatus,
    UnsupportedResourcesError,
)
from tests.unit.batch.asking import told

OUTPUTS = Path(__file__).with_name("outputs")
START = "#!/bin/bash\n#$ -S /bin/bash\n#$ -cwd\n"


def header(**asked):
    return SGEIO(across_nodes="mpi-{}").generate_header(QResources(**{"processes": 1, **asked})).splitlines()


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        ({"queue_name": "all.q@@fast"}, ["#$ -q all.q@@fast"]),
        ({"job_name": "mine"}, ["#$ -N mine"]),
        ({"job_name": "1 a/b"}, ["#$ -N _1_a_b"]),
        ({"account": "acct"}, ["#$ -A acct"]),
        ({"project": "physics"}, ["#$ -P physics"]),
        ({"priority": -5}, ["#$ -p -5"]),
        ({"priority": "10"}, ["#$ -p 10"]),
        ({"output_filepath": "/tmp/a b/$JOB_ID.$TASK_ID"}, ['#$ -o "/tmp/a b/$JOB_ID.$TASK_ID"']),
        ({"error_filepath": Path("/tmp/err")}, ["#$ -e /tmp/err"]),
        ({"memory_per_thread": 200}, ["#$ -l h_vmem=200M"]),
        ({"time_limit": 90061}, ["#$ -l h_rt=25:1:1"]),
        ({"gpus_per_job": 2}, ["#$ -l gpu=2"]),
        ({"licenses": {"matlab": 2}, "constraints": ["avx512"]}, ["#$ -l matlab=2,avx512=TRUE"]),
        ({"memory_per_thread": 1, "time_limit": 1, "gpus_per_job": 1}, ["#$ -l h_vmem=1M,h_rt=0:0:1,gpu=1"]),
        ({"email_address": "a@b.org"}, ["#$ -M a@b.org", "#$ -m abe"]),
        ({"rerunnable": True}, ["#$ -r y"]),
        ({"rerunnable": False}, ["#$ -r n"]),
        ({"njobs": 4}, ["#$ -t 1-4"]),
        ({"njobs": 1}, []),
        ({"hold": True}, ["#$ -h"]),
        ({"dependencies": {"afterany": ["3", "4.1"]}}, ["#$ -hold_jid 3,4.1"]),
        ({"processes": 4}, ["#$ -pe smp 4"]),
        ({"threads_per_process": 3}, ["#$ -pe smp 3"]),
        ({"processes": None, "nodes": 1, "processes_per_node": 2}, ["#$ -pe smp 2"]),
        ({"processes": None, "nodes": 3, "processes_per_node": 2, "threads_per_process": 2}, ["#$ -pe mpi-4 12"]),
        ({"scheduler_kwargs": {"pe": "orte 2-8", "qverbatim": "#$ -notify"}}, ["#$ -pe orte 2-8", "#$ -notify"]),
    ],
)
def test_each_field_is_said_in_grid_engines_own_words(asked, lines):
    assert header(**asked) == lines


def test_a_script_is_run_by_bash_in_its_directory_whatever_is_asked_for():
    assert SGEIO().get_submission_script("true") == START + "true"
    script = SGEIO().get_submission_script(["a", "b"], QResources(job_name="x"))
    assert script == START + "#$ -N x\n\na\nb"


def test_names_that_a_site_chose_are_used():
    io = SGEIO(parallel_environment="threads", memory="mem_free", time="s_rt", gpu="ngpu")
    asked = QResources(processes=2, memory_per_thread=5, time_limit=60, gpus_per_job=1)
    assert io.generate_header(asked).splitlines() == ["#$ -pe threads 2", "#$ -l mem_free=5M,s_rt=0:1:0,ngpu=1"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (QResources.scattered(2), "process_placement"),
        (QResources.evenly_distributed(2, 2), "process_placement"),
        (QResources(processes=1, qos="high"), "qos"),
        (QResources(processes=1, dependencies={"afterok": ["1"]}), "dependencies"),
        (QResources(processes=1, priority="high"), "priority"),
        (QResources(processes=1, output_filepath="/tmp/a#b"), "qout_path"),
        (QResources(processes=1, output_filepath="/tmp/$PATH"), "qout_path"),
        (QResources(processes=1, error_filepath="-e"), "qerr_path"),
    ],
)
def test_what_it_has_not_is_refused_by_the_name_of_the_field(asked, field):
    with pytest.raises(UnsupportedResourcesError, match=field):
        SGEIO().generate_header(asked)


def test_a_parallel_environment_is_two_words_and_no_more():
    with pytest.raises(InvalidFieldError, match="pe"):
        SGEIO().generate_header({"pe": "smp 2 -now y"})


@pytest.mark.parametrize(
    ("said", "job_id"),
    [
        ('Your job 14 ("we<&>ird") has been submitted\n', "14"),
        ('Your job-array 6.1-3:1 ("arr") has been submitted\n', "6"),
        ('JSV: welcome\nYour job 3 ("x") has been submitted\n', "3"),
        ("7.1-4:2\n", "7"),
    ],
)
def test_the_id_of_a_submitted_job_is_found(said, job_id):
    done = SGEIO().parse_submit_output(0, said, "")
    assert (done.status, done.job_id) == (SubmissionStatus.SUCCESSFUL, job_id)


def test_a_submit_without_an_id_says_so_and_a_refused_one_failed():
    assert SGEIO().parse_submit_output(0, "odd", "").status is SubmissionStatus.JOB_ID_UNKNOWN
    assert SGEIO().parse_submit_output(1, "", 'Unable to run job: unknown resource "x"').status is SubmissionStatus.FAILED


@pytest.mark.parametrize(
    ("code", "said", "status"),
    [
        (0, "alice has registered the job 3 for deletion", CancelStatus.SUCCESSFUL),
        (0, "alice has deleted job 4", CancelStatus.SUCCESSFUL),
        (0, "job 3 is already in deletion", CancelStatus.SUCCESSFUL),
        (1, 'alice has deleted job 4\ndenied: job "999" does not exist', CancelStatus.SUCCESSFUL),
        (1, 'denied: job "999" does not exist', CancelStatus.JOB_ID_UNKNOWN),
        (1, "error: unable to contact qmaster", CancelStatus.FAILED),
    ],
)
def test_what_qdel_says_is_understood(code, said, status):
    assert SGEIO().parse_cancel_output(code, said, "").status is status


def test_commands_are_argument_lists():
    io = SGEIO(singly=2, history_days=3)
    assert io.submit_argv("-x.sh") == ("qsub", "./-x.sh")
    assert io.cancel_argv(["1", "2.3"]) == ("qdel", "1", "2.3")
    assert io.live_argvs(["1"], None) == [("qstat", "-xml", "-r", "-u", "*")]
    assert io.live_argvs([], "alice") == [("qstat", "-xml", "-r", "-u", "alice")]
    assert io.history_argvs(["1", "2.3", "2.4"]) == [("qacct", "-d", "3", "-j", "1"), ("qacct", "-d", "3", "-j", "2")]
    assert io.history_argvs(["1", "2", "3"]) == [("qacct", "-d", "3", "-j")]
    assert SGEIO().history_argvs(["1"]) == [("qacct", "-j", "1")]


def test_a_task_is_a_part_of_its_array():
    io = SGEIO()
    assert io.whole("6.2") == "6"
    assert told(io, "6", "6.2", "61.2") == ["6.2"]
    assert told(io, "6.1", "6.2", "6") == []


def live():
    said = (OUTPUTS / "sge_8.1.9_qstat.xml").read_text()
    return {job.job_id: job for job in SGEIO().parse_jobs_list_output(0, said, "")}


def test_jobs_that_are_not_over_are_read():
    jobs = live()
    told = {job_id: (job.state, job.sub_state) for job_id, job in jobs.items()}
    assert told == {
        "3": (QState.RUNNING, SGEState.RUNNING),
        "7.1": (QState.RUNNING, SGEState.RUNNING),
        "12": (QState.RUNNING, SGEState.RUNNING),
        "14": (QState.SUSPENDED, SGEState.SUSPENDED),
        "15.1": (QState.RUNNING, SGEState.RUNNING),
        "15.2": (QState.RUNNING, SGEState.RUNNING),
        "13": (QState.QUEUED, SGEState.QUEUED),
        "10": (QState.FAILED, SGEState.ERROR),
        "11": (QState.FAILED, SGEState.ERROR),
        "4": (QState.QUEUED_HELD, SGEState.HELD),
        "5": (QState.QUEUED_HELD, SGEState.HELD),
        **{f"7.{task}": (QState.QUEUED, SGEState.QUEUED) for task in (2, 3, 4)},
        **{f"8.{task}": (QState.QUEUED_HELD, SGEState.HELD) for task in (1, 3)},
    }
    assert (jobs["3"].name, jobs["3"].username, jobs["3"].queue_name) == ("long", "alice", "all.q")
    assert jobs["3"].info == QJobInfo(cpus=1, gpus=1)
    assert jobs["12"].info == QJobInfo(cpus=1, time_limit=2)
    assert jobs["13"].info == QJobInfo(cpus=64)


def ended():
    said = (OUTPUTS / "sge_8.1.9_qacct.txt").read_text()
    return {job.job_id: job for job in SGEIO().parse_history_output(0, said, "")}


@pytest.mark.parametrize(
    ("job_id", "state", "status", "signal", "native", "reason"),
    [
        ("1", QState.DONE, 0, None, "finished", None),
        ("2", QState.FAILED, 3, None, "finished", None),
        ("3", QState.FAILED, 137, 9, "failed 100", "assumedly after job"),
        ("6.1", QState.DONE, 0, None, "finished", None),
        ("6.2", QState.FAILED, 1, None, "finished", None),
        ("9", QState.FAILED, 139, 11, "failed 100", "assumedly after job"),
        ("10", QState.FAILED, 100, None, "failed 30", "application error returned"),
        ("11", QState.FAILED, None, None, "failed 28", "changing into working directory"),
        ("12", QState.DONE, 0, None, "finished", None),
    ],
)
def test_jobs_that_are_over_are_read_with_how_they_ended(job_id, state, status, signal, native, reason):
    job = ended()[job_id]
    assert (job.state, job.sub_state) == (state, SGEState.FINISHED)
    assert (job.exit_status, job.exit_signal, job.native_state, job.reason) == (status, signal, native, reason)


def test_an_ended_job_is_told_with_what_it_held():
    job = ended()["1"]
    assert job.info == QJobInfo(memory=2 * 200 * 1024, memory_per_cpu=200 * 1024, cpus=2, time_limit=100)
    assert (job.name, job.username, job.queue_name, job.account, job.runtime) == ("ok", "alice", "all.q", "sge", 0)


def test_a_job_that_was_put_back_and_did_not_end_since_is_not_over():
    said = (OUTPUTS / "sge_8.1.9_qacct.txt").read_text()
    page = next(page for page in said.split("=" * 62) if "rescheduling" in page)
    assert SGEIO().parse_history_output(0, page, "") == []


def test_no_record_is_no_job_and_no_qmaster_is_trouble():
    assert SGEIO().parse_history_output(1, "", "error: job id 999 not found\n") == []
    with pytest.raises(CommandFailedError, match="qacct ended with 1: denied"):
        SGEIO().parse_history_output(1, "", "denied")
    with pytest.raises(CommandFailedError, match="qstat ended with 1: it did not say why"):
        SGEIO().parse_jobs_list_output(1, "", "")


def entry(state="r", tasks="", number="1", slots="1"):
    job = f"<JB_job_number>{number}</JB_job_number><state>{state}</state><tasks>{tasks}</tasks><slots>{slots}</slots>"
    return f"<job_info><queue_info/><job_info><job_list>{job}</job_list></job_info></job_info>"


def read(**of):
    return SGEIO().parse_jobs_list_output(0, entry(**of), "")


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("hr", SGEState.RUNNING),
        ("ht", SGEState.TRANSFERRING),
        ("hRq", SGEState.RESUBMITTED_HELD),
        ("hRr", SGEState.RUNNING_RESUBMITTED),
        ("dEqw", SGEState.ERROR),
        ("hdr", SGEState.DELETED),
        ("hs", SGEState.SUSPENDED),
        ("hq", SGEState.HELD),
    ],
)
def test_letters_that_nobody_has_listed_together_are_understood(code, state):
    (job,) = read(state=code)
    assert (job.sub_state, job.state, job.native_state) == (state, state.qstate, code)


def test_letters_tell_what_the_table_of_states_says():
    for state in SGEState:
        for code in (code for code in state.values if code != "z"):
            assert SGEState._by_letters(code) is state, code


@pytest.mark.parametrize("code", ["?", "xqw", "", "q", "N"])
def test_a_code_that_nobody_knows_is_undetermined_and_told_in_the_log(code, caplog):
    (job,) = read(state=code)
    assert (job.state, job.sub_state) == (QState.UNDETERMINED, None)
    assert "UNDETERMINED" in caplog.text


@pytest.mark.parametrize("tasks", ["odd", "1-9999999:1", "1,x"])
def test_tasks_that_cannot_be_read_stand_for_the_job(tasks, caplog):
    (job,) = read(tasks=tasks)
    assert job.job_id == "1"
    assert "tasks is" in caplog.text


def test_a_job_that_cannot_be_read_spoils_no_other(caplog):
    caplog.set_level(logging.WARNING)
    assert read(number="odd") == []
    assert "JB_job_number is 'odd'" in caplog.text
    assert read(slots="many")[0].info.cpus is None


def test_a_name_with_what_xml_may_not_have_spoils_no_poll():
    said = entry().replace("<state>", "<JB_name>a\x01b</JB_name><state>")
    assert SGEIO().parse_jobs_list_output(0, said, "")[0].name == "a?b"


@pytest.mark.parametrize("said", ["", "<job_info>", "<unknown_jobs/>", "<!DOCTYPE x><job_info/>", "sorry"])
def test_what_is_no_list_of_jobs_is_told(said):
    with pytest.raises(OutputParsingError, match="qstat said"):
        SGEIO().parse_jobs_list_output(0, said, "")


def test_a_record_that_is_garbled_is_left_out(caplog):
    said = "====\njobnumber 5\nfailed soon\nexit_status 0\n====\njobnumber 6\nfailed 0\nexit_status 0\nru_wallclock 18s\n"
    assert [(job.job_id, job.runtime) for job in SGEIO().parse_history_output(0, said, "")] == [("6", 18)]
    assert "failed is 'soon'" in caplog.text

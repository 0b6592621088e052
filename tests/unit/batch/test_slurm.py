"""Slurm's dialect: scripts line by line, argument lists, and what it says, whole or broken."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.batch import (
    CancelStatus,
    CommandFailedError,
    InvalidFieldError,
    InvalidJobIDError,
    OutputParsingError,
    QJob,
    QJobInfo,
    QResources,
    QState,
    SlurmIO,
    SlurmState,
    SubmissionStatus,
    UnsupportedResourcesError,
    scheduler_mapping,
)
from scale.batch.dialects.slurm_output import HISTORY, LIVE, Exit, tasks_of
from scale.batch.errors import QTKException
from tests.unit.batch.asking import told

MARK = "<mark>"
#: recorded by tests/clusters/test_slurm.py from a Slurm 22.05
OUTPUTS = Path(__file__).parent / "outputs" / "slurm-22.05"
ENOUGH = {"processes": 1}


@pytest.fixture
def slurm():
    return SlurmIO(mark=MARK)


def header(**fields):
    return SlurmIO().generate_header(QResources(**fields)).splitlines()


# ---- scripts

SCRIPTS = {
    "queue_name": ({"queue_name": "main"}, ["--partition=main"]),
    "job_name": ({"job_name": "train"}, ["--job-name=train"]),
    "memory_per_thread": ({"memory_per_thread": 512}, ["--mem-per-cpu=512"]),
    "threads_per_process": ({"threads_per_process": 4}, ["--cpus-per-task=4"]),
    "gpus_per_job": ({"gpus_per_job": 2}, ["--gres=gpu:2"]),
    "time_limit": ({"time_limit": 90061}, ["--time=1-1:1:1"]),
    "account": ({"account": "physics"}, ["--account=physics"]),
    "qos": ({"qos": "high"}, ["--qos=high"]),
    "priority": ({"priority": 7}, ["--priority=7"]),
    "output_filepath": ({"output_filepath": "out-%j.txt"}, ["--output=out-%j.txt"]),
    "error_filepath": ({"error_filepath": Path("/tmp/err")}, ["--error=/tmp/err"]),
    "email_address": ({"email_address": "a@b.org"}, ["--mail-user=a@b.org", "--mail-type=ALL"]),
    "rerunnable": ({"rerunnable": True}, ["--requeue"]),
    "not rerunnable": ({"rerunnable": False}, ["--no-requeue"]),
    "njobs": ({"njobs": 10}, ["--array=1-10"]),
    "njobs of one": ({"njobs": 1}, []),
    "dependencies": ({"dependencies": {"afterok": ["1", "2_3"], "afterany": 4}}, ["--dependency=afterok:1:2_3,afterany:4"]),
    "hold": ({"hold": True}, ["--hold"]),
    "licenses": ({"licenses": {"matlab": 1, "idl": 2}}, ["--licenses=matlab:1,idl:2"]),
    "constraints": ({"constraints": ["fast", "ib"]}, ['--constraint="fast&ib"']),
    "exclusive": ({"scheduler_kwargs": {"exclusive": True}}, ["--exclusive"]),
    "exclusive for a user": ({"scheduler_kwargs": {"exclusive": "user"}}, ["--exclusive=user"]),
    "kwargs": ({"scheduler_kwargs": {"ntasks": 3, "mem": "2G"}}, ["--mem=2G"]),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_field_has_its_directive(name):
    fields, lines = SCRIPTS[name]
    tasks = 3 if name == "kwargs" else 1
    assert set(header(**ENOUGH, **fields)) == {f"#SBATCH --ntasks={tasks}", *(f"#SBATCH {line}" for line in lines)}


@pytest.mark.parametrize(
    ("resources", "lines"),
    [
        (QResources.no_constraints(4), ["--ntasks=4"]),
        (QResources.evenly_distributed(2, 3), ["--nodes=2", "--ntasks-per-node=3"]),
        (QResources.scattered(3), ["--nodes=3", "--ntasks=3", "--ntasks-per-node=1"]),
        (QResources.same_node(4), ["--nodes=1", "--ntasks=4", "--ntasks-per-node=4"]),
    ],
)
def test_processes_lie_as_they_are_placed(resources, lines):
    assert SlurmIO().generate_header(resources).splitlines() == [f"#SBATCH {line}" for line in lines]


def test_lines_stand_in_the_order_of_qtoolkit(slurm):
    asked = QResources.evenly_distributed(
        *(2, 3),
        **{
            "queue_name": "q",
            "job_name": "j",
            "memory_per_thread": 9,
            "threads_per_process": 2,
            "gpus_per_job": 1,
            "time_limit": 60,
        },
        **{
            "account": "a",
            "qos": "s",
            "priority": 1,
            "output_filepath": "o",
            "error_filepath": "e",
            "email_address": "m",
            "njobs": 4,
        },
    )
    order = ["partition", "job-name", "nodes", "ntasks-per-node", "cpus-per-task", "mem-per-cpu", "time", "account"]
    order += ["mail-user", "mail-type", "gres", "output", "error", "qos", "priority", "array"]
    lines = slurm.generate_header(asked).splitlines()
    assert [line.removeprefix("#SBATCH --").partition("=")[0] for line in lines] == order


def test_a_script_is_shebang_header_and_commands(slurm):
    script = slurm.get_submission_script(["echo a", "echo b"], QResources(processes=2, job_name="x"))
    assert script == "#!/bin/bash\n#SBATCH --job-name=x\n#SBATCH --ntasks=2\n\necho a\necho b"


def test_what_asks_for_nothing_has_no_header(slurm):
    assert slurm.generate_header(QResources()) == ""


def test_a_project_is_not_supported():
    with pytest.raises(UnsupportedResourcesError, match="project"):
        header(**ENOUGH, project="p")


def test_an_option_that_there_is_not_is_refused_with_what_was_meant(slurm):
    with pytest.raises(InvalidFieldError, match="partition"):
        slurm.generate_header({"partitio": "main"})


def test_it_is_known_by_its_name():
    assert scheduler_mapping["slurm"] is SlurmIO


TEXTS = ("queue_name", "job_name", "account", "qos", "priority", "output_filepath", "error_filepath", "email_address")


def as_sbatch_reads(directive):
    """Words, where quotes and backslashes quote and a bare # ends the line: as a real sbatch was seen to do it."""
    words, word, quote, letters = [], None, "", iter(directive)
    for letter in letters:
        if quote and letter == quote:
            quote = ""
        elif letter == "\\":
            word = (word or "") + next(letters)
        elif quote or not (letter.isspace() or letter in "\"'#"):
            word = (word or "") + letter
        elif letter in "\"'":
            quote, word = letter, word or ""
        elif letter == "#":
            break
        elif word is not None:
            words.append(word)
            word = None
    return words + ([word] if word is not None else [])


@given(field=st.sampled_from(TEXTS), value=st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1))
def test_a_value_is_one_word_of_one_directive_whatever_is_in_it(field, value):
    lines = [
        line for line in header(**ENOUGH, **{field: value}) if not line.startswith(("#SBATCH --ntasks", "#SBATCH --mail-type"))
    ]
    assert len(lines) == 1
    (word,) = as_sbatch_reads(lines[0].removeprefix("#SBATCH "))
    assert word.partition("=")[2] == value


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("bad", ["a\n#SBATCH --uid=0", "a\rb", "a\0b", "a\x1bb", "a\u2028b"])
def test_what_would_end_the_line_is_refused(field, bad):
    with pytest.raises(InvalidFieldError, match=field):
        header(**ENOUGH, **{field: bad})


@pytest.mark.parametrize("option", ["nodelist", "exclusive", "propagate", "qverbatim"])
def test_it_is_refused_in_an_option_too(option):
    with pytest.raises(InvalidFieldError, match=r"control character|no line of a header"):
        header(**ENOUGH, scheduler_kwargs={option: "user\rrm" if option != "qverbatim" else "rm -rf"})


# ---- commands


def test_orders_are_argument_lists(slurm):
    assert slurm.submit_argv("a b.sh") == ("sbatch", "a b.sh")
    assert slurm.submit_argv("-x") == ("sbatch", "./-x")
    assert slurm.get_submit_cmd("a b.sh") == "sbatch 'a b.sh'"
    assert slurm.get_cancel_cmd("12_[1-3%2]") == "scancel -v '12_[1-3]'"


def test_one_job_is_asked_for_twice_for_squeue_fails_for_a_single_stranger(slurm):
    (argv,) = slurm.live_argvs(["5"], None)
    assert argv[-1] == "--jobs=5,5"


def test_some_tasks_are_asked_for_by_their_array(slurm):
    assert slurm.live_argvs(["12_[1-3,5]", "12_7", "8+1"], None)[0][-1] == "--jobs=12,12_7,8+1"
    assert slurm.history_argvs(["12_[1-3,5]", "12_7", "8+1"])[0][-1] == "--jobs=12,8"


def test_a_user_or_everybody_can_be_asked_for(slurm):
    assert slurm.live_argvs([], "alice")[0][-1] == "--user=alice"
    assert not any("--user" in word or "--jobs" in word for word in slurm.live_argvs([], None)[0])
    assert slurm.history_argvs([]) == []


def test_long_lists_are_asked_for_by_several_commands(slurm):
    ids = [f"{number}_{number}" for number in range(10**8, 10**8 + 10_000)]
    for argvs in (slurm.live_argvs(ids, None), slurm.history_argvs(ids)):
        assert max(len(word) for argv in argvs for word in argv) < 100_000  # Linux takes 128 KiB in one argument
        asked = [job for argv in argvs for job in argv[-1].removeprefix("--jobs=").split(",")]
        assert len(asked) == len(ids)


def test_the_mark_is_another_one_each_time():
    assert SlurmIO().mark != SlurmIO().mark
    assert "," not in SlurmIO().mark


@pytest.mark.parametrize("job_id", ["12", 12, "12_3", "12_[1-3]", "12_[1,5-9:2%4]", "12+1"])
def test_ids_of_slurm(slurm, job_id):
    assert slurm.job_id(job_id) == str(job_id)


@pytest.mark.parametrize("job_id", ["", "-1", "12;ls", "12_", "12_[", "12_[1-]", "a", "12 13", "12,13", "12\n", "12_[1-3:0]"])
def test_no_ids_of_slurm(slurm, job_id):
    if job_id == "12\n":
        assert slurm.job_id(job_id) == "12"
    else:
        with pytest.raises(InvalidJobIDError):
            slurm.job_id(job_id)


def test_parts_are_known_by_their_whole(slurm):
    assert told(slurm, "12", "12", "12_3") == ["12"]
    assert told(slurm, "12", "12_3", "12+1", "123") == ["12_3", "12+1"]
    assert told(slurm, "12_[1-3,5%2]", "12_4", "12_3", "13_3") == ["12_3"]
    assert told(slurm, "12_4", "12_3", "12") == []


# ---- what came of an order


@pytest.mark.parametrize(
    "said",
    [
        "Submitted batch job 42\n",
        "Submitted batch job 42 on cluster far\n",
        "42\n",
        "42;far\n",
        "note: be nice\nsalloc: Granted job allocation 42\n",
    ],
)
def test_a_submit_tells_the_id(slurm, said):
    answer = slurm.parse_submit_output(0, said, "")
    assert (answer.status, answer.job_id) == (SubmissionStatus.SUCCESSFUL, "42")


def test_a_submit_that_failed_or_said_nothing(slurm):
    assert slurm.parse_submit_output(1, "", "sbatch: error: Invalid qos").status is SubmissionStatus.FAILED
    assert slurm.parse_submit_output(0, "hello", "").status is SubmissionStatus.JOB_ID_UNKNOWN


UNKNOWN = "scancel: Terminating job 9\nscancel: error: Kill job error on job id 9: Invalid job id specified\n"
OVER = "scancel: Terminating job 9\nscancel: error: Kill job error on job id 9: Job/step already completing or completed\n"
DENIED = "scancel: Terminating job 9\nscancel: error: Kill job error on job id 9: Access/permission denied\n"


@pytest.mark.parametrize(
    ("exit_code", "said", "status", "job_id"),
    [
        (0, "scancel: Terminating job 9\n", CancelStatus.SUCCESSFUL, "9"),
        (0, "scancel: Terminating job 8\n" + UNKNOWN, CancelStatus.SUCCESSFUL, "8"),
        (0, UNKNOWN, CancelStatus.JOB_ID_UNKNOWN, None),
        (0, OVER, CancelStatus.JOB_ID_UNKNOWN, None),
        (1, "scancel: error: Invalid job id specified", CancelStatus.JOB_ID_UNKNOWN, None),
        (0, "", CancelStatus.JOB_ID_UNKNOWN, None),
        (0, DENIED, CancelStatus.FAILED, None),
        (1, DENIED, CancelStatus.FAILED, None),
        (1, "", CancelStatus.FAILED, None),
    ],
)
def test_a_cancel_is_told_by_what_it_said_not_by_its_exit_code(slurm, exit_code, said, status, job_id):
    answer = slurm.parse_cancel_output(exit_code, "", said)
    assert (answer.status, answer.job_id, answer.exit_code, answer.stderr) == (status, job_id, exit_code, said)


# ---- what it says of jobs

A_JOB = {
    "job_id": "12",
    "state": "RUNNING",
    "reason": "None",
    "exit": "0",
    "restarts": "0",
    "account": "physics",
    "queue_name": "main",
    "username": "alice",
    "nodes": "1",
    "cpus": "4",
    "threads": "2",
    "tres": "cpu=4,mem=256M,node=1,billing=4",
    "time_limit": "1-00:00:00",
    "runtime": "1:05",
    "placed": "node1",
    "name": "train",
}
ENDED = {**A_JOB, "state": "COMPLETED", "exit": "0:0", "requested": "cpu=4", "time_limit": "1-00:00:00", "runtime": "00:01:05"}


def squeue(*jobs):
    return "".join("".join({**A_JOB, **job}[name] + MARK for name in LIVE) + "\n" for job in jobs)


def sacct(*jobs):
    return "".join("".join({**ENDED, **job}[name] + MARK for name in HISTORY) + "\n" for job in jobs)


def live(**job):
    (found,) = SlurmIO(mark=MARK).parse_jobs_list_output(0, squeue(job), "")
    return found


def ended(*rows):
    (found,) = SlurmIO(mark=MARK).parse_history_output(0, sacct(*rows), "")
    return found


def test_all_that_is_told_of_a_job(slurm):
    info = QJobInfo(memory=262144, memory_per_cpu=65536, nodes=1, cpus=4, threads_per_process=2, time_limit=86400)
    assert live() == QJob(
        name="train",
        job_id="12",
        state=QState.RUNNING,
        sub_state=SlurmState.RUNNING,
        info=info,
        account="physics",
        runtime=65,
        queue_name="main",
        username="alice",
        native_state="RUNNING",
    )
    assert slurm.parse_job_output(0, squeue({}), "") == live()


@pytest.mark.parametrize(
    ("job", "state"),
    [
        ({"reason": "Priority"}, QState.QUEUED),
        ({"reason": "JobHeldUser"}, QState.QUEUED_HELD),
        ({"reason": "JobHeldAdmin"}, QState.QUEUED_HELD),
        ({"reason": "Dependency"}, QState.QUEUED_HELD),
        ({"reason": "DependencyNeverSatisfied"}, QState.QUEUED_HELD),
        ({"reason": "BeginTime", "restarts": "1"}, QState.REQUEUED),
        ({"reason": "job requeued in held state", "restarts": "1"}, QState.REQUEUED_HELD),
        ({"reason": "Resources", "restarts": "N/A"}, QState.QUEUED),
    ],
)
def test_a_waiting_job_says_whether_it_is_held_and_whether_it_ran_before(job, state):
    assert (live(state="PENDING", **job).state, live(state="PD", **job).sub_state) == (state, SlurmState.PENDING)


@pytest.mark.parametrize(
    ("state", "raw", "told"),
    [
        ("COMPLETED", "0", (0, None)),
        ("FAILED", "768", (3, None)),
        ("FAILED", "3:0", (3, None)),
        ("FAILED", "11", (139, 11)),
        ("FAILED", "139", (139, 11)),  # it left a core
        ("TIMEOUT", "15", (143, 15)),
        ("OUT_OF_MEMORY", "253", (253, 125)),
        ("NODE_FAIL", "0", (None, None)),
        ("SPECIAL_EXIT", "2304", (9, None)),
        ("RUNNING", "0", (None, None)),
        ("FAILED", "N/A", (None, None)),
    ],
)
def test_an_exit_code_of_squeue_is_the_raw_status(state, raw, told):
    assert (live(state=state, exit=raw).exit_status, live(state=state, exit=raw).exit_signal) == told


def test_what_never_started_has_no_exit_status():
    assert live(state="DEADLINE", exit="1", placed="").exit_status is None
    assert ended({"state": "DEADLINE", "exit": "1:0", "placed": "None assigned"}).exit_status is None
    assert ended({"state": "CANCELLED by 1000", "placed": "None assigned"}).exit_status is None


def test_a_job_that_slurm_ended_has_the_signal_of_its_script():
    found = ended(
        {"state": "TIMEOUT"}, {"job_id": "12.batch", "state": "CANCELLED", "exit": "0:15"}, {"job_id": "12.0", "exit": "5:0"}
    )
    assert (found.exit_status, found.exit_signal, found.sub_state) == (143, 15, SlurmState.TIMEOUT)
    assert ended({"state": "TIMEOUT"}).exit_status is None
    assert ended({"state": "NODE_FAIL"}, {"job_id": "12.batch", "exit": ""}).exit_status is None
    assert ended({"job_id": "13.batch", "exit": "0:15"}, {"state": "COMPLETED"}).exit_status == 0


def test_of_a_requeued_job_the_last_run_counts():
    runs = [{"state": "NODE_FAIL"}, {"job_id": "12.batch", "exit": "0:9"}, {"state": "FAILED", "exit": "4:0"}]
    assert (ended(*runs).sub_state, ended(*runs).exit_status) == (SlurmState.FAILED, 4)


@pytest.mark.parametrize("state", ["RUNNING", "PENDING", "REQUEUED", "SUSPENDED"])
def test_what_history_still_takes_for_running_is_undetermined(state):
    found = ended({"state": state, "exit": "0:0"})
    assert (found.state, found.sub_state, found.exit_status) == (QState.UNDETERMINED, SlurmState(state), None)


def test_an_exit_status_that_sacct_may_have_made_less_is_told_with_a_doubt():
    """It takes 128 from one above 127; only squeue tells it as it was."""
    assert ended({"state": "FAILED", "exit": "72:0"}).reason == (
        "by sacct, which takes 128 from an exit status above 127: it may have been 200"
    )
    for sure in ({"exit": "0:0"}, {"state": "FAILED", "exit": "0:9"}, {"state": "FAILED", "exit": "200:0"}):
        assert ended(sure).reason is None


def test_a_job_whose_script_slurm_could_not_start_has_no_exit_status():
    live_one, ended_one = live(state="FAILED", exit="4021", reason="JobLaunchFailure"), ended({"state": "FAILED", "exit": "0:53"})
    for job in (live_one, ended_one):
        assert (job.state, job.exit_status, job.exit_signal) == (QState.FAILED, None, None)
        assert job.reason.startswith("it could not be started: its directory, ")


def test_who_canceled_a_job_is_kept():
    found = ended({"state": "CANCELLED by 1000", "exit": "0:15"})
    assert (found.sub_state, found.native_state, found.exit_status) == (SlurmState.CANCELLED, "CANCELLED by 1000", 143)


def test_several_states_at_once_are_the_first():
    assert live(state="RUNNING,COMPLETING").sub_state is SlurmState.RUNNING


def test_a_state_that_nobody_knows_is_undetermined_and_hides_no_other(slurm, caplog):
    jobs = slurm.parse_jobs_list_output(0, squeue({"state": "DANCING"}, {"job_id": "13"}), "")
    assert [(job.state, job.native_state) for job in jobs] == [(QState.UNDETERMINED, "DANCING"), (QState.RUNNING, "RUNNING")]
    assert "DANCING" in caplog.text
    assert ended({"state": "DANCING"}).state is QState.UNDETERMINED


def test_tasks_that_never_began_are_told_one_by_one(slurm):
    canceled = sacct({"job_id": "12_[1,4-5%2]", "state": "CANCELLED by 1000", "placed": "None assigned"}, {"job_id": "12_2"})
    jobs = {job.job_id: job.sub_state for job in slurm.parse_history_output(0, canceled, "")}
    assert jobs == {f"12_{task}": SlurmState.CANCELLED for task in (1, 4, 5)} | {"12_2": SlurmState.COMPLETED}
    waiting = sacct({"job_id": "12_[1,4-5%2]", "state": "PENDING"})
    assert slurm.parse_history_output(0, waiting, "") == []


def test_a_list_of_tasks_that_was_cut_off_stays_beside_those_that_are_told(slurm):
    canceled = sacct({"job_id": "12_[1,7,...]", "state": "CANCELLED"})
    assert [job.job_id for job in slurm.parse_history_output(0, canceled, "")] == ["12_1", "12_7", "12_[1,7,...]"]
    garbled = sacct({"job_id": "12_[1,x]", "state": "CANCELLED"})
    assert [job.job_id for job in slurm.parse_history_output(0, garbled, "")] == ["12_[1,x]"]


def test_tasks_are_read_as_ranges():
    assert tasks_of("[1-3,7,9-15:2%4]") == [range(1, 4), range(7, 8), range(9, 16, 2)]


def test_more_tasks_than_there_can_be_are_not_told_one_by_one(slurm):
    garbled = sacct({"job_id": "12_[1-9999999]", "state": "CANCELLED"})
    assert [job.job_id for job in slurm.parse_history_output(0, garbled, "")] == ["12_[1-9999999]"]


def test_gpus_are_counted_of_all_kinds():
    assert live(tres="cpu=1,gres/gpu=2,gres/gpu:a100=2").info.gpus == 2
    assert live(tres="cpu=1,gres/gpu:a100=2,gres/gpu:v100=1").info.gpus == 3
    assert live(tres="cpu=1,gres/gpu:a100=many").info.gpus is None


def test_what_is_not_allocated_yet_is_told_as_asked_for():
    assert live(tres="N/A", nodes="2", cpus="8").info == QJobInfo(nodes=2, cpus=8, threads_per_process=2, time_limit=86400)
    assert ended({"tres": "", "requested": "cpu=3,mem=3M,node=2"}).info.nodes == 2


def test_a_value_that_cannot_be_read_is_left_out_alone(caplog):
    found = live(tres="cpu=x,mem=y", time_limit="soon", runtime="INVALID", threads="?")
    assert (found.state, found.runtime) == (QState.RUNNING, None)
    assert found.info == QJobInfo(nodes=1)
    assert "soon" in caplog.text


def test_limits_that_there_are_not():
    assert live(time_limit="UNLIMITED").info.time_limit is None


def test_a_name_may_hold_anything_but_the_mark(slurm):
    name = "a\nb|c\n13" + "\x1f"
    jobs = slurm.parse_jobs_list_output(0, squeue({"name": name}, {"job_id": "14"}), "")
    assert [(job.job_id, job.name) for job in jobs] == [("12", name), ("14", "train")]


def test_the_name_of_a_cluster_before_its_jobs_is_passed_over(slurm):
    (job,) = slurm.parse_jobs_list_output(0, "CLUSTER: far\n" + squeue({}), "")
    assert job.job_id == "12"


def test_squeue_that_knows_no_such_job_has_none(slurm):
    assert slurm.parse_jobs_list_output(1, "", "slurm_load_jobs error: Invalid job id specified") == []
    assert slurm.parse_job_output(0, "", "") is None


def test_a_command_that_failed_is_trouble_that_says_why(slurm):
    with pytest.raises(CommandFailedError, match="squeue ended with 1: slurm_load_jobs error: Unable to contact"):
        slurm.parse_jobs_list_output(1, "", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    with pytest.raises(CommandFailedError, match="sacct ended with 2: it did not say why"):
        slurm.parse_history_output(2, b"", b"")


def test_a_user_whom_it_does_not_know_is_not_one_without_jobs(slurm):
    with pytest.raises(CommandFailedError, match="Invalid user: nosuchuser"):
        slurm.parse_jobs_list_output(0, "", "squeue: error: Invalid user: nosuchuser\n\n")


def test_what_is_not_of_slurm_at_all_is_trouble(slurm):
    with pytest.raises(OutputParsingError, match="no fields that end with <mark>"):
        slurm.parse_jobs_list_output(0, "Welcome to the cluster!", "")


@pytest.mark.parametrize("text", ["", "x", "1:2:3", "-1", "1:", "9" * 13])
def test_what_is_no_exit_code(text):
    with pytest.raises(OutputParsingError, match="should be like 3:0"):
        Exit.of(text)


# ---- what a real one said


def recorded(program):
    return (OUTPUTS / f"{program}.txt").read_text()


def read(program, said):
    return getattr(SlurmIO(mark=MARK), {"squeue": "parse_jobs_list_output", "sacct": "parse_history_output"}[program])(
        0, said, ""
    )


ENDS_THAT_WERE_SEEN = ["COMPLETED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "CANCELLED", "NODE_FAIL", "PREEMPTED", "DEADLINE"]


@pytest.mark.parametrize("program", ["squeue", "sacct"])
def test_every_record_of_a_real_one_can_be_read(program, caplog):
    with caplog.at_level(logging.WARNING):
        jobs = read(program, recorded(program))
    assert not caplog.records
    assert all(job.job_id and job.sub_state for job in jobs)
    assert all(job.info.cpus for job in jobs if job.queue_name)
    assert {SlurmState(state) for state in ENDS_THAT_WERE_SEEN} <= {job.sub_state for job in jobs}


def ends(program):
    jobs = read(program, recorded(program))
    return {job.job_id: (job.sub_state, job.exit_status) for job in jobs if job.sub_state.batch_state.is_final}


def test_both_tell_the_same_ends():
    squeue_told, sacct_told = ends("squeue"), ends("sacct")
    both = squeue_told.keys() & sacct_told.keys()
    assert len(both) > 10
    assert {job: squeue_told[job] for job in both} == {job: sacct_told[job] for job in both}


@given(cut=st.integers(0, len(recorded("squeue"))))
def test_a_list_that_was_cut_off_tells_nothing_wrong(cut):
    whole = [job.as_dict() for job in read("squeue", recorded("squeue"))]
    try:
        told = read("squeue", recorded("squeue")[:cut])
    except OutputParsingError:
        told = []
    assert [job.as_dict() for job in told] == whole[: len(told)]


@given(cut=st.integers(0, len(recorded("sacct"))))
def test_a_history_that_was_cut_off_tells_nothing(cut):
    """For of a job that it still tells, the last run may be what is missing. A cut between two records is not seen."""
    said = recorded("sacct")[:cut]
    if said.endswith(f"{MARK}\n") or not said:
        read("sacct", said)
    else:
        with pytest.raises(OutputParsingError):
            read("sacct", said)


def test_an_end_that_is_heard_of_before_its_beginning_is_told_alone():
    found = ended({"state": "CANCELLED by 1000", "queue_name": "", "cpus": "0", "tres": "", "name": "allocation"})
    assert (found.state, found.sub_state, found.name, found.info) == (QState.FAILED, SlurmState.CANCELLED, None, None)


@given(data=st.data(), program=st.sampled_from(["squeue", "sacct"]))
def test_a_garbled_one_is_survived(data, program):
    whole = recorded(program)
    start = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 200))
    garbled = whole[:start] + data.draw(st.text(max_size=30)) + whole[start + length :]
    try:
        jobs = read(program, garbled)
    except QTKException:
        return
    assert all(isinstance(job.state, QState) for job in jobs)


@given(st.binary())
def test_noise_is_survived(noise):
    for program in ("squeue", "sacct"):
        with suppress(QTKException):
            assert read(program, noise) == []

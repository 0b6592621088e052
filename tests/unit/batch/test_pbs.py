"""PBS's tongue: its scripts field by field, and what it said of jobs, in JSON and in text, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from scale.batch import (
    PBSIO,
    CancelStatus,
    CommandFailedError,
    OutputParsingError,
    PBSState,
    QJobInfo,
    QResources,
    QState,
    SubmissionStatus,
    UnsupportedResourcesError,
)
from tests.unit.batch.asking import told

OUTPUTS = Path(__file__).with_name("outputs")
JSON = (OUTPUTS / "pbs_22.05_qstat.json").read_text()
TEXT = (OUTPUTS / "pbs_13_qstat.txt").read_text()


def header(resources):
    return PBSIO().generate_header(resources).splitlines()


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"queue_name": "workq"}, "#PBS -q workq"),
        ({"job_name": "my job"}, "#PBS -N my_job"),
        ({"job_name": "-x"}, "#PBS -N _-x"),
        ({"account": "physics"}, "#PBS -A physics"),
        ({"project": "staff"}, "#PBS -W group_list=staff"),
        ({"priority": 10}, "#PBS -p 10"),
        ({"output_filepath": "/tmp/o.^array_index^"}, "#PBS -o /tmp/o.^array_index^"),
        ({"error_filepath": Path("-e")}, "#PBS -e ./-e"),
        ({"time_limit": 90061}, "#PBS -l walltime=25:1:1"),
        ({"licenses": {"matlab": 2, "abaqus": 5}}, "#PBS -l matlab=2,abaqus=5"),
        ({"email_address": "a@b.org"}, "#PBS -M a@b.org"),
        ({"email_address": "a@b.org"}, "#PBS -m abe"),
        ({"rerunnable": True}, "#PBS -r y"),
        ({"rerunnable": False}, "#PBS -r n"),
        ({"njobs": 4}, "#PBS -J 1-4"),
        ({"hold": True}, "#PBS -h"),
        (
            {"dependencies": {"afterok": ["1.head", "2.head"], "after": "3.head"}},
            "#PBS -W depend=afterok:1.head:2.head,after:3.head",
        ),
        ({"scheduler_kwargs": {"model": "bro"}}, "#PBS -l model=bro"),
    ],
)
def test_each_field_is_said_in_the_words_of_pbs(asked, line):
    assert line in header(QResources(processes=1, **asked))


@pytest.mark.parametrize(
    ("resources", "lines"),
    [
        (QResources(processes=4), ["select=4"]),
        (QResources(processes=4, threads_per_process=2), ["select=4:ncpus=2:ompthreads=2"]),
        (QResources(processes=4, threads_per_process=2, memory_per_thread=100), ["select=4:ncpus=2:ompthreads=2:mem=200mb"]),
        (
            QResources.evenly_distributed(2, 4, threads_per_process=2),
            ["select=2:ncpus=8:mpiprocs=4:ompthreads=2", "place=scatter"],
        ),
        (QResources.same_node(4), ["select=1:ncpus=4:mpiprocs=4", "place=pack"]),
        (QResources.scattered(3), ["select=3:ncpus=1:mpiprocs=1", "place=scatter"]),
        (QResources.scattered(2, gpus_per_job=4), ["select=2:ncpus=1:mpiprocs=1:ngpus=2", "place=scatter"]),
        (QResources(processes=3, gpus_per_job=4), ["select=1:ngpus=2+2:ngpus=1"]),
        (QResources(processes=3, gpus_per_job=1), ["select=1:ngpus=1+2"]),
        (QResources(processes=1, constraints=["avx512"]), ["select=1:avx512=True"]),
    ],
)
def test_places_are_chunks(resources, lines):
    assert header(resources) == [f"#PBS -l {line}" for line in lines]


def test_options_are_what_they_are_in_qtoolkit():
    asked = QResources.evenly_distributed(4, 3, threads_per_process=2, priority=1, time_limit=39073, njobs=4)
    options = PBSIO().check_convert_qresources(asked)
    assert options == {
        "select": "select=4:ncpus=6:mpiprocs=3:ompthreads=2",
        "place": "scatter",
        "priority": 1,
        "walltime": "10:51:13",
        "array": "1-4",
    }
    assert PBSIO().generate_header(options) == "\n".join(
        [
            "#PBS -l select=4:ncpus=6:mpiprocs=3:ompthreads=2",
            *("#PBS -l walltime=10:51:13", "#PBS -l place=scatter", "#PBS -p 1", "#PBS -J 1-4"),
        ]
    )


def test_a_name_alone_asks_for_no_place():
    assert PBSIO().get_submission_script("true", QResources(job_name="x")) == "#!/bin/bash\n#PBS -N x\n\ntrue"


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"qos": "high"}, "qos"), ({"priority": "high"}, "priority"), ({"output_filepath": "/tmp/a b"}, "qout_path")],
)
def test_what_it_has_not_is_refused_by_the_name_of_the_field(asked, field):
    with pytest.raises(UnsupportedResourcesError, match=field):
        header(QResources(processes=1, **asked))


def test_the_id_of_a_submitted_job_is_the_last_that_qsub_says():
    assert PBSIO().parse_submit_output(0, "welcome\n12[].head.example.org\n", "").job_id == "12[].head.example.org"
    assert PBSIO().parse_submit_output(0, "\n", "").status is SubmissionStatus.JOB_ID_UNKNOWN
    assert PBSIO().parse_submit_output(190, "", "qsub: Unknown queue").status is SubmissionStatus.FAILED


@pytest.mark.parametrize(
    ("code", "said", "status"),
    [
        (0, "", CancelStatus.SUCCESSFUL),
        (153, "qdel: Unknown Job Id 9.head\n", CancelStatus.JOB_ID_UNKNOWN),
        (35, "qdel: Job has finished 9.head\n", CancelStatus.JOB_ID_UNKNOWN),
        (159, "qdel: Unauthorized Request 9.head\n", CancelStatus.FAILED),
        (1, "", CancelStatus.FAILED),
    ],
)
def test_what_qdel_says_is_understood(code, said, status):
    assert PBSIO().parse_cancel_output(code, "", said).status is status


def test_commands_are_argument_lists():
    assert PBSIO().submit_argv("-x.sh") == ("qsub", "./-x.sh")
    assert PBSIO().cancel_argv(["1.head"]) == ("qdel", "1.head")
    assert PBSIO().live_argvs(["1.head", "2[].head"], None) == [("qstat", "-f", "-F", "json", "-t", "-x", "1.head", "2[].head")]
    assert PBSIO(json=False).live_argvs([], "alice") == [("qstat", "-f", "-t", "-u", "alice")]
    assert PBSIO().live_argvs([], None) == [("qstat", "-f", "-F", "json", "-t")]
    assert PBSIO().history_argvs(["1.head"]) == []


def test_a_task_is_a_part_of_its_array():
    assert PBSIO().whole("6[2].head") == "6[].head"
    assert told(PBSIO(), "6[].head", "6[2].head", "61[2].head") == ["6[2].head"]
    assert told(PBSIO(), "6[1].head", "6[2].head") == []


def read(said):
    return {job.job_id: job for job in PBSIO().parse_jobs_list_output(0, said, "")}


@pytest.mark.parametrize(
    ("job_id", "state", "sub_state", "status", "signal"),
    [
        ("10.head", QState.DONE, PBSState.FINISHED, 0, None),
        ("11.head", QState.FAILED, PBSState.FINISHED, 3, None),
        ("12.head", QState.FAILED, PBSState.FINISHED, 143, 15),
        ("13.head", QState.FAILED, PBSState.FINISHED, None, None),
        ("14.head", QState.FAILED, PBSState.FINISHED, None, None),
        ("15.head", QState.RUNNING, PBSState.RUNNING, None, None),
        ("16.head", QState.QUEUED_HELD, PBSState.HELD, None, None),
        ("17.head", QState.QUEUED, PBSState.QUEUED, None, None),
        ("18.head", QState.SUSPENDED, PBSState.SUSPENDED, None, None),
        ("19[1].head", QState.DONE, PBSState.ARRAY_FINISHED, 0, None),
        ("19[2].head", QState.FAILED, PBSState.ARRAY_FINISHED, 7, None),
        ("19[3].head", QState.RUNNING, PBSState.RUNNING, None, None),
        ("19[4].head", QState.QUEUED, PBSState.QUEUED, None, None),
    ],
)
def test_a_job_is_read_as_it_stands_or_ended(job_id, state, sub_state, status, signal):
    job = read(JSON)[job_id]
    assert (job.state, job.sub_state, job.exit_status, job.exit_signal) == (state, sub_state, status, signal)


def test_an_array_is_told_by_its_tasks_alone():
    assert "19[].head" not in read(JSON)
    assert len(read(JSON)) == 13


@pytest.mark.parametrize("said", [JSON, TEXT])
def test_a_job_is_told_with_what_it_held_in_either_form(said):
    job = read(said)["10.head"]
    held = QJobInfo(
        memory=4000 * 1024, memory_per_cpu=1000 * 1024, nodes=2, cpus=4, threads_per_process=2, time_limit=5400, gpus=2
    )
    assert job.info == held
    assert (job.name, job.username, job.queue_name, job.account, job.runtime) == ("well", "alice", "workq", "physics", 65)


def test_what_pbs_did_to_a_job_is_its_reason():
    assert read(JSON)["13.head"].reason.startswith("it ran longer than its limit (Exit_status -29); Job run at")
    assert read(JSON)["17.head"].reason == "Not Running: Insufficient amount of resource: ncpus"


def test_text_tells_the_same_states():
    assert {job_id: (job.state, job.exit_status) for job_id, job in read(TEXT).items()} == {
        "10.head": (QState.DONE, 0),
        "11.head": (QState.FAILED, 3),
        "16.head": (QState.QUEUED_HELD, None),
    }


def one(**values):
    (job,) = read("Job Id: 1.head\n" + "".join(f"    {name} = {value}\n" for name, value in values.items())).values()
    return job


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"job_state": "X"}, QState.UNDETERMINED),
        ({"job_state": "X", "substate": 92}, QState.DONE),
        ({"job_state": "F", "substate": 93}, QState.FAILED),
        ({"job_state": "F", "Exit_status": "odd", "substate": 92}, QState.DONE),
        ({"job_state": "?"}, QState.UNDETERMINED),
        ({"job_state": "E", "Exit_status": 1}, QState.RUNNING),
        ({"job_state": "M"}, QState.REQUEUED),
    ],
)
def test_what_is_not_told_is_not_made_up(values, state):
    assert one(**values).state is state


@pytest.mark.parametrize(
    ("code", "status", "signal"), [(255, 255, None), (256, None, None), (265, 137, 9), (9999, None, None), (-3, None, None)]
)
def test_an_exit_status_is_as_a_shell_tells_it(code, status, signal):
    job = one(job_state="F", Exit_status=code)
    assert (job.state, job.exit_status, job.exit_signal) == (QState.FAILED, status, signal)


def test_a_code_that_only_pbs_knows_is_told_by_its_number():
    assert one(job_state="F", Exit_status=-99).reason == "PBS ended it, or could not start it (Exit_status -99)"


def test_one_job_that_is_no_json_spoils_no_other(caplog):
    said = JSON.replace('"Job_Name":"fails"', '"Job_Name":0123')
    assert read(JSON).keys() - read(said).keys() == {"11.head"}
    assert "11.head cannot be read" in caplog.text


def test_what_a_job_has_inside_is_no_other_job():
    said = JSON.replace('"Job_Name":"fails"', '"Job_Name":0123').replace('"Resource_List":{', '"77.head":{')
    assert read(said).keys() == read(JSON).keys() - {"11.head"}


def test_a_job_without_a_state_is_left_out(caplog):
    assert read("Job Id: 1.head\n    Job_Name = x\n") == {}
    assert read('{"Jobs": {"1.head": 5}, "x": {\n"2.head": {"job_state": "R"}}\n}').keys() == {"2.head"}
    assert "1.head has no job_state" in caplog.text


@pytest.mark.parametrize("said", ["", "  \n", '{"timestamp": 1}'])
def test_nothing_is_no_jobs(said):
    assert read(said) == {}


@pytest.mark.parametrize("said", ["sorry", '{"Jobs": {"1.head": {', "{x}", "{x\n}", "[]"])
def test_what_is_no_list_of_jobs_is_told(said):
    with pytest.raises(OutputParsingError, match="qstat said"):
        read(said)


def test_jobs_that_are_gone_are_no_failure_and_a_server_that_is_away_is():
    gone = "qstat: Unknown Job Id 9.head\nqstat: 8.head Job has finished, use -x or -H to obtain historical job information\n"
    assert len(PBSIO().parse_jobs_list_output(153, JSON, gone)) == 13
    with pytest.raises(CommandFailedError, match="qstat ended with 255: Connection refused"):
        PBSIO().parse_jobs_list_output(255, "", "Connection refused")
    with pytest.raises(CommandFailedError, match="it did not say why"):
        PBSIO().parse_history_output(1, "", "")

"""QueueManager over a host that knows by heart what Slurm says."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scale.batch import (
    CancelStatus,
    CommandFailedError,
    InvalidFieldError,
    InvalidJobIDError,
    LocalHost,
    QResources,
    QState,
    QueueManager,
    SlurmIO,
    SSHHost,
    SubmissionStatus,
    SubmitDirectoryError,
)
from scale.batch.dialects.slurm_output import HISTORY, LIVE
from scale.batch.hosts import Host, Outcome
from scale.batch.manager import environment_lines

MARK = "<mark>"
LIVE_ROW = dict.fromkeys(LIVE, "") | {"state": "RUNNING", "reason": "None", "placed": "n1"}
HISTORY_ROW = dict.fromkeys(HISTORY, "") | {"state": "COMPLETED", "exit": "0:0", "placed": "n1"}


class FakeSlurm(Host):
    """Says what it was told to say, and keeps what it was asked."""

    def __init__(self, live=(), history=(), broken=()) -> None:
        self.says = {
            "squeue": "".join("".join({**LIVE_ROW, **job}[name] + MARK for name in LIVE) + "\n" for job in live),
            "sacct": "".join("".join({**HISTORY_ROW, **job}[name] + MARK for name in HISTORY) + "\n" for job in history),
            "sbatch": "Submitted batch job 7\n",
        }
        self.broken = broken
        self.asked = []

    def execute(self, command, workdir=None, stdin=""):
        self.asked.append((*command, workdir, stdin) if stdin or workdir else tuple(command))
        failed = command[0] in self.broken
        return Outcome("" if failed else self.says.get(command[0], ""), "no way" if failed else "", int(failed))

    @property
    def programs(self):
        return [command[0] for command in self.asked]


def manager(**how):
    return QueueManager(SlurmIO(mark=MARK), FakeSlurm(**how))


def test_history_is_asked_only_for_what_is_not_told_live():
    here = manager(live=[{"job_id": "1"}, {"job_id": "2"}], history=[{"job_id": "3", "exit": "4:0", "state": "FAILED"}])
    jobs = here.get_jobs_list(["3", "1", "2"])
    assert [(job.job_id, job.state) for job in jobs] == [("3", QState.FAILED), ("1", QState.RUNNING), ("2", QState.RUNNING)]
    assert here.host.programs == ["squeue", "sacct"]
    assert here.host.asked[1][-1] == "--jobs=3"


def test_history_is_not_asked_when_everything_is_told():
    here = manager(live=[{"job_id": "1"}])
    assert here.get_job(1).state is QState.RUNNING
    assert here.host.programs == ["squeue"]


def test_an_array_is_told_by_tasks_of_both():
    here = manager(
        live=[{"job_id": "1_2"}], history=[{"job_id": "1_1"}, {"job_id": "1_2", "state": "RUNNING"}, {"job_id": "10_1"}]
    )
    assert [(job.job_id, job.state) for job in here.get_jobs_list("1")] == [("1_1", QState.DONE), ("1_2", QState.RUNNING)]
    assert [job.job_id for job in here.get_jobs_list(["1_[2-3]"])] == ["1_2"]


def test_a_job_in_neither_is_undetermined():
    (job,) = manager().get_jobs_list(["5"])
    assert (job.job_id, job.state, job.sub_state) == ("5", QState.UNDETERMINED, None)


def test_a_history_that_fails_hides_nothing_that_is_told_live(caplog):
    jobs = manager(live=[{"job_id": "1"}], broken=["sacct"]).get_jobs_list(["1", "5"])
    assert [job.state for job in jobs] == [QState.RUNNING, QState.UNDETERMINED]
    assert "How 1 jobs ended cannot be told now: sacct ended with 1: no way" in caplog.text


def test_a_list_that_fails_is_trouble():
    with pytest.raises(CommandFailedError, match="squeue ended with 1: no way"):
        manager(broken=["squeue"]).get_jobs_list(["1"])


def test_thousands_of_jobs_take_few_commands():
    here = manager(live=[{"job_id": str(number)} for number in range(1, 5001)])
    assert len({job.job_id for job in here.get_jobs_list(range(1, 5001))}) == 5000
    assert here.host.programs == ["squeue"] * 5


def test_without_jobs_it_tells_of_a_user_or_of_all():
    here = manager(live=[{"job_id": "1"}])
    assert len(here.get_jobs_list()) == len(here.get_jobs_list(user="alice")) == 1
    assert here.host.asked[1][-1] == "--user=alice"
    assert here.get_jobs_list([]) == []


def test_what_makes_no_question_is_refused():
    with pytest.raises(ValueError, match="not for both"):
        manager().get_jobs_list(["1"], user="alice")
    with pytest.raises(InvalidFieldError, match="no login"):
        manager().get_jobs_list(user="-a b")
    with pytest.raises(InvalidJobIDError):
        manager().get_job("1; ls")


# ---- scripts


def test_a_script_has_its_parts_in_order():
    script = manager().get_submission_script(
        ["first", "second"],
        QResources(processes=1),
        "/a place",
        pre_run="before",
        post_run=["after"],
        environment={
            "environ": {"NAME": "it's $5"},
            "conda_environment": "my env",
            "source_files": ["/etc/x y"],
            "modules": ["gcc/12", "mpi"],
        },
    )
    lines = ["module purge", "module load gcc/12", "module load mpi", "source '/etc/x y'", "conda activate 'my env'"]
    lines += ["export NAME='it'\"'\"'s $5'", "cd '/a place'", "before", "first", "second", "after"]
    assert script == "\n".join(["#!/bin/bash", "#SBATCH --ntasks=1", "", *lines])


def test_a_script_of_text_alone():
    assert manager().get_submission_script("true") == "#!/bin/bash\ntrue"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"module": ["x"]}, "environment.module: there is no such kind.*modules"),
        ({"modules": ["a\nrm"]}, "environment.modules: .*control character"),
        ({"environ": {"A B": "x"}}, "environment.environ: 'A B' is no name of a variable"),
        ({"environ": {1: "x"}}, "environment.environ: '1' is no name of a variable"),
        ({"environ": {"A": "x\0y"}}, "environment.environ: .*no script can hold"),
        ({"environ": ["A=x"]}, "environment.environ: must be values by name"),
        (["gcc"], "environment: must be a mapping with some of modules, source_files"),
        ({1: "x"}, "environment.1: there is no such kind"),
    ],
)
def test_an_environment_that_would_not_stay_on_its_line_is_refused(environment, message):
    with pytest.raises(InvalidFieldError, match=message):
        manager().get_submission_script("true", environment=environment)


@settings(max_examples=25, deadline=None)
@given(value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
@example("#SBATCH --hold\n#$ -h\n\r\n\u2028\x85'\\x41\\")
def test_a_variable_has_any_value_on_one_line(value):
    script = manager().get_submission_script('printf %s "$A"', environment={"environ": {"A": value}})
    assert len(script.splitlines()) == 3
    assert subprocess.run(["bash"], input=script.encode(), capture_output=True, check=True).stdout == value.encode()


def test_a_text_is_a_list_of_one():
    alone = {"modules": "gcc", "source_files": "/etc/x", "conda_environment": "base"}
    assert environment_lines(alone) == ["module purge", "module load gcc", "source /etc/x", "conda activate base"]


def test_what_is_not_there_has_no_line():
    script = manager().get_submission_script("", work_dir="/a", pre_run="", post_run=["after", ""], environment={"modules": []})
    assert script == "#!/bin/bash\ncd /a\nafter"


def test_a_directory_is_no_option():
    assert manager().get_submission_script("true", work_dir="-P") == "#!/bin/bash\ncd ./-P\ntrue"


@pytest.mark.parametrize("commands", ["echo a\0b", ["true", "echo \udcff"]])
def test_commands_that_no_script_can_hold_are_refused_before_anything_is_done(commands):
    here = manager()
    with pytest.raises(InvalidFieldError, match=r"commands: .* has .*which no script can hold"):
        here.submit(commands, work_dir="/a", create_submit_dir=True)
    assert here.host.asked == []


def test_a_script_without_commands_is_refused():
    with pytest.raises(ValueError, match="commands should be a str or a list of str"):
        manager().get_submission_script(None)


# ---- submit


def test_a_submit_writes_the_script_and_runs_in_its_directory():
    here = manager()
    answer = here.submit("true", work_dir="/a place", create_submit_dir=True)
    assert (answer.status, answer.job_id) == (SubmissionStatus.SUCCESSFUL, "7")
    assert here.host.asked == [
        ("mkdir", "-p", "--", "/a place"),
        ("dd", "of=/a place/submit.script", "status=none", None, "#!/bin/bash\ncd '/a place'\ntrue"),
        ("sbatch", "submit.script", "/a place", ""),
    ]


def test_a_directory_is_meant_from_where_the_host_begins():
    """For the batch system may start the job in it, or at home."""
    here = manager()
    here.host.says["pwd"] = "/home/alice\n"
    here.submit("true", work_dir="run 1")
    assert here.host.asked[1] == (
        "dd",
        "of=/home/alice/run 1/submit.script",
        "status=none",
        None,
        "#!/bin/bash\ncd '/home/alice/run 1'\ntrue",
    )
    assert here.host.asked[2] == ("sbatch", "submit.script", "/home/alice/run 1", "")


def test_without_a_directory_it_is_where_the_host_begins():
    here = manager()
    here.submit("true", script_fname="x.sh")
    assert here.host.asked[-1] == ("sbatch", "x.sh")


def test_a_directory_that_cannot_be_made_is_told():
    with pytest.raises(SubmitDirectoryError, match="/a place cannot be made"):
        manager(broken=["mkdir", "test"]).submit("true", work_dir="/a place", create_submit_dir=True)


def test_a_script_that_cannot_be_written_is_told():
    with pytest.raises(CommandFailedError, match="no way"):
        manager(broken=["dd"]).submit("true", work_dir="/a place")


def test_this_machine_is_where_it_works_by_itself():
    assert isinstance(QueueManager(SlurmIO()).host, LocalHost)


def test_a_cancel_asks_for_the_one_job():
    here = manager()
    assert here.cancel(7).status is CancelStatus.JOB_ID_UNKNOWN
    assert here.host.asked == [("scancel", "-v", "7")]


def test_a_command_is_a_list_of_arguments_and_no_text(tmp_path):
    for host in (LocalHost(), SSHHost("nowhere", control=tmp_path)):
        with pytest.raises(TypeError, match="a command is a list of arguments"):
            host.execute("echo hi")


# ---- commands


@pytest.mark.parametrize("command", ["squeue -o '%i;%t' --user=\"a b\" x\\ y", ["squeue", "-o", "%i;%t", "--user=a b", "x y"]])
def test_a_command_of_ones_own_is_a_list_or_taken_apart_into_one(command):
    here = manager()
    assert here.execute_cmd(command, "/a") == ("", "", 0)
    assert here.host.asked == [("squeue", "-o", "%i;%t", "--user=a b", "x y", "/a", "")]


@pytest.mark.parametrize(
    "command", ["a && b", "a|b", "a >b", "ls *", "cd ~/x", "echo $HOME", 'echo "$HOME"', "a\nb", "`id`", "'a", "a \\"]
)
def test_what_only_a_shell_could_do_is_refused(command):
    here = manager()
    with pytest.raises(InvalidFieldError, match=r"cmd: .*(write a list|cannot be taken apart)"):
        here.execute_cmd(command)
    assert here.host.asked == []


def test_a_command_of_nothing_is_refused(tmp_path):
    for host in (LocalHost(), SSHHost("nowhere", control=tmp_path)):
        for nothing in ("", []):
            with pytest.raises(ValueError, match="the first of them the program; this one is empty"):
                QueueManager(SlurmIO(), host).execute_cmd(nothing)


@pytest.mark.parametrize("jobs", [12.0, b"12", object(), [None], [12.0]])
def test_what_is_no_id_of_a_job_is_told(jobs):
    with pytest.raises(InvalidJobIDError):
        manager().get_jobs_list(jobs)

"""A real Slurm through QueueManager: every end that a submit can come to, all of them by one question for all jobs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from scale.batch import (
    PBSIO,
    CancelStatus,
    DependencyType,
    LocalHost,
    QJob,
    QJobInfo,
    QResources,
    QState,
    QueueManager,
    SlurmIO,
    SlurmState,
    SSHHost,
    SubmissionStatus,
)
from tests.clusters.packages import Missing
from tests.clusters.processes import NotStarted, until
from tests.clusters.slurm.recorder import RecordingHost
from tests.clusters.sshd import Sshd

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120, func_only=True)]  # a cluster has deadlines of its own

PATIENCE = 120
MB = 1024  # kB
#: node3 is where somebody is pushed aside, node4 the one that dies
QUIET = {"exclude_nodes": "node3,node4"}
ALONE = {"nodelist": "node3", "exclusive": True}
#: the first run sleeps, the next ones end at once
ONLY_ONCE = '[ "${SLURM_RESTART_COUNT:-0}" -ge 1 ] || sleep 600'


class End(NamedTuple):
    """What is to be told of a job in the end."""

    state: QState
    sub_state: SlurmState
    exit_status: int | None = None
    exit_signal: int | None = None
    reason: str | None = None


DONE = End(QState.DONE, SlurmState.COMPLETED, 0)
CANCELED = End(QState.FAILED, SlurmState.CANCELLED)
ENDS = {
    "completed": DONE,
    "two nodes": DONE,
    "gpus": DONE,
    "licensed": DONE,
    "failed": End(QState.FAILED, SlurmState.FAILED, 3),
    "signaled": End(QState.FAILED, SlurmState.FAILED, 139, 11),
    "out of time": End(QState.FAILED, SlurmState.TIMEOUT, 143, 15),
    "out of memory": End(QState.FAILED, SlurmState.OUT_OF_MEMORY, 253, 125),
    "canceled running": CANCELED._replace(exit_status=143, exit_signal=15),
    "canceled waiting": CANCELED,
    "node died": End(QState.FAILED, SlurmState.NODE_FAIL),
    "node died, tried again": DONE,
    "requeued": DONE,
    "requeued and held": End(QState.REQUEUED_HELD, SlurmState.PENDING, reason="job requeued in held state"),
    "special exit": End(QState.REQUEUED_HELD, SlurmState.SPECIAL_EXIT, reason="job requeued in held state"),
    "pushed aside": End(QState.FAILED, SlurmState.PREEMPTED, 143, 15),
    "too late": End(QState.FAILED, SlurmState.DEADLINE),
    "suspended": End(QState.SUSPENDED, SlurmState.SUSPENDED),
    "held": End(QState.QUEUED_HELD, SlurmState.PENDING, reason="JobHeldUser"),
    "waits for its time": End(QState.QUEUED, SlurmState.PENDING, reason="BeginTime"),
    "over a limit": End(QState.QUEUED, SlurmState.PENDING),
    "waits for another": End(QState.QUEUED_HELD, SlurmState.PENDING, reason="Dependency"),
    "waits for what never comes": End(QState.QUEUED_HELD, SlurmState.PENDING, reason="DependencyNeverSatisfied"),
    "given up for what never comes": CANCELED,
    "cannot start": End(QState.FAILED, SlurmState.FAILED),
    "running": End(QState.RUNNING, SlurmState.RUNNING),
}
#: told in parts: how each of them ends
PARTS = {
    "array": {"_1": DONE, "_2": End(QState.FAILED, SlurmState.FAILED, 1), "_3": DONE},
    "array canceled waiting": {f"_{task}": CANCELED for task in (1, 2, 3)},
    "array capped": {"_1": End(QState.RUNNING, SlurmState.RUNNING), "_2": End(QState.QUEUED, SlurmState.PENDING)},
    "two jobs in one": {"+0": DONE, "+1": DONE},
}


@dataclass
class Story:
    """Jobs by what becomes of them, and all that was ever told of each."""

    cluster: Any
    alice: QueueManager
    ids: dict[str, str] = field(default_factory=dict)
    told: dict[str, list[QJob]] = field(default_factory=dict)

    def submit(self, name: str, commands: str, resources: QResources | None = None, **options: Any) -> None:
        resources = resources or QResources(processes=1)
        resources.job_name = name
        resources.scheduler_kwargs = {**QUIET, **options}
        answer = self.alice.submit(commands, resources, self.cluster.home("alice"), script_fname=f"{name}.sh")
        assert answer.status is SubmissionStatus.SUCCESSFUL, answer
        self.ids[name] = str(answer.job_id)

    def ask(self) -> dict[str, QJob]:
        """One question for all jobs."""
        jobs = {str(job.job_id): job for job in self.alice.get_jobs_list(list(self.ids.values()))}
        for job_id, job in jobs.items():
            self.told.setdefault(job_id, []).append(job)
        return jobs

    def known_to_squeue(self) -> list[str]:
        return self.cluster.run("squeue", "--noheader", "--states=all", "--format=%A").split()

    def until_running(self, *names: str) -> None:
        def all_run() -> bool:
            jobs = self.ask()
            return all(jobs[self.ids[name]].state is QState.RUNNING for name in names)

        until(f"{names} run", all_run)

    def until_as_foretold(self) -> None:
        def is_over() -> bool:
            jobs = self.ask()
            return all(name.exists and as_told(jobs.get(name.job_id)) == name.end for name in self.expected())

        until("every job is where it should be", is_over, PATIENCE)

    def expected(self) -> list[Expected]:
        whole = [Expected(name, self.ids.get(name, ""), end) for name, end in ENDS.items()]
        return whole + [
            Expected(f"{name}{part}", self.ids.get(name, "") + part, end)
            for name, parts in PARTS.items()
            for part, end in parts.items()
        ]


class Expected(NamedTuple):
    name: str
    job_id: str
    end: End

    @property
    def exists(self) -> bool:
        return self.job_id[:1].isdigit()


def as_told(job: QJob | None) -> End | None:
    """Where it is, with the reason while it waits for something of its own, not for a place."""
    if job is None:
        return None
    waits = job.state in {QState.QUEUED_HELD, QState.REQUEUED_HELD} or (job.state is QState.QUEUED and job.reason == "BeginTime")
    return End(job.state, job.sub_state, job.exit_status, job.exit_signal, job.reason if waits else None)


@pytest.fixture(scope="module")
def story(slurm):
    host = RecordingHost(user="alice", environment={"SLURM_CONF": slurm.variables["SLURM_CONF"]})
    story = Story(slurm, QueueManager(SlurmIO(), host))
    host.mark = story.alice.scheduler_io.mark
    submit_all(story)
    interfere(story)
    with suppress(NotStarted):  # each test tells what is not as it should be
        story.until_as_foretold()
    until("squeue forgets the last one", lambda: story.ids["out of time"] not in story.known_to_squeue())
    until("sacct tells of it", lambda: story.ask()[story.ids["out of time"]].state is QState.FAILED)
    host.write()
    return story


def submit_all(story: Story) -> None:
    submit, ids = story.submit, story.ids
    submit("node died", "sleep 600", QResources(processes=1, rerunnable=False), nodelist="node4", exclude_nodes="")
    submit("node died, tried again", ONLY_ONCE, QResources(processes=1, rerunnable=True), nodelist="node4", exclude_nodes="")
    submit("out of time", "sleep 600", QResources(processes=1, time_limit=60))
    submit("pushed aside", "sleep 600", QResources(processes=1, qos="scavenger"), **ALONE, exclude_nodes="")
    asks = QResources(processes=2, threads_per_process=2, memory_per_thread=50, time_limit=3600, queue_name="main", qos="normal")
    submit("completed", "sleep 1", asks)
    submit("two nodes", "true", QResources.evenly_distributed(2, 2))
    submit("gpus", '[ -n "$CUDA_VISIBLE_DEVICES" ]', QResources(processes=1, gpus_per_job=2, queue_name="gpu"))
    submit("licensed", "true", QResources(processes=1, licenses={"matlab": 1}, constraints=["fast"], priority=7))
    submit("failed", "exit 3")
    submit("above 127", "exit 200")
    submit("cannot start", "true", QResources(processes=1, output_filepath="/no/such/directory/out"))
    submit("signaled", "kill -SEGV $$")
    submit("out of memory", "python3 -c 'import time; x = bytearray(400 << 20); time.sleep(60)'", mem="60M")
    submit("canceled running", "sleep 600")
    submit("canceled waiting", "true", begin="now+1hour")
    submit("requeued", ONLY_ONCE)
    submit("requeued and held", "sleep 600")
    submit("special exit", "sleep 600")
    submit("suspended", "sleep 600")
    submit("held", "true", QResources(processes=1, hold=True))
    submit("waits for its time", "true", begin="now+1hour")
    submit("waits for another", "true", QResources(processes=1, dependencies={DependencyType.AFTER_ANY: [ids["held"]]}))
    never = {DependencyType.AFTER_OK: [ids["failed"]]}
    submit("waits for what never comes", "true", QResources(processes=1, dependencies=never))
    submit("given up for what never comes", "true", QResources(processes=1, dependencies=never), kill_on_invalid_dep="yes")
    submit("running", "sleep 600")
    submit("at a limit", "sleep 600", QResources(processes=1, qos="capped"))
    submit("over a limit", "true", QResources(processes=1, qos="capped"))
    submit("array", '[ "$SLURM_ARRAY_TASK_ID" != 2 ]', QResources(processes=1, njobs=3))
    submit("array canceled waiting", "true", QResources(processes=1, njobs=3, hold=True))
    submit("array capped", "sleep 600", array="1-2%1")
    submit("two jobs in one", "true", qverbatim="#SBATCH hetjob\n#SBATCH --ntasks=2 --exclude=node3,node4")


def interfere(story: Story) -> None:
    """What others do to jobs: their users, administrators, and a node that dies."""
    ids, run = story.ids, story.cluster.run
    interrupted = ("canceled running", "requeued", "requeued and held", "special exit", "suspended")
    story.until_running("node died", "node died, tried again", "pushed aside", "out of time", *interrupted)
    run("scontrol", "update", f"JobId={ids['out of time']}", "EndTime=now+2")  # no limit is less than a minute
    story.cluster.kill_node("node4")
    story.submit("pushes", "sleep 600", QResources(processes=1, qos="high"), **ALONE, exclude_nodes="")
    for name in ("canceled running", "canceled waiting", "array canceled waiting"):
        assert story.alice.cancel(ids[name]).status is CancelStatus.SUCCESSFUL
    run("scontrol", "requeue", ids["requeued"])
    run("scontrol", "requeuehold", ids["requeued and held"])
    run("scontrol", "requeuehold", "State=SpecialExit", ids["special exit"])
    run("scontrol", "suspend", ids["suspended"])
    story.until_running("pushes")
    late = QResources(processes=1, time_limit=60)
    story.submit("too late", "true", late, **ALONE, exclude_nodes="", deadline="now+70seconds")
    until("the dead node is missed", lambda: story.ask()[ids["node died"]].sub_state is SlurmState.NODE_FAIL)
    story.cluster.start_node("node4")


@pytest.mark.parametrize("name", ENDS)
def test_it_is_told_how_a_job_ended_or_where_it_is(story, name):
    assert as_told(story.ask()[story.ids[name]]) == ENDS[name]


@pytest.mark.parametrize("name", PARTS)
def test_it_is_told_of_each_part(story, name):
    jobs, whole = story.ask(), story.ids[name]
    assert {part: as_told(jobs.get(whole + part)) for part in PARTS[name]} == PARTS[name]
    assert whole not in jobs


@pytest.mark.parametrize("job", [expected.name for expected in Story(None, None).expected()])
def test_an_end_is_told_the_same_way_by_whoever_knows_it(story, job):
    """squeue knows it for some seconds, then nobody may, then sacct does."""
    expected = next(each for each in story.expected() if each.name == job)
    ends = {as_told(told) for told in story.told[expected.job_id] if told.sub_state and told.sub_state.batch_state.is_final}
    ends = {end for end in ends if end.state in {QState.DONE, QState.FAILED}}
    assert ends == ({expected.end} if expected.end.state in {QState.DONE, QState.FAILED} else set())


def test_squeue_has_forgotten_all_that_ended(story):
    known = story.known_to_squeue()
    forgotten = {name for name, job_id in story.ids.items() if job_id not in known}
    assert forgotten >= {name for name, end in ENDS.items() if end.state in {QState.DONE, QState.FAILED}}


def test_a_requeued_job_waits_as_one_that_ran_before(story):
    assert QState.REQUEUED in {job.state for job in story.told[story.ids["requeued"]]}


def test_an_exit_status_above_127_is_told_less_and_with_a_doubt_once_squeue_has_forgotten(story):
    ends = {
        (job.exit_status, (job.reason or "")[-4:]) for job in story.told[story.ids["above 127"]] if job.state is QState.FAILED
    }
    assert (72, " 200") in ends
    assert ends <= {(72, " 200"), (200, "Code")}


def test_why_a_job_could_not_start_is_told(story):
    assert "its files for output" in story.ask()[story.ids["cannot start"]].reason


def test_what_a_job_holds_is_told_after_its_end(story):
    jobs, ids = story.ask(), story.ids
    completed = jobs[ids["completed"]]
    assert completed.info == QJobInfo(memory=200 * MB, memory_per_cpu=50 * MB, nodes=1, cpus=4, time_limit=3600)
    assert (completed.name, completed.account, completed.queue_name, completed.username) == (
        "completed",
        "physics",
        "main",
        "alice",
    )
    assert completed.runtime in (1, 2, 3)
    assert (jobs[ids["two nodes"]].info.nodes, jobs[ids["two nodes"]].info.cpus) == (2, 4)
    assert jobs[ids["gpus"]].info.gpus == 2
    assert jobs[ids["out of time"]].info.time_limit == 60


def test_what_a_running_job_holds_is_told(story):
    running = story.ask()[story.ids["running"]]
    held = QJobInfo(memory=64 * MB, memory_per_cpu=64 * MB, nodes=1, cpus=1, threads_per_process=1, time_limit=3600)
    assert running.info == held
    assert running.runtime > 0


def test_a_job_that_nobody_knows_is_undetermined_and_hides_no_other(story):
    lost, failed = story.alice.get_jobs_list(["999999", story.ids["failed"]])
    assert (lost.state, lost.sub_state, lost.job_id) == (QState.UNDETERMINED, None, "999999")
    assert failed.exit_status == 3
    assert story.alice.get_job("999999").state is QState.UNDETERMINED


def test_one_task_and_some_tasks_can_be_asked_for(story):
    array = story.ids["array"]
    assert story.alice.get_job(f"{array}_2").exit_status == 1
    assert [job.job_id for job in story.alice.get_jobs_list([f"{array}_[2-3]"])] == [f"{array}_2", f"{array}_3"]
    assert story.alice.get_job(f"{story.ids['array canceled waiting']}_2").sub_state is SlurmState.CANCELLED


def test_the_jobs_of_a_user_are_listed(story):
    names = {job.name for job in story.alice.get_jobs_list(user="alice")}
    assert {"running", "held", "suspended"} <= names
    assert story.alice.get_jobs_list(user="bob") == []


def test_what_is_over_or_unknown_or_not_ones_own_is_not_canceled(story):
    bob = QueueManager(SlurmIO(), LocalHost(user="bob", environment={"SLURM_CONF": story.cluster.variables["SLURM_CONF"]}))
    assert story.alice.cancel(story.ids["failed"]).status is CancelStatus.JOB_ID_UNKNOWN
    assert story.alice.cancel(999999).status is CancelStatus.JOB_ID_UNKNOWN
    refused = bob.cancel(story.ids["running"])
    assert (refused.status, refused.job_id) == (CancelStatus.FAILED, None)
    assert "denied" in refused.stderr


def test_why_a_job_waits_is_told(story):
    assert story.ask()[story.ids["over a limit"]].reason == "QOSMaxJobsPerUserLimit"


def test_what_slurm_refuses_says_why(story):
    answer = story.alice.submit("true", QResources(processes=1, qos="nosuch"), story.cluster.home("alice"))
    assert (answer.status, answer.job_id) == (SubmissionStatus.FAILED, None)
    assert "Invalid qos" in answer.stderr


def test_a_name_cannot_tell_tales_about_other_jobs(story):
    """Its owner renames a job so that a line of its own says that another one is done."""
    victim, liar = story.ids["running"], story.ids["held"]
    fields = [victim, "COMPLETED", *[""] * 14]
    for mark in ("|", "<mark>"):
        story.cluster.run("scontrol", "update", f"JobId={liar}", f"JobName=x{mark}\n{mark.join(fields)}{mark}\n")
        jobs = {job.job_id: job for job in story.alice.get_jobs_list([liar, victim])}
        assert jobs[victim].state is QState.RUNNING
        assert jobs[liar].name.startswith(f"x{mark}\n{victim}{mark}COMPLETED")


NASTY = "a b\"c'd#e\\f$(touch /tmp/scale-was-here)`id`;|&=é<>*?!~%"


def test_whatever_is_in_a_value_stays_in_it(story):
    asks = QResources(job_name=NASTY, output_filepath="out put #1 $(id).txt", hold=True, processes=1)
    answer = story.alice.submit("true", asks, story.cluster.home("alice") / "it's a $place", create_submit_dir=True)
    assert answer.status is SubmissionStatus.SUCCESSFUL, answer
    assert story.alice.get_job(answer.job_id).name == NASTY
    said = story.cluster.run("scontrol", "show", "job", answer.job_id)
    assert f"StdOut={story.cluster.home('alice')}/it's a $place/out put #1 $(id).txt" in said


def test_a_script_for_pbs_is_understood_by_a_parser_that_is_not_ours(story):
    """sbatch reads the directives of PBS; no server of PBS is packaged here."""
    home, predecessor = story.cluster.home("alice"), story.ids["held"]
    asked = QResources.evenly_distributed(
        2,
        2,
        threads_per_process=2,
        memory_per_thread=50,
        time_limit=90060,
        queue_name="main",
        account="physics",
        job_name="a $name",
        output_filepath="out",
        error_filepath=home / "err",
        email_address="a@b.org",
        priority=5,
        hold=True,
        njobs=3,
        dependencies={"afterok": [predecessor], "afterany": [predecessor]},
    )
    story.alice.host.write_text_file(home / "pbs.sh", PBSIO().get_submission_script("true", asked))
    said = story.alice.execute_cmd(["sbatch", "pbs.sh"], home)
    job_id = story.alice.scheduler_io.parse_submit_output(said.exit_code, said.stdout, said.stderr).job_id
    told = story.cluster.run("scontrol", "show", "job", job_id)
    words = ["Partition=main", "JobName=a__name", "Account=physics", "NumNodes=2-2", "NumTasks=4", "CPUs/Task=2"]
    words += [
        "NtasksPerN:B:S:C=2:0:*:*",
        "MinMemoryNode=200M",
        "TimeLimit=1-01:01:00",
        f"StdOut={home}/out",
        f"StdErr={home}/err",
    ]
    words += ["MailUser=a@b.org", "MailType=BEGIN,END,FAIL", "Reason=JobHeldUser", "ArrayTaskId=1-3"]
    words += [f"Dependency=afterok:{predecessor}(unfulfilled),afterany:{predecessor}(unfulfilled)"]
    assert [word for word in words if word not in told.split()] == []
    (job, *_) = story.alice.get_jobs_list(job_id)
    assert (job.state, job.info.time_limit, job.info.cpus, job.info.memory) == (QState.QUEUED_HELD, 90060, 8, 400 * MB)


def test_a_variable_with_many_lines_arrives(story):
    value = "a=b\n#SBATCH --hold\n'\\x41' $HOME\u2028"
    home = story.cluster.home("alice")
    job = story.alice.submit('printf %s "$A" >arrived', None, home, {"environ": {"A": value}}, script_fname="lines.sh").job_id
    until("it is over", lambda: story.alice.get_job(job).state is QState.DONE)
    assert (home / "arrived").read_text() == value


def test_by_ssh_as_well(story):
    """As whoever runs the tests, for nobody else may log in."""
    try:
        with Sshd() as sshd:
            environment = {"SLURM_CONF": story.cluster.variables["SLURM_CONF"]}
            host = SSHHost("127.0.0.1", sshd.root, port=sshd.port, options=sshd.options, environment=environment)
            manager = QueueManager(SlurmIO(), host)
            place = story.cluster.layout.root / "by ssh"
            asks = QResources(job_name=NASTY, processes=1, output_filepath="/dev/null")
            job = manager.submit("exit 5", asks, place, create_submit_dir=True).job_id
            until("it is over", lambda: manager.get_job(job).state is QState.FAILED)
            assert manager.get_job(job).exit_status == 5
            assert manager.cancel(job).status is CancelStatus.JOB_ID_UNKNOWN
            host.close()
    except Missing as missing:
        pytest.skip(str(missing))

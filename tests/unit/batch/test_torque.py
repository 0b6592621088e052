"""How to add a dialect is checked by doing it: Torque, taken from the page that tells how."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scale.batch import OutputParsingError, QJobInfo, QResources, QState, TorqueState, UnsupportedResourcesError
from scale.batch.hosts import Host, Outcome
from scale.batch.manager import QueueManager

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "add-a-batch-dialect.md"
SAID = """<Data><Job><Job_Id>1.head</Job_Id><Job_Name>well</Job_Name><Job_Owner>alice@login</Job_Owner><job_state>C</job_state>
<queue>batch</queue><Resource_List><mem>100mb</mem><nodect>2</nodect><nodes>2:ppn=4</nodes><walltime>01:00:00</walltime></Resource_List>
<resources_used><walltime>00:00:05</walltime></resources_used><exit_status>0</exit_status></Job>
<Job><Job_Id>2.head</Job_Id><Job_Name>fails</Job_Name><job_state>C</job_state><queue>batch</queue><exit_status>3</exit_status></Job>
<Job><Job_Id>3.head</Job_Id><Job_Name>killed</Job_Name><job_state>C</job_state><queue>batch</queue><exit_status>271</exit_status></Job>
<Job><Job_Id>4.head</Job_Id><Job_Name>runs</Job_Name><job_state>R</job_state><queue>batch</queue></Job>
<Job><Job_Id>5[1].head</Job_Id><Job_Name>array-1</Job_Name><job_state>H</job_state><queue>batch</queue></Job>
<Job><Job_Id>5[2].head</Job_Id><Job_Name>array-2</Job_Name><job_state>Q</job_state><queue>batch</queue></Job></Data>"""


@pytest.fixture(scope="module")
def torque():
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    names: dict[str, type] = {}
    exec(compile(code, PAGE.name, "exec"), names)
    return names["TorqueIO"]()


@pytest.mark.parametrize(
    ("resources", "lines"),
    [
        (QResources.evenly_distributed(2, 4, threads_per_process=2), ["-l nodes=2:ppn=8"]),
        (QResources.same_node(4, gpus_per_job=2, constraints=["fast"]), ["-l nodes=1:ppn=4:gpus=2:fast"]),
        (QResources(processes=6, memory_per_thread=100), ["-l procs=6", "-l pmem=100mb"]),
        (QResources(processes=1, njobs=3, hold=True), ["-h", "-l procs=1", "-t 1-3"]),
        (QResources(processes=1, dependencies={"afterok": ["1.head"]}), ["-W depend=afterok:1.head", "-l procs=1"]),
        (QResources(job_name="x"), ["-N x"]),
    ],
)
def test_it_asks_for_nodes_and_arrays_in_its_own_words(torque, resources, lines):
    assert sorted(torque.generate_header(resources).splitlines()) == sorted(f"#PBS {line}" for line in lines)


@pytest.mark.parametrize(
    ("resources", "field"),
    [
        (QResources(processes=1, licenses={"x": 1}), "licenses"),
        (QResources(processes=1, gpus_per_job=1), "gpus_per_job"),
        (QResources.scattered(2, gpus_per_job=3), "gpus_per_job"),
    ],
)
def test_what_it_has_not_is_refused_by_the_name_of_the_field(torque, resources, field):
    with pytest.raises(UnsupportedResourcesError, match=field):
        torque.generate_header(resources)


def test_its_jobs_are_read_with_how_they_ended(torque):
    jobs = torque.parse_jobs_list_output(0, SAID, "")
    assert [(job.job_id, job.state, job.sub_state, job.exit_status, job.exit_signal) for job in jobs] == [
        ("1.head", QState.DONE, TorqueState.COMPLETE, 0, None),
        ("2.head", QState.FAILED, TorqueState.COMPLETE, 3, None),
        ("3.head", QState.FAILED, TorqueState.COMPLETE, 143, 15),
        ("4.head", QState.RUNNING, TorqueState.RUNNING, None, None),
        ("5[1].head", QState.QUEUED_HELD, TorqueState.HELD, None, None),
        ("5[2].head", QState.QUEUED, TorqueState.QUEUED, None, None),
    ]
    assert jobs[0].info == QJobInfo(memory=102400, nodes=2, time_limit=3600)
    assert jobs[0].runtime == 5


def test_what_was_cut_off_is_no_shorter_list(torque):
    with pytest.raises(OutputParsingError, match="no whole XML"):
        torque.parse_jobs_list_output(0, SAID[:-3], "")
    assert torque.parse_jobs_list_output(0, "", "") == []


def test_one_question_serves_all_jobs_and_an_array_is_told_by_task(torque):
    asked = []

    class Head(Host):
        def execute(self, command, workdir=None, stdin=""):
            asked.append(command)
            return Outcome(SAID, "", 0)

    told = QueueManager(torque, Head()).get_jobs_list(["2.head", "5[].head", "9.head"])
    assert [(job.job_id, job.state) for job in told] == [
        ("2.head", QState.FAILED),
        ("5[1].head", QState.QUEUED_HELD),
        ("5[2].head", QState.QUEUED),
        ("9.head", QState.UNDETERMINED),
    ]
    assert asked == [("qstat", "-f", "-x", "-t")]

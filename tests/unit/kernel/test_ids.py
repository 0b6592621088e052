"""How executions and tasks are named on a cluster."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.kernel.ids import cluster_id, execution_of, is_job_task, losses_in, lost_task_id, parse_cluster_id, task_id

frameworks = st.text(st.characters(exclude_characters="_"))
numbers = st.integers(1, 2**63)


def test_names_are_those_of_scale():
    execution = cluster_id("1234", 7, 1)
    assert execution == "scale_job_1234_7x1"
    assert task_id(execution, "pre") == "scale_job_1234_7x1_pre"
    assert lost_task_id(task_id(execution, "pre"), 2) == "scale_job_1234_7x1_pre_lost-2"


@given(framework=frameworks, job_id=numbers, exe_num=numbers, kind=st.sampled_from(["pull", "main"]), losses=st.integers(0, 99))
def test_any_task_leads_back_to_its_execution(framework, job_id, exe_num, kind, losses):
    execution = cluster_id(framework, job_id, exe_num)
    task = task_id(execution, kind)
    assert parse_cluster_id(task) == parse_cluster_id(lost_task_id(task, losses)) == execution
    assert is_job_task(task)


@given(first=st.integers(1, 99), second=st.integers(1, 99))
def test_losses_are_counted_not_piled_up(first, second):
    task = task_id(cluster_id("f", 1, 1), "main")
    again = lost_task_id(lost_task_id(task, first), second)
    assert again == lost_task_id(task, second)
    assert (losses_in(task), losses_in(again)) == (0, second)


def test_a_framework_with_an_underscore_would_be_ambiguous():
    with pytest.raises(ValueError, match="underscore"):
        cluster_id("a_b", 1, 1)


@pytest.mark.parametrize("name", ["scale_cleanup_f_1", "scale_jobs_f_1x1_main", "scale_job", "", "x_scale_job_f_1x1_main"])
def test_other_tasks_are_not_those_of_jobs(name):
    assert not is_job_task(name)


@pytest.mark.parametrize(
    ("task", "execution"),
    [
        ("scale_job_f-1_12x3_main", (12, 3)),
        ("scale_job_f_12x3_main_lost-2", (12, 3)),
        ("scale_job_f_12x3", (12, 3)),
        ("other", None),
    ],
)
def test_a_task_names_its_job_and_the_number_of_its_execution(task, execution):
    assert execution_of(task) == execution

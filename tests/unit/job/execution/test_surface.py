"""Everything that the seed documents is there, under its name and with its signature."""

from __future__ import annotations

import inspect
from datetime import timedelta

import pytest

from scale.job.execution import container, exceptions, job_exe, manager, metrics

SEED = {
    container: {
        "get_job_exe_input_vol_name": "job_exe",
        "get_job_exe_output_vol_name": "job_exe",
        "get_mount_volume_name": "job_exe mount_name",
        "get_workspace_volume_name": "job_exe workspace",
    },
    job_exe.RunningJobExecution: {
        "__init__": "self agent_id job_exe job_type configuration priority",
        "check_for_starvation": "self when",
        "create_job_exe_end_model": "self",
        "execution_canceled": "self when",
        "execution_lost": "self when",
        "execution_timed_out": "self task when",
        "get_container_names": "self",
        "is_finished": "self",
        "is_next_task_ready": "self",
        "next_task": "self",
        "start_next_task": "self",
        "task_update": "self task_update",
    },
    manager.JobExecutionManager: {
        "__init__": "self",
        "add_canceled_job_exes": "self job_exe_ends",
        "check_for_starvation": "self when",
        "clear": "self",
        "generate_status_json": "self nodes_list when",
        "get_messages": "self",
        "get_running_job_exe": "self cluster_id",
        "get_running_job_exes": "self",
        "handle_task_timeout": "self task when",
        "handle_task_update": "self task_update",
        "init_with_database": "self",
        "lost_job_exes": "self job_exe_ids when",
        "lost_node": "self node_id when",
        "schedule_job_exes": "self job_exes messages",
        "sync_with_database": "self",
    },
    metrics.JobExeMetrics: {
        "add_job_execution": "self job_exe",
        "remove_job_execution": "self job_exe",
        "subtract_metrics": "self metrics",
        "generate_status_json": "self json_dict",
    },
    metrics.JobExeMetricsByType: {
        "add_job_execution": "self job_exe",
        "remove_job_execution": "self job_exe",
        "subtract_metrics": "self metrics",
        "generate_status_json": "self json_dict",
    },
    metrics.RunningJobExeMetricsByNode: {
        "add_job_execution": "self job_exe",
        "remove_job_execution": "self job_exe",
        "subtract_metrics": "self metrics",
        "generate_status_json": "self nodes_list",
    },
    metrics.FinishedJobExeMetrics: {
        "add_job_execution": "self job_exe",
        "subtract_metrics": "self metrics",
        "generate_status_json": "self json_dict",
    },
    metrics.FinishedJobExeMetricsByNode: {
        "add_job_execution": "self job_exe",
        "subtract_metrics": "self metrics",
        "generate_status_json": "self nodes_list",
    },
    metrics.FinishedJobExeMetricsOverTime: {
        "__init__": "self when",
        "add_job_execution": "self job_exe",
        "update_to_now": "self when",
    },
    metrics.TotalJobExeMetrics: {
        "__init__": "self when",
        "add_running_job_exes": "self job_exes",
        "generate_status_json": "self nodes_list when",
        "init_with_database": "self",
        "job_exe_finished": "self job_exe",
    },
}
CASES = [(owner, name, wanted) for owner, names in SEED.items() for name, wanted in names.items()]


@pytest.mark.parametrize(("owner", "name", "wanted"), CASES, ids=[f"{owner.__name__}.{name}" for owner, name, _ in CASES])
def test_a_call_as_the_seed_documents_it_fits(owner, name, wanted):
    parameters = inspect.signature(getattr(owner, name)).parameters.values()
    seed = wanted.split()
    assert [each.name for each in parameters][: len(seed)] == seed
    assert all(each.default is not inspect.Parameter.empty for each in list(parameters)[len(seed) :])


@pytest.mark.parametrize("name", ["current_task", "error", "error_category", "finished", "status"])
def test_what_the_seed_documents_as_a_property_is_one(name):
    assert isinstance(getattr(job_exe.RunningJobExecution, name), property)


def test_the_count_of_finished_executions_is_a_property():
    assert isinstance(metrics.FinishedJobExeMetrics.count, property)


def test_constants_are_those_of_the_seed():
    over_time = metrics.FinishedJobExeMetricsOverTime
    assert timedelta(0, 300) == over_time.BLOCK_LENGTH
    assert timedelta(0, 10800) == over_time.TOTAL_TIME_PERIOD
    assert over_time.TIME_BLOCK._fields == ("start", "end", "metrics")
    assert issubclass(over_time.TIME_BLOCK, tuple)
    assert isinstance(metrics.RunningJobExeMetricsByNode.EMPTY_METRICS, metrics.JobExeMetricsByType)
    assert isinstance(metrics.FinishedJobExeMetricsByNode.EMPTY_METRICS, metrics.FinishedJobExeMetrics)


def test_invalid_task_results_are_an_exception():
    assert issubclass(exceptions.InvalidTaskResults, Exception)

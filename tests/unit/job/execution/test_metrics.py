"""Counts of job executions: by type, by node, by whose fault, over three hours in blocks of five minutes."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from scale.job.execution.ending import Ending
from scale.job.execution.metrics import (
    FinishedJobExeMetrics,
    FinishedJobExeMetricsByNode,
    FinishedJobExeMetricsOverTime,
    JobExeMetrics,
    JobExeMetricsByType,
    RunningJobExeMetricsByNode,
    TotalJobExeMetrics,
)
from tests.builders import NOW, later

BLOCK = timedelta(minutes=5)
INSTANT = timedelta(microseconds=1)
NONE = {"total": 0, "by_job_type": []}
NOTHING = {"running": NONE, "completed": NONE, "failed": {"total": 0, "algorithm": NONE, "data": NONE, "system": NONE}}


def completed(when=NOW, *, job_type_id=10, node_id=1):
    return Ending(job_type_id, node_id, "COMPLETED", None, when)


def failed(category, when=NOW, *, job_type_id=10, node_id=1):
    return Ending(job_type_id, node_id, "FAILED", category, when)


def canceled(when=NOW):
    return Ending(10, 1, "CANCELED", None, when)


def total(when=NOW, *endings):
    metrics = TotalJobExeMetrics(when)
    for ending in endings:
        metrics.job_exe_finished(ending)
    return metrics


def told(metrics, when=NOW, node_ids=(1,)):
    nodes = [{"id": node_id} for node_id in node_ids]
    metrics.generate_status_json(nodes, when)
    return [node["job_executions"] for node in nodes]


def counts(*pairs):
    rows = [{"job_type_id": kind, "count": count} for kind, count in pairs]
    return {"total": sum(count for _, count in pairs), "by_job_type": rows}


def added(metrics, *endings):
    for ending in endings:
        metrics.add_job_execution(ending)
    return metrics


def json_of(metrics):
    told = {}
    metrics.generate_status_json(told)
    return told


def test_a_plain_count_goes_up_and_down():
    metrics = added(JobExeMetrics(), completed(), completed(), completed())
    metrics.remove_job_execution(completed())
    metrics.subtract_metrics(added(JobExeMetrics(), completed()))
    assert json_of(metrics) == {"count": metrics.count} == {"count": 1}


def test_types_are_told_in_the_order_of_their_ids():
    metrics = added(JobExeMetricsByType(), *(completed(job_type_id=kind) for kind in (11, 10, 11)))
    assert json_of(metrics) == counts((10, 1), (11, 2))


def test_a_type_with_none_left_is_not_told():
    metrics = added(JobExeMetricsByType(), completed(job_type_id=10), completed(job_type_id=11))
    metrics.remove_job_execution(completed(job_type_id=10))
    assert json_of(metrics) == counts((11, 1))


def test_removing_what_was_never_added_leaves_no_negative_count():
    metrics = JobExeMetricsByType()
    metrics.remove_job_execution(completed())
    assert json_of(metrics) == NONE


def test_all_types_can_be_subtracted_at_once():
    metrics = added(JobExeMetricsByType(), *(completed(job_type_id=kind) for kind in (10, 11, 12)))
    metrics.subtract_metrics(added(JobExeMetricsByType(), *(completed(job_type_id=kind) for kind in (10, 11, 12, 13))))
    assert json_of(metrics) == NONE


def test_running_executions_are_counted_on_their_node():
    metrics = added(RunningJobExeMetricsByNode(), completed(), completed(node_id=2))
    metrics.subtract_metrics(added(RunningJobExeMetricsByNode(), completed(node_id=2), completed(node_id=3)))
    nodes = [{"id": 1}, {"id": 2}]
    metrics.generate_status_json(nodes)
    assert [node["job_executions"]["running"] for node in nodes] == [counts((10, 1)), NONE]
    assert list(metrics.metrics_by_node) == [1]


def test_a_node_that_others_run_on_is_kept_when_some_are_subtracted():
    metrics = added(RunningJobExeMetricsByNode(), completed(), completed())
    metrics.subtract_metrics(added(RunningJobExeMetricsByNode(), completed()))
    assert metrics.metrics_by_node[1].total_count == 1


def test_what_finished_elsewhere_is_subtracted_from_no_node():
    metrics = added(FinishedJobExeMetricsByNode(), completed(), completed())
    metrics.subtract_metrics(added(FinishedJobExeMetricsByNode(), completed(), completed(node_id=2)))
    assert {node: metrics.metrics_by_node[node].count for node in metrics.metrics_by_node} == {1: 1}


def test_failures_are_counted_by_whose_fault_they_are():
    metrics = added(FinishedJobExeMetrics(), failed("ALGORITHM"), failed("DATA"), failed("DATA"), failed("SYSTEM"), completed())
    told = json_of(metrics)
    assert list(told) == ["completed", "failed"]
    assert list(told["failed"]) == ["total", "algorithm", "data", "system"]
    assert [told["failed"][key] for key in ("total", "data")] == [4, counts((10, 2))]
    assert metrics.count == 5


@pytest.mark.parametrize("ending", [canceled(), failed(None), failed("")])
def test_a_cancel_and_a_failure_of_unknown_category_are_counted_nowhere(ending):
    assert added(FinishedJobExeMetrics(), ending).count == 0
    assert told(total(NOW, ending)) == [NOTHING]


def test_each_category_is_subtracted_from_its_own():
    metrics = added(FinishedJobExeMetricsByNode(), failed("DATA"), failed("SYSTEM"), completed())
    metrics.subtract_metrics(added(FinishedJobExeMetricsByNode(), failed("DATA"), failed("ALGORITHM"), completed()))
    (node,) = nodes = [{"id": 1}]
    metrics.generate_status_json(nodes)
    assert node["job_executions"]["failed"] == {"total": 1, "algorithm": NONE, "data": NONE, "system": counts((10, 1))}
    assert node["job_executions"]["completed"] == NONE


def test_there_are_36_blocks_that_end_now():
    blocks = FinishedJobExeMetricsOverTime(NOW).time_blocks
    assert len(blocks) == 36
    assert (blocks[0].start, blocks[-1].end) == (later(hours=-3), NOW)
    assert all(one.end == other.start for one, other in pairwise(blocks))
    assert {block.end - block.start for block in blocks} == {BLOCK}


def test_blocks_are_not_aligned_to_the_clock():
    when = NOW + timedelta(seconds=7, microseconds=3)
    assert FinishedJobExeMetricsOverTime(when).time_blocks[-1].end == when


def counted_in(over_time):
    return [number for number, block in enumerate(over_time.time_blocks) if block.metrics.metrics_by_node]


@pytest.mark.parametrize(
    ("when", "block"),
    [
        (later(hours=-3), 0),
        (later(hours=-3) + BLOCK - INSTANT, 0),
        (later(hours=-3) + BLOCK, 1),
        (NOW - INSTANT, 35),
        (NOW, 36),
        (NOW + 2 * BLOCK, 38),
    ],
)
def test_blocks_are_half_open_and_grow_as_they_must(when, block):
    over_time = FinishedJobExeMetricsOverTime(NOW)
    assert over_time.add_job_execution(completed(when)) is True
    assert counted_in(over_time) == [block]


@pytest.mark.parametrize("when", [later(hours=-3) - INSTANT, later(hours=-99), None])
def test_what_ended_before_the_first_block_is_not_counted(when):
    over_time = FinishedJobExeMetricsOverTime(NOW)
    assert over_time.add_job_execution(completed(when)) is False
    assert counted_in(over_time) == []


@pytest.mark.parametrize(("when", "left_out"), [(NOW, 0), (NOW + BLOCK, 0), (NOW + BLOCK + INSTANT, 1), (NOW + 2 * BLOCK, 1)])
def test_a_block_goes_when_it_ended_strictly_more_than_three_hours_ago(when, left_out):
    over_time = FinishedJobExeMetricsOverTime(NOW)
    assert len(over_time.update_to_now(when)) == left_out
    assert over_time.time_blocks[0].start == later(hours=-3) + left_out * BLOCK
    assert over_time.time_blocks[-1].end > when


def test_the_counts_of_old_blocks_are_handed_back():
    over_time = FinishedJobExeMetricsOverTime(NOW)
    over_time.add_job_execution(completed(later(hours=-3)))
    (old,) = over_time.update_to_now(NOW + BLOCK + INSTANT)
    assert old.metrics_by_node[1].count == 1
    assert over_time.update_to_now(NOW + BLOCK + INSTANT) == []


def test_every_block_goes_after_a_long_silence():
    over_time = FinishedJobExeMetricsOverTime(NOW)
    assert over_time.update_to_now(later(hours=50))
    assert over_time.time_blocks[0].start <= later(hours=47)
    assert over_time.time_blocks[-1].end > later(hours=50)


def test_an_execution_moves_from_running_to_finished():
    metrics = TotalJobExeMetrics(NOW)
    metrics.add_running_job_exes([completed(), completed(job_type_id=11)])
    assert told(metrics) == [NOTHING | {"running": counts((10, 1), (11, 1))}]
    metrics.job_exe_finished(completed())
    assert told(metrics) == [NOTHING | {"running": counts((11, 1)), "completed": counts((10, 1))}]


def test_each_node_is_told_its_own_and_one_that_is_not_known_the_whole_skeleton():
    metrics = total(NOW, completed(), failed("DATA", node_id=2))
    metrics.add_running_job_exes([completed(node_id=2)])
    one, two, three = told(metrics, node_ids=(1, 2, 3))
    assert one["completed"] == counts((10, 1))
    assert (two["running"], two["failed"]["data"], two["completed"]) == (counts((10, 1)), counts((10, 1)), NONE)
    assert three == NOTHING
    assert list(three) == ["running", "completed", "failed"]


def test_a_node_that_is_not_listed_is_left_out():
    assert told(total(NOW, completed(node_id=9), Ending(10, None, "COMPLETED", None, NOW))) == [NOTHING]


def test_an_hour_of_the_original_test():
    metrics = total(NOW, completed(NOW), failed("SYSTEM", NOW + BLOCK))
    metrics.add_running_job_exes([completed()])
    assert told(metrics, later(hours=3, minutes=5))[0]["completed"] == counts((10, 1))
    (node,) = told(metrics, later(hours=3, minutes=5, seconds=1))
    assert (node["completed"], node["failed"]["system"]) == (NONE, counts((10, 1)))
    assert told(metrics, later(hours=6, minutes=5, seconds=1)) == [NOTHING | {"running": counts((10, 1))}]


def test_nothing_is_ever_negative_even_if_it_was_never_scheduled():
    metrics = total(NOW, completed(), completed())
    told(metrics, later(hours=9))
    metrics.job_exe_finished(completed(later(hours=9)))
    assert told(metrics, later(hours=9)) == [NOTHING | {"completed": counts((10, 1))}]


def test_however_many_nodes_are_too_old_at_once_all_are_forgotten():
    metrics = total(NOW, *(completed(node_id=number) for number in range(1, 251)))
    assert told(metrics, later(hours=9), node_ids=range(1, 251)) == [NOTHING] * 250


def test_an_end_too_old_for_the_blocks_is_in_no_total_either():
    assert told(total(NOW, completed(later(hours=-4)))) == [NOTHING]


def test_the_history_is_counted_from_the_oldest_block_on():
    asked = []

    def history(since):
        asked.append(since)
        return [completed(since), failed("DATA", NOW - INSTANT), completed(since - INSTANT)]

    metrics = TotalJobExeMetrics(NOW)
    metrics.init_with_database(history)
    assert asked == [later(hours=-3)]
    assert told(metrics)[0]["completed"] == counts((10, 1))
    assert told(metrics, later(minutes=5, seconds=1))[0]["completed"] == NONE


def test_the_empty_metrics_are_still_empty():
    assert RunningJobExeMetricsByNode.EMPTY_METRICS.total_count == 0
    assert RunningJobExeMetricsByNode.EMPTY_METRICS.job_type_metrics == {}
    assert FinishedJobExeMetricsByNode.EMPTY_METRICS.count == 0

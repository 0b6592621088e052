"""Counts of job executions: running and finished, by type, by node, over the last three hours. Plain counters.

Running + finished (those that are counted) = scheduled. Canceled executions and failures of unknown category are
counted nowhere, and one that finished before the first time block is not counted at all, so that the totals are
always the sum of the blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple, Protocol

from scale.error.catalog import Category
from scale.job.states import ExecutionStatus

Json = dict[str, Any]


class Counted(Protocol):
    """What the counters look at; a `RunningJobExecution` has it."""

    @property
    def job_type_id(self) -> int: ...
    @property
    def node_id(self) -> int | None: ...
    @property
    def status(self) -> str: ...
    @property
    def error_category(self) -> str | None: ...
    @property
    def finished(self) -> datetime | None: ...


History = Callable[[datetime], Iterable[Counted]]


class JobExeMetrics:
    """How many."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def add_job_execution(self, job_exe: Counted) -> None:
        self.count += 1

    def remove_job_execution(self, job_exe: Counted) -> None:
        self.count -= 1

    def subtract_metrics(self, metrics: JobExeMetrics) -> None:
        self.count -= metrics.count

    def generate_status_json(self, json_dict: Json) -> None:
        json_dict["count"] = self.count


class JobExeMetricsByType:
    """How many of each job type; a type with none is not kept."""

    __slots__ = ("job_type_metrics", "total_count")

    def __init__(self) -> None:
        self.total_count = 0
        self.job_type_metrics: dict[int, JobExeMetrics] = {}

    def add_job_execution(self, job_exe: Counted) -> None:
        self.total_count += 1
        kind = job_exe.job_type_id
        if (metrics := self.job_type_metrics.get(kind)) is None:
            metrics = self.job_type_metrics[kind] = JobExeMetrics()
        metrics.count += 1

    def remove_job_execution(self, job_exe: Counted) -> None:
        """One that was never added is not there to be removed."""
        kind = job_exe.job_type_id
        if (metrics := self.job_type_metrics.get(kind)) is not None:
            self.total_count -= 1
            metrics.count -= 1
            if metrics.count <= 0:
                del self.job_type_metrics[kind]

    def subtract_metrics(self, metrics: JobExeMetricsByType) -> None:
        for job_type_id, other in metrics.job_type_metrics.items():
            if (mine := self.job_type_metrics.get(job_type_id)) is not None:
                self.total_count -= other.count
                mine.subtract_metrics(other)
                if mine.count <= 0:
                    del self.job_type_metrics[job_type_id]

    def generate_status_json(self, json_dict: Json) -> None:
        json_dict["total"] = self.total_count
        by_type = self.job_type_metrics
        json_dict["by_job_type"] = [{"job_type_id": kind, "count": by_type[kind].count} for kind in sorted(by_type)]


class RunningJobExeMetricsByNode:
    """Running executions by node; a node with none is not kept."""

    EMPTY_METRICS: ClassVar = JobExeMetricsByType()

    def __init__(self) -> None:
        self.metrics_by_node: dict[int | None, JobExeMetricsByType] = {}

    def add_job_execution(self, job_exe: Counted) -> None:
        metrics = self.metrics_by_node.get(job_exe.node_id)
        if metrics is None:
            metrics = self.metrics_by_node[job_exe.node_id] = JobExeMetricsByType()
        metrics.add_job_execution(job_exe)

    def remove_job_execution(self, job_exe: Counted) -> None:
        metrics = self.metrics_by_node.get(job_exe.node_id)
        if metrics is None:
            return
        metrics.remove_job_execution(job_exe)
        if not metrics.total_count:
            del self.metrics_by_node[job_exe.node_id]

    def subtract_metrics(self, metrics: RunningJobExeMetricsByNode) -> None:
        for node_id, other in metrics.metrics_by_node.items():
            if (mine := self.metrics_by_node.get(node_id)) is not None:
                mine.subtract_metrics(other)
                if not mine.total_count:
                    del self.metrics_by_node[node_id]

    def generate_status_json(self, nodes_list: list[Json]) -> None:
        for node in nodes_list:
            running: Json = {}
            self.metrics_by_node.get(node["id"], self.EMPTY_METRICS).generate_status_json(running)
            node.setdefault("job_executions", {})["running"] = running


class FinishedJobExeMetrics:
    """Finished executions: completed, and failed by whose fault it was; what did not happen takes no room."""

    __slots__ = ("completed_metrics", "failed_metrics")

    def __init__(self) -> None:
        self.completed_metrics = JobExeMetricsByType()
        self.failed_metrics: dict[str, JobExeMetricsByType] = {}

    @property
    def count(self) -> int:
        return self.completed_metrics.total_count + self._failed_count

    def add_job_execution(self, job_exe: Counted) -> bool:
        """Whether it is one that is counted."""
        if job_exe.status == _COMPLETED:
            self.completed_metrics.add_job_execution(job_exe)
            return True
        if job_exe.status != ExecutionStatus.FAILED or (category := job_exe.error_category) not in _CATEGORIES:
            return False
        self.failed_metrics.setdefault(Category(category), JobExeMetricsByType()).add_job_execution(job_exe)
        return True

    def subtract_metrics(self, metrics: FinishedJobExeMetrics) -> None:
        self.completed_metrics.subtract_metrics(metrics.completed_metrics)
        for category, other in metrics.failed_metrics.items():
            if (mine := self.failed_metrics.get(category)) is not None:
                mine.subtract_metrics(other)

    def generate_status_json(self, json_dict: Json) -> None:
        json_dict["completed"] = {}
        self.completed_metrics.generate_status_json(json_dict["completed"])
        json_dict["failed"] = {"total": self._failed_count}
        for category in _CATEGORIES:
            metrics = self.failed_metrics.get(category, RunningJobExeMetricsByNode.EMPTY_METRICS)
            metrics.generate_status_json(json_dict["failed"].setdefault(category.lower(), {}))

    @property
    def _failed_count(self) -> int:
        return sum(metrics.total_count for metrics in self.failed_metrics.values())


_COMPLETED = ExecutionStatus.COMPLETED  # an enumeration takes long to find its members
#: in the order of the status document
_CATEGORIES = (Category.ALGORITHM, Category.DATA, Category.SYSTEM)


class FinishedJobExeMetricsByNode:
    """Finished executions by node; a node with none is not kept."""

    EMPTY_METRICS: ClassVar = FinishedJobExeMetrics()

    def __init__(self) -> None:
        self.metrics_by_node: dict[int | None, FinishedJobExeMetrics] = {}

    def add_job_execution(self, job_exe: Counted) -> None:
        known = self.metrics_by_node.get(job_exe.node_id)
        metrics = known or FinishedJobExeMetrics()
        if metrics.add_job_execution(job_exe) and known is None:
            self.metrics_by_node[job_exe.node_id] = metrics

    def subtract_metrics(self, metrics: FinishedJobExeMetricsByNode) -> None:
        for node_id, other in metrics.metrics_by_node.items():
            self.subtract_node(node_id, other)

    def subtract_node(self, node_id: int | None, metrics: FinishedJobExeMetrics) -> None:
        if (mine := self.metrics_by_node.get(node_id)) is not None:
            mine.subtract_metrics(metrics)
            if not mine.count:
                del self.metrics_by_node[node_id]

    def generate_status_json(self, nodes_list: list[Json]) -> None:
        for node in nodes_list:
            metrics = self.metrics_by_node.get(node["id"], self.EMPTY_METRICS)
            metrics.generate_status_json(node.setdefault("job_executions", {}))


class FinishedJobExeMetricsOverTime:
    """Finished executions in half-open blocks ``[start, end)`` of five minutes, the oldest first.

    At first 36 blocks that end at ``when``; the blocks are not aligned to the clock.
    """

    BLOCK_LENGTH = timedelta(minutes=5)
    TOTAL_TIME_PERIOD = timedelta(hours=3)

    class TIME_BLOCK(NamedTuple):
        start: datetime
        end: datetime
        metrics: FinishedJobExeMetricsByNode

    def __init__(self, when: datetime) -> None:
        blocks = self.TOTAL_TIME_PERIOD // self.BLOCK_LENGTH
        oldest = when - self.TOTAL_TIME_PERIOD
        self.time_blocks = [self._block(oldest + number * self.BLOCK_LENGTH) for number in range(blocks)]

    def add_job_execution(self, job_exe: Counted) -> bool:
        """Count it in its block; False if it finished before the first one, and so is not counted."""
        finished = job_exe.finished
        if finished is None or finished < self.time_blocks[0].start:
            return False
        self._block_of(finished).metrics.add_job_execution(job_exe)
        return True

    def update_to_now(self, when: datetime) -> list[FinishedJobExeMetricsByNode]:
        """Make the blocks up to ``when``; drop those that ended more than three hours ago and return their counts."""
        self._extend_to(when)
        oldest = when - self.TOTAL_TIME_PERIOD
        old = [block for block in self.time_blocks if block.end < oldest]
        self.time_blocks = self.time_blocks[len(old) :]
        return [block.metrics for block in old]

    def _extend_to(self, when: datetime) -> None:
        while self.time_blocks[-1].end <= when:
            self.time_blocks.append(self._block(self.time_blocks[-1].end))

    def _block_of(self, when: datetime) -> TIME_BLOCK:
        last = self.time_blocks[-1]
        if last.start <= when < last.end:  # as most
            return last
        self._extend_to(when)
        return self.time_blocks[(when - self.time_blocks[0].start) // self.BLOCK_LENGTH]

    def _block(self, start: datetime) -> TIME_BLOCK:
        return self.TIME_BLOCK(start, start + self.BLOCK_LENGTH, FinishedJobExeMetricsByNode())


class TotalJobExeMetrics:
    """All counts of job executions: those that run, and those that finished in the last three hours."""

    def __init__(self, when: datetime) -> None:
        self._running = RunningJobExeMetricsByNode()
        self._finished = FinishedJobExeMetricsByNode()
        self._over_time = FinishedJobExeMetricsOverTime(when)
        self._leaving: list[FinishedJobExeMetricsByNode] = []  # too old, but still among the finished ones
        self._changed: set[int | None] = set()

    def add_running_job_exes(self, job_exes: Iterable[Counted]) -> None:
        for job_exe in job_exes:
            self._running.add_job_execution(job_exe)
            self._changed.add(job_exe.node_id)

    def job_exe_finished(self, job_exe: Counted) -> None:
        """Move it from the running ones to the finished ones."""
        self._running.remove_job_execution(job_exe)
        self._changed.add(job_exe.node_id)
        if self._over_time.add_job_execution(job_exe):
            self._finished.add_job_execution(job_exe)

    def generate_status_json(self, nodes_list: list[Json], when: datetime) -> None:
        """Write ``job_executions`` into every node, which carries ``id``; forgets what is too old by then."""
        while self.forget_old(when):
            pass
        for node in nodes_list:
            node["job_executions"] = {}
        self._running.generate_status_json(nodes_list)
        self._finished.generate_status_json(nodes_list)

    def forget_old(self, when: datetime, most: int = 100) -> bool:
        """Forget what is too old by then, of at most so many nodes; whether there is more."""
        self._leaving += self._over_time.update_to_now(when)
        while self._leaving and most:
            if by_node := self._leaving[-1].metrics_by_node:
                node_id, metrics = by_node.popitem()
                self._finished.subtract_node(node_id, metrics)
                self._changed.add(node_id)
                most -= 1
            else:
                self._leaving.pop()
        return bool(self._leaving)

    def take_changed(self) -> set[int | None]:
        """The nodes whose counts are others than when this was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    def replace(self, before: TotalJobExeMetrics) -> None:
        """Count from now on in the place of another one: any node may have changed that it knew."""
        self._changed.update(before._running.metrics_by_node, before._finished.metrics_by_node, before._changed)

    def init_with_database(self, history: History | None = None) -> None:
        """Count the executions that ended since the oldest block began."""
        from scale.job.execution.selectors import executions_ended_since  # the one door to the database

        for ending in (history or executions_ended_since)(self._over_time.time_blocks[0].start):
            if self._over_time.add_job_execution(ending):
                self._finished.add_job_execution(ending)
                self._changed.add(ending.node_id)

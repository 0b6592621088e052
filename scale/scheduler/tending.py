"""Looks after what runs: what is late, starved, lost, unwanted or silent."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from scale.fact import warn
from scale.job.execution.job_exe import RunningJobExecution
from scale.job.execution.manager import JobExecutionManager
from scale.job.states import ExecutionStatus
from scale.job.tasks.manager import TaskManager
from scale.kernel.ids import execution_of, parse_cluster_id
from scale.node.manager import NodeManager
from scale.scheduler.fleet import Fleet

logger = logging.getLogger(__name__)

_PERIOD = timedelta(seconds=1)
_KILL_AGAIN = timedelta(seconds=10)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Tender:
    """Called by the loops of the scheduler."""

    def __init__(
        self, tasks: TaskManager, job_exes: JobExecutionManager, nodes: NodeManager, fleet: Fleet, node_lost_after: timedelta
    ) -> None:
        self._tasks = tasks
        self._job_exes = job_exes
        self._nodes = nodes
        self._fleet = fleet
        self._node_lost_after = node_lost_after
        self._tended = _LONG_AGO
        self._killed: dict[str, datetime] = {}

    def tend(self, when: datetime) -> list[RunningJobExecution]:
        """Once a second, look everything over; returns the executions that are over because of it."""
        if when - self._tended < _PERIOD:
            return []
        self._tended = when
        self._end_late_tasks(when)
        over = [*self._give_up_lost_nodes(when), *self._give_up_starved(when), *self._clear_deprecated_nodes(when)]
        self._fleet.reconcile(self._tasks.get_tasks_to_reconcile(when), when)
        return over

    def kill(self, when: datetime) -> None:
        """Kill what is unwanted; again after a while, until its end is known."""
        unwanted = self._tasks.get_tasks_to_kill()
        sent = {task.id: self._killed[task.id] for task in unwanted if task.id in self._killed}
        due = [task for task in unwanted if when - sent.get(task.id, _LONG_AGO) >= _KILL_AGAIN]
        if due:
            self._fleet.kill(due, when)
        self._killed = sent | {task.id: when for task in due}

    def welcome_back(self, agent_ids: Collection[str], when: datetime) -> None:
        """Ask these nodes how their tasks stand, and end those whose execution was given up meanwhile."""
        theirs = [task for task in self._tasks.get_all_tasks() if task.agent_id in agent_ids]
        for task in theirs:
            exe = self._job_exes.get_running_job_exe(parse_cluster_id(task.id))
            if exe is not None and exe.status != ExecutionStatus.RUNNING:
                task.force_kill()
        self._fleet.reconcile(theirs, when)

    def _end_late_tasks(self, when: datetime) -> None:
        unwell = {node.agent_id for node in self._nodes.get_nodes_of_note() if node.errors}
        for task in self._tasks.get_all_tasks() if unwell else ():
            if task.agent_id in unwell:
                task.excuse(when)
        for task in self._tasks.get_timeout_tasks(when):
            job, exe = execution_of(task.id) or (None, None)
            late = "ran-over-its-time" if task.has_started else "did-not-start-in-time"
            warn(logger, late, job=job, exe=exe, task=task.id)
            self._job_exes.handle_task_timeout(task, when)

    def _give_up_lost_nodes(self, when: datetime) -> list[RunningJobExecution]:
        over = []
        for node in self._nodes.get_lost_nodes(when, self._node_lost_after):
            warn(logger, "node-given-up", node=node.hostname)
            over += self._job_exes.lost_node(node.id, when)
        return over

    def _give_up_starved(self, when: datetime) -> list[RunningJobExecution]:
        starved = self._job_exes.check_for_starvation(when)
        for exe in starved:
            warn(logger, "starved", job=exe.job_id, exe=exe.exe_num)
        return starved

    def _clear_deprecated_nodes(self, when: datetime) -> list[RunningJobExecution]:
        deprecated = {node.id for node in self._nodes.get_nodes_of_note() if not node.is_active}
        if not deprecated:
            return []
        on_them = [exe.id for exe in self._job_exes.get_running_job_exes() if exe.node_id in deprecated]
        return self._job_exes.lost_job_exes(on_them, when)

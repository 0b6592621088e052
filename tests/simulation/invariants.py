"""What must hold after every step, from the rows and the cluster's own truth; and what at the end, when all is well again."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from scale.engines.instant import InstantCluster
from scale.job.execution.job_exe import RunningJobExecution
from scale.job.execution.metrics import TotalJobExeMetrics
from scale.job.execution.selectors import executions_ended_since
from scale.job.states import ExecutionStatus
from scale.kernel.ids import TaskId, losses_in, lost_task_id, parse_cluster_id
from scale.node.conditions import KnownNode
from scale.queue.constraints import constraints_of
from scale.scheduler.process import Scheduler
from scale.scheduler.retention.rules import Retention
from tests.simulation.database import SimulatedDatabase
from tests.simulation.story import Violation

STRANGERS = "scale_job_sim_9999x"  #: so begin the names of tasks that no scheduler knows
_COUNTED = timedelta(hours=2, minutes=50)
_LIVE_ENTRIES = "(SELECT count(*) FROM queue q WHERE q.job_id = j.id AND q.exe_num = j.num_exes AND NOT q.is_canceled)"
_ANY_ENTRIES = "(SELECT count(*) FROM queue q WHERE q.job_id = j.id AND NOT q.is_canceled)"
_UNENDED = "(SELECT count(*) FROM job_exe e WHERE e.job_id = j.id AND e.exe_num = j.num_exes AND NOT e.has_ended)"
_JOB = f"j.id, j.status, j.num_exes, {_LIVE_ENTRIES}, {_UNENDED}"
_JOB_COLUMNS = ("job", "status", "num_exes", "waiting", "running")

#: a sentence, the columns, and the query that finds what breaks it
_NEVER = (
    ("something happened that never may", ("what",), "SELECT what FROM witness"),
    (
        "a job that waits has one entry on the queue or one execution that runs",
        _JOB_COLUMNS,
        f"SELECT {_JOB} FROM job j WHERE j.status = 'QUEUED' AND {_LIVE_ENTRIES} + {_UNENDED} <> 1",
    ),
    (
        "a job that runs has one execution that runs, and does not wait",
        _JOB_COLUMNS,
        f"SELECT {_JOB} FROM job j WHERE j.status = 'RUNNING' AND ({_LIVE_ENTRIES} > 0 OR {_UNENDED} <> 1)",
    ),
    (
        "a job that is over does not wait, and none of its executions but a canceled one runs",
        _JOB_COLUMNS,
        f"SELECT {_JOB} FROM job j WHERE j.status IN ('COMPLETED', 'FAILED', 'CANCELED')"
        f" AND ({_ANY_ENTRIES} > 0 OR j.status <> 'CANCELED' AND {_UNENDED} > 0)",
    ),
    (
        "what waits on the queue is its job's present execution, or was canceled",
        ("job", "exe", "num_exes"),
        "SELECT q.job_id, q.exe_num, j.num_exes FROM queue q JOIN job j ON j.id = q.job_id"
        " WHERE NOT q.is_canceled AND q.exe_num <> j.num_exes",
    ),
    (
        "an execution has ended if, and only if, there is a record of its end",
        ("job", "exe", "has_ended", "end"),
        "SELECT e.job_id, e.exe_num, e.has_ended, d.status FROM job_exe e LEFT JOIN job_exe_end d ON d.job_exe_id = e.id"
        " WHERE e.has_ended <> (d.job_exe_id IS NOT NULL)",
    ),
    (
        "a job ends as its last execution did",
        ("job", "status", "exe", "end"),
        "SELECT j.id, j.status, d.exe_num, d.status FROM job j LEFT JOIN job_exe_end d"
        " ON d.job_id = j.id AND d.exe_num = j.num_exes"
        " WHERE j.status IN ('COMPLETED', 'FAILED') AND j.status IS NOT d.status",
    ),
    (
        "an execution was numbered by its job",
        ("job", "exe", "num_exes"),
        "SELECT e.job_id, e.exe_num, j.num_exes FROM job_exe e JOIN job j ON j.id = e.job_id WHERE e.exe_num > j.num_exes",
    ),
    (
        "what failed says why, and nothing else does",
        ("job", "exe", "status", "error"),
        "SELECT job_id, exe_num, status, error_id FROM job_exe_end WHERE (status = 'FAILED') <> (error_id IS NOT NULL)",
    ),
    (
        "no job is tried more often than it may be",
        ("job", "num_exes", "max_tries"),
        "SELECT id, num_exes, max_tries FROM job WHERE num_exes > max_tries",
    ),
    ("everything could be recorded", ("job", "exe", "error"), "SELECT job_id, exe_num, error FROM scheduler_set_aside"),
    (
        "nothing is recorded to have ended before it began",
        ("job", "exe", "started", "ended"),
        "SELECT job_id, exe_num, started, ended FROM job_exe_end WHERE ended < started",
    ),
)
#: while a scheduler hands back what it ran, a job may be between its execution and the queue; the next one puts it back
_NOT_WHILE_HANDING_BACK = frozenset(_NEVER[number][0] for number in (1, 2))


_ANY = "SELECT " + " OR ".join(f"EXISTS ({sql})" for _, _, sql in _NEVER)
_AGAIN = (
    "SELECT j.id, d.exe_num, j.num_exes FROM job_exe_end d JOIN job j ON j.id = d.job_id"
    " WHERE d.status = 'COMPLETED' AND d.exe_num < j.num_exes"
)


@dataclass
class Invariants:
    """Looks at one story."""

    database: SimulatedDatabase
    cluster: InstantCluster
    acknowledged: set[int] = field(default_factory=set)  #: jobs that a client was told of
    requeued: set[int] = field(default_factory=set)  #: jobs that somebody may have wanted to run again
    told: Counter[tuple[TaskId, str]] = field(default_factory=Counter)  #: how often the engine said what of which task
    keep: Retention = field(default_factory=Retention)
    _gone: int = 0  # what was deleted and looked at
    _seen: int = -1  # changes of the database

    def after_a_step(self, *, is_handing_back: bool = False) -> None:
        if self.database.connection.total_changes != self._seen:
            self._seen = self.database.connection.total_changes
            self._look_at_the_rows(is_handing_back=is_handing_back)
        self._the_cluster_is_not_overloaded()

    def _look_at_the_rows(self, *, is_handing_back: bool) -> None:
        if is_handing_back or self.database.rows(_ANY)[0][0]:
            self._name_what_is_broken(is_handing_back=is_handing_back)
        self._nothing_acknowledged_is_lost()
        self._nothing_is_recorded_more_often_than_told()
        for job, exe, num_exes in self.database.rows(_AGAIN):
            if job not in self.requeued:
                raise Violation(f"job {job} was completed by its execution {exe}, and yet has {num_exes}")

    def _name_what_is_broken(self, *, is_handing_back: bool) -> None:
        for sentence, columns, sql in _NEVER:
            if (rows := self.database.rows(sql)) and not (is_handing_back and sentence in _NOT_WHILE_HANDING_BACK):
                raise Violation(_told(sentence, columns, rows))

    def before_launch(self, names: Iterable[str]) -> None:
        """The record of an execution is durable before any task of it is started."""
        if self.database.in_atomic_block:
            raise Violation("a task is started while a transaction is open")
        for name in names:
            if not self.database.rows("SELECT 1 FROM job_exe WHERE cluster_id = ? AND NOT has_ended", [parse_cluster_id(name)]):
                raise Violation(f"{name} is started, and there is no record of an execution that runs")
            self._its_loss_is_recorded(TaskId(name))

    def before_acknowledge(self, names: Iterable[str]) -> None:
        """An engine may forget an end only once it is durable."""
        if self.database.in_atomic_block:
            raise Violation("an end is acknowledged while a transaction is open")
        for name in (name for name in names if name in self.cluster.launched):
            sql = (
                "SELECT e.job_id, e.exe_num FROM job_exe e WHERE e.cluster_id = ? AND NOT e.has_ended AND NOT EXISTS"
                " (SELECT 1 FROM task_update u WHERE u.task_id = ? AND u.status NOT IN ('TASK_STAGING', 'TASK_RUNNING'))"
            )
            if rows := self.database.rows(sql, [parse_cluster_id(name), name]):
                raise Violation(_told(f"the end of {name} is acknowledged before it is recorded", ("job", "exe"), rows))

    def after_placement(self, scheduler: Scheduler, before: int) -> None:
        """What was placed in this turn, was placed where it may be."""
        made = self.database.rows(
            "SELECT e.job_id, e.exe_num, n.hostname, n.is_active, n.is_paused, s.is_paused, t.is_paused, t.max_scheduled"
            " FROM job_exe e JOIN node n ON n.id = e.node_id JOIN scheduler s ON s.id = 1 JOIN job_type t ON t.id = e.job_type_id"
            " WHERE e.id > ?",
            [before],
        )
        self._each_is_where_its_job_wants(before)
        columns = ("job", "exe", "node", "node is active", "node is paused", "scheduler is paused", "type is paused", "limit")
        if wrong := [row for row in made if not row[3] or row[4] or row[5] or row[6]]:
            raise Violation(_told("nothing is placed where or while an operator forbids it", columns, wrong))
        ours = [spec for spec in self._alive() if not spec.id.startswith(STRANGERS)]
        if made and made[0][7] and len(ours) > made[0][7]:
            raise Violation(_told("no more of a job type run than may", columns, made))
        for node in scheduler.nodes.get_nodes():
            if node.hostname in {row[2] for row in made}:
                _check_belief(scheduler, node)

    def _each_is_where_its_job_wants(self, before: int) -> None:
        placed = self.database.rows(
            "SELECT j.id, n.hostname, j.constraints FROM job_exe e JOIN node n ON n.id = e.node_id JOIN job j ON j.id = e.job_id"
            " WHERE e.id > ? AND j.constraints IS NOT NULL",
            [before],
        )
        for job, hostname, asked in placed:
            if not all(one.accepts(hostname) for one in constraints_of(json.loads(asked)).each):
                raise Violation(f"job {job} asks for {asked}, and is placed on {hostname}")

    def unwanted(self, scheduler: Scheduler) -> set[str]:
        """The executions that it still lets run, and no client wants any more."""
        wanted = set(self.database.rows("SELECT id, num_exes FROM job WHERE status <> 'CANCELED'"))
        return {exe.cluster_id for exe in _running(scheduler) if (exe.job_id, exe.exe_num) not in wanted}

    def after_scheduling(self, scheduler: Scheduler, unwanted: set[str], when: datetime) -> None:
        """Nothing goes on that was unwanted before this turn, or whose node is lost."""
        exes = _running(scheduler)
        if ignored := unwanted & {exe.cluster_id for exe in exes}:
            raise Violation(f"nobody wants them, and they run on: {', '.join(sorted(ignored))}")
        long_ago = when - scheduler._limits.node_lost_after
        lost = {node.id for node in scheduler.nodes.get_nodes() if node.away_since is not None and node.away_since < long_ago}
        if scheduler.tender._tended == when and (left := [exe.cluster_id for exe in exes if exe.node_id in lost]):
            raise Violation(f"their node is lost, and they are not given up: {', '.join(left)}")

    def after_tidying(self, when: datetime) -> None:
        """What was deleted, had ended as long ago as it is kept."""
        rows = self.database.rows("SELECT rowid, what, id, ended FROM gone WHERE rowid > ? ORDER BY rowid", [self._gone])
        for rowid, what, number, ended in rows:
            self._gone = rowid
            kept = self.keep.task_updates if what == "update" else self.keep.jobs
            if kept is None or ended is None or ended[:19] > f"{when - kept:%Y-%m-%d %H:%M:%S}":
                raise Violation(f"the {what} {number}, which ended {ended}, was deleted {when}, and is kept for {kept}")

    def after_removal(self, names: Iterable[str]) -> None:
        """Output that goes is nobody's, or of executions whose end is recorded and whose task has ended."""
        for name in names:
            task = self.cluster.tasks.get(TaskId(name))
            exes = self.database.rows("SELECT has_ended FROM job_exe WHERE cluster_id = ?", [parse_cluster_id(name)])
            if exes and ((task is not None and task.end is None) or not all(has_ended for (has_ended,) in exes)):
                raise Violation(f"the output of {name} was removed, and it has not ended")

    def when_all_is_old(self) -> None:
        """Nothing stays for ever that is not to."""
        keep = self.keep
        left: dict[str, object] = {}
        if keep.jobs is not None:
            left["jobs"] = self.database.rows("SELECT id, status, ended FROM job")
        if keep.task_updates is not None:
            left["updates"] = self.database.rows("SELECT task_id, status FROM task_update")
        if keep.logs is not None:
            left["outputs"] = list(self.cluster.output)
        if any(left.values()):
            raise Violation("all is old, and yet there are " + "; ".join(f"{k}: {v}" for k, v in left.items() if v))

    def at_a_quiet_point(self, scheduler: Scheduler, when: datetime) -> None:
        """Everything was handed over: memory and rows say the same."""
        known = sorted((exe.job_id, exe.exe_num) for exe in scheduler.job_exes.get_running_job_exes())
        rows = self.database.rows("SELECT job_id, exe_num FROM job_exe WHERE NOT has_ended ORDER BY job_id, exe_num")
        if known != rows:
            raise Violation(f"the executions that run are {rows} in the database and {known} in memory")
        document: Any = scheduler.generate_status_json(when)
        counts = [node["job_executions"] for node in document["nodes"]]
        running, placed = sum(count["running"]["total"] for count in counts), [row for row in rows if self._node_of(row)]
        if running != len(placed):
            raise Violation(f"{running} run by the status document, {len(placed)} by the rows")
        self._finished_are_counted_alike(document, when)

    def after_a_look_at_the_queue(self, scheduler: Scheduler) -> None:
        told = sum(scheduler.placer.waiting.values())
        if told != (waiting := self.database.rows("SELECT count(*) FROM queue WHERE NOT is_canceled")[0][0]):
            raise Violation(f"{told} wait by the status document, {waiting} by the rows")

    def at_the_end(self, scheduler: Scheduler) -> None:
        """Faults have stopped long ago: nothing is left to be done."""
        unfinished = self.database.rows(
            "SELECT id, status, num_exes FROM job WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELED')"
        )
        left: dict[str, object] = {
            "jobs that have not ended": unfinished,
            "entries on the queue": self.database.rows("SELECT job_id, exe_num, is_canceled FROM queue"),
            "executions in the database": self.database.rows("SELECT job_id, exe_num FROM job_exe WHERE NOT has_ended"),
            "executions in memory": [exe.cluster_id for exe in scheduler.job_exes.get_running_job_exes()],
            "tasks in memory": [task.id for task in scheduler.tasks.get_all_tasks()],
            "held of nodes": [n.hostname for n in scheduler.nodes.get_nodes() if scheduler.allocations.occupants(n.id)],
            "tasks that the engine waits to have acknowledged": [
                f"{name} {task.end.state if task.end else 'alive'}" for name, task in self.cluster.tasks.items()
            ],
        }
        if any(left.values()):
            raise Violation("all is well again, and yet there are " + "; ".join(f"{k}: {v}" for k, v in left.items() if v))

    def _nothing_acknowledged_is_lost(self) -> None:
        if self.acknowledged:
            there = {row[0] for row in self.database.rows("SELECT id FROM job UNION SELECT id FROM gone WHERE what = 'job'")}
            if lost := self.acknowledged - there:
                raise Violation(f"jobs that a client was told of are lost: {sorted(lost)}")

    def _nothing_is_recorded_more_often_than_told(self) -> None:
        sql = "SELECT task_id, status, count(*) FROM task_update GROUP BY task_id, status HAVING count(*) > 1"
        for task, status, number in self.database.rows(sql):
            if number > (told := self.told[TaskId(task), status]):
                raise Violation(f"{task} {status} was told {told} times and recorded {number} times")

    def _its_loss_is_recorded(self, task: TaskId) -> None:
        """A crash may follow at once: the next scheduler must know for what this one was started."""
        if losses := losses_in(task):
            before = lost_task_id(task, losses - 1) if losses > 1 else task.removesuffix("_lost-1")
            if not self.database.rows("SELECT 1 FROM task_update WHERE task_id = ? AND status = 'TASK_LOST'", [before]):
                raise Violation(f"{task} is started, and there is no record of the loss of {before}")

    def _alive(self) -> list[Any]:
        return [task.spec for task in self.cluster.tasks.values() if task.end is None]

    def _the_cluster_is_not_overloaded(self) -> None:
        """By the cluster's own truth."""
        by_execution: dict[str, list[str]] = defaultdict(list)
        by_node: dict[str, list[Any]] = defaultdict(list)
        waiting = {task.spec.id for task in self.cluster.waiting}
        for spec in self._alive():
            by_execution[parse_cluster_id(spec.id)].append(spec.id)
            if spec.id not in waiting:
                by_node[spec.node].append(spec)
        for ids in by_execution.values():
            if len(ids) > 1:
                raise Violation(f"two tasks of one execution are alive: {', '.join(ids)}")
        for node, specs in by_node.items():
            _check_load(node, self.cluster.nodes[node], specs)

    def _node_of(self, row: tuple[int, int]) -> object:
        return self.database.rows("SELECT node_id FROM job_exe WHERE job_id = ? AND exe_num = ?", row)[0][0]

    def _finished_are_counted_alike(self, document: Any, when: datetime) -> None:
        """A scheduler that begins now, and counts the rows, comes to the same; so far as all are young enough to count."""
        if self.keep.jobs is not None and self.keep.jobs < _COUNTED:
            return
        if self.database.rows(
            "SELECT 1 FROM job_exe_end WHERE ended < ? OR ended > ?", [_row_time(when - _COUNTED), _row_time(when)]
        ):
            return
        fresh = TotalJobExeMetrics(when)
        fresh.init_with_database(executions_ended_since)
        nodes = [{"id": node["id"]} for node in document["nodes"]]
        fresh.generate_status_json(nodes, when)  # type: ignore[arg-type]
        for told, counted in zip(document["nodes"], nodes, strict=True):
            for kind in ("completed", "failed"):
                said, is_ = told["job_executions"][kind], counted["job_executions"][kind]  # type: ignore[index]
                if said["total"] != is_["total"]:
                    raise Violation(
                        f"on node {told['hostname']} {said['total']} {kind} by the status, {is_['total']} by the rows"
                    )


def _running(scheduler: Scheduler) -> list[RunningJobExecution]:
    return [exe for exe in scheduler.job_exes.get_running_job_exes() if exe.status == ExecutionStatus.RUNNING]


def _check_belief(scheduler: Scheduler, node: KnownNode) -> None:
    """Something was just placed on the node: with all that the scheduler takes to be there, it fits."""
    held = scheduler.allocations.held(node.id)
    gpus = [index for occupant in scheduler.allocations.occupants(node.id) for index in occupant.gpus]
    may_wait = node.engine in scheduler.fleet.holding
    if not (may_wait or held.fits_in(node.offered)) or len(gpus) != len(set(gpus)):
        raise Violation(f"{node.hostname} offers {node.offered}, and the scheduler gave away {held}, GPUs {gpus}")


def _check_load(node: str, has: Any, specs: list[Any]) -> None:
    for name, amount in has.items():
        taken = sum(spec.resources[name] for spec in specs)
        if taken > amount:
            raise Violation(f"{node} has {amount:g} {name} and runs {taken:g}: {[spec.id for spec in specs]}")
    gpus = [index for spec in specs if spec.resources["gpus"] for index in spec.env["CUDA_VISIBLE_DEVICES"].split(",")]
    if len(gpus) != len(set(gpus)):
        raise Violation(f"a GPU of {node} is used twice: {[(spec.id, spec.env['CUDA_VISIBLE_DEVICES']) for spec in specs]}")


def _row_time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S.%f}"


def _told(sentence: str, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> str:
    columns = tuple(columns)
    return "\n".join([f"broken: {sentence}", *(f"  {_row(columns, row)}" for row in rows)])


def _row(columns: Iterable[str], row: Iterable[Any]) -> str:
    return ", ".join(f"{column} {json.dumps(value, default=str)}" for column, value in zip(columns, row, strict=True))

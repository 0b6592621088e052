"""Reads what post tasks say of output as soon as they have finished, so that it is recorded together with the end.

What cannot be read makes a failure of the task before anybody else has heard of its end. An engine tells the end of a task until
it is recorded: after a crash the next scheduler reads the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from scale.engines.protocol import LogSource, Report, Stream, TaskReport, TaskState
from scale.error.catalog import BY_EXIT_CODE
from scale.job.execution.captured import MOST, Captured, UnreadableOutput, read_captured
from scale.job.messages import MAX_JOBS, CapturedJob, CapturedJobs, CreateJobExecutionEnds, Message, batches
from scale.job.states import ExecutionStatus
from scale.kernel.ids import TaskId, execution_of, task_type_of

_FINISHED = TaskState.FINISHED  # an enumeration takes long to find its members
_FILESYSTEM = next(code for code, name in BY_EXIT_CODE.items() if name == "filesystem-io")
Execution = tuple[int, int]  #: job and number
Sources = Callable[[str], LogSource | None]  #: where the output of an engine's tasks can be read


class Outputs:
    """What was read and is not recorded yet: written by the loop of reports, taken by the one that persists."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._captured: dict[Execution, Captured] = {}

    def hear(self, engine: str, reports: Sequence[Report]) -> Sequence[Report]:
        """The same reports, with those that are no longer true made so."""
        if not any([_is_post(report) for report in reports]):
            return reports
        return [self._read(engine, report) if _is_post(report) else report for report in reports]

    def messages(self, others: Iterable[Message]) -> list[Message]:
        """What the executions gave that have completed according to these messages; of others it is forgotten."""
        if not self._captured:
            return []
        ends = [end for message in others if isinstance(message, CreateJobExecutionEnds) for end in message.job_exe_ends]
        found = []
        for end in ends:
            captured = self._captured.pop((end.job_id, end.exe_num), None)
            if captured is not None and end.status == ExecutionStatus.COMPLETED:
                found.append(CapturedJob(end.job_id, end.exe_num, captured))
        return [CapturedJobs(some) for some in batches(found, MAX_JOBS)]

    def _read(self, engine: str, report: Report) -> Report:
        assert isinstance(report, TaskReport)  # noqa: S101 as _is_post says
        execution = execution_of(report.task_id)
        try:
            captured = read_captured(self._said(engine, report.task_id))
        except (UnreadableOutput, OSError) as error:
            return replace(report, state=TaskState.FAILED, exit_code=_FILESYSTEM, message=str(error)[:500])
        if execution is not None:
            self._captured[execution] = captured
        return report

    def _said(self, engine: str, task_id: TaskId) -> bytes | None:
        source = self._sources(engine)
        return source.read(task_id, Stream.STDOUT, 0, MOST + 1) if source else None


def _is_post(report: Report) -> bool:
    return isinstance(report, TaskReport) and report.state is _FINISHED and task_type_of(report.task_id) == "post"

"""Reads what steps say as soon as they have ended, so that it is recorded together with the end: of output, or why they failed.

What cannot be read makes a failure of the task before anybody else has heard of its end. A post that nobody saw end has
finished if it has told all, for that is the last it does. An engine tells the end of a task until it is recorded: after a crash
the next scheduler reads the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from scale.engines.protocol import LogSource, Reason, Report, Stream, TaskReport, TaskState
from scale.error.catalog import BY_EXIT_CODE
from scale.job.execution.captured import MOST, Captured, UnreadableOutput, read_captured
from scale.job.messages import MAX_JOBS, CapturedJob, CapturedJobs, CreateJobExecutionEnds, Message, batches
from scale.job.states import ExecutionStatus
from scale.kernel.ids import TaskId, execution_of, task_type_of

_FILESYSTEM = next(code for code, name in BY_EXIT_CODE.items() if name == "filesystem-io")
_ENDED = (TaskState.FINISHED, TaskState.FAILED)
_STEPS = ("pre", "post")
_LONGEST = 500  # characters of a message
Execution = tuple[int, int]  #: job and number
Sources = Callable[[str], LogSource | None]  #: where the output of an engine's tasks can be read


class Outputs:
    """What was read and is not recorded yet: written by the loop of reports, taken by the one that persists."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._captured: dict[Execution, Captured] = {}

    def hear(self, engine: str, reports: Sequence[Report]) -> Sequence[Report]:
        """The same reports, with those that are no longer true made so."""
        if not any(_is_of_step(report) for report in reports):
            return reports
        return [self._heard(engine, report) if _is_of_step(report) else report for report in reports]

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

    def _heard(self, engine: str, report: Report) -> Report:
        assert isinstance(report, TaskReport)  # noqa: S101 as _is_of_step says
        if report.state is TaskState.FINISHED or report.reason is Reason.EXIT_UNSEEN:
            return self._read(engine, report) if task_type_of(report.task_id) == "post" else report
        return self._explained(engine, report) if report.exit_code and not report.reason else report

    def _explained(self, engine: str, report: TaskReport) -> Report:
        """With the last line of stderr, where a step says why it failed."""
        try:
            said = self._said(engine, report.task_id, Stream.STDERR) or b""
        except OSError:
            return report
        lines = said.decode(errors="replace").replace("\0", "").splitlines()
        return replace(report, message=lines[-1][:_LONGEST]) if lines else report

    def _read(self, engine: str, report: TaskReport) -> Report:
        execution = execution_of(report.task_id)
        try:
            captured = read_captured(self._said(engine, report.task_id, Stream.STDOUT))
        except (UnreadableOutput, OSError) as error:
            if report.reason is Reason.EXIT_UNSEEN:
                return report
            return replace(report, state=TaskState.FAILED, exit_code=_FILESYSTEM, message=str(error)[:_LONGEST])
        if execution is not None:
            self._captured[execution] = captured
        return replace(report, state=TaskState.FINISHED, exit_code=0, reason=Reason.NONE, message="")

    def _said(self, engine: str, task_id: TaskId, stream: Stream) -> bytes | None:
        source = self._sources(engine)
        return source.read(task_id, stream, 0, MOST + 1) if source else None


def _is_of_step(report: Report) -> bool:
    return isinstance(report, TaskReport) and report.state in _ENDED and task_type_of(report.task_id) in _STEPS

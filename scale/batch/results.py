"""What came of an order given to a batch system: to submit a job, to cancel one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from scale.batch.jsonable import QTKEnum, QTKObject


class SubmissionStatus(QTKEnum):
    """Whether a job was accepted, and whether we know by which id."""

    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"
    JOB_ID_UNKNOWN = "JOB_ID_UNKNOWN"


class CancelStatus(QTKEnum):
    """Whether a job was canceled; JOB_ID_UNKNOWN: there is no such job, or it is over."""

    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"
    JOB_ID_UNKNOWN = "JOB_ID_UNKNOWN"


@dataclass
class OperationResult(QTKObject):
    """What a command said; `exit_code` is the command's own, not the job's."""

    job_id: int | str | None = None
    step_id: int | None = None
    exit_code: int | None = None
    stdout: str | None = None
    stderr: str | None = None


@dataclass
class SubmissionResult(OperationResult):
    """What came of a submit."""

    status: SubmissionStatus | None = None
    readers: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"status": SubmissionStatus.from_dict}


@dataclass
class CancelResult(OperationResult):
    """What came of a cancel."""

    status: CancelStatus | None = None
    readers: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"status": CancelStatus.from_dict}

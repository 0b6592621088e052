"""The batch vocabulary: what Slurm, PBS and Grid Engine have in common, and each one's own tongue. Import all of it from here."""

from scale.batch.dialects.base import BaseSchedulerIO
from scale.batch.errors import (
    CommandFailedError,
    InvalidFieldError,
    InvalidJobIDError,
    OutputParsingError,
    QTKError,
    QTKException,
    UnsupportedResourcesError,
)
from scale.batch.jobs import QJob, QJobInfo, QState, QSubState
from scale.batch.jsonable import QTKEnum, QTKObject
from scale.batch.resources import DependencyType, ProcessPlacement, QResources
from scale.batch.results import CancelResult, CancelStatus, OperationResult, SubmissionResult, SubmissionStatus
from scale.batch.states import BatchState, NativeState, PBSState, SGEState, ShellState, SlurmState, TorqueState

#: dialects by name
scheduler_mapping: dict[str, type[BaseSchedulerIO]] = {}

__all__ = [
    "BaseSchedulerIO",
    "BatchState",
    "CancelResult",
    "CancelStatus",
    "CommandFailedError",
    "DependencyType",
    "InvalidFieldError",
    "InvalidJobIDError",
    "NativeState",
    "OperationResult",
    "OutputParsingError",
    "PBSState",
    "ProcessPlacement",
    "QJob",
    "QJobInfo",
    "QResources",
    "QState",
    "QSubState",
    "QTKEnum",
    "QTKError",
    "QTKException",
    "QTKObject",
    "SGEState",
    "ShellState",
    "SlurmState",
    "SubmissionResult",
    "SubmissionStatus",
    "TorqueState",
    "UnsupportedResourcesError",
    "scheduler_mapping",
]

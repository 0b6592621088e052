"""The batch vocabulary: what Slurm, PBS and Grid Engine have in common, and each one's own tongue. Import all of it from here."""

from scale.batch.dialects.base import BaseSchedulerIO
from scale.batch.dialects.slurm import SlurmIO
from scale.batch.errors import (
    CommandFailedError,
    InvalidFieldError,
    InvalidJobIDError,
    OutputParsingError,
    QTKError,
    QTKException,
    UnsupportedResourcesError,
)
from scale.batch.hosts import Host, HostTrouble, InvalidHostError, LocalHost, Outcome, SSHHost
from scale.batch.jobs import QJob, QJobInfo, QState, QSubState
from scale.batch.jsonable import QTKEnum, QTKObject
from scale.batch.manager import QueueManager, SubmitDirectoryError
from scale.batch.resources import DependencyType, ProcessPlacement, QResources
from scale.batch.results import CancelResult, CancelStatus, OperationResult, SubmissionResult, SubmissionStatus
from scale.batch.states import BatchState, NativeState, PBSState, SGEState, ShellState, SlurmState, TorqueState

#: dialects by name
scheduler_mapping: dict[str, type[BaseSchedulerIO]] = {SlurmIO.name: SlurmIO}

__all__ = [
    "BaseSchedulerIO",
    "BatchState",
    "CancelResult",
    "CancelStatus",
    "CommandFailedError",
    "DependencyType",
    "Host",
    "HostTrouble",
    "InvalidFieldError",
    "InvalidHostError",
    "InvalidJobIDError",
    "LocalHost",
    "NativeState",
    "OperationResult",
    "Outcome",
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
    "QueueManager",
    "SGEState",
    "SSHHost",
    "ShellState",
    "SlurmIO",
    "SlurmState",
    "SubmissionResult",
    "SubmissionStatus",
    "SubmitDirectoryError",
    "TorqueState",
    "UnsupportedResourcesError",
    "scheduler_mapping",
]

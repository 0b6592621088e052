"""The batch vocabulary: what Slurm, PBS and Grid Engine have in common, and each one's own tongue. Import all of it from here."""

from scale.batch.dialects.base import BaseSchedulerIO
from scale.batch.dialects.pbs import PBSIO
from scale.batch.dialects.sge import SGEIO
from scale.batch.dialects.shell import ShellIO
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
from scale.batch.remote import RemoteConfig, RemoteHost
from scale.batch.resources import DependencyType, ProcessPlacement, QResources
from scale.batch.results import CancelResult, CancelStatus, OperationResult, SubmissionResult, SubmissionStatus
from scale.batch.states import (
    BatchState,
    DRMAAState,
    JobbergateState,
    MesosState,
    NativeState,
    OKAState,
    PBSState,
    ScaleState,
    SGEState,
    ShellState,
    SlurmqState,
    SlurmState,
    TorqueState,
    said_in,
)

#: Host by the name of qtoolkit
BaseHost = Host
#: dialects by name
scheduler_mapping: dict[str, type[BaseSchedulerIO]] = {io.name: io for io in (SlurmIO, PBSIO, SGEIO, ShellIO)}

__all__ = [
    "PBSIO",
    "SGEIO",
    "BaseHost",
    "BaseSchedulerIO",
    "BatchState",
    "CancelResult",
    "CancelStatus",
    "CommandFailedError",
    "DRMAAState",
    "DependencyType",
    "Host",
    "HostTrouble",
    "InvalidFieldError",
    "InvalidHostError",
    "InvalidJobIDError",
    "JobbergateState",
    "LocalHost",
    "MesosState",
    "NativeState",
    "OKAState",
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
    "RemoteConfig",
    "RemoteHost",
    "SGEState",
    "SSHHost",
    "ScaleState",
    "ShellIO",
    "ShellState",
    "SlurmIO",
    "SlurmState",
    "SlurmqState",
    "SubmissionResult",
    "SubmissionStatus",
    "SubmitDirectoryError",
    "TorqueState",
    "UnsupportedResourcesError",
    "said_in",
    "scheduler_mapping",
]

"""The built-in reasons why a job fails, as values: whose fault it is, and whether trying again may help.

Names, categories and retries are those of Scale's fixtures; the last group is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """Whose fault an error is."""

    SYSTEM = "SYSTEM"  #: Scale's or the cluster's
    ALGORITHM = "ALGORITHM"  #: the program's
    DATA = "DATA"  #: the input's


@dataclass(frozen=True, slots=True)
class BuiltinError:
    name: str
    title: str
    description: str
    category: Category = Category.SYSTEM
    should_be_retried: bool = True


def _system(name: str, title: str, description: str) -> BuiltinError:
    return BuiltinError(name, title, description)


def _hopeless(name: str, title: str, description: str) -> BuiltinError:
    """The system's fault, but trying again gives the same."""
    return BuiltinError(name, title, description, should_be_retried=False)


def _algorithm(name: str, title: str, description: str) -> BuiltinError:
    return BuiltinError(name, title, description, Category.ALGORITHM, should_be_retried=False)


BUILTIN_ERRORS = (
    _system("unknown", "Unknown", "The task failed and nothing is known of why"),
    _system("database", "Database", "The database reported an error"),
    _system("database-operation", "Database Operation", "The database could not be reached or could not carry out a statement"),
    _system("filesystem-io", "Filesystem I/O", "A file could not be read or written"),
    _system("task-launch", "Task Launch", "The engine could not start the task"),
    _system("docker-task-launch", "Docker Launch", "The container of the task could not be started"),
    _system("docker-terminated", "Docker Terminated", "The container of the task was ended from outside"),
    _system("node-lost", "Node Lost", "The node was lost while the execution ran on it"),
    _system("resource-starvation", "Resource Starvation", "The next task of the execution waited too long for resources"),
    _system("launch-timeout", "Launch Timeout", "The task did not start in time"),
    _system("pull-timeout", "Pull-task Timeout", "The task that pulls the image ran over its time"),
    _system("pre-timeout", "Pre-task Timeout", "The task that prepares the input ran over its time"),
    _system("post-timeout", "Post-task Timeout", "The task that collects the output ran over its time"),
    _system("system-timeout", "Timeout", "The system job ran over its time"),
    _system("ingest-timeout", "Ingest Timeout", "The ingest ran over its time"),
    _system("scheduler-lost", "Scheduler Restarted", "The task ended while nobody was there to see how"),
    _system("pull", "Docker Pull Failed", "The image could not be pulled"),
    _algorithm("timeout", "Timeout", "The program ran over its time"),
    _algorithm("algorithm-unknown", "Algorithm Failure", "The program ended with an exit code or signal that its type does not explain"),
    _algorithm("invalid-results-manifest", "Invalid Results Manifest", "The program's results manifest cannot be read"),
    _algorithm("missing-required-output", "Missing Required Output", "The program left out an output that it must give"),
    _algorithm("unexpected-multiple-outputs", "Unexpected Multiple Outputs", "The program gave several files where one is wanted"),
    _hopeless("missing-setting", "Missing Setting", "A setting that the job type requires is not configured"),
    _hopeless("missing-mount", "Missing Mount", "A mount that the job type requires is not configured"),
    _hopeless("deleted-file", "Deleted File", "An input file was deleted"),
    _hopeless("missing-file", "Missing File", "An input file is not where it should be"),
    _hopeless("test", "Test Error", "Raised on purpose by a diagnostic job"),
    _algorithm("command-not-found", "Command Not Found", "There is no such program on the node"),
    _algorithm("command-not-executable", "Command Not Executable", "The program is there but cannot be run"),
    _algorithm("working-directory", "Working Directory", "The working directory is missing on the node or closed to the job"),
    _algorithm("out-of-memory", "Out of Memory", "The program used more memory than the job had asked for"),
)  # fmt: skip

BY_NAME = {error.name: error for error in BUILTIN_ERRORS}

#: what the exit codes of Scale's own tasks (pre, post, system jobs) mean; 1 is a general failure and says nothing
BY_EXIT_CODE = {
    2: "database",
    3: "database-operation",
    4: "filesystem-io",
    5: "invalid-results-manifest",
    6: "missing-setting",
    7: "missing-required-output",
    8: "deleted-file",
    9: "missing-file",
    10: "missing-mount",
    11: "test",
    26: "unexpected-multiple-outputs",
}

"""What a job asks of a batch system, in words of all batch systems (QResources), and how its processes lie on nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

from scale.batch.errors import InvalidFieldError, UnsupportedResourcesError
from scale.batch.jsonable import QTKEnum, QTKObject
from scale.kernel.errors import Fault


class ProcessPlacement(QTKEnum):
    """How processes lie on nodes.

    NO_CONSTRAINTS: anywhere. SCATTERED: one on each node. SAME_NODE: all on one.
    EVENLY_DISTRIBUTED: the same number on each node.
    """

    NO_CONSTRAINTS = "NO_CONSTRAINTS"
    SCATTERED = "SCATTERED"
    SAME_NODE = "SAME_NODE"
    EVENLY_DISTRIBUTED = "EVENLY_DISTRIBUTED"


class DependencyType(QTKEnum):
    """What has to happen to another job before this one may start."""

    AFTER = "after"  #: it has started
    AFTER_OK = "afterok"  #: it is over, and went well
    AFTER_NOT_OK = "afternotok"  #: it is over, and failed
    AFTER_ANY = "afterany"  #: it is over


#: these alone do not say where processes lie, and need no placement
_NAMES_OF_THINGS = frozenset({"job_name", "output_filepath", "error_filepath"})


@dataclass
class QResources(QTKObject):
    """What a job asks for. Memory in MB, times in seconds; None leaves it to the batch system.

    Without a `process_placement`, `processes` alone means NO_CONSTRAINTS, `nodes` and `processes_per_node` mean
    EVENLY_DISTRIBUTED; nothing at all, or nothing but a name and files for the output, asks for nothing.

    :raises UnsupportedResourcesError: it cannot be told how the processes are to lie
    """

    queue_name: str | None = None
    job_name: str | None = None
    memory_per_thread: int | None = None
    nodes: int | None = None
    processes: int | None = None
    processes_per_node: int | None = None
    threads_per_process: int | None = None
    gpus_per_job: int | None = None
    time_limit: int | None = None
    account: str | None = None
    qos: str | None = None
    priority: int | str | None = None
    output_filepath: str | Path | None = None
    error_filepath: str | Path | None = None
    process_placement: ProcessPlacement | None = None
    email_address: str | None = None
    rerunnable: bool | None = None
    project: str | None = None
    njobs: int | None = None
    scheduler_kwargs: dict[str, Any] | None = None
    # not in the seed, so they stand behind what is
    dependencies: dict[DependencyType, list[str]] | None = None  #: ids of other jobs, by what has to happen to them
    hold: bool | None = None  #: wait until somebody lets it go
    licenses: dict[str, int] | None = None  #: how many of each
    constraints: list[str] | None = None  #: features that every node must have

    readers: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"process_placement": ProcessPlacement.from_dict}

    def __post_init__(self) -> None:
        if self.process_placement is None:
            self.process_placement = self._placement_meant()
        self.scheduler_kwargs = self.scheduler_kwargs or {}
        self.dependencies = _dependencies(self.dependencies)

    def _placement_meant(self) -> ProcessPlacement | None:
        if self.processes and not self.nodes and not self.processes_per_node:
            return ProcessPlacement.NO_CONSTRAINTS
        if self.nodes and self.processes_per_node and not self.processes:
            return ProcessPlacement.EVENLY_DISTRIBUTED
        if self._wants_placement():
            raise UnsupportedResourcesError(self._advice())
        return None

    def _wants_placement(self) -> bool:
        return any(value for name, value in self.given().items() if name not in _NAMES_OF_THINGS)

    def _advice(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.given().items())
        return (
            "When process_placement is None either define only nodes plus processes_per_node or only processes to get a "
            f"default value. Otherwise all the fields must be empty. Given: {given}"
        )

    def given(self) -> dict[str, Any]:
        """What is asked for. 0, False and empty texts ask for nothing, but a `rerunnable` that is False does."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value or (name == "rerunnable" and value is False)}

    def check_empty(self) -> bool:
        """Whether nothing is asked for.

        :raises ValueError: fields were set later that make no sense without a placement
        """
        given = self.given()
        if self.process_placement is None and self._wants_placement():
            message = f"is None, but these are set: {', '.join(given)}; set it, or make a new QResources, which finds it"
            raise InvalidFieldError([Fault("process_placement", message)])
        return not given

    @classmethod
    def no_constraints(cls, processes: int, **kwargs: Any) -> Self:
        """So many processes, anywhere."""
        _refuse(kwargs, "no constraints", "nodes", "processes_per_node")
        return cls(**{**kwargs, "processes": processes, "process_placement": ProcessPlacement.NO_CONSTRAINTS})

    @classmethod
    def evenly_distributed(cls, nodes: int, processes_per_node: int, **kwargs: Any) -> Self:
        """So many processes on each of so many nodes."""
        _refuse(kwargs, "evenly distributed", "processes")
        kwargs |= {"nodes": nodes, "processes_per_node": processes_per_node}
        return cls(**{**kwargs, "process_placement": ProcessPlacement.EVENLY_DISTRIBUTED})

    @classmethod
    def scattered(cls, processes: int, **kwargs: Any) -> Self:
        """So many processes, each on a node of its own."""
        _refuse(kwargs, "scattered", "nodes", "processes_per_node")
        return cls(**{**kwargs, "processes": processes, "process_placement": ProcessPlacement.SCATTERED})

    @classmethod
    def same_node(cls, processes: int, **kwargs: Any) -> Self:
        """So many processes, all on one node."""
        _refuse(kwargs, "same node", "nodes", "processes_per_node")
        return cls(**{**kwargs, "processes": processes, "process_placement": ProcessPlacement.SAME_NODE})

    def get_processes_distribution(self) -> list[int | None]:
        """Nodes, processes, and processes on each node; None where the placement leaves it open.

        :raises UnsupportedResourcesError: the numbers contradict the placement
        """
        match self.process_placement:
            case ProcessPlacement.SCATTERED:
                return self._scattered()
            case ProcessPlacement.SAME_NODE:
                return self._on_one_node()
            case ProcessPlacement.EVENLY_DISTRIBUTED:
                if self.processes:
                    self._contradiction("processes attribute", "give nodes and processes_per_node")
                return [self.nodes or 1, None, self.processes_per_node or 1]
            case ProcessPlacement.NO_CONSTRAINTS:
                if self.nodes or self.processes_per_node:
                    self._contradiction("processes_per_node and nodes attribute", "give processes")
                return [None, self.processes or 1, None]
            case _:
                return [self.nodes, self.processes, self.processes_per_node]

    def _scattered(self) -> list[int | None]:
        nodes = self.nodes or self.processes or 1
        processes = self.processes or nodes
        if nodes != processes:
            self._contradiction("different values of nodes and processes", "there is one process on each node")
        if self.processes_per_node and self.processes_per_node != 1:
            self._contradiction(f"{self.processes_per_node} processes_per_node", "there is one process on each node")
        return [nodes, processes, 1]

    def _on_one_node(self) -> list[int | None]:
        if self.nodes and self.nodes != 1:
            self._contradiction(f"{self.nodes} nodes", "all processes are on one")
        processes = self.processes or self.processes_per_node or 1
        each = self.processes_per_node or processes
        if processes != each:
            wrong = "different values of nodes and processes, here processes_per_node and processes"
            self._contradiction(wrong, "all processes are on one node")
        return [1, processes, each]

    def _contradiction(self, wrong: str, rule: str) -> NoReturn:
        given = f"nodes={self.nodes}, processes={self.processes}, processes_per_node={self.processes_per_node}"
        raise UnsupportedResourcesError(f"{self.process_placement} is incompatible with {wrong}: {rule}. Given: {given}")


def _refuse(kwargs: Mapping[str, Any], factory: str, *names: str) -> None:
    if given := [name for name in names if name in kwargs]:
        what = f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} incompatible with {factory} jobs"
        raise UnsupportedResourcesError(f"{what}: leave out {' and '.join(given)}")


def _dependencies(given: Mapping[Any, Sequence[Any] | str | int] | None) -> dict[DependencyType, list[str]] | None:
    """By kind, whether kinds are written as members or texts, and ids as lists, texts or numbers."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        message = f"write the ids of jobs by kind, like {{'afterok': ['12']}}, not {given!r}"
        raise InvalidFieldError([Fault("dependencies", message)])
    try:
        found = {DependencyType.from_dict(kind): _ids(jobs) for kind, jobs in given.items()}
    except InvalidFieldError as error:
        raise InvalidFieldError(Fault("dependencies", fault.message) for fault in error.faults) from None
    return {kind: ids for kind, ids in found.items() if ids}


def _ids(jobs: Sequence[Any] | str | int) -> list[str]:
    several = [jobs] if isinstance(jobs, str | int) else jobs
    return [str(job) if isinstance(job, int) else job for job in several]

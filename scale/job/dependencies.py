"""Which jobs wait for which ends of others: whether they may go, still wait or never can, and why. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from scale.job.states import FINAL, JobStatus
from scale.kernel.errors import Fault, Invalid
from scale.kernel.reading import MAX_ID, Body

MAX_DEPENDENCIES = 5_000  #: of one job
MAX_EDGES = 100_000  #: of all jobs of one request
_MOST_FAULTS = 50
_MOST_SHOWN = 10  # jobs of a cycle

J = TypeVar("J", bound=Hashable)


class When(StrEnum):
    """For which end of another job one waits."""

    SUCCESS = "success"  #: it completed
    END = "end"  #: it is over, however
    FAILURE = "failure"  #: it failed, and is not tried again


class Outlook(StrEnum):
    """How it stands with one dependency."""

    MET = "met"
    OPEN = "open"
    NEVER = "never"  #: as things stand; to try the other job anew opens it again


#: a job that has not been on the queue yet; others may change whether it is the one or the other
WAITING = frozenset({JobStatus.PENDING, JobStatus.BLOCKED})
_MEETS = {When.SUCCESS: {JobStatus.COMPLETED}, When.END: FINAL, When.FAILURE: {JobStatus.FAILED}}


def outlook(when: When, status: JobStatus) -> Outlook:
    """What the status of the other job means to who waits for this end of it."""
    if status in _MEETS[when]:
        return Outlook.MET
    if status in FINAL or (status is JobStatus.BLOCKED and when in PASSED_ON):
        return Outlook.NEVER
    return Outlook.OPEN


#: who waits for such an end of a blocked job is blocked, too; that it is canceled may still come
PASSED_ON = frozenset({When.SUCCESS, When.FAILURE})


def statuses_of(when: When, wanted: Outlook) -> list[JobStatus]:
    """The statuses of the other job with which it stands so."""
    return [status for status in JobStatus if outlook(when, status) is wanted]


def status_of(outlooks: Iterable[Outlook]) -> JobStatus:
    """The status of a job that never was on the queue."""
    found = set(outlooks)
    if Outlook.NEVER in found:
        return JobStatus.BLOCKED
    return JobStatus.PENDING if Outlook.OPEN in found else JobStatus.QUEUED


def settled(
    order: Iterable[J], *, outside: Iterable[tuple[J, When, JobStatus]], inside: Iterable[tuple[J, J, When]]
) -> dict[J, JobStatus]:
    """The statuses of these jobs, none of which comes before one that it waits for.

    :param outside: what they wait for of others, whose statuses stand
    :param inside: who waits for whom of them
    """
    known: defaultdict[J, set[Outlook]] = defaultdict(set)
    for job, when, status in outside:
        known[job].add(outlook(when, status))
    edges: defaultdict[J, list[tuple[J, When]]] = defaultdict(list)
    for job, on, when in inside:
        edges[job].append((on, when))
    statuses: dict[J, JobStatus] = {}
    for job in order:
        statuses[job] = status_of(known[job] | {outlook(when, statuses[on]) for on, when in edges[job]})
    return statuses


class Dependency(Body):
    """Another job, and the end of it that is waited for. A bare number is the id of a job that has to complete."""

    job: int | None = Field(None, ge=1, le=MAX_ID, description="Its id.")
    index: int | None = Field(None, ge=0, description="Its place in `jobs` of the same request, counted from 0.")
    when: When = Field(When.SUCCESS, strict=False, description="`success`: it completed; `failure`: it failed for good.")

    @model_validator(mode="before")
    @classmethod
    def _of_id(cls, value: Any) -> Any:
        return {"job": value} if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _one_job(self) -> Self:
        if (self.job is None) is (self.index is None):
            raise ValueError("name one job: by `job`, its id, or by `index`, its place in this request")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": 1, "description": "A job that has to complete."}, handler(core)]}


DependsOn = Annotated[list[Dependency], Field(max_length=MAX_DEPENDENCIES)]
Supersedes = Annotated[int, Field(ge=1, le=MAX_ID)]


class Terms(NamedTuple):
    """What is asked of a job's time, beside room: after which others, not before its release, in place of which other one."""

    depends_on: Sequence[Dependency] = ()
    hold: bool = False
    supersedes: int | None = None


PLAIN = Terms()


class Termed(Body):
    """What may be asked for on terms."""

    depends_on: DependsOn = Field(
        [], description="Jobs that it waits for: ids, or objects with `job` (or `index`, in a request of many) and `when`."
    )
    hold: bool = Field(False, description="It goes on the queue and is not placed before it is released.")
    supersedes: Supersedes | None = Field(None, description="The job in whose place it comes; that one is canceled.")

    @property
    def terms(self) -> Terms:
        if not self.depends_on and not self.hold and self.supersedes is None:
            return PLAIN
        return Terms(self.depends_on, self.hold, self.supersedes)


def place(number: int, *parts: object) -> str:
    """Where a fault is in a request of many jobs."""
    return ".".join(map(str, ("jobs", number, *parts)))


def arranged(terms: Sequence[Terms], sizes: Sequence[int]) -> list[int]:
    """The jobs of a request, each after those of the same request that it waits for.

    :param sizes: how many jobs each of them is; an array waits, and is waited for, with all its members
    :raises Invalid: a job waits for itself, for one that is not there, twice for the same, or in a circle
    """
    faults = [fault for number, _ in enumerate(terms) for fault in _faults(number, terms, sizes)]
    if not faults and _edges(terms, sizes) > MAX_EDGES:
        faults.append(Fault("jobs", f"may not hold more than {MAX_EDGES} dependencies altogether"))
    if faults:
        raise Invalid(faults[:_MOST_FAULTS])
    within = {n: [other.index for other in one.depends_on if other.index is not None] for n, one in enumerate(terms)}
    if all(on < number for number, ons in within.items() for on in ons):
        return list(within)
    try:
        return list(TopologicalSorter(within).static_order())
    except CycleError as error:
        raise Invalid([_cycle(error.args[1][::-1])]) from None


def _edges(terms: Sequence[Terms], sizes: Sequence[int]) -> int:
    ons = (sum(1 if other.index is None else sizes[other.index] for other in one.depends_on) for one in terms)
    return sum(size * on for size, on in zip(sizes, ons, strict=True))


def _faults(number: int, terms: Sequence[Terms], sizes: Sequence[int]) -> Iterator[Fault]:
    if terms[number].supersedes is not None and sizes[number] > 1:
        yield Fault(place(number, "supersedes"), "an array cannot take the place of a job; submit one job")
    seen: set[tuple[int | None, int | None]] = set()
    for at, other in enumerate(terms[number].depends_on):
        if other.index is not None and other.index >= len(terms):
            told = f"there is no job {other.index} in this request; the last one is {len(terms) - 1}"
            yield Fault(place(number, "depends_on", at, "index"), told)
        elif other.index == number:
            yield Fault(place(number, "depends_on", at, "index"), "a job cannot wait for itself")
        elif (other.job, other.index) in seen:
            yield Fault(place(number, "depends_on", at), "names the same job as one before; say it once")
        seen.add((other.job, other.index))


def _cycle(cycle: Sequence[int]) -> Fault:
    shown = [str(number) for number in cycle[:_MOST_SHOWN]]
    circle = " -> ".join(shown if len(cycle) == len(shown) else [*shown, "..."])
    return Fault(f"jobs.{cycle[0]}.depends_on", f"these jobs of the request wait for each other: {circle}")


_ENDED = {
    JobStatus.COMPLETED: "completed",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELED: "was canceled",
    JobStatus.BLOCKED: "is blocked",
}
_STUCK = ", which is blocked until it is canceled, or what blocks it is requeued"
_WANTED = {When.SUCCESS: "complete", When.END: "end", When.FAILURE: "fail"}


def why_waiting(edges: Iterable[tuple[int, When, JobStatus]]) -> tuple[str, str]:
    """A code for programs and a sentence for a person, from what a job waits for: the first of the worst speaks for all."""
    by_outlook: Mapping[Outlook, list[tuple[int, When, JobStatus]]] = defaultdict(list)
    for edge in edges:
        by_outlook[outlook(edge[1], edge[2])].append(edge)
    if never := by_outlook[Outlook.NEVER]:
        job, when, status = never[0]
        return "blocked", f"job {job} {_ENDED[status]}, and it had to {_WANTED[when]}{_more(never)}"
    if still := by_outlook[Outlook.OPEN]:
        stuck = [edge for edge in still if edge[2] is JobStatus.BLOCKED]
        job, when, _ = (stuck or still)[0]
        return "dependency", f"waits for job {job} to {_WANTED[when]}{_STUCK if stuck else ''}{_more(still)}"
    return "dependency", "all that it waited for is there; it goes on the queue in a moment"


def _more(edges: Sequence[object]) -> str:
    return f", and so with {len(edges) - 1} more" if len(edges) > 1 else ""

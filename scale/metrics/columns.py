"""What can be plotted of what has ended: columns, in groups, for each kind of metrics. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from scale.kernel.errors import Fault, Invalid
from scale.kernel.reading import shown


class Aggregate(StrEnum):
    """What becomes of the many values of an hour or a day."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"
    AVG = "avg"


class Group(NamedTuple):
    """Columns that belong together."""

    name: str
    title: str
    description: str


class Column(NamedTuple):
    """Something that can be plotted."""

    name: str
    title: str
    description: str
    units: str
    group: str
    aggregate: Aggregate


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of metrics: of what the choices are, and what can be plotted of them."""

    name: str
    title: str
    description: str
    groups: tuple[Group, ...] = ()
    columns: tuple[Column, ...] = ()

    def chosen(self, columns: Sequence[str], groups: Sequence[str]) -> list[Column]:
        """The columns that are named, or are of a group that is; all of them, where nothing is named.

        :raises Invalid: there is none of that name
        """
        faults = [*_strangers("column", columns, [one.name for one in self.columns])]
        faults += _strangers("group", groups, [one.name for one in self.groups])
        if faults:
            raise Invalid(faults)
        if not columns and not groups:
            return list(self.columns)
        return [one for one in self.columns if one.name in columns or one.group in groups]


def _strangers(field: str, named: Sequence[str], known: Sequence[str]) -> Iterator[Fault]:
    for name in named:
        if name not in known:
            words = f"known are: {', '.join(known)}" if known else "there are none of this kind"
            yield Fault(field, f"there is no {field} {shown(name)!r}; {words}")


_OVERVIEW = Group("overview", "Overview", "How many executions ended, and how.")
_ERRORS = Group("errors", "Errors", "How many executions failed, by whose fault it was.")

#: what is measured of each execution, its unit, and which aggregates of it say something
MEASURES = (
    (Group("queue_time", "Queue Time", "From when an execution was queued to when it was placed on a node."), "seconds", "smxa"),
    (Group("pre_time", "Pre-task Time", "From when it was placed to when its program began."), "seconds", "smxa"),
    (Group("job_time", "Job Time", "How long its program ran."), "seconds", "smxa"),
    (Group("post_time", "Post-task Time", "From the end of its program to the end of all of it."), "seconds", "smxa"),
    (Group("run_time", "Run Time", "From when it was placed to its end."), "seconds", "smxa"),
    (Group("cpu_time", "CPU Time", "Seconds of cpus that its tasks used."), "seconds", "smxa"),
    (Group("peak_memory", "Peak Memory", "The most memory that one of its tasks used."), "MiB", "mxa"),
)  # fmt: skip
_LETTERS = {"s": Aggregate.SUM, "m": Aggregate.MIN, "x": Aggregate.MAX, "a": Aggregate.AVG}
_WORDS = {Aggregate.SUM: "Total", Aggregate.MIN: "Shortest", Aggregate.MAX: "Longest", Aggregate.AVG: "Average"}
_SIZE_WORDS = _WORDS | {Aggregate.MIN: "Least", Aggregate.MAX: "Most"}


def _count(name: str, title: str, description: str, group: Group) -> Column:
    return Column(f"{name}_count", f"{title} Count", description, "count", group.name, Aggregate.SUM)


def _measured() -> Iterator[Column]:
    for group, units, letters in MEASURES:
        for aggregate in map(_LETTERS.__getitem__, letters):
            word = (_WORDS if units == "seconds" else _SIZE_WORDS)[aggregate]
            title = f"{group.title} ({aggregate.title()})"
            yield Column(f"{group.name}_{aggregate}", title, f"{word}: {group.description}", units, group.name, aggregate)


JOB_TYPES = Kind(
    "job-types",
    "Job Types",
    "Executions that ended, by the type of their job.",
    (_OVERVIEW, _ERRORS, *(group for group, _, _ in MEASURES)),
    (
        _count("completed", "Completed", "Executions that completed.", _OVERVIEW),
        _count("failed", "Failed", "Executions that failed.", _OVERVIEW),
        _count("canceled", "Canceled", "Executions that were canceled.", _OVERVIEW),
        _count("total", "Total", "Executions that ended.", _OVERVIEW),
        _count("error_system", "System Error", "Executions that failed by the fault of Scale or the cluster.", _ERRORS),
        _count("error_algorithm", "Algorithm Error", "Executions that failed by the fault of the program.", _ERRORS),
        _count("error_data", "Data Error", "Executions that failed by the fault of the input.", _ERRORS),
        *_measured(),
    ),
)
ERRORS = Kind(
    "errors",
    "Errors",
    "Executions that failed, by why they did.",
    (_OVERVIEW,),
    (_count("total", "Total", "Executions that failed for this reason.", _OVERVIEW),),
)
INGESTS = Kind("ingests", "Ingests", "There are none: files come into workspaces from elsewhere.")

KINDS = {kind.name: kind for kind in (ERRORS, INGESTS, JOB_TYPES)}

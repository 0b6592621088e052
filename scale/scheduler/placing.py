"""Brings together what placement looks at, lets it decide, and claims what was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from scale.database import not_synced
from scale.job.models import JobExecution
from scale.node.manager import NodeManager
from scale.queue.waiting import Reason
from scale.scheduler.allocations import Allocations
from scale.scheduler.fence import Fence
from scale.scheduler.learning import Learner
from scale.scheduler.operating import Settings
from scale.scheduler.placement.ahead import Pace
from scale.scheduler.placement.backlog import Backlog
from scale.scheduler.placement.findings import Findings
from scale.scheduler.placement.gpus import hand_out
from scale.scheduler.placement.plan import Placement, Plan, decide
from scale.scheduler.placement.services import NOWHERE, plan_apply, plan_settle
from scale.scheduler.placement.snapshot import Ask, Line, Snapshot
from scale.scheduler.placement.wait import Wait
from scale.scheduler.status import Warning
from scale.scheduler.tracking import NodeTracker

_MOST = 1000  # that are placed, and claimed in one transaction, before the first of them is launched
_NEXT_PASS = Reason("next-pass", "there is room; it goes in one of the next passes")


class Placer:
    """The schedule loop's own; what it last found may be read by others."""

    def __init__(
        self,
        nodes: NodeManager,
        allocations: Allocations,
        fence: Fence,
        *,
        holding: Collection[str] = (),
        containing: Collection[str] = (),
        ends_with_us: bool = False,
        home: Path = NOWHERE,
    ) -> None:
        """:param holding: the engines that hold tasks back until there is room for them
        :param containing: the engines that start tasks from images
        :param ends_with_us: whatever takes the power from this machine also takes it from every node
        """
        self._ends_with_us = ends_with_us
        self._home = home
        self._tracker = NodeTracker(nodes, allocations, holding, containing)
        self._allocations = allocations
        self._fence = fence
        self._backlog = Backlog()
        self._learner = Learner(self._backlog, fence.writing)
        self._findings = Findings()
        self._seen: object = None  # what the last pass looked at; the same again would find the same
        self._doubtful: tuple[Sequence[Placement], datetime] | None = None  # nobody said whether they were committed
        self.pace = Pace()
        self.is_ahead = False  #: the last pass gave nodes more than they have room for
        self.has_more = False  #: the last pass left something to be placed by the next
        self.reasons: Mapping[str, Reason] = {}  #: why each shape waits that does
        self.waiting: Mapping[str, int] = {}  #: queued executions by the code of what they wait for
        self.warnings: Sequence[Warning] = ()

    def look(self, when: datetime, *, for_new: bool = False) -> None:
        """Take what others have put on the queue."""
        self._learner.look(when, for_new=for_new)

    def cancel(self, entries: Mapping[str, Collection[int]]) -> None:
        """These, by their shapes, were taken off the queue without having run."""
        for shape, ids in entries.items():
            self._backlog.cancel(shape, ids)

    def recount(self) -> None:
        """Some were taken off the queue, of which nobody knows whether they were counted."""
        self._learner.recount()

    def crowded(self) -> list[int]:
        """The nodes that were given more than they have room for."""
        return self._tracker.columns.crowded()

    def settle(self) -> list[JobExecution]:
        """The executions that were made, after all, by a pass that met trouble."""
        if self._doubtful is None:
            return []
        placements, when = self._doubtful
        made = plan_settle(placements=placements, when=when)
        self._doubtful = None
        self._backlog.remove(_asks(placements, made))
        return made

    def place(self, settings: Settings, when: datetime) -> list[JobExecution]:
        """One pass, if anything has changed; returns the executions that were made, none of them launched."""
        snapshot = self._snapshot(settings, when)
        seen = (self._backlog.version, snapshot.room, settings.paused_types, settings.is_paused)
        if not self._tracker.update() and seen == self._seen:
            self.is_ahead = False
            return []
        self._seen = None
        plan = decide(snapshot, self._findings)
        while any(line.shape == plan.dry and self._learner.read_on(line) for line in snapshot.lines):
            plan = decide(snapshot, self._findings)
        made = self._claim(plan.placements, settings, when) if plan.placements else []
        self._tell(plan, settings, when)
        self.has_more, self.is_ahead = plan.is_cut, plan.ahead > 0
        self._seen = None if plan.is_cut else seen
        return made

    def _snapshot(self, settings: Settings, when: datetime) -> Snapshot:
        self._backlog.order(settings.queue_mode)
        self._learner.fill()
        self._learner.learn_constraints(when)
        return Snapshot(
            lines=[line for line in self._backlog.lines() if line.is_known],
            nodes=self._tracker.columns,
            occupants=self._allocations.occupants,
            room={kind: limit - self._allocations.running_of_type(kind) for kind, limit in settings.limits.items()},
            paused_types=settings.paused_types,
            is_paused=settings.is_paused,
            queue_mode=settings.queue_mode,
            depth=lambda line: self.pace.depth(line.job_type_id, line.needs),
            most=_MOST,
        )

    def _claim(self, placements: Sequence[Placement], settings: Settings, when: datetime) -> list[JobExecution]:
        """Take them off the queue; what was gone meanwhile falls out."""
        gpus = hand_out(placements, self._allocations.occupants)
        self._doubtful = (placements, when)
        with not_synced() if self._ends_with_us else nullcontext(), self._fence.writing():
            made = plan_apply(
                placements=placements,
                gpus=gpus,
                framework_id=settings.framework_id,
                when=when,
                types=settings.types,
                home=self._home,
            )
        self._doubtful = None
        self._backlog.remove(_asks(placements, made))
        if len(made) < len(placements):
            self._learner.doubt(_asks(placements, made, are_made=False), when)
        return made

    def _tell(self, plan: Plan, settings: Settings, when: datetime) -> None:
        """What a pass that was cut says nothing of is as it was."""
        before = self.reasons if plan.is_cut else {}
        self.reasons = _reasons(self._backlog.lines(), plan, before)
        self.waiting = _count(self._backlog.lines(), self.reasons)
        if not plan.is_cut:
            self.warnings = self._warn(plan.waits, settings, when)

    def _warn(self, waits: Iterable[Wait], settings: Settings, when: datetime) -> list[Warning]:
        """Tell of job types that no node could ever hold; a warning goes as soon as its cause is gone."""
        since = {warning.name: warning.started for warning in self.warnings}
        found: dict[str, Warning] = {}
        for wait in waits:
            if wait.code == "too-large":
                title = _name(settings, wait.ask.job_type_id)
                name = f"INVALID_RESOURCES{title}"
                before = found[name].description if name in found else ""
                text = before if wait.text in before else f"{before}; {wait.text}" if before else wait.text
                found[name] = Warning(name, f"Invalid Resources for {title}", text, since.get(name, when), when)
        return list(found.values())


def _name(settings: Settings, job_type_id: int) -> str:
    known = settings.types.get(job_type_id)
    return known.name if known else str(job_type_id)


def _asks(placements: Iterable[Placement], made: Iterable[JobExecution], *, are_made: bool = True) -> list[Ask]:
    """Those of which executions were made, or the others."""
    jobs = {exe.job_id for exe in made}
    return [ask for ask, _ in placements if (ask.job_id in jobs) is are_made]


def _reasons(lines: Iterable[Line], plan: Plan, before: Mapping[str, Reason]) -> dict[str, Reason]:
    """Why they wait; of each shape the first one speaks for all."""
    moved = dict.fromkeys((ask.shape for ask, _ in plan.placements), _NEXT_PASS)
    found = {wait.ask.shape: Reason(wait.code, wait.text, wait.nodes) for wait in plan.waits}
    known = {**before, **moved, **found}
    return {line.shape: known.get(line.shape, _NEXT_PASS) for line in lines}


def _count(lines: Iterable[Line], reasons: Mapping[str, Reason]) -> dict[str, int]:
    """How many wait for what."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts[reasons[line.shape].code] += line.size
    return dict(counts)

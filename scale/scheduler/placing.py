"""Brings together what placement looks at, lets it decide, and claims what was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from scale.job.models import JobExecution
from scale.node.conditions import KnownNode
from scale.node.manager import NodeManager
from scale.queue.waiting import Reason
from scale.scheduler.allocations import Allocations
from scale.scheduler.fence import Fence
from scale.scheduler.operating import Settings
from scale.scheduler.placement.gpus import hand_out
from scale.scheduler.placement.heads import Line, heads
from scale.scheduler.placement.plan import Placement, Plan, Wait, decide
from scale.scheduler.placement.selectors import asks_of, lines_waiting
from scale.scheduler.placement.services import plan_apply, plan_settle
from scale.scheduler.placement.snapshot import Slot, Snapshot
from scale.scheduler.status import Warning

_ASKS_A_PASS = 1000
_NEXT_PASS = Reason("next-pass", "there is room; it goes in one of the next passes")


class Placer:
    """The schedule loop's own; what it last found may be read by others."""

    def __init__(self, nodes: NodeManager, allocations: Allocations, fence: Fence) -> None:
        self._nodes = nodes
        self._allocations = allocations
        self._fence = fence
        self._doubtful: tuple[Sequence[Placement], datetime] | None = None  # nobody said whether they were committed
        self.plan = Plan()
        self.reasons: Mapping[str, Reason] = {}  #: why each shape waits that does
        self.waiting: Mapping[str, int] = {}  #: queued executions by the code of what they wait for
        self.warnings: Sequence[Warning] = ()

    def settle(self) -> list[JobExecution]:
        """The executions that were made, after all, by a pass that met trouble."""
        if self._doubtful is None:
            return []
        placements, when = self._doubtful
        made = plan_settle(placements=placements, when=when)
        self._doubtful = None
        return made

    def place(self, settings: Settings, when: datetime) -> list[JobExecution]:
        """One pass; returns the executions that were made, none of them launched."""
        lines = lines_waiting(settings.queue_mode)
        snapshot = self._snapshot(lines, settings)
        self.plan = decide(snapshot)
        made = []
        if self.plan.placements:
            gpus = hand_out(self.plan.placements, snapshot.slots)
            self._doubtful = (self.plan.placements, when)
            with self._fence.writing():
                made = plan_apply(placements=self.plan.placements, gpus=gpus, framework_id=settings.framework_id, when=when)
            self._doubtful = None
        left = _left(lines, self.plan)
        self.reasons = _reasons(left, self.plan)
        self.waiting = _count(left, self.reasons)
        self.warnings = self._warn(self.plan.waits, settings, when)
        return made

    def _snapshot(self, lines: Sequence[Line], settings: Settings) -> Snapshot:
        slots = [self._slot(node, settings) for node in self._nodes.get_nodes()]
        bare = Snapshot((), slots, is_paused=settings.is_paused)
        wanted = heads(lines, bare, most=_ASKS_A_PASS)
        return Snapshot(
            asks=asks_of(lines, wanted, settings.queue_mode),
            slots=slots,
            room={kind: limit - self._allocations.running_of_type(kind) for kind, limit in settings.limits.items()},
            paused_types=settings.paused_types,
            is_paused=settings.is_paused,
            queue_mode=settings.queue_mode,
        )

    def _slot(self, node: KnownNode, settings: Settings) -> Slot:
        state = node.state(scheduler_is_paused=settings.is_paused)
        return Slot(
            node.id,
            node.hostname,
            node.offered,
            is_ready=state.takes_new_jobs,
            not_ready=state.description,
            occupants=self._allocations.occupants(node.id),
        )

    def _warn(self, waits: Iterable[Wait], settings: Settings, when: datetime) -> list[Warning]:
        """Tell of job types that no node could ever hold; a warning goes as soon as its cause is gone."""
        since = {warning.name: warning.started for warning in self.warnings}
        found: dict[str, Warning] = {}
        for wait in waits:
            if wait.code == "too-large":
                title = settings.names.get(wait.ask.job_type_id, str(wait.ask.job_type_id))
                name = f"INVALID_RESOURCES{title}"
                before = found[name].description if name in found else ""
                text = before if wait.text in before else f"{before}; {wait.text}" if before else wait.text
                found[name] = Warning(name, f"Invalid Resources for {title}", text, since.get(name, when), when)
        return list(found.values())


def _left(lines: Iterable[Line], plan: Plan) -> dict[str, int]:
    """How many of each shape still wait; shapes of which nothing does are left out."""
    placed = Counter(placement.ask.shape for placement in plan.placements)
    return {line.shape: line.size - placed[line.shape] for line in lines if line.size > placed[line.shape]}


def _reasons(shapes: Iterable[str], plan: Plan) -> dict[str, Reason]:
    """Why they wait; of each shape the first one speaks for all."""
    first = {wait.ask.shape: Reason(wait.code, wait.text, wait.nodes) for wait in reversed(plan.waits)}
    return {shape: first.get(shape, _NEXT_PASS) for shape in shapes}


def _count(left: Mapping[str, int], reasons: Mapping[str, Reason]) -> dict[str, int]:
    """How many wait for what."""
    counts: Counter[str] = Counter()
    for shape, size in left.items():
        counts[reasons[shape].code] += size
    return dict(counts)

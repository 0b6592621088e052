"""A world that is told one story, drawn from a seed: what people, the cluster and the scheduler do, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.contrib.auth.models import User
from django.db.utils import OperationalError

from scale.engines.instant import InstantEngine, Outcome
from scale.engines.protocol import Condition, Reason, Superseded, TaskSpec
from scale.job.services import COMMAND, COMMAND_VERSION, jobs_cancel, jobs_requeue, jobs_submit
from scale.job.submission import parse_submission
from scale.job.types.services import job_type_edit
from scale.kernel.clock import ManualClock
from scale.kernel.ids import TaskId
from scale.kernel.resources import Resources
from scale.node.services import node_edit
from scale.scheduler.fence import Deposed, Fence
from scale.scheduler.placement.ahead import Pace
from scale.scheduler.process import Limits, Scheduler
from scale.scheduler.retention.rules import Retention
from scale.scheduler.services import Candidate, scheduler_edit, term_begin
from tests.simulation.database import SimulatedDatabase
from tests.simulation.engine import FaultyEngine, Line
from tests.simulation.fate import Fate, Fault, Killed
from tests.simulation.invariants import STRANGERS, Invariants
from tests.simulation.story import Story, Violation

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
LENGTHS = (2, 5, 8, 18)  # steps of a story without its scenes, before all must come to its end
_LIVES = 40  # starts of a scheduler that may fail one after the other
_POINTS = (3, 8, 16)  # statements, commits and calls of a turn or request, about; one of them goes wrong
_HEALING = (0, 31, 61, 125, 301, 605)  # seconds between the turns in which all must come to its end
_PATIENCE = 24  # turns, and for each job as many as it may be tried
_TRIES = 3
_OLD = timedelta(days=5)
_BITES = 3
_TICK = timedelta(microseconds=1)  # no two turns are at the same moment
_CANDIDATE = Candidate("simulated", "here", 1)
_STEPS_OF_A_TURN = ("reports", "schedule", "reports", "persist")

Verb = Callable[[], None]


@dataclass(frozen=True)
class Plot:
    """What one seed is about: few kinds of trouble at once, since many hide each other."""

    kinds: frozenset[Fault]
    rate: float  #: of steps in which something goes wrong
    verbs: dict[str, float]
    keep: Retention  #: much shorter than anybody would

    @classmethod
    def drawn(cls, rng: Random) -> Plot:
        jobs, updates, logs = (rng.choice(_KEPT) for _ in range(3))
        keep = Retention(_shorter(updates, jobs), _shorter(logs, jobs), jobs)
        kinds = frozenset(fault for fault in Fault if rng.random() < (0.5 if fault in _OFTEN else 0.35))
        verbs = {name: weight * rng.choice((0, 1, 1, 2)) for name, weight in _VERBS.items() if name not in _ALWAYS}
        return cls(kinds, rng.choice((0.1, 0.3, 0.6)), verbs | {name: _VERBS[name] for name in _ALWAYS}, keep)

    def steps(self, rng: Random) -> list[str]:
        """What is done, one after the other: mostly anything, and in between a scene or two that chance would rarely make."""
        steps = rng.choices(list(self.verbs), list(self.verbs.values()), k=rng.choice(LENGTHS))
        for _ in range(rng.choice((0, 1, 1, 2))):
            place = rng.randint(0, len(steps))
            steps[place:place] = rng.choice(_SCENES)
        return steps


def _shorter(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    return min((length for length in (one, other) if length is not None), default=None)


#: how often each is done
_VERBS = {
    "turn": 5.0, "run_reports": 3.0, "run_schedule": 4.0, "run_persist": 3.0, "run_status": 0.5,
    "run_tidy": 1.0,
    "submit": 3.0, "cancel": 1.5, "requeue": 1.0, "cancel_and_requeue": 0.5,
    "seconds_pass": 3.0, "minutes_pass": 1.0, "hours_pass": 0.2, "clock_goes_back": 0.6,
    "node_goes": 1.0, "node_comes": 1.5, "node_flaps": 0.4, "disk_fills": 0.4,
    "operator_changes_node": 0.8, "operator_pauses": 0.5, "operator_limits": 0.5,
    "crash": 0.8, "depose": 0.3, "stale_turn": 0.8, "drain": 0.5, "race": 1.0,
    "reconnect": 0.4, "task_is_lost": 0.4, "report_is_invented": 0.8, "stranger_runs": 0.4,
}  # fmt: skip
_OFTEN = (Fault.KILL, Fault.DATABASE, Fault.UNKNOWN_COMMIT)
_KEPT = (None, None, timedelta(minutes=1), timedelta(hours=4), timedelta(days=1))
_SCENES = (
    ("submit", "turn", "drain", "turn", "seconds_pass", "turn", "seconds_pass", "turn"),
    ("submit", "turn", "task_is_lost", "run_reports", "run_schedule", "run_persist", "crash"),
    ("submit", "turn", "task_is_lost", "crash", "run_persist", "run_schedule", "turn"),
    ("submit", "turn", "seconds_pass", "run_reports", "cancel_and_requeue", "run_persist", "turn"),
    ("turn", "submit", "race", "submit", "race", "race"),
    ("submit", "run_schedule", "cancel_and_requeue", "run_persist", "turn"),
    ("submit", "turn", "node_goes", "minutes_pass", "turn", "node_comes", "turn"),
    ("submit", "turn", "cancel", "run_schedule", "submit", "run_schedule", "run_schedule"),
    ("submit", "turn", "seconds_pass", "turn", "hours_pass", "run_tidy", "run_persist", "run_tidy"),
)
#: what jobs ask of nodes; n1 is always there, and large enough
_WISHES: tuple[dict[str, Any], ...] = (
    {}, {}, {"hosts": ["n1"]}, {}, {"placement": "spread"}, {"avoid_hosts": ["n2"]}, {},
    {"constraints": ["hostname!=n3"], "placement": "pack"},
)  # fmt: skip
_ALWAYS = ("turn", "run_reports", "run_schedule", "run_persist", "submit", "seconds_pass")


class Simulation:
    """One world, one seed. `tell` tells the story; a `Violation` says that a promise was broken."""

    def __init__(
        self,
        seed: int,
        database: SimulatedDatabase,
        *,
        kind: type[Scheduler] = Scheduler,
    ) -> None:
        self.rng = Random(seed)
        self.clock = ManualClock(START)
        self.story = Story(self.clock)
        self.plot = Plot.drawn(self.rng)
        self.database = database
        self.fate = Fate(self.rng, self.plot.kinds, self.story)
        self.fate.meanwhile = self._meanwhile
        self.line = Line(self.rng, self.plot.kinds, self.fate, self.story)
        self._is_healing = False
        self._kind = kind
        self._user = User.objects.get(username="alice")
        self._inner = InstantEngine(self._nodes(), self._behave, holds_back=self.rng.random() < 0.5)
        self.cluster = self._inner.cluster
        self.invariants = Invariants(database, self.cluster, told=self.line.told, keep=self.plot.keep)
        self.line.before_launch = lambda tasks: self.invariants.before_launch(task.id for task in tasks)
        self.line.before_acknowledge = self.invariants.before_acknowledge
        self.line.after_removal = self.invariants.after_removal
        self._started: set[TaskId] = set()
        self._in_turn: list[str] = []
        self._is_draining = False
        self._armed_turn: int | None = None  # which of all the turns goes wrong
        self._stale: list[Scheduler] = []
        self.scheduler: Scheduler | None = None
        self.engine: FaultyEngine

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def tell(self) -> None:
        """From the beginning to the end; everything that was promised is looked at after every step."""
        self.database.fate = self.fate
        self.story.step(f"the cluster has {', '.join(self._in_words())}; trouble: {', '.join(sorted(self.plot.kinds)) or 'none'}")
        self._start()
        for name in self.plot.steps(self.rng):
            if self.rng.random() < self.plot.rate:
                self._arm(name)
            getattr(self, name)()
            self._armed_turn = None
            self.fate.disarm()
            self._look()
        self._heal()

    # --- the scheduler

    def _arm(self, name: str) -> None:
        if name == "turn":
            self._armed_turn = self.rng.choice((0, 1, 1, 3, 3))
        else:
            self.fate.arm(self.rng.choice(_POINTS))

    def turn(self) -> None:
        self.story.step("all turns")
        for number, name in enumerate(_STEPS_OF_A_TURN):
            if number == self._armed_turn:
                self.fate.arm(self.rng.choice(_POINTS))
            if not self._run(name):
                break

    def run_reports(self) -> None:
        self.story.step("the turn reports")
        self._run("reports")

    def run_schedule(self) -> None:
        self.story.step("the turn schedule")
        self._run("schedule")

    def run_persist(self) -> None:
        self.story.step("the turn persist")
        self._run("persist")

    def run_tidy(self) -> None:
        self.story.step("the turn tidy")
        self._run("tidy")

    def run_status(self) -> None:
        self.story.step("the turn status")
        self._run("status")

    def race(self) -> None:
        """Somebody acts after a turn has looked and before it writes."""
        name = self.rng.choice(("schedule", "schedule", "persist", "status", "tidy"))
        self.story.step(f"the turn {name}, and somebody is faster")
        faster, scheduler = self.rng.choice((self.cancel, self.cancel_and_requeue, self._take_over)), self.scheduler
        self.fate.before_transaction = lambda: faster() if self.scheduler is scheduler else None
        self._run(name)
        self.fate.before_transaction = None

    def crash(self) -> None:
        self.story.step("the scheduler is killed, and another one starts")
        self._start()

    def depose(self) -> None:
        """The scheduler is frozen; another one leads, and some day the old one goes on as if nothing had been."""
        self.story.step("the scheduler is frozen, and another one takes over")
        if self.scheduler is not None:
            self._stale.append(self.scheduler)
        self._start()

    def stale_turn(self) -> None:
        """It writes nothing and gives no orders: the fence and the cluster's own term refuse it."""
        if self._stale:
            stale, name = self.rng.choice(self._stale), self.rng.choice(("reports", "schedule", "persist", "status", "tidy"))
            self.story.step(f"a scheduler of an older term makes its turn {name}")
            before = self.database.connection.total_changes
            with suppress(Deposed), self.fate.asleep():
                _turn(stale, name)(self.now)
            if self.database.connection.total_changes != before:
                raise Violation("a scheduler of an older term has written")

    def drain(self) -> None:
        """SIGINT: it ends what runs, puts the jobs back, and another one starts."""
        if self._is_draining or self.scheduler is None:
            return
        self.story.step("the scheduler is told to drain")
        self._is_draining = True
        self.scheduler.drain()

    def reconnect(self) -> None:
        self.story.step("the connection to the engine is made anew")
        self.engine.reconnect()

    # --- people

    def submit(self) -> None:
        rng = self.rng
        body = {
            "command": ["true"],
            "priority": rng.choice((1, 100, 100, 100)),
            "max_tries": rng.randint(1, _TRIES),
            "retry_on": rng.choice(("system", "failure", "never")),
            "timeout": rng.choice((60, 600)),
            "resources": {
                "cpus": rng.choice((0.5, 1, 2, 2, 4)),
                "mem": rng.choice((256, 1024)),
                "gpus": rng.choice((0, 0, 1, 1, 2)),
            },
        }
        number = rng.choice((1, 2, 3, 6))
        wish = _WISHES[len(self.invariants.acknowledged) % len(_WISHES)]
        body |= wish
        tries = f"{body['max_tries']} tries on {body['retry_on']}"
        self.story.step(f"somebody submits {number} x {body['resources']}, {tries}{f', {wish}' if wish else ''}")
        submissions = [parse_submission(body)] * number
        with self._web():
            ids = jobs_submit(submissions=submissions, by=self._user, when=self.now)
            self.invariants.acknowledged.update(ids)
            self.story.remark(f"jobs {ids}")

    def cancel(self) -> None:
        open_ones = "status IN ('QUEUED', 'RUNNING')" if self.rng.random() < 0.7 else "TRUE"
        self._with_some_jobs("cancels", lambda ids: jobs_cancel(ids=ids, by=self._user, when=self.now), open_ones)

    def requeue(self) -> None:
        def requeued(ids: list[int]) -> list[int]:
            self.invariants.requeued.update(ids)
            return jobs_requeue(ids=ids, by=self._user, when=self.now)

        self._with_some_jobs("requeues", requeued)

    def cancel_and_requeue(self) -> None:
        def done(ids: list[int]) -> list[int]:
            self.invariants.requeued.update(ids)
            jobs_cancel(ids=ids, by=self._user, when=self.now)
            return jobs_requeue(ids=ids, by=self._user, when=self.now)

        self._with_some_jobs("cancels, and requeues at once,", done)

    def operator_changes_node(self) -> None:
        rows = self.database.rows("SELECT id, hostname FROM node ORDER BY id")
        if rows:
            node_id, name = self.rng.choice(rows)
            change = self.rng.choice(({"is_paused": True}, {"is_paused": False}, {"is_active": False}, {"is_active": True}))
            self.story.step(f"an operator sets {name} to {change}")
            with self._web():
                node_edit(node_id=node_id, changes=change, when=self.now)

    def operator_pauses(self) -> None:
        is_paused = self.rng.random() < 0.5
        self.story.step(f"an operator {'pauses' if is_paused else 'resumes'} the scheduler")
        with self._web():
            scheduler_edit(changes={"is_paused": is_paused})

    def operator_limits(self) -> None:
        most = self.rng.choice((1, 2, 3, None))
        self.story.step(f"an operator lets {most or 'any number'} of the job type run")
        self._edit_type({"max_scheduled": most})

    # --- time

    def seconds_pass(self) -> None:
        self._pass(timedelta(seconds=self.rng.choice((0.5, 1, 2, 5, 11, 31))))

    def minutes_pass(self) -> None:
        self._pass(timedelta(seconds=self.rng.choice((61, 125, 601, 900))))

    def hours_pass(self) -> None:
        self._pass(timedelta(hours=self.rng.choice((1, 3, 30))))

    def clock_goes_back(self) -> None:
        by = timedelta(seconds=self.rng.choice((0.5, 3, 20)))
        self.story.step(f"the clock is set back by {by}")
        self.clock.set_back(by)

    # --- the cluster

    def node_goes(self) -> None:
        name = self.rng.choice(list(self.cluster.nodes))
        self.story.step(f"{name} vanishes")
        self._inner.lose_node(name, self.now)

    def node_comes(self) -> None:
        if self.cluster.away:
            name = self.rng.choice(sorted(self.cluster.away))
            self.story.step(f"{name} is back")
            self._inner.bring_back(name, self.now)

    def node_flaps(self) -> None:
        name = self.rng.choice(list(self.cluster.nodes))
        self.story.step(f"{name} flaps")
        for _ in range(self.rng.randint(1, 3)):
            self._inner.lose_node(name, self.now)
            self._inner.bring_back(name, self.now)

    def disk_fills(self) -> None:
        name = self.rng.choice(list(self.cluster.nodes))
        conditions = self.rng.choice(((Condition.LOW_DISK_SPACE,), ()))
        self.story.step(f"{name} is in the conditions {[str(one) for one in conditions]}")
        self._inner.put_into(name, self.now, *conditions)

    def task_is_lost(self) -> None:
        alive = [name for name, task in self.cluster.tasks.items() if task.end is None]
        if alive:
            name = self.rng.choice(alive)
            self.story.step(f"the engine loses {name}")
            self._inner.lose(name, self.now)

    def stranger_runs(self) -> None:
        """What was started by a scheduler whose database was restored from a backup since; nobody knows what it is."""
        there = sorted(set(self.cluster.nodes) - self.cluster.away)
        if there:
            name = TaskId(f"{STRANGERS}{len(self.cluster.launched)}_main")
            self.story.step(f"{name} runs, and nobody knows why")
            self._inner.launch([TaskSpec(name, there[0], ("true",), Resources())], self.now)

    def report_is_invented(self) -> None:
        if Fault.INVENTED in self.line.kinds:
            self.story.step(f"the engine says once more, or of nothing: {self.engine.invent(self.now)}")

    # --- what the verbs are made of

    def _run(self, name: str) -> bool:
        """A turn as a loop makes it; whether it came to its end."""
        scheduler = self.scheduler
        assert scheduler is not None
        before = self.database.rows("SELECT coalesce(max(id), 0) FROM job_exe")[0][0]
        self.clock.move(_TICK)
        unwanted = self.invariants.unwanted(scheduler) if name == "schedule" else set()
        self._in_turn.append(name)
        try:
            _turn(scheduler, name)(self.now)
        except OperationalError as error:
            self.story.remark(f"the turn {name} fails: {error}")
            return False
        except Killed:
            self._in_turn.clear()
            if scheduler is self.scheduler:
                self._start()
            return False
        except Deposed:
            if scheduler is self.scheduler:
                raise
        finally:
            if self._in_turn:
                self._in_turn.pop()
            if name == "tidy":
                self.invariants.after_tidying(self.now)
        if scheduler is not self.scheduler:
            self._nothing_was_written_since_it_was_deposed()
            return False
        if not self._in_turn:
            self._look_after(name, scheduler, before, unwanted)
        self._disturbed = False
        return True

    def _look_after(self, name: str, scheduler: Scheduler, before: int, unwanted: set[str]) -> None:
        """A turn that came to its end, and was not made within another."""
        if name == "schedule" and not self._disturbed:
            self.invariants.after_placement(scheduler, before)
            self.invariants.after_scheduling(scheduler, unwanted, self.now)
        if name == "persist" and self._is_draining and scheduler.idle.is_set():
            self._hand_over()

    _disturbed = False
    _is_starting = False
    _changes_before = 0  # it was deposed in the midst of a turn

    def _hand_over(self) -> None:
        scheduler = self.scheduler
        assert scheduler is not None
        self.story.remark("nothing runs any more: its jobs are put back, and another scheduler starts")
        if self.rng.random() < self.plot.rate:
            self.fate.arm(_POINTS[0])
        try:
            scheduler.reports(self.now)
            scheduler.persist(self.now)
            scheduler.put_back(self.now)
        except OperationalError as error:
            self.story.remark(f"it ends without that: {error}")
        except Killed:
            pass
        except Deposed:
            if scheduler is self.scheduler:
                raise
        else:
            if scheduler is self.scheduler:
                self.engine.stop(leave_tasks=False)
        if scheduler is self.scheduler:
            self._start()
        else:
            self._nothing_was_written_since_it_was_deposed()

    def _start(self) -> None:
        """Another scheduler takes over, as often as it needs to come up."""
        for _ in range(_LIVES):
            self._is_draining = False
            self._inner = InstantEngine(after=self._inner)
            self.engine = FaultyEngine(self._inner, self.line)
            try:
                fence = Fence(term_begin(by=_CANDIDATE, when=self.now))
                limits = Limits(retention=self.plot.keep)
                mine = self.scheduler = self._kind(engines={"instant": self.engine}, clock=self.clock, fence=fence, limits=limits)
                mine.placer.pace = _TakesAllForShort()
                self._is_starting = True
                mine.start()
            except (OperationalError, Killed) as error:
                self.story.remark(f"it does not come up: {error}")
            except (Deposed, Superseded):
                if mine is self.scheduler:
                    raise
                self._nothing_was_written_since_it_was_deposed()
                return
            else:
                if mine is not self.scheduler:
                    self._nothing_was_written_since_it_was_deposed()
                return
            finally:
                self._is_starting = False
        raise Violation("no scheduler comes up")

    def _nothing_was_written_since_it_was_deposed(self) -> None:
        if self.database.connection.total_changes != self._changes_before:
            raise Violation("a scheduler was deposed in the midst of a turn, and went on to write")

    def _pass(self, time: timedelta) -> None:
        self.story.step(f"{time} pass")
        self.clock.move(time)

    @contextmanager
    def _web(self) -> Iterator[None]:
        """A request; one that fails has promised nothing."""
        try:
            yield
        except OperationalError as error:
            self.story.remark(f"the request fails: {error}")
        except Killed:
            self.story.remark("the web worker dies; nobody gets an answer")

    def _with_some_jobs(self, what: str, do: Callable[[list[int]], list[int]], where: str = "TRUE") -> None:
        ids = [row[0] for row in self.database.rows(f"SELECT id FROM job WHERE {where} ORDER BY id")]
        chosen = sorted(self.rng.sample(ids, min(len(ids), self.rng.randint(1, 3))))
        if chosen:
            self.story.step(f"somebody {what} {chosen}")
            with self._web():
                self.story.remark(f"done to {do(chosen)}")

    def _meanwhile(self) -> None:
        """Between two statements of somebody somebody else acts: a client, an operator, another loop."""
        others = [name for name in ("reports", "persist", "schedule", "tidy") if name not in self._in_turn and self._in_turn]
        self.story.remark("! meanwhile:")
        match self.rng.choice(("cancel", "cancel", "submit", "requeue", "again", "operator", "depose", "loop", "loop")):
            case "depose" if self._in_turn or self._is_starting:
                self._take_over()
            case "again":
                self.cancel_and_requeue()
            case "loop" if others:
                name = self.rng.choice(others)
                self.story.remark(f"the turn {name}")
                self._run(name)
            case "operator":
                self._disturbed = True
                self.rng.choice((self.operator_limits, self.operator_changes_node, self.operator_pauses))()
            case "cancel":
                self.cancel()
            case "requeue":
                self.requeue()
            case _:
                self.submit()

    def _take_over(self) -> None:
        """In the midst of a turn."""
        self._disturbed = True
        in_turn, self._in_turn = self._in_turn, []
        self.depose()
        self._in_turn = in_turn
        self._changes_before = self.database.connection.total_changes

    def _edit_type(self, changes: dict[str, Any]) -> None:
        with self._web():
            job_type_edit(name=COMMAND, version=COMMAND_VERSION, changes=changes, when=self.now)

    def _look(self) -> None:
        self.invariants.after_a_step(is_handing_back=self._is_draining)

    def _nodes(self) -> dict[str, Resources]:
        sizes = [(4, 2), (2, 0), (8, 1)][: self.rng.randint(1, 3)]
        if sizes[0][0] < 4:
            sizes[0] = (4, 2)
        return {
            f"n{number}": Resources(cpus=cpus, mem=8192, disk=9999, gpus=gpus) for number, (cpus, gpus) in enumerate(sizes, 1)
        }

    def _in_words(self) -> list[str]:
        return [f"{name} ({has['cpus']:g} cpus, {has['gpus']:g} gpus)" for name, has in self.cluster.nodes.items()]

    def _behave(self, task: TaskSpec) -> Outcome:
        """What a task does; each is asked for once."""
        if task.id.startswith(STRANGERS):
            return Outcome(duration=None)
        if task.id in self._started:
            raise Violation(f"{task.id} is started a second time")
        self._started.add(task.id)
        rng = self.rng
        seconds = timedelta(seconds=rng.choice((0, 0, 1, 5, 30, 300)))
        if self._is_healing:
            return Outcome(timedelta(), exit_code=rng.choice((0, 0, 1)))
        match rng.choice(("ok", "ok", "ok", "fail", "refused", "forever", "stubborn", "stubborn", "signal", "reason")):
            case "fail":
                return Outcome(seconds, exit_code=rng.choice((1, 3, 127)))
            case "refused":
                reasons = (Reason.LAUNCH_FAILED, Reason.COMMAND_NOT_FOUND, Reason.WORKING_DIRECTORY)
                return Outcome(refused=rng.choice(reasons), message="refused")
            case "forever":
                return Outcome(duration=None)
            case "stubborn":
                return Outcome(duration=None, ignores_term=True)
            case "signal":
                return Outcome(seconds, signal=9)
            case "reason":
                return Outcome(
                    seconds, exit_code=1, reason=rng.choice((Reason.OUT_OF_MEMORY, Reason.EXIT_UNSEEN, Reason.NODE_LOST))
                )
        return Outcome(seconds)

    # --- the end

    def _heal(self) -> None:
        """Faults stop; what was lost stays lost, and all must come to its end by itself."""
        self.fate.end()
        self.line.mend()
        self._is_healing = True
        self.story.step("all is well from now on")
        for name in self.cluster.nodes:
            if name in self.cluster.away:  # else it would tell anew how its tasks are, which the scheduler is to ask for
                self._inner.bring_back(name, self.now)
            self._inner.put_into(name, self.now)
        for (node_id,) in self.database.rows("SELECT id FROM node WHERE is_paused OR NOT is_active"):
            node_edit(node_id=node_id, changes={"is_paused": False, "is_active": True}, when=self.now)
        scheduler_edit(changes={"is_paused": False})
        self._edit_type({"max_scheduled": None})
        jobs = self.database.rows("SELECT count(*) FROM job")[0][0]
        for number in range(_PATIENCE + _TRIES * jobs):
            self._pass(timedelta(seconds=_HEALING[min(number, len(_HEALING) - 1)]))
            self._turn_undisturbed(is_counted=number % 3 == 0)
            if self._is_over():
                break
        else:
            assert self.scheduler is not None
            self.invariants.at_the_end(self.scheduler)
        self.reconnect()
        for name in ("reports", "persist", "reports", "persist"):
            self._run(name)
        self._look()
        assert self.scheduler is not None
        self.invariants.at_the_end(self.scheduler)
        if self.plot.keep != Retention():
            self._grow_old()

    def _grow_old(self) -> None:
        self._pass(_OLD)
        for _ in range(_BITES):
            self.run_tidy()
            self._pass(timedelta(seconds=61))
        self._look()
        self.invariants.when_all_is_old()

    def _turn_undisturbed(self, *, is_counted: bool) -> None:
        self.story.step("all turns")
        self._run("persist")  # what a turn before could not
        scheduler = self.scheduler
        assert scheduler is not None
        self._run("reports")
        self._run("schedule")
        if not self._is_draining:
            self.invariants.after_a_look_at_the_queue(scheduler)
        self._run("reports")
        self._run("persist")
        self._look()
        if is_counted and not self._is_draining and scheduler is self.scheduler:
            self.invariants.at_a_quiet_point(scheduler, self.now)

    def _is_over(self) -> bool:
        """Whether nothing is left but what only a reconnection could bring."""
        open_rows = (
            "SELECT (SELECT count(*) FROM job WHERE status IN ('QUEUED', 'RUNNING')) + (SELECT count(*) FROM queue)"
            " + (SELECT count(*) FROM job_exe WHERE NOT has_ended)"
        )
        assert self.scheduler is not None
        return not (self.database.rows(open_rows)[0][0] or self.scheduler.tasks.get_all_tasks() or self._is_draining)


class _TakesAllForShort(Pace):
    """Has everything go ahead of its room that may: also what runs for ever."""

    def depth(self, job_type_id: int, needs: Mapping[str, float]) -> int:
        return 0 if needs.get("gpus") else 2


def _turn(scheduler: Scheduler, name: str) -> Callable[[datetime], None]:
    if name == "schedule":
        return scheduler.schedule  # as when somebody has rung
    return next(loop.turn for loop in scheduler.loops if loop.name == name)

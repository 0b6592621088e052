"""A large queue and a large cluster: how long one pass decides, and how soon what it decided is committed and launched.

    python benchmarks/placement.py [--nodes 10000] [--jobs 100000] [--shapes 50]

Nodes are of six sizes, some with GPUs, and have attributes; the jobs are of fifty shapes that differ by cpus, memory, GPUs
and priority, three of ten also by what they ask of attributes (``=``, ``in``, ``>``), and together ask for a tenth more cpus
than there are.

`decide` is given everything at once, as the values that the scheduler keeps. Then a whole scheduler, on SQLite, with an
engine that runs nothing, gets the same: its turn `schedule` is timed until the first task is handed to the engine, and until
all that fits is committed; then with nothing changed for a minute, with one more node, and with nothing that fits. Where
`decide` would take minutes, it is given a tenth of the jobs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import timedelta
from typing import Any

# isort: split
import fresh

# isort: split
import numpy as np
from django.contrib.auth.models import User
from django.db import connection

import harness
from figures import Row
from filling import Kind, queue_up
from harness import Budget, Commits, say, timed
from quiet import CLOCK, QuietEngine, online, running, scheduler_on
from scale.job.models import JobExecution
from scale.kernel.attributes import Value
from scale.kernel.resources import Resources
from scale.node.models import Node
from scale.queue.constraints import constraints_of, document_of, key_of, parse_constraint
from scale.queue.entry import shape_of
from scale.scheduler.placement.columns import NodeColumns, Slot
from scale.scheduler.placement.findings import Findings
from scale.scheduler.placement.plan import decide
from scale.scheduler.placement.snapshot import Ask, Snapshot
from scale.scheduler.services import scheduler_edit
from tests.reference.placement import lines_of

#: sizes of nodes, taken in turn: cpus, GiB, GPUs
SIZES = ((8, 32, 0), (16, 64, 0), (16, 128, 0), (32, 128, 0), (64, 256, 4), (4, 8, 0))
#: what shapes ask of attributes, taken in turn
WISHES = ((), ("disk=ssd",), (), (), ("rack in r1,r2,r3,r4,r5",), (), (), ("generation>2",), (), ())
CHUNK = 1000
A_MINUTE = timedelta(minutes=1)
LAST = 60  # seconds that are kept for what is measured after all is placed
VECTOR = "one numpy mask over all nodes for each shape"


def resources_of(number: int) -> Resources:
    cpus, gib, gpus = SIZES[number % len(SIZES)]
    return Resources(cpus=cpus, mem=gib * 1024, disk=100_000, gpus=gpus)


def attributes_of(number: int) -> dict[str, Value]:
    return {"disk": ("ssd", "hdd")[number % 2], "rack": f"r{number % 10}", "generation": number % 7}


def kinds_of(jobs: int, shapes: int, nodes: int) -> list[Kind]:
    """As many jobs of each shape; every tenth shape wants a GPU."""
    weights = [1 + number % 7 for number in range(shapes)]
    supply = sum(resources_of(number)["cpus"] for number in range(nodes))
    unit = 1.1 * supply / (jobs / shapes * sum(weights))
    kinds = []
    for number, weight in enumerate(weights):
        cpus = round(weight * unit, 3)
        needs = {"cpus": cpus, "mem": 256.0 * (1 + number % 5), "gpus": float(number % 10 == 9)}
        count = jobs // shapes + (number < jobs % shapes)
        kinds.append(Kind(count, needs, priority=50 + 10 * (number % 5), constraints=WISHES[number % len(WISHES)]))
    return [kind for kind in kinds if kind.count]


def wish_of(kind: Kind) -> dict[str, Any] | None:
    return document_of(map(parse_constraint, kind.constraints))


def asks_of(kinds: list[Kind]) -> list[Ask]:
    now = CLOCK.now()
    asks: list[Ask] = []
    for kind in kinds:
        needs = Resources(kind.resources)
        shape = shape_of(1, kind.priority, needs, wish_of(kind))
        first = len(asks) + 1
        asks += [Ask(n, n, 1, kind.priority, now, needs, shape) for n in range(first, first + kind.count)]
    return asks


def everything(kinds: list[Kind], asks: list[Ask], nodes: int, *, are_full: bool = False) -> Snapshot:
    """What the scheduler keeps from pass to pass, for a pass that may place all of it."""
    columns = NodeColumns(
        Slot(n + 1, f"node-{n}", resources_of(n), is_ready=True, attributes=attributes_of(n)) for n in range(nodes)
    )
    asked = {key_of(wish): constraints_of(wish) for kind in kinds if (wish := wish_of(kind))}
    for n in range(nodes if are_full else 0):
        columns.hold(n + 1, resources_of(n))
    return Snapshot(lines_of(asks, asked=asked), columns, lambda _: (), most=len(asks))


def vector_floor(kinds: list[Kind], nodes: int) -> float:
    """Seconds to ask of every shape once which nodes have room."""
    names = ("cpus", "mem", "disk", "gpus")
    free = np.array([[resources_of(number)[name] for name in names] for number in range(nodes)])
    needs = [np.array([kind.resources.get(name, 0.0) for name in names]) for kind in kinds]
    return harness.median_of(9, lambda: [(each <= free).all(axis=1).sum() for each in needs])


def decided_in_time(kinds: list[Kind], asks: list[Ask], nodes: int, budget: Budget) -> list[Ask]:
    """All of them, or, where a tenth says that it would take too long, that tenth: a pass cannot be interrupted."""
    tenth = asks[::10]
    needed = 12 * timed(decide, everything(kinds, tenth, nodes))
    return asks if needed < budget.left else tenth


def decide_again(full: Snapshot, nodes: int) -> list[float]:
    """Seconds of passes before each of which one node is new, too small for all that wait."""
    findings = Findings()
    for _ in range(2):  # what each keeps, the others hear once
        decide(full, findings)
    seconds = []
    for number in range(nodes, nodes + 9):
        full.nodes.append([Slot(number + 1, f"node-{number}", Resources(cpus=0.0001), is_ready=True)])
        seconds.append(timed(decide, full, findings))
    return seconds


def values(kinds: list[Kind], nodes: int, floor: float, budget: Budget) -> tuple[list[Row], int]:
    """The rows, and how many jobs were decided about."""
    asks = decided_in_time(kinds, asks_of(kinds), nodes, budget)
    passes, placed = [], 0
    for _ in budget.rounds(3):
        snapshot = everything(kinds, asks, nodes)
        with harness.no_collection():
            began = time.perf_counter()
            placed = len(decide(snapshot).placements)
            passes.append(time.perf_counter() - began)
        say(f"decide: {placed} placed in {passes[-1]:.3f} s")
    seconds = statistics.median(passes)
    full = everything(kinds, asks, nodes, are_full=True)
    with harness.no_collection():
        nothing = harness.median_of(3, lambda: decide(full))
        changed = statistics.median(decide_again(full, nodes))
    rows = [
        Row("decide all at once, with reasons", seconds * 1000, "ms", VECTOR, floor * 1000, "figure <= 100"),
        Row("placements decided", placed / seconds, "1/s", "that mask, shapes a second", len(kinds) / floor),
        Row("decide when nothing fits", nothing * 1000, "ms", VECTOR, floor * 1000, "figure <= 100"),
        Row("decide when one node is new and nothing fits", changed * 1000, "ms", VECTOR, floor * 1000),
    ]
    return rows, len(asks)


def turns(kinds: list[Kind], nodes: int, floor: float, budget: Budget) -> list[Row]:
    """The scheduler's own turn, from the queue in the database to tasks at the engine."""
    fresh.migrate()
    user = User.objects.create_user("bench")
    queue_up(kinds, user, CLOCK.now())
    commits = Commits(fresh.HOME, "")
    commit = harness.median_of(20, commits.commit)
    many = harness.median_of(5, lambda: commits.commit(CHUNK))
    engine = QuietEngine()
    scheduler = scheduler_on(engine)
    scheduler.persist(CLOCK.now())
    question = harness.median_of(50, lambda: connection.cursor().execute("SELECT 1"))

    def turn(ahead: timedelta = timedelta()) -> float:
        seconds = timed(scheduler.schedule, CLOCK.now() + ahead)
        scheduler.persist(CLOCK.now())  # not part of it, but the next one launches only what is recorded
        return seconds

    def nothing_new() -> float:
        turn(A_MINUTE)  # what was recorded just now is looked at again, for clocks may differ
        with harness.no_collection():
            return statistics.median(turn(A_MINUTE) for _ in range(5))

    engine.next = [online(f"small-{n}", Resources(cpus=0.0001, mem=1)) for n in range(nodes)]
    scheduler.reports(CLOCK.now())
    unfit = nothing_new()
    say(f"a turn when nothing fits: {unfit * 1000:.1f} ms")
    engine.next = [online(f"small-{n}", resources_of(n)) for n in range(nodes)]
    scheduler.reports(CLOCK.now())
    scheduler_edit(changes={"is_paused": True})
    turn()  # the nodes are recorded
    for node in (rows := list(Node.objects.order_by("id"))):
        node.attributes = attributes_of(node.pk)
    Node.objects.bulk_update(rows, ["attributes"], batch_size=CHUNK)
    turn(2 * A_MINUTE)  # all that operators say is read
    scheduler_edit(changes={"is_paused": False})
    began = time.perf_counter()
    before, made = 0, -1
    while made and (made < 0 or budget.left > LAST):
        turn()
        made = JobExecution.objects.count() - before
        before += made
    first = (engine.first_launch or time.perf_counter()) - began
    whole = before / (time.perf_counter() - began)
    is_whole = not made
    say(f"{before} placements at {whole:.0f}/s, the first launch after {first * 1000:.0f} ms")
    rows = [
        Row("first launch of a large pass", first * 1000, "ms", f"a commit of {CHUNK} rows", many * 1000, "figure <= 300"),
        Row("placements committed", whole, "1/s", f"rows in commits of {CHUNK}", CHUNK / many),
        Row("turn when nothing fits", unfit * 1000, "ms", VECTOR, floor * 1000),
    ]
    if is_whole:
        engine.next = [running(task.id, task.node, CLOCK.now()) for task in engine.tasks]
        scheduler.reports(CLOCK.now())
        scheduler.persist(CLOCK.now())
        unchanged = nothing_new()
        one = []
        for number in range(5):
            engine.next = [online(f"extra-{number}", resources_of(0))]
            scheduler.reports(CLOCK.now())
            one.append(turn())
            turn()
        rows += [
            Row("turn when one node is new", statistics.median(one) * 1000, "ms", "a commit of one row", commit * 1000),
            Row("turn when nothing changed", unchanged * 1000, "ms", "one SELECT", question * 1000, "figure <= 1"),
        ]
    else:
        rows.append(Row("turn when nothing changed", unfit * 1000, "ms", "one SELECT", question * 1000, "figure <= 1"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--shapes", type=int, default=50)
    args = parser.parse_args()
    budget = Budget()
    kinds = kinds_of(args.jobs, args.shapes, args.nodes)
    floor = vector_floor(kinds, args.nodes)
    rows, decided = values(kinds, args.nodes, floor, Budget(budget.left / 2))
    rows += turns(kinds, args.nodes, floor, budget)
    harness.finish("placement", rows, {"nodes": args.nodes, "jobs": args.jobs, "jobs_decided": decided, "shapes": len(kinds)})


if __name__ == "__main__":
    main()

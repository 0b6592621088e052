"""Tells the stories of as many seeds as wanted; ends with status 1 at the first that breaks a promise.

``python -m tests.simulation --seeds 100000``, or, to hear one story again, ``--seed 1234``.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext

from scale.kernel.clock import SystemClock
from scale.scheduler.process import Scheduler
from tests.simulation.database import Databases, simulated_databases
from tests.simulation.fate import Killed
from tests.simulation.simulation import Simulation
from tests.simulation.story import Violation, without_log

_ALL_IS_WELL = "nothing is wrong"
_BATCH = 50  # seeds that a process is handed at once


def tell(seed: int, databases: Databases, *, kind: type[Scheduler] = Scheduler, with_log: bool = False) -> tuple[str, str]:
    """Tell the story of a seed; the story, and what is wrong with it, if anything is."""
    simulation = Simulation(seed, databases.new(), kind=kind)
    try:
        with simulation.story.with_log() if with_log else nullcontext():
            simulation.tell()
    except Violation as violation:
        return str(simulation.story), str(violation)
    except (Exception, Killed):  # noqa: BLE001 whatever it is, no scheduler may end of it
        return str(simulation.story), traceback.format_exc()
    finally:
        simulation.database.fate = None
    return str(simulation.story), ""


def first_broken(seeds: Iterable[int], databases: Databases, *, kind: type[Scheduler] = Scheduler) -> int | None:
    """The first of these seeds whose story breaks a promise."""
    with without_log(), _swiftly():
        for number, seed in enumerate(seeds, 1):
            if tell(seed, databases, kind=kind)[1]:
                return seed
            if number % _BATCH == 0:
                gc.collect()
    return None


def retold(seed: int, databases: Databases, *, kind: type[Scheduler] = Scheduler) -> str:
    """The whole story of a seed, with what Scale writes into its log, and how to hear it again."""
    story, wrong = tell(seed, databases, kind=kind, with_log=True)
    return f"{story}\n\n{wrong or _ALL_IS_WELL}\n\nto hear it again: make soak SEED={seed}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int, help="tell the story of this one")
    parser.add_argument("--seeds", type=int, default=10_000, help="how many")
    parser.add_argument("--first", type=int, default=1, help="where to begin")
    options = parser.parse_args()
    seed = options.seed
    if seed is None:
        seed = _soak(range(options.first, options.first + options.seeds))
        if seed is None:
            return 0
    with simulated_databases() as databases:
        told = retold(seed, databases)
    print(told)
    return 0 if _ALL_IS_WELL in told else 1


def _soak(seeds: range) -> int | None:
    """The first that was found to break a promise, by as many processes as there are CPUs."""
    clock = SystemClock()
    begun = clock.monotonic()
    done = 0
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        for size, seed in pool.imap_unordered(_batch, (seeds[start : start + _BATCH] for start in range(0, len(seeds), _BATCH))):
            done += size
            each = (clock.monotonic() - begun) / done * 1000
            print(f"\r{done} of {len(seeds)} seeds, {each:.0f} ms each", end="", file=sys.stderr, flush=True)
            if seed is not None:
                print(file=sys.stderr)
                return seed
    print(file=sys.stderr)
    return None


def _batch(seeds: range) -> tuple[int, int | None]:
    return len(seeds), first_broken(seeds, _databases_of_this_process())


_opened: list[tuple[object, Databases]] = []  # by a process of the pool, for as long as it lives


def _databases_of_this_process() -> Databases:
    if not _opened:
        manager = simulated_databases()
        _opened.append((manager, manager.__enter__()))
    return _opened[0][1]


@contextmanager
def _swiftly() -> Iterator[None]:
    """Have the garbage collector look at what a story leaves, and not again and again at all of Django."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()

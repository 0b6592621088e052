"""A thousand stories of a scheduler in a bad world: nothing is lost, nothing runs twice, and everything ends."""

from __future__ import annotations

import os

import pytest

from tests.simulation.database import simulated_databases
from tests.simulation.mutants import MUTANTS
from tests.simulation.soak import first_broken, retold, tell

_SEEDS = {"dev": 100, "ci": 1_000, "night": 20_000}[os.environ.get("HYPOTHESIS_PROFILE", "dev")]
_PARTS = 10
_SEEDS_OF_A_MUTANT = 300

pytestmark = pytest.mark.timeout(60 * 60)


@pytest.fixture(scope="module")
def databases():
    with simulated_databases() as databases:
        yield databases


@pytest.mark.parametrize("part", range(_PARTS))
def test_no_story_breaks_a_promise(databases, part):
    size = _SEEDS // _PARTS
    seed = first_broken(range(1 + part * size, 1 + (part + 1) * size), databases)
    assert seed is None, "\n" + retold(seed, databases)


def test_a_seed_tells_the_same_story_each_time(databases):
    assert tell(7, databases) == tell(7, databases)


@pytest.mark.parametrize("kind", MUTANTS, ids=lambda kind: kind.__name__)
def test_the_simulation_finds_a_scheduler_that(databases, kind):
    seed = first_broken(range(1, _SEEDS_OF_A_MUTANT), databases, kind=kind)
    assert seed is not None, f"no story of {_SEEDS_OF_A_MUTANT} shows that it {kind.__doc__}"
    assert f"make soak SEED={seed}" in retold(seed, databases, kind=kind)

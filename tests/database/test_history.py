"""What a new scheduler counts of the past is what the one before it had counted."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scale.engines.instant import Outcome
from scale.engines.protocol import Reason
from scale.kernel.resources import Resources
from tests.world import START, World, undone

pytestmark = pytest.mark.django_db

BLOCK = timedelta(minutes=5)
NODES = {name: Resources(cpus=4, mem=4096) for name in ("node-1", "node-2")}
ENDS = [Outcome(), Outcome(exit_code=3), Outcome(signal=9), Outcome(refused=Reason.LAUNCH_FAILED)]


def by_block(scheduler):
    """How many executions ended so, by the beginning of their block, node, job type and how they ended."""
    counted = Counter()
    for block in scheduler.job_exes._metrics._over_time.time_blocks:
        for node_id, metrics in block.metrics.metrics_by_node.items():
            for how, of_types in {"COMPLETED": metrics.completed_metrics, **metrics.failed_metrics}.items():
                for kind, count in of_types.job_type_metrics.items():
                    counted[block.start, node_id, kind, how] = count.count
    return counted


@given(
    endings=st.lists(st.tuples(st.sampled_from(ENDS), st.integers(0, 40)), max_size=12),
    waits=st.integers(0, 60),
)
@settings(deadline=None, max_examples=50)
def test_the_counts_of_a_new_scheduler_equal_those_of_the_one_before_block_by_block(endings, waits):
    behaviours = iter([])
    with undone():
        world = World(nodes=NODES, behave=lambda _: next(behaviours))
        for outcome, minutes in endings:
            behaviours = iter([outcome])
            world.submit(max_tries=1, resources={"cpus": 3})
            world.turn(60 * minutes + 7)
            world.turns(2)
        when = world.clock.move(-((world.now - START) % -BLOCK) + waits * BLOCK)  # where the blocks of both meet
        world.turn()
        before, after = world.scheduler, world.crash(nodes=NODES).scheduler
        oldest = when - timedelta(hours=3)
        world.status()
        assert by_block(after) == Counter({key: count for key, count in by_block(before).items() if key[0] >= oldest})
        soon = when + timedelta(microseconds=1)  # now the block before the oldest one is gone from both
        assert after.generate_status_json(soon)["nodes"] == before.generate_status_json(soon)["nodes"]

"""What a node may do now."""

from __future__ import annotations

from itertools import product

import pytest

from scale.engines.protocol import Condition
from scale.node.conditions import WORDS, NodeState, errors_now
from tests.builders import NOW, a_node

FLAGS = list(product([True, False], repeat=5))


def expected(is_active, is_online, is_paused, scheduler_is_paused, has_errors):
    return next(
        name
        for name, holds in (
            ("DEPRECATED", not is_active),
            ("OFFLINE", not is_online),
            ("PAUSED", is_paused),
            ("SCHEDULER_STOPPED", scheduler_is_paused),
            ("DEGRADED", has_errors),
            ("READY", True),
        )
        if holds
    )


@pytest.mark.parametrize(("is_active", "is_online", "is_paused", "scheduler_is_paused", "has_errors"), FLAGS)
def test_the_first_state_that_holds_is_the_nodes(is_active, is_online, is_paused, scheduler_is_paused, has_errors):
    errors = errors_now((), [Condition.LOW_DISK_SPACE] if has_errors else [], NOW)
    node = a_node(is_active=is_active, is_online=is_online, is_paused=is_paused, errors=errors)
    state = node.state(scheduler_is_paused=scheduler_is_paused)
    assert state.name == expected(is_active, is_online, is_paused, scheduler_is_paused, has_errors)


def test_only_a_ready_node_takes_new_jobs():
    assert [state.name for state in NodeState if state.takes_new_jobs] == ["READY"]


def test_what_runs_on_a_paused_node_goes_on():
    assert {state.name for state in NodeState if not state.takes_next_tasks} == {"DEPRECATED", "OFFLINE"}


def test_titles_and_sentences_are_those_of_scale():
    assert (NodeState.READY.title, NodeState.READY.description) == ("Ready", "Node is ready to run new jobs.")
    assert NodeState.OFFLINE.description == "Node is offline/unavailable, so no jobs can currently run on it."
    assert all(state.title and state.description.endswith(".") for state in NodeState)


def test_every_condition_has_its_words():
    assert set(WORDS) == set(Condition)
    assert all(title and sentence.endswith(".") for title, sentence in WORDS.values())

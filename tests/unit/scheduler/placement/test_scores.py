"""Which of the nodes without room comes closest."""

from __future__ import annotations

import numpy as np

from scale.scheduler.placement.scores import shortfall

OFFERED = np.array([[4.0, 8.0, 0.0], [0.0, 100.0, 0.0]])
USABLE = np.array([[1.0, 8.0, 0.0], [0.0, 50.0, 0.0]])


def test_what_must_still_become_free_is_counted_and_what_is_free_already_is_not():
    could = np.array([True, True, False])
    assert list(shortfall(((0, 2.0),), USABLE, OFFERED, could)) == [0.25, 0, np.inf]


def test_a_node_that_could_never_hold_the_ask_is_endlessly_far_from_it_and_divides_nothing_by_zero():
    could = np.array([False, True, False])
    with np.errstate(all="raise"):
        assert list(shortfall(((0, 2.0), (1, 100.0)), USABLE, OFFERED, could)) == [np.inf, 0.5, np.inf]

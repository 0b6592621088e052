"""Which of the nodes that would do is the best one."""

from __future__ import annotations

import numpy as np

from scale.scheduler.placement.scores import leftover, shortfall

OFFERED = np.array([[4.0, 0.0], [8.0, 100.0]])


def test_the_share_that_would_stay_free_is_counted_over_all_resources():
    assert list(leftover(np.array([2.0, 0.0]), OFFERED, OFFERED)) == [0.5, 1.75]


def test_what_must_still_become_free_is_counted_and_what_is_free_already_is_not():
    usable = np.array([[1.0, 0.0], [8.0, 50.0]])
    assert list(shortfall(np.array([2.0, 100.0]), usable, OFFERED)) == [0.25, 0.5]


def test_a_node_that_offers_none_of_a_resource_divides_nothing_by_zero():
    nothing = np.zeros((1, 2))
    assert list(leftover(np.zeros(2), nothing, nothing)) == [0]

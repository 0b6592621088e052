"""Which of the nodes without room comes closest."""

from __future__ import annotations

import numpy as np

from scale.scheduler.placement.scores import shortfall

OFFERED = np.array([[4.0, 0.0], [8.0, 100.0]])


def test_what_must_still_become_free_is_counted_and_what_is_free_already_is_not():
    usable = np.array([[1.0, 0.0], [8.0, 50.0]])
    assert list(shortfall(np.array([2.0, 100.0]), usable, OFFERED)) == [0.25, 0.5]


def test_a_node_that_offers_none_of_a_resource_divides_nothing_by_zero():
    nothing = np.zeros((1, 2))
    assert list(shortfall(np.ones(2), nothing, nothing)) == [0]

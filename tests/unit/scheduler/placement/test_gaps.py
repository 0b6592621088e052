"""Ids that were passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.scheduler.placement.gaps import PATIENCE, Gaps, holes
from tests.builders import NOW, later

ids = st.integers(1, 30)


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ([], [(3, 9)]),
        ([3, 9], [(4, 8)]),
        ([5, 6], [(3, 4), (7, 9)]),
        ([3, 4, 5, 6, 7, 8, 9], []),
        ([1, 2, 10, 11], [(3, 9)]),
    ],
)
def test_a_hole_is_what_lies_between_those_that_were_found(found, left):
    assert list(holes(3, 9, found)) == left


@given(ids, ids, st.sets(ids))
def test_every_id_was_found_or_lies_in_a_hole(first, last, found):
    left = {each for low, high in holes(first, last, sorted(found)) for each in range(low, high + 1)}
    assert left == set(range(first, last + 1)) - found


def test_what_turns_up_is_looked_for_no_more():
    gaps = Gaps()
    gaps.passed(1, 9, [3, 9], NOW)
    assert gaps.ranges(NOW) == [(1, 2), (4, 8)]
    gaps.turned_up([2, 5])
    assert gaps.ranges(NOW) == [(1, 1), (4, 4), (6, 8)]


def test_what_does_not_turn_up_is_given_up_after_a_while():
    gaps = Gaps()
    gaps.passed(1, 1, [], NOW)
    gaps.passed(3, 3, [], later(seconds=20))
    assert gaps.ranges(later(seconds=29)) == [(1, 1), (3, 3)]
    assert gaps.ranges(NOW + PATIENCE) == [(3, 3)]


def test_of_many_the_latest_are_looked_for():
    gaps = Gaps()
    for number in range(500):
        gaps.passed(2 * number, 2 * number, [], NOW)
    assert gaps.ranges(NOW)[0] == (600, 600)
    assert len(gaps.ranges(NOW)) == 200

"""In which order entries leave the queue."""

from __future__ import annotations

import pytest

from scale.queue.ordering import QueueMode, urgency
from tests.builders import NOW, later

OLD, NEW = NOW, later(minutes=1)


def order(mode, *entries):
    return sorted(entries, key=lambda entry: urgency(mode, *entry))


@pytest.mark.parametrize("mode", list(QueueMode))
def test_the_lowest_number_is_the_most_urgent_whatever_its_age(mode):
    assert order(mode, (100, OLD, 1), (1, NEW, 2), (50, OLD, 3)) == [(1, NEW, 2), (50, OLD, 3), (100, OLD, 1)]


def test_of_equals_the_first_to_come_or_the_last():
    assert order(QueueMode.FIFO, (100, NEW, 2), (100, OLD, 1)) == [(100, OLD, 1), (100, NEW, 2)]
    assert order(QueueMode.LIFO, (100, OLD, 1), (100, NEW, 2)) == [(100, NEW, 2), (100, OLD, 1)]


def test_the_same_moment_is_broken_by_the_id():
    assert order(QueueMode.FIFO, (100, NOW, 2), (100, NOW, 1)) == [(100, NOW, 1), (100, NOW, 2)]
    assert order(QueueMode.LIFO, (100, NOW, 1), (100, NOW, 2)) == [(100, NOW, 2), (100, NOW, 1)]

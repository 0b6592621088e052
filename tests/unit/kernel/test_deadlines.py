"""What is to be looked at when."""

from __future__ import annotations

from scale.kernel.deadlines import Deadlines
from tests.builders import NOW, later


def test_only_what_is_due_is_named_the_earliest_first():
    deadlines = Deadlines()
    for seconds in (9, 2, 5):
        deadlines.add(later(seconds=seconds), seconds)
    assert deadlines.take_due(later(seconds=1)) == []
    assert deadlines.take_due(later(seconds=5)) == [2, 5]
    assert deadlines.take_due(later(hours=1)) == [9]


def test_it_is_named_once():
    deadlines = Deadlines()
    deadlines.add(NOW, "a")
    assert deadlines.take_due(NOW) == ["a"]
    assert deadlines.take_due(NOW) == []


def test_it_is_named_when_its_second_begins_and_never_late():
    deadlines = Deadlines()
    deadlines.add(later(seconds=1.9), "a")
    assert deadlines.take_due(later(seconds=0.9)) == []
    assert deadlines.take_due(later(seconds=1.0)) == ["a"]


def test_the_first_and_the_last_moment_are_moments():
    from scale.job.tasks.timeline import AT_ONCE, NEVER

    deadlines = Deadlines()
    deadlines.add(NEVER, "never")
    deadlines.add(AT_ONCE, "at once")
    assert deadlines.take_due(NOW) == ["at once"]

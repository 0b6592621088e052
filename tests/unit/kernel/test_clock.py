"""The clocks: one that goes and one that is moved."""

from __future__ import annotations

from datetime import UTC, timedelta

from scale.kernel.clock import ManualClock, SystemClock
from tests.builders import NOW, later


def test_the_machines_clock_is_aware_and_never_goes_back():
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_a_manual_clock_stands_until_it_is_moved():
    clock = ManualClock(NOW)
    assert (clock.now(), clock.now(), clock.monotonic()) == (NOW, NOW, 0)
    assert clock.move(timedelta(minutes=2)) == clock.now() == later(minutes=2)
    assert clock.monotonic() == 120


def test_a_manual_clock_that_is_set_back_measures_as_before():
    clock = ManualClock(NOW)
    clock.move(timedelta(minutes=2))
    assert clock.set_back(timedelta(minutes=1)) == clock.now() == later(minutes=1)
    assert clock.monotonic() == 120

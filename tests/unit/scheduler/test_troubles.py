"""What loops meet is told when it begins, changes or lasts, and shown for a while after it is over."""

from __future__ import annotations

from datetime import timedelta

from scale.scheduler.troubles import Troubles
from tests.builders import NOW

SECOND = timedelta(seconds=1)


def test_the_same_trouble_is_news_once_and_again_after_half_a_minute():
    troubles = Troubles()
    told = [troubles.met("persist", "connection refused", NOW + number * SECOND) for number in range(62)]
    assert [number for number, is_news in enumerate(told) if is_news] == [0, 30, 60]


def test_other_words_are_news_and_each_loop_has_its_own():
    troubles = Troubles()
    assert troubles.met("persist", "connection refused", NOW)
    assert troubles.met("persist", "disk full", NOW + SECOND)
    assert troubles.met("schedule", "disk full", NOW + SECOND)


def test_the_end_tells_how_long_it_lasted_and_only_once():
    troubles = Troubles()
    assert troubles.over("persist", NOW) is None
    troubles.met("persist", "connection refused", NOW)
    troubles.met("persist", "starting up", NOW + 59 * SECOND)
    assert troubles.over("persist", NOW + 60 * SECOND) == timedelta(minutes=1)
    assert troubles.over("persist", NOW + 61 * SECOND) is None
    assert troubles.met("persist", "starting up", NOW + 62 * SECOND)


def test_a_warning_stays_while_it_lasts_and_ten_minutes_longer():
    troubles = Troubles()
    troubles.met("persist", "connection refused", NOW)
    [now] = troubles.warnings(NOW + 20 * SECOND)
    assert (now.name, now.description) == ("TROUBLE_PERSIST", "for 20 s now: connection refused")
    troubles.over("persist", NOW + 30 * SECOND)
    [past] = troubles.warnings(NOW + 40 * SECOND)
    assert past.description == "for 30 s, until it was over: connection refused"
    assert (past.started, past.last_updated) == (NOW, NOW + 30 * SECOND)
    assert troubles.warnings(NOW + timedelta(minutes=10, seconds=31)) == []

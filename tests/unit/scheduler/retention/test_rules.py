"""What is kept for how long, and what of a page goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.environment import Environment
from scale.scheduler.retention.rules import FOR_EVER, Bite, Due, Retention, Row, bite
from tests.builders import NOW

DAY = timedelta(days=1)


def kept(**days):
    return Retention.of(Environment.read({f"SCALE_KEEP_{name.upper()}": str(number) for name, number in days.items()}))


def ago(days):
    return NOW - days * DAY


def a_row(number, created, ended=None):
    return Row(number, ago(created), None if ended is None else ago(ended))


def test_the_settings_are_days_after_the_end():
    assert kept().due(NOW) == Due(task_updates=ago(14), logs=ago(30), jobs=ago(365))


def test_what_is_kept_for_ever_is_never_due():
    assert kept(task_updates=0, logs=0, jobs=0) == FOR_EVER
    assert FOR_EVER.due(NOW) == Due(None, None, None)


@pytest.mark.parametrize("others", [0, 30])
def test_what_belongs_to_a_job_goes_with_it_at_the_latest(others):
    assert kept(task_updates=others, logs=others, jobs=7) == Retention(7 * DAY, 7 * DAY, 7 * DAY)


def test_what_ended_before_goes_and_nothing_else():
    page = [a_row(1, 9, 8), a_row(2, 9, 5), a_row(3, 9), a_row(4, 9, 7), a_row(5, 9, 5.001)]
    assert bite(page, ago(5), NOW, size=10) == Bite((1, 4, 5), None)


def test_a_full_page_is_followed_by_another_one():
    page = [a_row(1, 9, 8), a_row(2, 9)]
    assert bite(page, ago(5), NOW, size=2) == Bite((1,), then=2)


def test_a_full_page_that_ends_young_is_the_last_one():
    page = [a_row(1, 9, 8), a_row(2, 5)]
    assert bite(page, ago(5), NOW, size=2) == Bite((1,), None)


def test_what_was_made_in_the_future_hides_nothing():
    page = [a_row(1, 9, 8), a_row(2, -3000, -3000)]
    assert bite(page, ago(5), NOW, size=2) == Bite((1,), then=2)


def test_of_nothing_nothing_goes():
    assert bite([], NOW, NOW, size=2) == Bite((), None)

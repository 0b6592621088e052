"""The doorbell: who rings is heard for what it rang, and nobody has to be at home."""

from __future__ import annotations

import os

import pytest

from scale.wake import ANYTHING, JOBS, NAME, Doorbell, ring


@pytest.mark.parametrize(
    ("rung", "heard"), [([JOBS], JOBS), ([JOBS, JOBS], JOBS), ([JOBS, ANYTHING], ANYTHING), ([ANYTHING], ANYTHING)]
)
def test_however_often_it_rings_it_counts_once(tmp_path, rung, heard):
    with Doorbell(tmp_path) as doorbell:
        for news in rung:
            ring(tmp_path, news)
        assert doorbell.wait(1)
        assert [doorbell.heard(), doorbell.heard()] == [heard, None]
        assert not doorbell.wait(0)


def test_from_within_it_is_rung_without_news(tmp_path):
    with Doorbell(tmp_path) as doorbell:
        doorbell.set()
        doorbell.set()
        assert doorbell.wait(1)
        doorbell.clear()
        assert not doorbell.wait(0)
        doorbell.clear()
        assert doorbell.heard() is None


def test_a_house_may_be_too_far_away_for_an_address(tmp_path):
    home = tmp_path / ("far" * 30) / ("away" * 30)
    home.mkdir(parents=True)
    with Doorbell(home) as doorbell:
        ring(home)
        assert doorbell.wait(1)


def test_where_nobody_listens_ringing_does_nothing(tmp_path):
    ring(tmp_path)
    with Doorbell(tmp_path):
        os.link(tmp_path / NAME, tmp_path / "left")
    (tmp_path / "left").rename(tmp_path / NAME)  # as a killed scheduler leaves it
    ring(tmp_path)


def test_more_rings_than_are_kept_are_left_out(tmp_path):
    with Doorbell(tmp_path) as doorbell:
        for _ in range(2000):
            ring(tmp_path, JOBS)
        assert doorbell.heard() == JOBS


def test_a_doorbell_that_another_has_replaced_is_left_to_it(tmp_path):
    first = Doorbell(tmp_path)
    first.open()
    with Doorbell(tmp_path) as second:
        first.close()
        ring(tmp_path)
        assert second.wait(1)
    assert not (tmp_path / NAME).exists()

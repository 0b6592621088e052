"""How often things happened since the status was last rendered."""

from __future__ import annotations

import pytest

from scale.scheduler.rates import NAMES, Rates
from tests.builders import NOW, later


def test_every_rate_of_the_status_document_is_told():
    assert set(Rates(NOW).generate_status_json(later(seconds=1))) == {
        "new_offers_per_sec",
        "task_updates_per_sec",
        "tasks_finished_per_sec",
        "jobs_finished_per_sec",
        "jobs_launched_per_sec",
        "tasks_launched_per_sec",
        "offers_launched_per_sec",
    }


@pytest.mark.parametrize(
    ("count", "seconds", "rate"),
    [(1, 3, 0.33), (100, 10, 10), (1011, 100, 10.1), (10_111, 100, 101), (1005, 10, 100), (0, 5, 0)],
)
def test_the_larger_a_rate_the_rounder(count, seconds, rate):
    rates = Rates(NOW)
    rates.count("jobs_launched", count)
    assert rates.generate_status_json(later(seconds=seconds))["jobs_launched_per_sec"] == rate


def test_counts_add_up_and_start_anew_once_told():
    rates = Rates(NOW)
    for _ in range(3):
        rates.count("task_updates")
    rates.count("task_updates", False)
    assert rates.generate_status_json(later(seconds=1))["task_updates_per_sec"] == 3
    assert rates.generate_status_json(later(seconds=2))["task_updates_per_sec"] == 0


def test_in_no_time_at_all_every_rate_is_0():
    rates = Rates(NOW)
    rates.count("task_updates")
    assert set(rates.generate_status_json(NOW).values()) == {0}
    assert len(NAMES) == 7

"""Which status may follow which, read the other way round."""

from __future__ import annotations

import pytest

from scale.job.states import FINAL, TRANSITIONS, JobStatus, sources_of


@pytest.mark.parametrize("status", JobStatus)
def test_the_sources_of_a_status_are_those_that_lead_to_it(status):
    assert {(source, status) for source in sources_of(status)} == {
        (source, target) for source, targets in TRANSITIONS.items() for target in targets if target is status
    }


def test_what_completed_stays_completed_and_nothing_else_is_stuck():
    assert [status for status, targets in TRANSITIONS.items() if not targets] == [JobStatus.COMPLETED]
    assert JobStatus.COMPLETED in FINAL

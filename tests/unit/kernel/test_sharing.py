"""Equal values that many hold are kept once."""

from __future__ import annotations

from scale.job.states import JobStatus
from scale.kernel.resources import Resources, shared_resources
from scale.kernel.sharing import shared


def test_of_equal_values_one_is_kept():
    assert shared("".join(["a", "b"])) is shared("ab")
    assert shared((1, "a")) is shared((1, "a"))


def test_what_is_equal_but_of_another_kind_stays_what_it_is():
    assert shared("QUEUED") == shared(JobStatus.QUEUED)
    assert isinstance(shared(JobStatus.QUEUED), JobStatus)
    assert type(shared("QUEUED")) is str


def test_equal_amounts_are_one_value():
    assert shared_resources({"cpus": 1, "mem": 2}) is shared_resources({"cpus": 1.0, "mem": 2.0})
    assert shared_resources({"cpus": 1}) == Resources(cpus=1)

"""Amounts of named resources, as one value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.kernel.resources import Resources

amounts = st.dictionaries(st.sampled_from(["cpus", "mem", "disk", "gpus", "fpgas"]), st.integers(0, 1000)).map(Resources)


def test_a_name_that_is_not_there_counts_as_0():
    assert Resources()["cpus"] == 0
    assert "cpus" not in Resources()
    assert Resources(cpus=0) == Resources() == {}
    assert Resources(cpus=1) != Resources()


def test_amounts_come_as_a_mapping_or_by_name_and_are_floats():
    assert dict(Resources({"cpus": 1}, mem=2)) == {"cpus": 1.0, "mem": 2.0}
    assert isinstance(Resources(cpus=1)["cpus"], float)
    assert len(Resources(cpus=1, mem=2)) == 2
    assert repr(Resources(cpus=0.5, mem=256)) == "Resources(cpus=0.5, mem=256)"


def test_a_value_cannot_be_hashed_since_nearly_equal_ones_are_equal():
    with pytest.raises(TypeError):
        hash(Resources())


def test_sums_of_fractions_still_fit():
    needs = sum((Resources(cpus=0.1) for _ in range(10)), Resources())
    assert needs == Resources(cpus=1)
    assert needs.fits_in(Resources(cpus=1))
    assert Resources(cpus=1).fits_in(needs)


@pytest.mark.parametrize(
    ("needs", "room", "fits"),
    [
        (Resources(cpus=1), Resources(cpus=1), True),
        (Resources(cpus=1.01), Resources(cpus=1), False),
        (Resources(gpus=1), Resources(cpus=8), False),
        (Resources(gpus=0), Resources(cpus=8), True),
        (Resources(), Resources(), True),
        (Resources(cpus=1, mem=2), Resources(cpus=1, mem=1), False),
    ],
)
def test_what_fits_in_what(needs, room, fits):
    assert needs.fits_in(room) is fits


def test_one_resource_can_be_left_out():
    assert Resources(cpus=1, disk=5).without("disk") == Resources(cpus=1)


@given(amounts, amounts)
def test_what_is_added_can_be_taken_away(one, other):
    assert one + other == other + one
    assert one + other - other == one
    assert one.fits_in(one + other)


@given(amounts, amounts)
def test_adding_leaves_both_as_they_were(one, other):
    before = dict(one), dict(other)
    assert one + other is not one
    assert (dict(one), dict(other)) == before


def test_it_is_equal_to_no_stranger():
    assert Resources() != 0

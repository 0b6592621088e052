"""What can be plotted: every column is of a group, and what is asked for is found or named."""

from __future__ import annotations

import pytest

from scale.kernel.errors import Invalid
from scale.metrics.columns import ERRORS, INGESTS, JOB_TYPES, KINDS


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_column_has_a_name_of_its_own_and_a_group(kind):
    names = [column.name for column in kind.columns]
    assert len(set(names)) == len(names)
    assert {column.group for column in kind.columns} == {group.name for group in kind.groups}


def test_all_columns_are_meant_where_none_is_named():
    assert JOB_TYPES.chosen((), ()) == list(JOB_TYPES.columns)
    assert INGESTS.chosen((), ()) == []


def test_columns_are_named_one_by_one_or_by_the_group():
    chosen = [column.name for column in JOB_TYPES.chosen(("total_count",), ("peak_memory",))]
    assert chosen == ["total_count", "peak_memory_min", "peak_memory_max", "peak_memory_avg"]


def test_every_stranger_is_told_with_what_is_known():
    with pytest.raises(Invalid) as caught:
        ERRORS.chosen(("colour", "size"), ("overview", "shape"))
    assert [fault.field for fault in caught.value.faults] == ["column", "column", "group"]
    assert "'colour'; known are: total_count" in caught.value.faults[0].message


def test_a_kind_without_columns_says_so():
    with pytest.raises(Invalid, match="there are none of this kind"):
        INGESTS.chosen(("x",), ())

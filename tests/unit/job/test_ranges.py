"""Which bytes a header `Range` asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.job.ranges import NothingThere, part_wanted

SIZE = 10


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes=0-3", (0, 4)),
        (" bytes=4- ", (4, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=8-99", (8, 10)),
        ("bytes=5-4", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=-", None),
    ],
)
def test_the_part_that_a_header_asks_for(header, part):
    assert part_wanted(header, SIZE) == part


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_nothing_is_there_behind_the_end(header):
    with pytest.raises(NothingThere, match="10 bytes until now"):
        part_wanted(header, SIZE)


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_part_lies_within_and_is_as_long_as_was_asked(first, length):
    written = bytes(range(SIZE))
    try:
        start, stop = part_wanted(f"bytes={first}-{first + length}", SIZE)
    except NothingThere:
        assert first >= SIZE
    else:
        assert written[start:stop] == written[first : first + length + 1]

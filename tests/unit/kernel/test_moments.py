"""Moments as text and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.kernel.moments import moment_text, parse_moment


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (datetime(2022, 1, 1, tzinfo=UTC), "2022-01-01T00:00:00Z"),
        (datetime(2022, 1, 10, 12, 0, 5, 123456, UTC), "2022-01-10T12:00:05.123456Z"),
        (datetime(2022, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2022-01-01T00:00:00+02:00"),
    ],
)
def test_utc_is_written_as_z(when, text):
    assert moment_text(when) == text
    assert parse_moment(text) == when


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_can_be_read(when):
    assert parse_moment(moment_text(when)) == when


@pytest.mark.parametrize("text", ["2022-01-01T00:00:00", "2022-01-01", "yesterday", ""])
def test_a_text_without_a_zone_or_a_moment_is_refused(text):
    with pytest.raises(ValueError, match=r"zone|isoformat"):
        parse_moment(text)

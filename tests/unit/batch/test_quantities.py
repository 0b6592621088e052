"""Durations, sizes and moments: every form that a batch system writes is read, what we write is read back, the rest is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.batch import OutputParsingError
from scale.batch import quantities as q

SECONDS = st.integers(0, 10**8)
READERS = [
    *(q.slurm_duration, q.pbs_duration, q.sge_duration, q.ps_duration, q.swf_number),
    *(q.slurm_memory, q.pbs_memory, q.sge_memory),
]


def iso(text):
    return q.iso_moment(text, UTC)


def ctime(text):
    return q.ctime_moment(text, UTC)


@pytest.mark.parametrize(
    ("read", "text", "seconds"),
    [
        (q.slurm_duration, "1-02:03:04", 93784),
        (q.slurm_duration, "1-02:03", 93780),
        (q.slurm_duration, "1-02", 93600),
        (q.slurm_duration, "0-1:1:1", 3661),
        (q.slurm_duration, "02:03:04", 7384),
        (q.slurm_duration, "2:03", 123),
        (q.slurm_duration, "90", 5400),
        (q.slurm_duration, "00:00.123", 0),
        (q.slurm_duration, "0:00", 0),
        (q.pbs_duration, "100:00:01", 360001),
        (q.pbs_duration, "1:00:00:01", 86401),
        (q.pbs_duration, "90", 90),
        (q.pbs_duration, "1:30", 90),
        (q.sge_duration, "::30", 30),
        (q.sge_duration, "1::", 3600),
        (q.sge_duration, "86400", 86400),
        (q.ps_duration, "2-03:04:05", 183845),
        (q.ps_duration, "04:05", 245),
        (q.swf_number, "3600", 3600),
        (q.swf_number, " 12.75 ", 12),
    ],
)
def test_durations_are_read_as_each_batch_system_means_them(read, text, seconds):
    assert read(text) == seconds


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((q.slurm_duration, text) for text in ("UNLIMITED", "NOT_SET", "Partition_Limit", "INVALID", "N/A", "")),
        *((q.sge_duration, text) for text in ("INFINITY", "undefined", " ")),
        (q.swf_number, "-1"),
        *((q.slurm_memory, text) for text in ("", "N/A")),
        *((iso, text) for text in ("Unknown", "N/A", "None", "")),
        *((ctime, text) for text in ("", "-/-")),
    ],
)
def test_what_has_no_limit_or_is_not_known_is_none(read, text):
    assert read(text) is None


@given(SECONDS)
def test_a_duration_that_we_write_is_read_back(seconds):
    assert q.slurm_duration(q.slurm_duration_text(seconds)) == seconds
    assert q.pbs_duration(q.clock_text(seconds)) == seconds
    assert q.sge_duration(q.clock_text(seconds)) == seconds


def test_durations_are_written_without_zeros_in_front():
    assert q.slurm_duration_text(93784) == "1-2:3:4"
    assert q.slurm_duration_text(3661) == "0-1:1:1"
    assert q.clock_text(360001) == "100:0:1"


@pytest.mark.parametrize(
    ("read", "text", "kilobytes"),
    [
        (q.slurm_memory, "1000", 1024000),
        (q.slurm_memory, "4000M", 4096000),
        (q.slurm_memory, "512K", 512),
        (q.slurm_memory, "1.50G", 1572864),
        (q.slurm_memory, "1T", 1 << 30),
        (q.slurm_memory, "500Mn", 512000),
        (q.slurm_memory, "500Mc", 512000),
        (q.slurm_memory, "0", 0),
        (q.pbs_memory, "2048", 2),
        (q.pbs_memory, "400kb", 400),
        (q.pbs_memory, "2gb", 2 << 20),
        (q.pbs_memory, "2GB", 2 << 20),
        (q.pbs_memory, "512mw", 4 << 20),
        (q.sge_memory, "2048", 2),
        (q.sge_memory, "2G", 2 << 20),
        (q.sge_memory, "2g", 1953125),
        (q.sge_memory, "3.543M", 3628),
    ],
)
def test_sizes_are_read_as_each_batch_system_means_them(read, text, kilobytes):
    assert read(text) == kilobytes


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((q.slurm_duration, text) for text in ("x", "1-", "1:2:3:4", "-5", "1-2-3", ":", "1:2:x", "9" * 5000)),
        *((q.pbs_duration, text) for text in ("1-02", "1:2:3:4:5", "1h", ":" * 99999)),
        *((q.ps_duration, text) for text in ("ELAPSED", "1:2:3:4")),
        *((q.swf_number, text) for text in ("", "1e9", "1/2", "n")),
        *((q.slurm_memory, text) for text in ("M", "1X", "-1", "1.2.3M", "1" * 99)),
        *((q.pbs_memory, text) for text in ("1k", "1 mb", "mb")),
        *((q.sge_memory, text) for text in ("2GB", "2.G")),
        *((iso, text) for text in ("2026-13-01T00:00:00", "yesterday")),
        *((ctime, text) for text in ("Sat Feb 31 12:00:00 2026", "Sat Foo 31 12:00:00 2026", "2026-01-31")),
    ],
)
def test_what_cannot_be_read_is_told_with_what_would_be_right(read, text):
    with pytest.raises(OutputParsingError, match=r"(?s)^\w+ is '.*', which cannot be read; it should be (like )?\S+") as error:
        read(text)
    assert len(str(error.value)) < 250


def test_the_field_is_told():
    with pytest.raises(OutputParsingError, match=r"^TimeLimit of job 7 is 'soon'"):
        q.slurm_duration("soon", "TimeLimit of job 7")


@given(st.sampled_from(READERS), st.text(max_size=30) | st.text("0123456789-:.KMGTkmgbw", max_size=30))
def test_whatever_is_given_is_read_or_told(read, text):
    try:
        found = read(text)
    except OutputParsingError:
        return
    assert found is None or isinstance(found, int)


def test_moments_are_read_on_the_clock_of_the_cluster():
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert iso("2026-01-31T12:00:00") == noon
    assert iso("2026-01-31T13:00:00+01:00") == noon
    assert ctime("Sat Jan 31 12:00:00 2026") == noon
    assert ctime("Sun Feb  1 12:00:00 2026") == datetime(2026, 2, 1, 12, tzinfo=UTC)

"""Files that others append to stay small, and nobody who writes to them notices."""

from __future__ import annotations

import os

import pytest

from scale.cli.rotate import rotate_large


@pytest.fixture
def log(tmp_path):
    return tmp_path / "web.log"


def names(log):
    return sorted(path.name for path in log.parent.iterdir())


def test_a_small_file_is_left_alone(log):
    log.write_text("ten bytes.")
    assert rotate_large([log], most=10) == []
    assert names(log) == ["web.log"]


def test_a_file_that_is_not_there_is_no_trouble(log):
    assert rotate_large([log]) == []


def test_who_has_it_open_goes_on_at_its_beginning(log):
    with log.open("ab", buffering=0) as writer:
        writer.write(b"before")
        assert rotate_large([log], most=5) == []
        writer.write(b"after")
    assert (log.read_bytes(), (log.parent / "web.log.1").read_bytes()) == (b"after", b"before")


def test_three_copies_are_kept_the_newest_first(log):
    for text in ("one", "two", "three", "four", "five"):
        log.write_text(text)
        rotate_large([log], most=1)
    assert names(log) == ["web.log", "web.log.1", "web.log.2", "web.log.3"]
    assert [(log.parent / f"web.log.{number}").read_text() for number in (1, 2, 3)] == ["five", "four", "three"]


def test_only_its_owner_may_read_a_copy(log):
    log.write_text("words")
    rotate_large([log], most=1)
    assert (log.parent / "web.log.1").stat().st_mode & 0o777 == 0o600


def test_trouble_is_told_and_nothing_is_lost(log):
    log.write_text("words")
    (log.parent / "web.log.new").mkdir()
    (words,) = rotate_large([log], most=1)
    assert words == f"{log} is large and cannot be copied away: Is a directory"
    assert log.read_text() == "words"


def test_trouble_with_one_is_no_trouble_of_the_others(log):
    other = log.with_name("scheduler.log")
    for file in (log, other):
        file.write_text("words")
    (log.parent / "web.log.new").mkdir()
    assert len(rotate_large([log, other], most=1)) == 1
    assert os.path.getsize(other) == 0

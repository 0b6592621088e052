"""A fact is one line, whatever it holds."""

from __future__ import annotations

import logging

import pytest

from scale.fact import FactFormatter, line, tell_all


def test_a_fact_is_names_and_values():
    assert line("placed", job=12, exe=1, node="n1") == "event=placed job=12 exe=1 node=n1"


def test_what_is_not_known_is_left_out():
    assert line("over", error=None, message="", exit_code=0) == "event=over exit_code=0"


def test_a_value_that_could_be_taken_for_more_is_quoted():
    assert line("x", why='a "b"\nevent=y') == r'event=x why="a \"b\"\nevent=y"'


def test_a_line_tells_when_in_utc():
    record = logging.LogRecord("scale", logging.INFO, "", 0, "event=x", None, None)
    record.created, record.msecs = 0.25, 250.0
    assert FactFormatter().format(record) == "1970-01-01T00:00:00.250Z INFO scale event=x"


def test_many_facts_at_once_are_a_line_each_with_its_head():
    record = logging.LogRecord("scale", logging.INFO, "", 0, "event=x job=1\nevent=y job=2", None, None)
    record.created, record.msecs, record.is_many_facts = 0.25, 250.0, True
    head = "1970-01-01T00:00:00.250Z INFO scale "
    assert FactFormatter().format(record) == f"{head}event=x job=1\n{head}event=y job=2"


def test_facts_that_nobody_reads_are_not_even_made():
    quiet = logging.getLogger("quiet")
    quiet.setLevel(logging.WARNING)
    tell_all(quiet, (pytest.fail("it was made") for _ in range(1)))

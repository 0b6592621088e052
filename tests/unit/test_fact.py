"""A fact is one line, whatever it holds."""

from __future__ import annotations

import logging

from scale.fact import FactFormatter, line


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

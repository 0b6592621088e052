"""Names and values of attributes."""

from __future__ import annotations

import pytest

from scale.kernel.attributes import GIVEN, MAX_NUMBER, given, number, read_name, read_value, token


@pytest.mark.parametrize("name", ["disk", "a.b-c_D9", "9", "x" * 100])
def test_a_name_is_letters_digits_and_three_signs(name):
    assert read_name(name) == name


@pytest.mark.parametrize("name", ["", "a b", "ä", "a/b", "a\n", "x" * 101, None, 1])
def test_nothing_else_is_a_name(name):
    with pytest.raises(ValueError, match="letters, digits"):
        read_name(name)


@pytest.mark.parametrize("value", ["", "ssd", "größe", "x" * 250, 0, -1, 0.5, int(MAX_NUMBER), True, False])
def test_text_numbers_and_truths_are_values(value):
    assert read_value(value) == value
    assert type(read_value(value)) is type(value)


def test_a_whole_number_is_one_however_it_is_written():
    assert type(read_value(64.0)) is int


@pytest.mark.parametrize(
    "value", ["x" * 251, "a\0", "a\n", "\ud800", MAX_NUMBER * 1.1, 10**400, float("nan"), float("inf"), None, [], {}, b""]
)
def test_nothing_else_is_a_value(value):
    with pytest.raises(ValueError, match=r"may|expected"):
        read_value(value)


def test_values_are_the_same_if_they_are_written_the_same():
    assert {token(value) for value in (1, 1.0, True, "1", "true", 1.1, "1.10")} == {"1", "true", "1.1", "1.10"}


@pytest.mark.parametrize(
    ("value", "reads_as"),
    [(1, 1), (1.5, 1.5), ("1.10", 1.1), ("-2e3", -2000), (True, None), ("true", None), ("1x", None), ("", None)],
)
def test_a_text_may_read_as_a_number(value, reads_as):
    assert number(value) == reads_as


def test_what_is_given_is_what_nobody_sets():
    assert given("n1", "local") == {"hostname": "n1", "engine": "local"}
    assert {"hostname", "engine"} == GIVEN

"""What a process remembers of the database: for a second, and never what it has changed itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scale.remembered import LIFE, Remembered


class Asked:
    """Answers with how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, key: str) -> tuple[str, int]:
        self.count += 1
        return key, self.count


def test_what_was_asked_is_remembered_for_a_second(clock):
    remembered = Remembered(Asked())
    assert [remembered.get("a"), remembered.get("b"), remembered.get("a")] == [("a", 1), ("b", 2), ("a", 1)]
    clock.move(timedelta(seconds=LIFE))
    assert remembered.get("a") == ("a", 3)


def test_a_clock_that_is_set_back_makes_no_memory_longer(clock):
    remembered = Remembered(Asked())
    remembered.get("a")
    clock.set_back(timedelta(hours=1))
    clock.move(timedelta(seconds=LIFE))
    assert remembered.get("a") == ("a", 2)


def test_an_error_is_never_remembered(clock):
    def fail(key):
        raise LookupError(key)

    remembered = Remembered(fail)
    for _ in range(2):
        with pytest.raises(LookupError):
            remembered.get("a")


def test_an_answer_that_was_on_its_way_when_all_was_forgotten_is_forgotten_too(clock):
    def answer(key):
        remembered.forget()
        return asked(key)

    asked = Asked()
    remembered = Remembered(answer)
    assert [remembered.get("a"), remembered.get("a")] == [("a", 1), ("a", 2)]


def test_only_so_much_is_remembered(clock):
    remembered = Remembered(Asked(), most=2)
    for key in "abc":
        remembered.get(key)
    assert [remembered.get("c"), remembered.get("a")] == [("c", 3), ("a", 4)]

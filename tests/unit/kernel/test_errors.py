"""The three kinds of trouble."""

from __future__ import annotations

import pytest

from scale.kernel.errors import BadRequest, Broken, ClusterTrouble, Fault, Forbidden, Invalid, NotFound, ScaleError


class _Nameless(ScaleError):
    __doc__ = None


def test_the_docstring_is_the_message_unless_there_is_a_better_one():
    assert str(NotFound()) == "There is no such thing."
    assert str(NotFound("no job 7")) == "no job 7"


def test_an_error_without_either_says_its_name_or_what_it_inherits():
    assert str(_Nameless())


@pytest.mark.parametrize(
    ("error", "kind"), [(Invalid, BadRequest), (NotFound, BadRequest), (Forbidden, BadRequest), (ClusterTrouble, ScaleError)]
)
def test_each_error_is_of_one_kind(error, kind):
    assert issubclass(error, kind)
    assert not issubclass(error, Broken)


def test_an_invalid_input_tells_every_fault():
    error = Invalid([Fault("resources.cpus", "must not be negative"), Fault("", "state something")])
    assert str(error) == "resources.cpus: must not be negative; state something"
    assert len(error.faults) == 2
    assert error.told[0] == {"field": "resources.cpus", "message": "must not be negative"}

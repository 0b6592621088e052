"""How many jobs a submission asks for, and what their indices are."""

from __future__ import annotations

import pytest

from scale.job.arrays.span import MAX_INDEX, array_variables
from scale.job.submission import InvalidSubmission, parse_submission, parse_submissions


def asked(**body):
    return parse_submission({"command": "true", **body})


def test_without_a_count_it_is_one_job_and_no_array():
    assert (asked().indices, asked().jobs) == (None, 1)


def test_a_count_alone_begins_at_zero():
    assert (asked(count=3).indices, asked(count=3).jobs) == (range(3), 3)
    assert asked(count=1).indices == range(1)


def test_an_array_may_begin_elsewhere():
    assert asked(array={"first": 7, "count": 2}).indices == range(7, 9)
    assert asked(array={"first": MAX_INDEX, "count": 1}).indices == range(MAX_INDEX, MAX_INDEX + 1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"count": 1, "array": {"count": 1}}, "state count or array, not both"),
        ({"array": {"first": MAX_INDEX, "count": 2}}, f"the last index would be larger than {MAX_INDEX}"),
        ({"array": {"count": 1, "frist": 2}}, "is not known; did you mean first?"),
    ],
)
def test_what_cannot_be_meant_is_refused(body, message):
    with pytest.raises(InvalidSubmission) as refused:
        asked(**body)
    assert [fault.message for fault in refused.value.faults] == [message]


def test_members_count_against_what_a_request_may_hold():
    most = [{"command": "true", "count": 10_000}]
    assert len(parse_submissions({"jobs": most})) == 1
    with pytest.raises(InvalidSubmission) as refused:
        parse_submissions({"jobs": [*most, {"command": "true"}]})
    [fault] = refused.value.faults
    assert fault == ("jobs", "asks for 10001 jobs, the members of arrays counted; at most 10000 go together")


def test_a_member_finds_its_place_in_its_environment():
    assert array_variables(3, 5, 10) == {"SCALE_ARRAY_ID": "3", "SCALE_ARRAY_INDEX": "5", "SCALE_ARRAY_SIZE": "10"}

"""Who waits for whom: the rule of one dependency, of many, and what is wrong with a request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.job.dependencies import (
    MAX_EDGES,
    PASSED_ON,
    PLAIN,
    WAITING,
    Dependency,
    Outlook,
    Terms,
    When,
    arranged,
    outlook,
    settled,
    status_of,
    statuses_of,
    why_waiting,
)
from scale.job.states import FINAL, JobStatus
from scale.job.submission import InvalidSubmission, parse_submission
from scale.kernel.errors import Invalid

S = JobStatus


@pytest.mark.parametrize(
    ("when", "met", "never"),
    [
        (When.SUCCESS, {S.COMPLETED}, {S.FAILED, S.CANCELED, S.BLOCKED}),
        (When.FAILURE, {S.FAILED}, {S.COMPLETED, S.CANCELED, S.BLOCKED}),
        (When.END, {S.COMPLETED, S.FAILED, S.CANCELED}, set()),
    ],
)
def test_how_it_stands_with_each_end_in_each_status(when, met, never):
    assert set(statuses_of(when, Outlook.MET)) == met
    assert set(statuses_of(when, Outlook.NEVER)) == never
    assert set(statuses_of(when, Outlook.OPEN)) == set(S) - met - never


def test_that_a_job_is_blocked_is_passed_on_where_it_is_no_end():
    assert {when for when in When if outlook(when, S.BLOCKED) is Outlook.NEVER} == PASSED_ON


def test_one_that_can_never_be_outweighs_all_others():
    assert status_of([]) == status_of([Outlook.MET]) == S.QUEUED
    assert status_of([Outlook.MET, Outlook.OPEN]) == S.PENDING
    assert status_of(Outlook) == S.BLOCKED


@st.composite
def _graphs(draw):
    """Jobs 0 to n, some of whose statuses stand, and edges to lower ones."""
    count = draw(st.integers(1, 12))
    stands = {n: draw(st.sampled_from(S)) for n in range(count) if draw(st.booleans())}
    edges = [
        (job, on, draw(st.sampled_from(When)))
        for job in range(count)
        if job not in stands
        for on in draw(st.sets(st.integers(0, job - 1), max_size=4) if job else st.just(set()))
    ]
    return count, stands, edges


@given(_graphs())
def test_a_graph_settles_where_nothing_more_changes(graph):
    """Beside a reference that starts from nothing and applies the rule to everything until it rests."""
    count, stands, edges = graph
    free = [n for n in range(count) if n not in stands]
    reference = {**stands, **dict.fromkeys(free, S.PENDING)}
    for _ in range(count):
        for job in reversed(free):
            reference[job] = status_of(outlook(when, reference[on]) for who, on, when in edges if who == job)
    outside = [(job, when, stands[on]) for job, on, when in edges if on in stands]
    inside = [edge for edge in edges if edge[1] not in stands]
    assert {**stands, **settled(free, outside=outside, inside=inside)} == reference


def after(*indices):
    return Terms([Dependency(index=index) for index in indices])


def refused(*terms):
    with pytest.raises(Invalid) as error:
        arranged(terms, [1] * len(terms))
    return {fault.field: fault.message for fault in error.value.faults}


def test_jobs_of_a_request_are_made_after_those_that_they_wait_for():
    assert arranged([PLAIN, after(0), after(0, 1)], [1, 1, 1]) == [0, 1, 2]
    order = arranged([after(2), PLAIN, after(1)], [1, 1, 1])
    assert order.index(1) < order.index(2) < order.index(0)


def test_a_circle_is_named():
    assert refused(after(2), after(0), after(1)) in (
        {f"jobs.{a}.depends_on": f"these jobs of the request wait for each other: {a} -> {b} -> {c} -> {a}"}
        for a, b, c in ((0, 2, 1), (2, 1, 0), (1, 0, 2))
    )


def test_of_a_large_circle_the_beginning_is_named():
    (message,) = refused(*(after((n + 1) % 100) for n in range(100))).values()
    assert message.endswith("-> ...")
    assert message.count("->") == 10


def test_what_no_job_can_wait_for_is_refused_with_its_place():
    assert refused(PLAIN, Terms([Dependency(job=7), Dependency(job=7, when=When.END)]), after(2), after(0, 9)) == {
        "jobs.1.depends_on.1": "names the same job as one before; say it once",
        "jobs.2.depends_on.0.index": "a job cannot wait for itself",
        "jobs.3.depends_on.1.index": "there is no job 9 in this request; the last one is 3",
    }


def test_more_dependencies_than_a_request_may_hold_are_refused():
    many = Terms([Dependency(job=n) for n in range(1, 5001)])
    assert refused(*[many] * (MAX_EDGES // 5000 + 1)) == {"jobs": f"may not hold more than {MAX_EDGES} dependencies altogether"}


def test_an_array_waits_and_is_waited_for_with_all_its_members():
    assert arranged([PLAIN, after(0)], [1000, MAX_EDGES // 1000]) == [0, 1]
    with pytest.raises(Invalid, match="dependencies altogether"):
        arranged([PLAIN, after(0)], [1000, MAX_EDGES // 1000 + 1])


def test_an_array_takes_the_place_of_no_job():
    with pytest.raises(Invalid, match="supersedes: an array cannot take the place of a job"):
        arranged([Terms(supersedes=3)], [2])


def read(*depends_on, **rest):
    return parse_submission({"command": "true", "depends_on": list(depends_on), **rest})


def test_a_number_is_a_job_that_has_to_complete():
    submission = read(3, {"job": 4, "when": "end"}, {"index": 0})
    assert submission.depends_on == [Dependency(job=3), Dependency(job=4, when=When.END), Dependency(index=0)]
    assert submission.terms == Terms(submission.depends_on)
    assert parse_submission({"command": "true"}).terms is PLAIN
    assert read(hold=True).terms == Terms([], hold=True)
    assert read(supersedes=3).terms == Terms([], supersedes=3)


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({}, "depends_on.0", "name one job"),
        ({"job": 1, "index": 1}, "depends_on.0", "name one job"),
        (True, "depends_on.0", "object"),
        ("3", "depends_on.0", "object"),
        ({"job": "3"}, "depends_on.0.job", "integer"),
        ({"job": 0}, "depends_on.0.job", "greater"),
        ({"job": 3, "when": "success!"}, "depends_on.0.when", "'success'"),
        ({"job": 3, "whem": "end"}, "depends_on.0.whem", "did you mean when?"),
    ],
)
def test_a_dependency_that_cannot_be_read_is_told_with_its_place(wrong, field, words):
    with pytest.raises(InvalidSubmission) as error:
        read(wrong)
    (fault,) = error.value.faults
    assert fault.field == field
    assert words in fault.message


def test_the_schema_shows_both_forms():
    forms = Dependency.model_json_schema()["anyOf"]
    assert [form["type"] for form in forms] == ["integer", "object"]


def test_a_waiting_job_says_for_whom():
    assert why_waiting([]) == ("dependency", "all that it waited for is there; it goes on the queue in a moment")
    assert why_waiting([(1, When.SUCCESS, S.COMPLETED), (2, When.END, S.RUNNING)]) == ("dependency", "waits for job 2 to end")
    both = [(1, When.SUCCESS, S.QUEUED), (2, When.FAILURE, S.PENDING)]
    assert why_waiting(both) == ("dependency", "waits for job 1 to complete, and so with 1 more")


def test_who_waits_for_the_end_of_a_blocked_job_is_told_that_it_is_blocked():
    code, text = why_waiting([(1, When.SUCCESS, S.QUEUED), (2, When.END, S.BLOCKED)])
    assert code == "dependency"
    assert text == (
        "waits for job 2 to end, which is blocked until it is canceled, or what blocks it is requeued, and so with 1 more"
    )


@pytest.mark.parametrize(
    ("when", "status", "text"),
    [
        (When.SUCCESS, S.FAILED, "job 12 failed, and it had to complete"),
        (When.SUCCESS, S.BLOCKED, "job 12 is blocked, and it had to complete"),
        (When.FAILURE, S.COMPLETED, "job 12 completed, and it had to fail"),
        (When.FAILURE, S.CANCELED, "job 12 was canceled, and it had to fail"),
    ],
)
def test_a_blocked_job_says_by_what(when, status, text):
    assert why_waiting([(3, When.END, S.RUNNING), (12, when, status)]) == ("blocked", text)


def test_only_what_never_was_on_the_queue_waits():
    assert WAITING.isdisjoint(FINAL | {S.QUEUED, S.RUNNING})

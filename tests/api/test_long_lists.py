"""Lists that may hold millions: pages with counts that cost little, and cursors that lose their place to nobody."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core.signing import Signer
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scale.error.models import Error
from scale.job.filters import ORDERS, JobFilter
from scale.job.models import Job
from scale.job.selectors import jobs_selected
from scale.paging import Count, count_of
from tests.api.answers import fields_at_fault, words


@pytest.fixture
def jobs(alice, a_job, a_node, clock):
    """Twelve, with many equals and many nulls among their columns."""
    nodes, errors = [a_node("node-1"), a_node("node-2"), None], [Error.objects.get(name="timeout"), None]
    made = []
    for number in range(12):
        clock.move(timedelta(seconds=number % 3))
        ended = clock.now() if number % 4 == 0 else None
        started = clock.now() - timedelta(seconds=number % 5) if number % 2 == 0 else None
        columns = {"node": nodes[number % 3], "error": errors[number % 2], "priority": number % 3, "started": started}
        made.append(a_job(alice, name="ab"[number % 2], ended=ended, **columns).pk)
    return made


def walked(person, query, page_size=5):
    """The ids of all pages, by cursor."""
    ids, address = [], f"jobs/?cursor=&page_size={page_size}{query}"
    while address:
        page = person.get(address).json()
        assert (page["count"], page["count_is_estimate"], page["previous"]) == (None, False, None)
        ids += [job["id"] for job in page["results"]]
        address = page["next"] and page["next"].partition("/api/v7/")[2]
    return ids


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("order", ORDERS)
def test_a_cursor_goes_through_the_list_in_every_order(alice, jobs, order, sign):
    listed = [job["id"] for job in alice.get(f"jobs/?order={sign}{order}").json()["results"]]
    assert sorted(listed) == jobs
    assert walked(alice, f"&order={sign}{order}") == walked(alice, f"&order={sign}{order}", 1) == listed


def test_a_cursor_goes_through_the_list_in_several_orders_at_once(alice, jobs):
    query = "&order=-node&order=name&order=-ended"
    assert walked(alice, query, 2) == [job["id"] for job in alice.get(f"jobs/?{query}").json()["results"]]


def test_a_cursor_keeps_to_the_filters(alice, jobs):
    Job.objects.filter(pk__in=jobs[:7]).update(status="FAILED")
    assert walked(alice, "&status=FAILED", 2) == jobs[:7][::-1]


def test_what_comes_meanwhile_moves_nothing(alice, jobs, a_job):
    first = alice.get("jobs/?cursor=&page_size=5").json()
    a_job(alice)
    second = alice.get(first["next"].partition("/api/v7/")[2]).json()
    assert [job["id"] for job in [*first["results"], *second["results"]]] == jobs[:1:-1]


def test_a_page_by_cursor_costs_one_statement(alice, jobs, django_assert_num_queries):
    with django_assert_num_queries(2):  # who asks, the page
        alice.get("jobs/?cursor=&page_size=5")


@pytest.mark.parametrize("order", ["", "&order=started"])
def test_a_cursor_that_is_not_ours_is_refused(alice, jobs, order):
    theirs = Signer(salt="another").sign_object(["-id", [1]])
    other = alice.get("jobs/?cursor=&page_size=5&order=-queued").json()["next"].partition("cursor=")[2].partition("&")[0]
    for cursor in ("x", "1", "a:b", "%00", "é", quote(theirs), other):
        assert fields_at_fault(alice.get(f"jobs/?cursor={cursor}{order}")) == ["cursor"]


def test_a_page_and_a_cursor_exclude_each_other(alice):
    assert fields_at_fault(alice.get("jobs/?page=2&cursor=")) == ["cursor"]


def test_executions_are_gone_through_by_cursor_too(alice, a_job, an_execution):
    job = a_job(alice)
    for number in (1, 2, 3):
        an_execution(job, number, "FAILED")
    first = alice.get(f"jobs/{job.pk}/executions/?cursor=&page_size=2").json()
    second = alice.get(first["next"].partition("/api/v7/")[2]).json()
    assert [exe["exe_num"] for exe in [*first["results"], *second["results"]]] == [3, 2, 1]
    assert second["next"] is None


def test_a_page_tells_whether_its_count_is_an_estimate(alice, jobs):
    page = alice.get("jobs/?page_size=5&page=2").json()
    assert set(page) == words("count count_is_estimate next previous results")
    assert (page["count"], page["count_is_estimate"]) == (12, False)
    assert "page=3" in page["next"]
    assert "page=1" in page["previous"]


def test_the_last_page_counts_nothing(alice, jobs):
    with CaptureQueriesContext(connection) as queries:
        assert alice.get("jobs/?page_size=5&page=3").json()["count"] == 12
    assert not [query for query in queries if "COUNT" in query["sql"]]


@pytest.mark.parametrize("page", [4, 10**15, 2**63 - 1])
def test_a_page_beyond_the_last_is_not_found(alice, jobs, page):
    answer = alice.get(f"jobs/?page_size=5&page={page}")
    assert (answer.status_code, answer.json()["detail"]) == (404, f"There is no page {page}; the last one is 3.")


def test_an_empty_list_has_one_page(alice):
    assert alice.get("jobs/").json() == {"count": 0, "count_is_estimate": False, "next": None, "previous": None, "results": []}
    assert alice.get("jobs/?page=2").json()["detail"] == "There is no page 2; the last one is 1."


def test_few_are_counted_and_many_estimated(alice, jobs):
    everything = jobs_selected(JobFilter())
    assert count_of(everything, 12) == Count(12)
    assert count_of(everything, 4) == Count(12, is_estimate=True)
    Job.objects.filter(pk__in=jobs[6:]).update(status="FAILED")
    estimated = count_of(jobs_selected(JobFilter(status=("FAILED",))), 2)
    assert estimated.is_estimate
    assert 6 <= estimated.rows <= 12


def test_an_estimate_is_never_less_than_what_was_seen(alice, jobs):
    Job.objects.filter(pk__in=jobs[:3]).update(status="FAILED")
    assert count_of(jobs_selected(JobFilter(status=("FAILED",))), 2).rows >= 3

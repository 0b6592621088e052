"""Jobs that wait for others, in the database: whatever order the ends come in, and however many there are."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import permutations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scale.engines.instant import Outcome
from scale.error.models import Error
from scale.job.dependencies import WAITING, When, outlook, status_of
from scale.job.execution.services import jobs_recover, messages_apply
from scale.job.messages import CompletedJob, CompletedJobs, FailedJob, FailedJobs
from scale.job.models import DependentsDue, Job, JobDependency
from scale.job.services import jobs_cancel, jobs_requeue, jobs_submit
from scale.job.states import FINAL, JobStatus
from scale.job.submission import parse_submission
from scale.job.waiting.selectors import dependents_are_due, jobs_unsettled
from scale.job.waiting.services import dependents_go_on, dependents_recover
from scale.queue.models import Queue
from tests.builders import NOW
from tests.world import World, undone

pytestmark = pytest.mark.django_db
S = JobStatus


@pytest.fixture
def user():
    return User.objects.create(username="alice")


def submit(user, *bodies):
    return jobs_submit(submissions=[parse_submission({"command": ["true"], **body}) for body in bodies], by=user, when=NOW)


def after(*others, when="success"):
    return {"depends_on": [{"index": other, "when": when} for other in others]}


def end(*jobs, failed=()):
    """As the scheduler records it; failures are final."""
    error = Error.objects.get(name="algorithm-unknown").pk
    done, bad = [job for job in jobs if job not in failed], [job for job in jobs if job in failed]
    completed = CompletedJobs(tuple(CompletedJob(job, 1, NOW) for job in done))
    messages = [completed, FailedJobs(tuple(FailedJob(job, 1, NOW, error) for job in bad))]
    messages_apply(messages=messages, updates=[], when=NOW)


def rest():
    """Let the scheduler work off the notes; how many turns that takes."""
    turns = 0
    while dependents_are_due():
        with transaction.atomic():
            dependents_go_on(when=NOW)
        turns += 1
    return turns


def statuses(ids):
    known = dict(Job.objects.filter(pk__in=ids).values_list("pk", "status"))
    return [known[pk] for pk in ids]


def queued():
    return Counter(Queue.objects.filter(is_canceled=False).values_list("job_id", flat=True))


@pytest.mark.parametrize("order", [*permutations(range(2)), (0, 1, 0, 1), (1, 1, 0, 0)])
@pytest.mark.parametrize("together", [True, False])
def test_a_diamond_with_a_failing_arm_blocks_its_foot_whatever_order_the_ends_come_in(user, order, together):
    head, *arms, foot = submit(user, {}, after(0), after(0), after(1, 2))
    assert statuses([head, *arms, foot]) == [S.QUEUED, S.PENDING, S.PENDING, S.PENDING]
    end(head)
    end(head)
    assert statuses([*arms, foot]) == [S.QUEUED, S.QUEUED, S.PENDING]
    told = [arms[number] for number in order]
    for some in [told] if together else [[one] for one in told]:
        end(*dict.fromkeys(some), failed={arms[1]})
    assert statuses([head, *arms, foot]) == [S.COMPLETED, S.COMPLETED, S.FAILED, S.BLOCKED]
    assert not dependents_are_due()
    assert foot not in queued()


def test_a_diamond_runs_through_a_scheduler():
    world = World(behave=lambda task: Outcome(exit_code=int(task.env.get("CODE", "0"))))
    head, left, right, foot, mourner = submit(
        world.user,
        {},
        after(0),
        {**after(0), "env": {"CODE": "3"}},
        after(1, 2),
        {"depends_on": [{"index": 2, "when": "failure"}, {"index": 3, "when": "end"}]},
    )
    world.turns(4, 1)
    assert statuses([head, left, right, foot, mourner]) == [S.COMPLETED, S.COMPLETED, S.FAILED, S.BLOCKED, S.PENDING]
    world.cancel(foot)
    world.turns(2, 1)
    assert statuses([foot, mourner]) == [S.CANCELED, S.COMPLETED]


def test_a_failure_that_is_tried_again_decides_nothing():
    world = World(behave=lambda task: Outcome(exit_code=int(int(task.env["SCALE_EXE_NUM"]) < int(task.env.get("GOOD", "0")))))
    good = {"env": {"GOOD": "3"}, "retry_on": "failure"}
    first, mourner, heir = submit(world.user, good, after(0, when="failure"), after(0))
    for _ in range(2):
        world.turn(1)
        assert statuses([mourner, heir]) == [S.PENDING, S.PENDING]
    world.turns(4, 1)
    assert statuses([first, mourner, heir]) == [S.COMPLETED, S.BLOCKED, S.COMPLETED]


def test_a_requeue_frees_who_was_blocked_down_the_chain(user):
    ids = submit(user, {}, after(0), after(1), after(1, when="end"), after(2))
    end(ids[0], failed={ids[0]})
    assert statuses(ids) == [S.FAILED, S.BLOCKED, S.BLOCKED, S.PENDING, S.BLOCKED]
    jobs_requeue(ids=[ids[0]], by=user, when=NOW)
    assert statuses(ids) == [S.QUEUED, S.PENDING, S.PENDING, S.PENDING, S.PENDING]


def test_one_that_is_blocked_twice_stays_blocked_when_one_cause_goes(user):
    ids = submit(user, {}, {}, after(0, 1), after(2))
    end(*ids[:2], failed=ids[:2])
    jobs_requeue(ids=[ids[0]], by=user, when=NOW)
    assert statuses(ids[2:]) == [S.BLOCKED, S.BLOCKED]
    jobs_requeue(ids=[ids[1]], by=user, when=NOW)
    assert statuses(ids[2:]) == [S.PENDING, S.PENDING]


def test_a_canceled_one_has_ended_and_has_neither_completed_nor_failed(user):
    ids = submit(user, {}, after(0), after(0, when="failure"), after(0, when="end"))
    jobs_cancel(ids=[ids[0]], by=user, when=NOW)
    assert statuses(ids) == [S.CANCELED, S.BLOCKED, S.BLOCKED, S.QUEUED]


def test_one_that_was_canceled_while_it_waited_waits_again_when_it_is_wanted_again(user):
    ids = submit(user, {}, after(0), after(1))
    jobs_cancel(ids=[ids[1]], by=user, when=NOW)
    assert statuses(ids) == [S.QUEUED, S.CANCELED, S.BLOCKED]
    assert jobs_requeue(ids=[ids[1]], by=user, when=NOW) == [ids[1]]
    assert statuses(ids) == [S.QUEUED, S.PENDING, S.PENDING]
    jobs_cancel(ids=[ids[1]], by=user, when=NOW)
    end(ids[0])
    jobs_requeue(ids=[ids[1]], by=user, when=NOW)
    assert statuses(ids) == [S.COMPLETED, S.QUEUED, S.PENDING]
    assert queued()[ids[1]] == 1


def test_who_comes_when_all_is_over_goes_at_once_or_never(user):
    done, bad, gone = submit(user, {}, {}, {})
    end(done, bad, failed={bad})
    jobs_cancel(ids=[gone], by=user, when=NOW)
    ids = submit(user, {"depends_on": [done]}, {"depends_on": [bad]}, {"depends_on": [done, gone]}, after(1), after(0))
    assert statuses(ids) == [S.QUEUED, S.BLOCKED, S.BLOCKED, S.BLOCKED, S.PENDING]
    assert set(queued()) >= {ids[0]}


def test_the_ids_of_a_request_are_told_in_its_order_and_grow_along_dependencies(user):
    ids = submit(user, {"name": "last", **after(1, 2)}, {"name": "middle", **after(2)}, {"name": "first"})
    assert [Job.objects.get(pk=pk).name for pk in ids] == ["last", "middle", "first"]
    assert ids[0] > ids[1] > ids[2]
    with pytest.raises(IntegrityError), transaction.atomic():
        JobDependency.objects.create(job_id=ids[2], on_id=ids[0])


# --- many


def test_ten_thousand_dependents_of_one_job_are_freed_in_bounded_transactions_without_a_query_each(user):
    (one,) = submit(user, {})
    ids = submit(user, *[{"depends_on": [one]}] * 10_000)
    assert Counter(statuses(ids)) == {S.PENDING: 10_000}
    with CaptureQueriesContext(connection) as queries:
        end(one)
        assert 0 < queued().total() <= 1001
        turns = rest()
    assert turns >= 9
    assert len(queries) < 250
    assert Counter(statuses(ids)) == {S.QUEUED: 10_000}
    assert set(queued().values()) == {1}


def test_a_chain_of_thousands_is_blocked_and_freed_without_a_query_each(user):
    ids = submit(user, {}, *[after(number) for number in range(5_000)])
    for change, expected in (
        (lambda: end(ids[0], failed=ids[:1]), S.BLOCKED),
        (lambda: jobs_requeue(ids=ids[:1], by=user, when=NOW), S.PENDING),
    ):
        with CaptureQueriesContext(connection) as queries:
            change()
            rest()
        assert len(queries) < 200
        assert Counter(statuses(ids[1:])) == {expected: 5_000}


def test_to_block_many_takes_steps_in_proportion_to_them_and_none_for_others_that_wait(user):
    if connection.vendor != "sqlite":
        return  # its steps are counted
    steps = []
    for many in (1_000, 4_000):
        (hub,) = submit(user, {})
        ids = submit(user, *[{"depends_on": [hub]}] * many)
        counted = [0]
        connection.connection.set_progress_handler(lambda counted=counted: counted.append(counted.pop() + 1), 1_000)
        end(hub, failed=[hub])
        rest()
        connection.connection.set_progress_handler(None, 0)
        assert Counter(statuses(ids)) == {S.BLOCKED: many}
        steps.append(counted[0] / many)
    assert steps[1] < 2 * steps[0]


def test_a_link_of_a_chain_that_completes_costs_the_same_however_long_it_is(user):
    costs = []
    for length in (3, 300):
        ids = submit(user, {}, *[after(number) for number in range(length)])
        with CaptureQueriesContext(connection) as queries:
            end(ids[0])
        costs.append(len(queries))
        assert statuses(ids[:3]) == [S.COMPLETED, S.QUEUED, S.PENDING]
    assert costs[0] == costs[1]


def test_the_ends_of_plain_jobs_cost_one_query_more_for_all_of_them(user):
    ids = submit(user, *[{}] * 200)
    with CaptureQueriesContext(connection) as queries:
        end(*ids)
    asked = [query["sql"] for query in queries if "job_dependency" in query["sql"]]
    assert len(asked) == 1


# --- a crash, and a release that knows nothing of dependencies


def test_what_nobody_settled_is_settled_when_a_scheduler_starts(user):
    ids = submit(user, {}, after(0), after(1), {}, after(3), after(4))
    end(ids[3], failed={ids[3]})
    Job.objects.filter(pk=ids[0]).update(status=S.COMPLETED)
    Job.objects.filter(pk=ids[3]).update(status=S.QUEUED)
    assert statuses(ids) == [S.COMPLETED, S.PENDING, S.PENDING, S.QUEUED, S.BLOCKED, S.BLOCKED]
    jobs_recover(when=NOW)
    dependents_recover()
    rest()
    assert statuses(ids) == [S.COMPLETED, S.QUEUED, S.PENDING, S.QUEUED, S.PENDING, S.PENDING]
    dependents_recover()
    assert not dependents_are_due()


def test_a_note_that_was_left_is_worked_off_by_the_next_look_of_a_scheduler():
    world = World()
    ids = submit(world.user, {}, after(0))
    Job.objects.filter(pk=ids[0]).update(status=S.COMPLETED)
    Queue.objects.all().delete()
    DependentsDue.objects.create(job_id=ids[0])
    world.turns(3, 1)
    assert statuses(ids) == [S.COMPLETED, S.COMPLETED]


# --- beside a plain reference


@st.composite
def _stories(draw):
    count = draw(st.integers(2, 9))
    edges = [
        [(on, draw(st.sampled_from(When))) for on in sorted(draw(st.sets(st.integers(0, job - 1), max_size=3)))] if job else []
        for job in range(count)
    ]
    acts = st.tuples(st.sampled_from(["complete", "fail", "cancel", "requeue"]), st.lists(st.integers(0, count - 1), min_size=1))
    return edges, draw(st.lists(acts, max_size=12))


class Reference:
    """Jobs and the rule, applied to everything after each act until it rests."""

    def __init__(self, edges):
        self.edges = edges
        self.status = [S.PENDING] * len(edges)
        self.tried = [0] * len(edges)
        self.rest()

    def rest(self):
        for _ in self.edges:
            for job in range(len(self.edges)):
                if self.status[job] in WAITING:
                    self.status[job] = status_of(outlook(when, self.status[on]) for on, when in self.edges[job])
                    self.tried[job] += self.status[job] is S.QUEUED

    def act(self, act, jobs):
        for job in jobs:
            match act, self.status[job]:
                case (("complete" | "fail"), S.QUEUED):
                    self.status[job] = S.COMPLETED if act == "complete" else S.FAILED
                case "cancel", status if status is not S.COMPLETED:
                    self.status[job] = S.CANCELED
                case "requeue", (S.FAILED | S.CANCELED):
                    self.status[job] = S.QUEUED if self.tried[job] else S.PENDING
                    self.tried[job] += 1 if self.tried[job] else 0
        self.rest()


def _act(ids, act, jobs, user):
    named = [ids[job] for job in dict.fromkeys(jobs)]
    if act == "cancel":
        jobs_cancel(ids=named, by=user, when=NOW)
    elif act == "requeue":
        jobs_requeue(ids=named, by=user, when=NOW)
    else:
        error = Error.objects.get(name="algorithm-unknown").pk
        numbers = dict(Job.objects.filter(pk__in=named, num_exes__gt=0).values_list("pk", "num_exes"))
        completed = CompletedJobs(tuple(CompletedJob(job, number, NOW) for job, number in numbers.items()))
        failed = FailedJobs(tuple(FailedJob(job, number, NOW, error) for job, number in numbers.items()))
        for _ in range(2):  # each word comes twice
            messages_apply(messages=[completed if act == "complete" else failed], updates=[], when=NOW + timedelta(seconds=1))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(_stories())
def test_any_graph_stands_as_the_reference_says_after_any_story(story):
    edges, acts = story
    with undone():
        user = User.objects.create(username="bob")
        bodies = [{"depends_on": [{"index": on, "when": when.value} for on, when in ons]} for ons in edges]
        ids = submit(user, *bodies)
        reference = Reference(edges)
        assert statuses(ids) == reference.status
        for act, jobs in acts:
            _act(ids, act, jobs, user)
            reference.act(act, jobs)
            assert statuses(ids) == reference.status
        assert not dependents_are_due()
        assert not jobs_unsettled().exists()
        assert list(Job.objects.filter(pk__in=ids).order_by("pk").values_list("num_exes", flat=True)) == reference.tried
        placeable = Queue.objects.filter(is_canceled=False, exe_num=F("job__num_exes"), job__status=S.QUEUED)
        assert placeable.count() == reference.status.count(S.QUEUED)
        assert all(job.ended is None for job in Job.objects.exclude(status__in=FINAL))

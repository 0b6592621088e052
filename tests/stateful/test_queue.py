"""The queue in the database beside a plain model of it: submit, cancel, claim, fail, complete, put back."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scale.error.models import Error
from scale.job.execution.services import jobs_put_back, jobs_recover, messages_apply
from scale.job.messages import (
    CompletedJob,
    CompletedJobs,
    CreateJobExecutionEnds,
    FailedJob,
    FailedJobs,
    WithdrawnJob,
    WithdrawnJobs,
)
from scale.job.models import Job, JobExecution, JobExecutionEnd
from scale.job.services import jobs_cancel, jobs_submit
from scale.job.submission import parse_submission
from scale.kernel.clock import ManualClock
from scale.node.models import Node
from scale.queue.models import Queue
from scale.queue.ordering import QueueMode
from scale.queue.selectors import queue_lines
from scale.scheduler.placement.backlog import Backlog
from scale.scheduler.placement.plan import Placement
from scale.scheduler.placement.selectors import entries_after, entries_first, newest_entry, sizes_waiting
from scale.scheduler.placement.services import plan_apply, queue_clear_canceled
from tests.builders import NOW
from tests.world import undone

MOST_TRIES = 2
picks = st.lists(st.integers(0, 10_000), min_size=1, max_size=4)
modes = st.sampled_from(QueueMode)


class QueueLife(RuleBasedStateMachine):
    """A job's execution waits at most once, is claimed at most once, and is never lost between queue and end."""

    def __init__(self):
        super().__init__()
        self.database = ExitStack()
        self.database.enter_context(undone())

    def teardown(self):
        self.database.close()

    @initialize()
    def begin(self):
        self.clock = ManualClock(NOW)
        self.user = User.objects.create(username="alice")
        self.node = Node.objects.create(hostname="node-1", engine="local", created=NOW, last_modified=NOW)
        self.status = {}  # by job
        self.tries = {}  # how many executions of the job there were, the one that waits included
        self.may = {}  # how many there may be
        self.waiting = {}  # by job and number: whether it was canceled
        self.running = set()  # job and number
        self.over = set()
        self.seen = []  # asks that were read once, and may be proposed late
        self.submit(3, 100, 1)

    def _chosen(self, among, numbers):
        among = sorted(among)
        return sorted({among[number % len(among)] for number in numbers}) if among else []

    def _tick(self):
        return self.clock.move(timedelta(seconds=1))

    def _queue_again(self, job):
        self.tries[job] += 1
        self.status[job] = "QUEUED"
        self.waiting[job, self.tries[job]] = False

    @rule(count=st.integers(1, 3), priority=st.sampled_from([1, 100]), cpus=st.sampled_from([1, 2]))
    def submit(self, count, priority, cpus):
        body = {"command": "true", "priority": priority, "resources": {"cpus": cpus}, "max_tries": MOST_TRIES}
        ids = jobs_submit(submissions=[parse_submission(body)] * count, by=self.user, when=self._tick())
        for job in ids:
            self.tries[job] = 0
            self.may[job] = MOST_TRIES
            self._queue_again(job)

    @rule(numbers=picks)
    def cancel(self, numbers):
        self._cancel(self._chosen(self.status, numbers))

    @rule(numbers=picks)
    def cancel_some_that_run(self, numbers):
        self._cancel(sorted({job for job, _ in self._chosen(self.running, numbers)}))

    def _cancel(self, jobs):
        live = [job for job in jobs if self.status[job] not in ("COMPLETED", "CANCELED")]
        assert jobs_cancel(ids=jobs, by=self.user, when=self._tick()) == live
        for job in live:
            self.status[job] = "CANCELED"
            self.waiting |= {key: True for key in self.waiting if key[0] == job}

    @rule(mode=modes)
    def look(self, mode):
        backlog, newest = Backlog(), newest_entry()
        for shape, size in sizes_waiting(newest).items():
            first = entries_first(shape, mode, size, newest)
            assert sorted(first) == [entry for entry in entries_after(0) if entry.shape == shape]
            backlog.order(mode)
            backlog.fill(shape, first, is_whole=True)
        self.seen = [ask for line in backlog.lines() for ask in line.asks]
        assert sorted(ask.job_id for ask in self.seen) == sorted(
            job for (job, _), is_canceled in self.waiting.items() if not is_canceled
        )
        for line in backlog.lines():
            ages = [ask.job_id for ask in line.asks]
            assert line.size == len(ages)
            if line.size > 1:
                assert ages == sorted(ages, reverse=mode is QueueMode.LIFO, key=lambda job: (self._queued(job), job))

    def _queued(self, job):
        return Job.objects.get(pk=job).queued

    @rule(numbers=picks, mode=modes)
    def look_and_claim(self, numbers, mode):
        self.look(mode)
        self.claim(numbers)

    @rule(canceled=picks, numbers=picks)
    def a_cancel_comes_between_look_and_claim(self, canceled, numbers):
        self.look(QueueMode.FIFO)
        self._cancel(sorted({job for job, _ in self._chosen(self.waiting, canceled)}))
        self.claim(numbers)

    @rule(numbers=picks)
    def claim(self, numbers):
        """What was read before may be gone or canceled by now."""
        asks = [self.seen[number] for number in self._chosen(range(len(self.seen)), numbers)]
        placements = [Placement(ask, self.node.pk) for ask in asks]
        there = dict(Queue.objects.filter(is_canceled=False).values_list("pk", "job_id"))
        made = plan_apply(placements=placements, gpus={}, framework_id="f", when=self._tick())
        assert sorted(one.job_id for one in made) == sorted(there[ask.entry_id] for ask in asks if ask.entry_id in there)
        for one in made:
            assert self.waiting.pop((one.job_id, one.exe_num)) is False
            self.running.add((one.job_id, one.exe_num))
            self.status[one.job_id] = "RUNNING"

    @rule(most=st.integers(1, 3))
    def canceled_ones_are_cleared(self, most):
        ends = queue_clear_canceled(framework_id="f", when=self._tick(), most=most).ends
        messages_apply(messages=[CreateJobExecutionEnds((end,)) for end in ends], updates=[], when=self.clock.now())
        gone = [(end.job_id, end.exe_num) for end in ends]
        assert len(gone) == min(most, sum(self.waiting.values()))
        assert all(self.waiting.pop(key) for key in gone)
        self.over |= set(gone)

    def _ends(self, keys, status, error=None):
        now = self.clock.now()
        rows = [JobExecution.objects.get(job_id=job, exe_num=number) for job, number in keys]
        columns = {"status": status, "error": error, "queued": now, "ended": now, "created": now}
        return CreateJobExecutionEnds(
            tuple(
                JobExecutionEnd(job_exe=row, job=row.job, job_type=row.job_type, exe_num=row.exe_num, **columns) for row in rows
            )
        )

    @rule(numbers=picks, again=st.booleans())
    def some_complete(self, numbers, again):
        keys = self._chosen(self.running, numbers)
        now = self._tick()
        told = [self._ends(keys, "COMPLETED"), CompletedJobs(tuple(CompletedJob(*key, now) for key in keys))]
        for _ in range(1 + again):
            messages_apply(messages=told, updates=[], when=now)
        for key in keys:
            if self.status[key[0]] == "RUNNING" and self.tries[key[0]] == key[1]:
                self.status[key[0]] = "COMPLETED"
        self._over(keys)

    @rule(numbers=picks, again=st.booleans(), name=st.sampled_from(["node-lost", "algorithm-unknown"]))
    def some_fail(self, numbers, again, name):
        keys = self._chosen(self.running, numbers)
        now, error = self._tick(), Error.objects.get(name=name)
        failed = FailedJobs(tuple(FailedJob(*key, now, error.pk) for key in keys))
        told = [self._ends(keys, "FAILED", error), failed]
        for _ in range(1 + again):
            messages_apply(messages=told, updates=[], when=now)
        for job, number in keys:
            if self.status[job] == "RUNNING" and self.tries[job] == number:
                if error.should_be_retried and number < self.may[job]:
                    self._queue_again(job)
                else:
                    self.status[job] = "FAILED"
        self._over(keys)

    def _over(self, keys):
        self.running -= set(keys)
        self.over |= set(keys)

    @rule(numbers=picks)
    def some_are_put_back(self, numbers):
        """The service stops: their executions were ended for no fault of theirs."""
        keys = self._chosen(self.running, numbers)
        now = self._tick()
        messages_apply(messages=[self._ends(keys, "CANCELED")], updates=[], when=now)
        live = [job for job, number in keys if self.status[job] == "RUNNING" and self.tries[job] == number]
        assert jobs_put_back(job_ids=live, when=now) == len(live)
        for job in live:
            self.may[job] += 1
            self._queue_again(job)
        self._over(keys)

    @rule(numbers=picks, again=st.booleans())
    def some_are_handed_back_by_their_node(self, numbers, again):
        keys = self._chosen(self.running, numbers)
        now = self._tick()
        told = [self._ends(keys, "CANCELED"), WithdrawnJobs(tuple(WithdrawnJob(*key, now) for key in keys))]
        for _ in range(1 + again):
            messages_apply(messages=told, updates=[], when=now)
        for job, number in keys:
            if self.status[job] == "RUNNING" and self.tries[job] == number:
                self.may[job] += 1
                self._queue_again(job)
        self._over(keys)

    @rule()
    def nothing_is_to_be_recovered(self):
        assert jobs_recover(when=self._tick()) == 0

    @invariant()
    def the_queue_holds_what_waits(self):
        assert {
            (job, number): gone for job, number, gone in Queue.objects.values_list("job_id", "exe_num", "is_canceled")
        } == self.waiting
        live = [key for key, is_canceled in self.waiting.items() if not is_canceled]
        assert sum(sizes_waiting(newest_entry()).values()) == sum(line.count for line in queue_lines()) == len(live)

    @invariant()
    def every_execution_is_in_one_place(self):
        ended = Counter(JobExecution.objects.values_list("job_id", "exe_num", "has_ended"))
        assert ended == Counter([*((*key, False) for key in self.running), *((*key, True) for key in self.over)])
        assert len(self.waiting) + len(self.running) + len(self.over) == sum(self.tries.values())

    @invariant()
    def every_job_stands_as_it_should(self):
        assert dict(Job.objects.values_list("pk", "status")) == self.status
        assert dict(Job.objects.values_list("pk", "num_exes")) == self.tries


TestQueueLife = pytest.mark.django_db(QueueLife.TestCase)

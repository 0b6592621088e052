"""The queue: one row for each execution that waits to be placed, and why. It knows ids and needs, and nothing of jobs."""

from __future__ import annotations

from django.db import models

from scale.queue.ordering import QueueMode


class Queue(models.Model):
    """An execution that waits; deleted in the transaction that places it."""

    job = models.ForeignKey("job.Job", on_delete=models.PROTECT, db_index=False)
    job_type = models.ForeignKey("job.JobType", on_delete=models.PROTECT, db_index=False, db_constraint=False)
    exe_num = models.IntegerField()
    priority = models.IntegerField()  #: the lowest number goes first
    is_canceled = models.BooleanField(default=False)
    resources = models.JSONField()  #: what it needs: {name: amount}
    shape = models.CharField(max_length=200)  #: the same for all entries that placement cannot tell apart but by age
    queued = models.DateTimeField()
    created = models.DateTimeField()

    class Meta:
        db_table = "queue"
        constraints = [models.UniqueConstraint(fields=["job", "exe_num"], name="queue_an_execution_waits_once")]
        indexes = [
            models.Index(fields=["shape", "queued", "job"], condition=models.Q(is_canceled=False), name="queue_waiting_in_order"),
            models.Index(fields=["priority", "queued", "job"], condition=models.Q(is_canceled=False), name="queue_by_urgency"),
            models.Index(fields=["id"], condition=models.Q(is_canceled=True), name="queue_canceled"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}x{self.exe_num}"


class Left(models.Model):
    """An entry that left the queue without having been placed or canceled; the scheduler forgets it, and this row goes."""

    entry_id = models.BigIntegerField()
    shape = models.CharField(max_length=200)

    class Meta:
        db_table = "queue_left"

    def __str__(self) -> str:
        return f"entry {self.entry_id}: {self.shape}"


class Wait(models.Model):
    """Why the entries of one shape wait, as the scheduler last found it; gone when none of them does."""

    shape = models.CharField(max_length=200, primary_key=True)
    code = models.CharField(max_length=50)
    text = models.TextField()
    nodes = models.JSONField(default=dict)  #: how many nodes refuse it for what
    since = models.DateTimeField()  #: since when it is this code

    class Meta:
        db_table = "queue_wait"

    def __str__(self) -> str:
        return f"{self.shape}: {self.text}"


class Look(models.Model):
    """When the scheduler last looked at the queue, and in which order; there is one row, and its id is 1."""

    looked = models.DateTimeField()
    mode = models.CharField(max_length=10, choices=[(m, m) for m in QueueMode])

    class Meta:
        db_table = "queue_look"

    def __str__(self) -> str:
        return f"queue looked at {self.looked}"

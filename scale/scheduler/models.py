"""The scheduler's settings, which scheduler leads and which stand by, the status document, and messages nobody could record."""

from __future__ import annotations

from django.db import models

from scale.queue.ordering import QueueMode


class Scheduler(models.Model):
    """The settings; there is one row, and its id is 1."""

    is_paused = models.BooleanField(default=False)
    num_message_handlers = models.IntegerField(default=1)
    queue_mode = models.CharField(max_length=10, choices=[(m, m) for m in QueueMode], default=QueueMode.FIFO)
    system_logging_level = models.CharField(max_length=10, default="INFO")
    framework_id = models.CharField(max_length=50)  #: names this installation in the ids of its tasks

    class Meta:
        db_table = "scheduler"

    def __str__(self) -> str:
        return "scheduler"


class Status(models.Model):
    """The status document; there is one row, and its id is 1."""

    document = models.BinaryField()  #: JSON, compressed with gzip
    etag = models.CharField(max_length=32)  #: names what is in it
    rendered = models.DateTimeField()

    class Meta:
        db_table = "scheduler_status"

    def __str__(self) -> str:
        return f"status of {self.rendered}"


class Leader(models.Model):
    """Which scheduler leads; there is one row, and its id is 1. Whoever takes over raises the term."""

    installation = models.CharField(max_length=32)  #: names this database for ever; terms of others are not compared
    term = models.BigIntegerField(default=0)
    process = models.CharField(max_length=32)  #: id of a `SchedulerProcess`
    since = models.DateTimeField()

    class Meta:
        db_table = "scheduler_leader"

    def __str__(self) -> str:
        return f"term {self.term}"


class SchedulerProcess(models.Model):
    """A scheduler that leads or stands by; moments are those of the database's own clock where it has one."""

    id = models.CharField(max_length=32, primary_key=True)
    hostname = models.CharField(max_length=250)
    pid = models.IntegerField()
    place = models.TextField(blank=True)  #: the host and directory that its tasks are bound to; empty: they are not
    started = models.DateTimeField()
    seen = models.DateTimeField()  #: when it last said that it lives

    class Meta:
        db_table = "scheduler_process"

    def __str__(self) -> str:
        return f"process {self.pid} on {self.hostname}"


class SetAside(models.Model):
    """What the scheduler had to record of an execution and the database would never take."""

    job_id = models.BigIntegerField()
    exe_num = models.IntegerField()
    content = models.TextField()  #: what was to be recorded, as Python would print it, in ASCII
    error = models.TextField()  #: what the database said
    is_recorded_without = models.BooleanField()  #: whether all was recorded but the words that it would not take
    created = models.DateTimeField()

    class Meta:
        db_table = "scheduler_set_aside"

    def __str__(self) -> str:
        return f"job {self.job_id} execution {self.exe_num}"

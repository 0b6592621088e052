"""The scheduler's settings that operators change while it runs, and the status document it last rendered."""

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

    document = models.BinaryField()  #: JSON, as it is served
    rendered = models.DateTimeField()

    class Meta:
        db_table = "scheduler_status"

    def __str__(self) -> str:
        return f"status of {self.rendered}"

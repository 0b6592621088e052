"""The shapes of the scheduler's settings, of the queue by type and of the sizes of things."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scale.job.serializers import JobTypeBriefOut
from scale.scheduler.models import Scheduler


class SchedulerOut(serializers.ModelSerializer[Scheduler]):
    """The settings that operators change while it runs."""

    class Meta:
        model = Scheduler
        fields = ("is_paused", "num_message_handlers", "queue_mode", "system_logging_level")
        read_only_fields = fields


class TypeQueueOut(serializers.Serializer[Any]):
    """A job type, and those of it that wait."""

    job_type = JobTypeBriefOut()
    count = serializers.IntegerField(source="line.count")
    longest_queued = serializers.DateTimeField(source="line.longest_queued", help_text="Since when the first of them waits.")
    highest_priority = serializers.IntegerField(source="line.highest_priority", help_text="The lowest number goes first.")


class TableSizeOut(serializers.Serializer[Any]):
    """A table of the database."""

    name = serializers.CharField()
    rows = serializers.IntegerField()
    is_estimate = serializers.BooleanField(help_text="Whether the number of rows is: of a large table, they are not counted.")
    bytes = serializers.IntegerField(allow_null=True, help_text="With its indexes; null if the database does not tell.")
    oldest = serializers.DateTimeField(allow_null=True, help_text="When the first of its rows was made.")


class DatabaseSizeOut(serializers.Serializer[Any]):
    """The database, and the tables of it that grow."""

    vendor = serializers.CharField(help_text="`sqlite` or `postgresql`.")
    bytes = serializers.IntegerField()
    free = serializers.IntegerField(allow_null=True, help_text="Bytes of it that hold nothing and are used again.")
    tables = TableSizeOut(many=True)


class TaskOutputSizeOut(serializers.Serializer[Any]):
    """What the tasks of one engine have written."""

    engine = serializers.CharField()
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()
    days = serializers.IntegerField(help_text="On how many days these tasks were launched.")
    oldest = serializers.DateField(allow_null=True)
    is_complete = serializers.BooleanField(help_text="Whether all files were looked at; else there are more of them.")


class ServiceLogSizeOut(serializers.Serializer[Any]):
    """A file that a part of the service writes to, below the data directory of the web server that answers."""

    name = serializers.CharField()
    bytes = serializers.IntegerField()


class KeepOut(serializers.Serializer[Any]):
    """For how many days after its end something is kept; null: for ever."""

    task_updates = serializers.IntegerField(source="task_updates.days", allow_null=True)
    logs = serializers.IntegerField(source="logs.days", allow_null=True)
    jobs = serializers.IntegerField(source="jobs.days", allow_null=True)


class SizesOut(serializers.Serializer[Any]):
    """How much there is of everything that grows, and how long it is kept."""

    database = DatabaseSizeOut()
    task_output = TaskOutputSizeOut(many=True)
    service_logs = ServiceLogSizeOut(many=True)
    keep = KeepOut()

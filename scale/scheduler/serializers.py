"""The shapes of the scheduler's settings and of the queue by type."""

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

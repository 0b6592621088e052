"""The shapes of what is done with many jobs."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scale.job.models import JobCommand
from scale.job.states import CommandKind, CommandState


class JobCommandOut(serializers.ModelSerializer[JobCommand]):
    """Something that is done with many jobs, some at a time."""

    kind = serializers.ChoiceField(choices=[(kind, kind) for kind in CommandKind], read_only=True)
    state = serializers.ChoiceField(choices=[(state, state) for state in CommandState], read_only=True)
    choice = serializers.DictField(read_only=True, help_text="Which jobs, as it was stated; durations are moments.")
    changed = serializers.IntegerField(read_only=True, help_text="Jobs, until now.")
    by = serializers.CharField(source="by.username", read_only=True)

    class Meta:
        model = JobCommand
        fields = ("id", "kind", "state", "choice", "changed", "by", "asked", "ended")
        read_only_fields = fields


class _CommandedOut(serializers.Serializer[Any]):
    unknown_job_ids = serializers.ListField(child=serializers.IntegerField())
    command = JobCommandOut(allow_null=True, help_text="Null unless it is done later; then no list names what will change.")


class CanceledOut(_CommandedOut):
    """What became of a cancel; of the jobs that were named, also those that did not change."""

    job_ids = serializers.ListField(child=serializers.IntegerField(), help_text="Canceled now.")
    unchanged_job_ids = serializers.ListField(child=serializers.IntegerField(), help_text="Over already, or not meant.")


class RequeuedOut(_CommandedOut):
    """What became of a requeue; of the jobs that were named, also those that did not change."""

    job_ids = serializers.ListField(child=serializers.IntegerField(), help_text="On the queue again, or pending.")
    unchanged_job_ids = serializers.ListField(child=serializers.IntegerField(), help_text="Not over, completed, or not meant.")


class UncanceledOut(_CommandedOut):
    """What became of an uncancel; of the jobs that were named, also those that did not change."""

    job_ids = serializers.ListField(child=serializers.IntegerField(), help_text="Pending again, or on the queue.")
    unchanged_job_ids = serializers.ListField(
        child=serializers.IntegerField(), help_text="Not canceled, queued before they were, or not meant."
    )


class HeldOut(_CommandedOut):
    """What became of a hold; of the jobs that were named, also those that did not change."""

    job_ids = serializers.ListField(child=serializers.IntegerField(), help_text="Held now.")
    unchanged_job_ids = serializers.ListField(
        child=serializers.IntegerField(), help_text="Running, over or held already, or not meant."
    )


class ReleasedOut(_CommandedOut):
    """What became of a release; of the jobs that were named, also those that did not change."""

    job_ids = serializers.ListField(child=serializers.IntegerField(), help_text="Held no longer.")
    unchanged_job_ids = serializers.ListField(child=serializers.IntegerField(), help_text="Not held, or not meant.")

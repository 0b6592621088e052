"""The shapes of job types by name, and of revisions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scale.job.models import JobTypeRevision
from scale.job.serializers import JobTypeBriefOut


class JobTypeNameOut(serializers.Serializer[Any]):
    """All versions of a job type, as one; told as its latest version is."""

    name = serializers.CharField(source="latest.name")
    title = serializers.CharField(source="latest.title")
    description = serializers.CharField(source="latest.description")
    icon_code = serializers.CharField(source="latest.icon_code", allow_null=True)
    is_active = serializers.BooleanField(source="latest.is_active")
    is_system = serializers.BooleanField(source="latest.is_system")
    is_paused = serializers.BooleanField(source="latest.is_paused")
    is_published = serializers.BooleanField(source="latest.is_published")
    versions = serializers.ListField(child=serializers.CharField(), help_text="The newest first.")
    latest_version = serializers.CharField(
        source="latest.version", help_text="The newest release; if there is none, the newest pre-release."
    )


class JobTypeRevisionBriefOut(serializers.ModelSerializer[JobTypeRevision]):
    """A job type as it once was."""

    job_type = JobTypeBriefOut(read_only=True)

    class Meta:
        model = JobTypeRevision
        fields: tuple[str, ...] = ("id", "job_type", "revision_num", "docker_image", "created")
        read_only_fields: tuple[str, ...] = fields


class JobTypeRevisionDetailOut(JobTypeRevisionBriefOut):
    """A job type as it once was, with its manifest."""

    manifest = serializers.DictField(read_only=True)

    class Meta(JobTypeRevisionBriefOut.Meta):
        fields = (*JobTypeRevisionBriefOut.Meta.fields, "manifest")
        read_only_fields = fields

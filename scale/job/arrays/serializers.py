"""The shapes of arrays."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scale.job.arrays.selectors import counts_of
from scale.job.models import Job, JobArray
from scale.job.states import JobStatus


class CountsOut(serializers.Serializer[Any]):
    """How many members are of which status."""

    def get_fields(self) -> dict[str, Any]:
        return {str(status): serializers.IntegerField() for status in JobStatus}


class ArrayBriefOut(serializers.Serializer[Any]):
    """The array that a job is a member of."""

    id = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Members, as submitted.")
    index = serializers.IntegerField(help_text="Of this member.")
    counts = CountsOut(help_text="Members by status, whether they fit a filter or not.")


def array_brief(job: Job) -> dict[str, Any] | None:
    """In the shape above, of a job that `with_arrays` gave."""
    array = job.array
    return None if array is None else {"id": array.pk, "size": array.size, "index": job.array_index, "counts": counts_of(array)}


class JobArrayOut(serializers.ModelSerializer[JobArray]):
    """An array."""

    owner = serializers.CharField(source="owner.username", read_only=True)
    counts = serializers.SerializerMethodField()

    class Meta:
        model = JobArray
        fields: tuple[str, ...] = ("id", "name", "owner", "size", "first", "created", "counts")
        read_only_fields: tuple[str, ...] = fields

    @extend_schema_field(CountsOut())
    def get_counts(self, array: JobArray) -> dict[str, int]:
        return counts_of(array)


class JobArrayDetailOut(JobArrayOut):
    """An array, and what came of its members until now, as `array_found` gives it."""

    labels = serializers.DictField(child=serializers.CharField(), read_only=True)
    first_job_id = serializers.IntegerField(read_only=True, allow_null=True)
    last_job_id = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="Others may lie between the two; `/jobs/?array_id=` lists the members.",
    )
    first_queued = serializers.DateTimeField(read_only=True, allow_null=True)
    last_ended = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta(JobArrayOut.Meta):
        fields = (*JobArrayOut.Meta.fields, "labels", "first_job_id", "last_job_id", "first_queued", "last_ended")
        read_only_fields = fields

"""The shape of an error."""

from __future__ import annotations

from rest_framework import serializers

from scale.error.models import Error


class ErrorOut(serializers.ModelSerializer[Error]):
    """Why a job failed."""

    class Meta:
        model = Error
        fields = (
            "id",
            "name",
            "title",
            "description",
            "job_type_name",
            "category",
            "is_builtin",
            "should_be_retried",
            "created",
            "last_modified",
        )
        read_only_fields = fields

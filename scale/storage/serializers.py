"""The shapes of workspaces and files."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scale.storage.models import File, Workspace


class HostBrokerOut(serializers.Serializer[Any]):
    """A directory."""

    type = serializers.ChoiceField(choices=["host"])
    host_path = serializers.CharField()


class WorkspaceConfigurationOut(serializers.Serializer[Any]):
    """What a workspace is."""

    broker = HostBrokerOut()


class WorkspaceBriefOut(serializers.ModelSerializer[Workspace]):
    """A workspace, where something else is told."""

    class Meta:
        model = Workspace
        fields = ("id", "name")
        read_only_fields = fields


class WorkspaceOut(serializers.ModelSerializer[Workspace]):
    """Where files are kept, under a name."""

    class Meta:
        model = Workspace
        fields: tuple[str, ...] = (
            "id",
            "name",
            "title",
            "description",
            "base_url",
            "is_active",
            "created",
            "deprecated",
            "last_modified",
        )
        read_only_fields: tuple[str, ...] = fields


class WorkspaceDetailOut(WorkspaceOut):
    """A workspace, with all that is known of it."""

    configuration = WorkspaceConfigurationOut(read_only=True)

    class Meta(WorkspaceOut.Meta):
        fields = (*WorkspaceOut.Meta.fields, "configuration")
        read_only_fields = fields


@extend_schema_field({"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]})
class IdField(serializers.Field[Any, None, dict[str, int], Any]):
    """Something that has a page of its own, by its id."""

    def __init__(self, source: str, **rest: Any) -> None:
        super().__init__(source=source, read_only=True, **rest)

    def to_representation(self, value: int) -> dict[str, int]:
        return {"id": value}


class FileOut(serializers.ModelSerializer[File]):
    """A file that a job reads or has made."""

    file_name = serializers.CharField(source="name", read_only=True)
    file_path = serializers.CharField(source="path", read_only=True, help_text="Below the root of its workspace.")
    file_size = serializers.IntegerField(source="size", read_only=True, help_text="Bytes.")
    workspace = WorkspaceBriefOut(read_only=True)
    job = IdField(source="job_id", allow_null=True, help_text="That made it.")
    job_exe = IdField(source="job_exe_id", allow_null=True, help_text="That made it.")
    meta_data = serializers.DictField(read_only=True, help_text="What its job said of it.")

    class Meta:
        model = File
        fields = (
            "id",
            "workspace",
            "file_name",
            "file_path",
            "file_size",
            "media_type",
            "job",
            "job_exe",
            "job_output",
            "meta_data",
            "data_started",
            "data_ended",
            "is_deleted",
            "deleted",
            "created",
            "last_modified",
        )
        read_only_fields = fields


class WorkspaceFindingOut(serializers.Serializer[Any]):
    """One thing that is wrong with a workspace."""

    name = serializers.CharField(help_text="Its code.")
    description = serializers.CharField(help_text="What is wrong, and what would be right.")
    pointer = serializers.CharField(help_text="Its place, as a JSON pointer (RFC 6901).")


class WorkspaceValidityOut(serializers.Serializer[Any]):
    """Whether a workspace could be made."""

    is_valid = serializers.BooleanField()  # type: ignore[assignment]  # no attribute: DRF takes it out
    errors = WorkspaceFindingOut(many=True)  # type: ignore[assignment]  # no attribute: DRF takes it out
    warnings = WorkspaceFindingOut(many=True)

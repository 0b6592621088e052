"""The shapes of a node."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scale.kernel.attributes import Value, given
from scale.node.models import Node


class NodeBriefOut(serializers.ModelSerializer[Node]):
    """A node, where something else is told."""

    class Meta:
        model = Node
        fields = ("id", "hostname")
        read_only_fields = fields


class NodeOut(serializers.ModelSerializer[Node]):
    """A machine that tasks run on."""

    resources = serializers.DictField(child=serializers.FloatField(), read_only=True, help_text="What tasks may have of it.")
    attributes = serializers.SerializerMethodField(help_text="What jobs may ask for; `hostname` and `engine` are given.")

    class Meta:
        model = Node
        fields = (
            "id",
            "hostname",
            "pause_reason",
            "is_paused",
            "is_active",
            "deprecated",
            "created",
            "last_modified",
            "engine",
            "agent_id",
            "is_online",
            "resources",
            "attributes",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}})
    def get_attributes(self, node: Node) -> dict[str, Value]:
        return {**node.attributes, **given(node.hostname, node.engine)}

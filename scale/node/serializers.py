"""The shapes of a node."""

from __future__ import annotations

from rest_framework import serializers

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
        )
        read_only_fields = fields

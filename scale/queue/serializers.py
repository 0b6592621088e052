"""The shape of a reason to wait."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class WaitingOut(serializers.Serializer[Any]):
    """Why a job is not placed yet."""

    code = serializers.CharField(help_text="For programs: `no-room`, `too-large`, `type-paused` and so on.")
    text = serializers.CharField(help_text="A sentence for a person.")
    nodes = serializers.DictField(child=serializers.IntegerField(), help_text="How many nodes refuse it for what.")
    since = serializers.DateTimeField(help_text="Since when it waits for this.")
    position = serializers.IntegerField(
        allow_null=True, help_text="Its place in the order of the queue; 1 is the next. Null if it is not on the queue."
    )
